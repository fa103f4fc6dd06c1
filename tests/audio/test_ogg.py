"""Ogg files: complete and joined ones are read, and files that lost a page are refused."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import AudioError
from asr.audio.ogg import check_pages
from asr.audio.opening import read_audio
from asr.audio.samples import AudioWarning
from asr.audio.seekable import open_audio
from asr.audio.selection import Selection


@pytest.fixture(scope="module", params=["VORBIS", "OPUS"])
def content(request: pytest.FixtureRequest) -> bytes:
    """Encode 20 s, which takes about a second."""
    file = io.BytesIO()
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000 * 20)
    soundfile.write(file, noise, 16_000, format="OGG", subtype=request.param)
    return file.getvalue()


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.ogg"
    path.write_bytes(content)
    return path


def pages(content: bytes) -> list[bytes]:
    return [b"OggS" + rest for rest in content.split(b"OggS")[1:]]


def test_a_complete_file_is_read(path: Path) -> None:
    assert len(pages(path.read_bytes())) > 10
    assert check_pages(path)[:2] == (True, [0])
    with open_audio(path) as audio:
        assert audio.samplerate


def test_a_file_without_its_last_page_is_read(path: Path) -> None:
    path.write_bytes(b"".join(pages(path.read_bytes())[:-1]))
    assert check_pages(path)[:2] == (True, [0])


def test_damage_is_refused(path: Path) -> None:
    content = path.read_bytes()
    whole, middle = pages(content), len(content) // 2
    for damaged in (
        content[:middle],
        content[:-1],
        content[:middle] + content[middle + 100 :],
        content[:middle] + bytes(20_000) + content[middle + 20_000 :],
        b"".join(whole[:8] + whole[9:]),
    ):
        path.write_bytes(damaged)
        assert not check_pages(path).complete
        with pytest.raises(AudioError, match=r"a.ogg: pages of it are missing or damaged; copy"):
            open_audio(path).__enter__()
        with pytest.warns(AudioWarning, match=r"a.ogg: pages of it are missing or damaged"):
            rest = read_audio(path, 16_000, Selection())
        assert 8.5 < len(rest) / 16_000 < 20.1


def test_a_page_that_is_damaged_inside_is_missed(path: Path) -> None:
    """Its checksum is wrong, and libsndfile leaves the page out, here the last one."""
    content = bytearray(path.read_bytes())
    content[-10] ^= 0xFF
    path.write_bytes(content)
    with pytest.warns(AudioWarning, match=r"a.ogg: ends [0-9.]+ s before its header says"):
        read_audio(path, 16_000, Selection())


def test_joined_recordings_are_both_read(path: Path) -> None:
    pytest.importorskip("av", reason="needs the extra asr[media]")
    alone = read_audio(path, 16_000)
    path.write_bytes(2 * path.read_bytes())
    assert check_pages(path)[:2] == (True, [0, len(path.read_bytes()) // 2])
    assert len(read_audio(path, 16_000)) == pytest.approx(2 * len(alone), rel=0.01)
