"""MP3s: several in one file are all read, and one recording is never taken for several."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import AudioError, UnknownFormatError
from asr.audio.mp3 import mp3_is_joined, mp3_states_length
from asr.audio.opening import read_audio
from asr.audio.seekable import open_audio

OLD_TAG = b"TAG" + bytes(125)
TAG = b"ID3\x04\0\0\0\0\x01\x02" + bytes(130)
APE_TAG = b"APETAGEX" + bytes(4) + (72).to_bytes(4, "little") + bytes(16) + bytes(72)
RATE = 16_000


@pytest.fixture(params=["CONSTANT", "VARIABLE"])
def content(tmp_path: Path, request: pytest.FixtureRequest) -> bytes:
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE)
    soundfile.write(tmp_path / "part.mp3", noise, RATE, bitrate_mode=request.param)
    return (tmp_path / "part.mp3").read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.mp3"


def test_one_recording_is_read_with_its_tags(content: bytes, path: Path) -> None:
    behind = (b"", OLD_TAG, APE_TAG, APE_TAG + OLD_TAG, bytes(100))
    for whole in (before + content + one for before in (b"", TAG) for one in behind):
        path.write_bytes(whole)
        assert not mp3_is_joined(path)
        with open_audio(path) as audio:
            assert audio.frames == 3 * RATE


def test_joined_recordings_are_all_read(content: bytes, path: Path) -> None:
    pytest.importorskip("av", reason="needs the extra asr[media]")
    between = (b"", TAG, OLD_TAG, OLD_TAG + TAG, APE_TAG, APE_TAG + OLD_TAG, bytes(10))
    for second in (one + content for one in between):
        path.write_bytes(content + second)
        assert mp3_is_joined(path)
        with pytest.raises(UnknownFormatError, match=r"a.mp3: several recordings joined, of which"):
            open_audio(path).__enter__()
        assert len(read_audio(path, RATE)) == pytest.approx(6 * RATE, rel=0.05)


@pytest.mark.parametrize("content", [b"", b"ID3", b"Xing", b"Info\0\0\0\x02", b"ID3" + bytes(20)])
def test_a_file_that_is_no_mp3_is_not_joined(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert not mp3_is_joined(path)


@pytest.mark.parametrize("seed", [2, 4, 17])
def test_damage_is_refused(path: Path, seed: int) -> None:
    """After such damage libsndfile is past the end of the file, and soundfile raises ValueError."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(20 * RATE)
    soundfile.write(path, noise, RATE)
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    length = int(rng.integers(1, 400))
    at = int(rng.integers(2000, len(content) - length))
    content[at : at + length] = rng.bytes(length)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"a.mp3: (is damaged|ends)"):
        read_audio(path, RATE)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_an_mp3_without_a_stated_length_is_read_to_its_end(path: Path, rate: int) -> None:
    """FFmpeg writes such to a pipe; libsndfile estimates the length, mostly too long."""
    av = pytest.importorskip("av", reason="needs the extra asr[media]")
    samples = (3000 * np.random.default_rng(0).standard_normal((1, 6 * rate))).astype(np.int16)
    with av.open(str(path), "w", options={"write_xing": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = rate
        size = 1152 if rate > 24_000 else 576
        resampler = av.AudioResampler(format=stream.codec_context.format.name, frame_size=size)
        for part in [*resampler.resample(frame), None]:
            container.mux(stream.encode(part))
    assert not mp3_states_length(path)
    assert len(read_audio(path, rate)) == pytest.approx(6 * rate, rel=0.02)
