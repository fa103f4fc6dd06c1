"""Any file as a stream of blocks: containers, channels, rates and gaps in the time stamps."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from phone_files import RATE, encode, tones
from refusals import refused

from asr.audio import AudioError, media, opening, recording
from asr.audio.opening import open_channels, open_recording, read_audio
from asr.audio.selection import Selection


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples).mean()))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.m4a", "aac"), ("a.mp4", "aac"), ("a.webm", "libopus"), ("a.ac3", "ac3")]
)
def test_pyav_reads_containers_that_libsndfile_cannot(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = encode(tmp_path / name, codec, tones())

    waveform = read_audio(path, 16000)

    assert waveform.dtype == np.float32
    assert len(waveform) / 16000 == pytest.approx(2.0, abs=0.05)
    expected = soxr.resample(tones().mean(axis=1), RATE, 16000)
    for part in (slice(3000, 13000), slice(19000, 29000)):
        assert level(waveform[part]) == pytest.approx(level(expected[part]), rel=0.1)


def test_a_file_with_a_wrong_suffix_is_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", "aac", tones())
    path.rename(tmp_path / "a.wav")

    np.testing.assert_array_equal(
        read_audio(tmp_path / "a.wav", 16000),
        read_audio(encode(tmp_path / "b.m4a", "aac", tones()), 16000),
    )


def test_a_gap_in_the_time_stamps_becomes_silence(tmp_path: Path) -> None:
    whole, broken = (
        read_audio(encode(tmp_path / f"{gap_s}.webm", "libopus", tones(), gap_s), 16000)
        for gap_s in (0.0, 1.5)
    )

    assert (len(broken) - len(whole)) / 16000 == pytest.approx(1.5, abs=0.05)
    assert level(broken[17000:39000]) < 1e-3
    assert level(broken[-15000:-1000]) == pytest.approx(level(whole[-15000:-1000]), rel=0.1)


def test_a_long_gap_is_given_in_short_blocks(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.webm", "libopus", tones(), gap_s=300.0)
    with open_recording(path) as opened:
        blocks = [len(block) for block in opened.waveform(None, 16000)]

    assert sum(blocks) / 16000 == pytest.approx(302.0, abs=0.05)
    assert max(blocks) < 20 * 16000


def test_gaps_of_impossible_length_are_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An AVI whose header states frames of thirty times their length."""
    monkeypatch.setattr(media, "_PAUSES_S", 1.0)
    monkeypatch.setattr(media, "_PAUSES_TIMES", 2)
    data = bytearray(encode(tmp_path / "a.avi", "pcm_s16le", tones()).read_bytes())
    scale = data.find(b"auds") + 20
    data[scale : scale + 4] = (30 * int.from_bytes(data[scale : scale + 4], "little")).to_bytes(
        4, "little"
    )
    (tmp_path / "a.avi").write_bytes(data)

    with pytest.raises(AudioError, match="its time stamps jump"):
        read_audio(tmp_path / "a.avi", 16000)
    monkeypatch.setattr(media, "_PAUSES_TIMES", 100)
    assert len(read_audio(tmp_path / "a.avi", 16000)) > 30 * 16000


def test_a_name_may_have_a_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.m4a", "aac", tones())
    monkeypatch.chdir(tmp_path)
    path.rename("2024-01-01T12:30:05.m4a")

    assert len(read_audio("2024-01-01T12:30:05.m4a", 16000)) > 16000


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    for name, message in (("a.m4a", r"pip install av"), ("a.wav", "not audio that")):
        (tmp_path / name).write_bytes(b"nothing that anybody knows" * 100)
        with pytest.raises(AudioError, match=message):
            read_audio(tmp_path / name, 16000)


@pytest.mark.parametrize("fraction", [0.5, 0.9])
def test_a_container_that_is_cut_short_is_refused(tmp_path: Path, fraction: float) -> None:
    path = encode(tmp_path / "a.webm", "libopus", tones(seconds=10.0))
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])

    with pytest.raises(AudioError, match=r"a\.webm: (ends .* before its header|damaged|not audio)"):
        read_audio(path, 16000)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    other = encode(tmp_path / "a.m4a", "aac", tones())
    (tmp_path / "a.m3u8").write_text(f"#EXTM3U\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n")

    with pytest.raises(AudioError, match="not audio that can be read"):
        read_audio(tmp_path / "a.m3u8", 16000)


def channels_of(path: Path, channel: str) -> dict[str | None, np.ndarray]:
    return {
        name: np.concatenate([*opened.waveform(number, opened.sample_rate)])
        for name, number, opened in open_channels(path, Selection(channel))
    }


@pytest.mark.parametrize(
    ("channels", "channel", "expected"),
    [
        (1, "mix", {None: [0]}), (1, "left", {None: [0]}), (1, "each", {None: [0]}),
        (2, "mix", {None: [0, 1]}), (2, "left", {"left": [0]}), (2, "right", {"right": [1]}),
        (2, "each", {"left": [0], "right": [1]}),
        (3, "each", {"1": [0], "2": [1], "3": [2]}), (3, "mix", {None: [0, 1, 2]}),
    ],
)  # fmt: skip
def test_channels_are_selected_by_name(
    tmp_path: Path, channels: int, channel: str, expected: dict[str | None, list[int]]
) -> None:
    samples = tones(8000, 0.5, channels)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")

    found = channels_of(tmp_path / "a.wav", channel)

    assert list(found) == list(expected)
    for name, numbers in expected.items():
        np.testing.assert_array_equal(found[name], samples[:, numbers].mean(axis=1))


def test_the_right_channel_of_a_mono_file_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tones(8000, 0.5, 1), 8000)

    with refused(r"a\.wav: has one channel, .*; use --channel mix"):
        channels_of(tmp_path / "a.wav", "right")


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
def test_blocks_are_resampled_to_the_bits_of_the_whole_file(
    tmp_path: Path, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = tones(rate, 3.0)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    whole = soxr.resample(samples.mean(axis=1), rate, 16000)
    monkeypatch.setattr(recording, "BLOCK_SAMPLES", 7919)

    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", 16000), whole)


def test_blocks_are_small_however_many_channels_and_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((300_000, 16), np.float32), 8000)

    with open_recording(tmp_path / "a.wav") as opened:
        sizes = [block.size for block in opened.blocks(1000)]
        lengths = [len(block) for block in opened.waveform(None, 8000)]

    assert max(sizes) == 16_000
    assert len(lengths) > 4 and sum(lengths) == 300_000


@pytest.mark.parametrize("rate", [1, 999, 2_000_000_000])
def test_a_header_with_an_impossible_sample_rate_is_refused(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(8000, 0.5, 1), 8000)
    data = bytearray(path.read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(AudioError, match=f"states a sample rate of {rate} Hz"):
        read_audio(path, 16000)


def test_absurdly_large_samples_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(100, 1e30), 8000, subtype="DOUBLE")

    with pytest.raises(AudioError, match=r"a sample of 1e\+30, expected -1 to 1"):
        read_audio(tmp_path / "a.wav", 16000)


def test_a_header_that_states_no_channels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(8000, 0.5, 1), 8000)
    data = bytearray(path.read_bytes())
    data[22:24] = bytes(2)
    path.write_bytes(data)

    with pytest.raises(AudioError, match="states 0 channels"):
        read_audio(path, 16000)
