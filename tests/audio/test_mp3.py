"""MP3s: of several that were joined all are heard, and none is taken for such that is not."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import AudioError, UnknownFormatError
from asr.audio.libsndfile import open_audio
from asr.audio.mp3 import mp3_goes_on
from asr.audio.recording import read_audio

OLD_TAG = b"TAG" + bytes(125)
TAG = b"ID3\x04\0\0\0\0\x01\x02" + bytes(130)
RATE = 16_000


@pytest.fixture(params=["CONSTANT", "VARIABLE"])
def content(tmp_path: Path, request: pytest.FixtureRequest) -> bytes:
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE)
    soundfile.write(tmp_path / "part.mp3", noise, RATE, bitrate_mode=request.param)
    return (tmp_path / "part.mp3").read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.mp3"


def test_one_alone_is_read_with_its_tags(content: bytes, path: Path) -> None:
    for whole in (content, TAG + content, content + OLD_TAG, TAG + content + OLD_TAG):
        path.write_bytes(whole)
        assert not mp3_goes_on(path)
        with open_audio(path) as audio:
            assert audio.frames == 3 * RATE


def test_of_joined_ones_all_are_heard(content: bytes, path: Path) -> None:
    pytest.importorskip("av", reason="needs the extra asr[media]")
    for second in (content, TAG + content, OLD_TAG + content, OLD_TAG + TAG + content):
        path.write_bytes(content + second)
        assert mp3_goes_on(path)
        with pytest.raises(UnknownFormatError, match=r"a.mp3: several recordings joined, of which"):
            open_audio(path).__enter__()
        assert len(read_audio(path, RATE)) == pytest.approx(6 * RATE, rel=0.05)


@pytest.mark.parametrize("content", [b"", b"ID3", b"Xing", b"Info\0\0\0\x02", b"ID3" + bytes(20)])
def test_what_is_no_mp3_does_not_go_on(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert not mp3_goes_on(path)


@pytest.mark.parametrize("seed", [2, 4, 17])
def test_damage_is_refused(path: Path, seed: int) -> None:
    """Behind such damage libsndfile stands beyond the end, and soundfile has numpy's error."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(20 * RATE)
    soundfile.write(path, noise, RATE)
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    length = int(rng.integers(1, 400))
    at = int(rng.integers(2000, len(content) - length))
    content[at : at + length] = rng.bytes(length)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"a.mp3: (damaged audio|ends before)"):
        read_audio(path, RATE)
