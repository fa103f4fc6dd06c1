"""Ogg files: whole ones are read, and such as lost a page are refused."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import AudioError, open_audio
from asr.ogg import has_all_pages


@pytest.fixture(params=["VORBIS", "OPUS"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "a.ogg"
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000 * 20)
    soundfile.write(path, noise, 16_000, format="OGG", subtype=request.param)
    return path


def pages(content: bytes) -> list[bytes]:
    return [b"OggS" + rest for rest in content.split(b"OggS")[1:]]


def test_a_whole_file_is_read(path: Path) -> None:
    assert len(pages(path.read_bytes())) > 10
    assert has_all_pages(path)
    with open_audio(path) as audio:
        assert audio.samplerate


def test_a_file_that_was_never_ended_is_read(path: Path) -> None:
    path.write_bytes(b"".join(pages(path.read_bytes())[:-1]))
    assert has_all_pages(path)


def test_damage_is_refused(path: Path) -> None:
    content = path.read_bytes()
    whole, middle = pages(content), len(content) // 2
    for damaged in (
        content[:middle],
        content[:-1],
        content[:middle] + content[middle + 100 :],
        content[:middle] + bytes(20_000) + content[middle + 20_000 :],
        b"".join(whole[:8] + whole[9:]),
        content + b"more",
    ):
        path.write_bytes(damaged)
        assert not has_all_pages(path)
        with pytest.raises(AudioError, match=r"a.ogg: pages of it are missing or damaged; copy"):
            open_audio(path).__enter__()
