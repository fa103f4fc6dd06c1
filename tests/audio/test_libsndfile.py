"""Sample formats, rates and channels that libsndfile reads, and damaged files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio import AudioError, UnknownFormatError, to_waveform
from asr.audio.opening import read_audio
from asr.audio.seekable import open_audio
from asr.util.errors import UserError

SECONDS = 0.5


def tone(rate: int, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(SECONDS * rate)) / rate)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1e-2), ("wav", "PCM_16", 1e-4), ("wav", "PCM_24", 1e-6),
        ("wav", "PCM_32", 1e-6), ("wav", "FLOAT", 1e-7), ("wav", "DOUBLE", 1e-7),
        ("flac", "PCM_16", 1e-4), ("flac", "PCM_24", 1e-6), ("aiff", "PCM_16", 1e-4),
    ],
)  # fmt: skip
def test_every_sample_format_gives_the_same_float_waveform(
    tmp_path: Path, suffix: str, subtype: str, tolerance: float
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(16000), 16000, subtype=subtype)

    waveform = read_audio(path, 16000)

    assert waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, tone(16000), rtol=0, atol=tolerance)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_every_rate_is_resampled_to_the_requested_one(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate), rate, subtype="FLOAT")

    waveform = read_audio(tmp_path / "a.wav", 16000)

    assert waveform.dtype == np.float32
    assert abs(len(waveform) - SECONDS * 16000) <= 1
    middle = slice(800, -800)  # a filter rings at both ends
    expected = tone(16000)[: len(waveform)]
    np.testing.assert_allclose(waveform[middle], expected[middle], rtol=0, atol=1e-3)


def test_channels_are_averaged(tmp_path: Path) -> None:
    channels = np.stack([tone(16000), tone(16000, 1000)], axis=1)
    soundfile.write(tmp_path / "a.wav", channels, 16000, subtype="FLOAT")

    waveform = read_audio(tmp_path / "a.wav", 16000)

    np.testing.assert_allclose(waveform, channels.mean(axis=1), rtol=0, atol=1e-7)


def whole(path: Path) -> bytes:
    soundfile.write(path, tone(16000), 16000)
    return path.read_bytes()


def cut_in_samples(path: Path) -> None:
    path.write_bytes(whole(path)[:-1000])


def cut_in_header(path: Path) -> None:
    path.write_bytes(whole(path)[:30])


def without_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0), 16000)


def nan_samples(path: Path) -> None:
    samples = tone(16000)
    samples[[3, 5]] = np.nan
    soundfile.write(path, samples, 16000, subtype="FLOAT")


def infinite_sample(path: Path) -> None:
    samples = tone(16000)
    samples[3] = np.inf
    soundfile.write(path, samples, 16000, subtype="FLOAT")


BROKEN = {
    cut_in_samples: "ends 0.031 s before its header says",
    cut_in_header: "not audio that can be read",
    without_samples: "without samples",
    nan_samples: "2 samples are NaN or infinite",
    infinite_sample: "1 samples are NaN or infinite",
    lambda path: path.write_text("hello"): "not audio that can be read",
    lambda path: path.write_bytes(b""): "not audio that can be read",
    lambda path: path.mkdir(): "this is a folder",
    lambda _: None: "there is no such file",
}


@pytest.mark.parametrize(("spoil", "message"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_file_is_refused_in_one_sentence_that_names_it(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "broken.wav"
    spoil(path)

    with pytest.raises(UserError) as raised:
        read_audio(path, 16000)

    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "; " in text, "it says what to do"
    assert "\n" not in text


def test_a_file_that_a_recorder_did_not_finish_is_read_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="needs the extra asr[media]")
    path = tmp_path / "unfinished.wav"
    content = bytearray(whole(path))
    expected = read_audio(path, 16000)
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_allclose(read_audio(path, 16000), expected, atol=1e-4)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au"])
@pytest.mark.parametrize("fraction", [0.3, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, suffix: str, fraction: float) -> None:
    path = tmp_path / f"a.{suffix}"
    data = whole(path)
    path.write_bytes(data[: int(fraction * len(data))])

    with pytest.raises(AudioError, match=r"ends .* s before its header says|a\.flac: damaged"):
        read_audio(path, 16000)


def test_a_headerless_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(1000))

    with pytest.raises(AudioError, match=r"a\.raw: not audio that can be read"):
        read_audio(tmp_path / "a.raw", 16000)


def test_a_coding_without_random_access_is_not_called_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "voicemail.wav"
    soundfile.write(path, tone(8000), 8000, subtype="GSM610")

    message = r"coded as GSM610, which can only .* convert it to 16-bit"
    with pytest.raises(AudioError, match=message), open_audio(path):
        pass


def test_a_coding_without_random_access_is_read(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "voicemail.wav"
    soundfile.write(path, tone(8000), 8000, subtype="GSM610")

    assert abs(len(read_audio(path, 8000)) - SECONDS * 8000) <= 480


def test_a_flac_of_unknown_length_is_not_called_cut_short(tmp_path: Path) -> None:
    """FFmpeg writes such to a pipe: the number of samples, 36 bits of the first block, is 0."""
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(8000), 8000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)

    message = r"a\.flac: its header states no length; convert it"
    with pytest.raises(UnknownFormatError, match=message), open_audio(path):
        pass
    assert len(read_audio(path, 8000)) == SECONDS * 8000


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_samples_of_any_float_type_become_float32(dtype: type) -> None:
    samples = tone(16000).astype(dtype)

    waveform = to_waveform(samples, 16000, 16000, "samples")

    assert waveform.dtype == np.float32
    np.testing.assert_array_equal(waveform, samples.astype(np.float32))


def test_a_file_named_as_standard_input_is_read_as_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.full(800, 0.1), 8000)
    Path("a.wav").rename("-")
    with open_audio("-") as audio:
        assert audio.frames == 800
