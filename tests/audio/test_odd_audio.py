"""Recordings as real programs leave them: what can be decoded is, and what is missing is said."""

import warnings
from pathlib import Path

import numpy as np
import odd_audio
import pytest
import soundfile

from asr.audio import AudioError
from asr.audio.opening import open_channels, read_audio
from asr.audio.samples import AudioWarning
from asr.audio.selection import Selection
from asr.audio.suffixes import AUDIO_SUFFIXES
from asr.util.errors import UserError

pytest.importorskip("av", reason="needs the extra asr[media]")
RATE, SECONDS = 16_000, 1.5
#: Codings that take 8 kHz alone.
TELEPHONE = ("gsm", "g721", "g723", "nms")


def speech(seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """Noise and a tone, four times louder in the second half."""
    time_s = np.arange(int(seconds * rate)) / rate
    noise = 0.02 * np.random.default_rng(0).standard_normal(len(time_s))
    loudness = np.where(time_s < seconds / 2, 0.1, 0.4)
    return (loudness * np.sin(2 * np.pi * 400 * time_s) + noise).astype(np.float32)


def make(folder: Path, name: str, maker: odd_audio.Maker) -> Path:
    rate = 8000 if any(one in name for one in TELEPHONE) else RATE
    content = maker(folder, speech(rate=rate), rate)
    (folder / name).write_bytes(content)
    return folder / name


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples).mean()))


def read(path: Path, **selected: object) -> tuple[np.ndarray, list[str]]:
    """Read as `asr transcribe` does; give the samples and what was said, without the folder."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        waveform = read_audio(path, RATE, Selection(**selected))  # type: ignore[arg-type]
    said = [one.message for one in caught if isinstance(one.message, AudioWarning)]
    return waveform, [str(one).replace(f"{path}: ", "") for one in said]


@pytest.mark.parametrize("name", odd_audio.WHOLE)
def test_what_is_whole_is_read_whole(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name, odd_audio.WHOLE[name])

    waveform, said = read(path)

    expected = speech()[:1000] if "short" in name and name.endswith("wav") else speech()
    assert said == []
    assert len(waveform) == pytest.approx(len(expected), abs=0.13 * RATE)
    half = len(expected) // 2
    assert level(waveform[:half]) == pytest.approx(level(expected[:half]), rel=0.12)
    assert level(waveform[half:]) == pytest.approx(level(expected[half:]), rel=0.15)
    np.testing.assert_array_equal(read_audio(path, RATE), waveform), "nor is it refused"


@pytest.mark.parametrize("name", odd_audio.DAMAGED)
def test_what_there_is_of_a_damaged_recording_is_read_and_the_loss_said(
    tmp_path: Path, name: str
) -> None:
    path = make(tmp_path, name, odd_audio.DAMAGED[name])

    waveform, said = read(path)

    assert 0.33 * SECONDS < len(waveform) / RATE <= 1.1 * SECONDS
    assert level(waveform[: RATE // 2]) == pytest.approx(level(speech()[: RATE // 2]), rel=0.15)
    assert len(said) >= 1
    assert all("before its header says it does" in one or "damaged" in one for one in said)
    with pytest.raises(AudioError, match=name.replace(".", r"\.")):
        read_audio(path, RATE)


@pytest.mark.parametrize("name", odd_audio.JOINED)
def test_recordings_joined_in_a_file_are_all_read(tmp_path: Path, name: str) -> None:
    waveform, said = read(make(tmp_path, name, odd_audio.JOINED[name]))

    assert said == []
    assert len(waveform) == pytest.approx(2 * len(speech()), abs=0.3 * RATE)
    first, second = waveform[: len(speech())], waveform[-len(speech()) :]
    for part in (first, second):
        assert level(part) == pytest.approx(level(speech()), rel=0.1)


def test_the_loss_is_said_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(odd_audio.riff(odd_audio.pcm(speech())[: -int(0.2 * 2 * RATE)], RATE,
                                    stated=2 * len(speech())))  # fmt: skip
    waveform, said = read(path)
    assert len(waveform) == len(speech()) - 0.2 * RATE
    assert said == ["ends 0.2 s before its header says it does"]
    with pytest.raises(AudioError, match=r"a\.wav: ends 0\.2 s before its header says it does; co"):
        read_audio(path, RATE, Selection(strict=True))


def test_a_wav_of_more_than_4_gib_is_read_past_its_wrapped_size(tmp_path: Path) -> None:
    """Its header states the size modulo 4 GiB; here, of a sparse file, half a second."""
    path = tmp_path / "a.wav"
    stated = RATE
    path.write_bytes(odd_audio.riff(odd_audio.pcm(speech(0.5)), RATE, stated=stated))
    with path.open("r+b") as file:
        file.truncate(44 + stated + (1 << 32))

    ((_, _, recording),) = open_channels(path, Selection(duration_s=3.0))

    assert recording.duration_s == pytest.approx((stated + (1 << 32)) / 2 / RATE)
    assert len(read(path, duration_s=3.0)[0]) == 3 * RATE


@pytest.mark.parametrize(("first", "second"), [(1.0, -1.0), (1.0, -0.9), (-0.5, 0.5), (0.3, -0.3)])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.m4a"])
def test_channels_in_antiphase_are_no_silence(
    tmp_path: Path, first: float, second: float, name: str
) -> None:
    both = np.stack([first * speech(), second * speech()], axis=1)
    path = tmp_path / name
    if name == "a.m4a":
        odd_audio.encoded(path, "aac", [(both, RATE)], channels=2)
    else:
        soundfile.write(path, both, RATE)

    waveform, said = read(path)

    assert level(waveform) == pytest.approx(abs(first) * level(speech()), rel=0.15)
    assert len(said) == 1 and said[0].startswith("its channels cancel each other")


def test_what_is_no_number_is_refused_in_any_channel(tmp_path: Path) -> None:
    both = np.stack([speech(), speech()], 1)
    both[300, 1] = np.nan
    soundfile.write(tmp_path / "a.wav", both, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="1 samples are NaN or infinite"):
        read(tmp_path / "a.wav")


def test_channels_are_mixed_wherever_they_do_not_cancel(tmp_path: Path) -> None:
    """The wiring was wrong for a while; noise and pauses in common are no cause to say so."""
    left = speech(4.0)
    right = np.where(np.arange(len(left)) < 2 * RATE, left, -left)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), RATE, subtype="FLOAT")
    waveform, said = read(tmp_path / "a.wav")
    np.testing.assert_array_equal(waveform, left)
    assert said == [
        "its channels cancel each other in 2 s; one of them is taken there in place of the mean"
    ]
    for channels in (2, 12):
        shape = 4 * RATE, channels
        noise = 0.1 * np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        soundfile.write(tmp_path / "b.wav", noise, RATE, subtype="FLOAT")
        waveform, said = read(tmp_path / "b.wav")
        np.testing.assert_array_equal(waveform, noise.mean(axis=1))
        assert said == []


@pytest.mark.parametrize("peak_db", [-45, -60, -75, -90, -120])
def test_very_quiet_recordings_are_raised_and_said_to_be(tmp_path: Path, peak_db: int) -> None:
    samples = speech() / np.abs(speech()).max() * 10 ** (peak_db / 20)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")

    waveform, said = read(tmp_path / "a.wav")

    assert 20 * np.log10(np.abs(waveform).max()) == pytest.approx(-15, abs=0.1)
    assert said == [
        f"is very quiet, at most {peak_db} dB of full scale; raised by {-15 - peak_db} dB"
    ]


def test_ordinary_levels_are_kept_also_behind_a_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr.audio.recording.BLOCK_SAMPLES", 1000)
    samples = np.concatenate([np.full(5000, 1e-5), 0.1 * speech()]).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    waveform, said = read(tmp_path / "a.wav")
    np.testing.assert_array_equal(waveform, samples)
    assert said == []


def test_digital_silence_is_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert read(tmp_path / "a.wav")[1] == ["is silent: all samples are zero"]


def video(path: Path, levels: tuple[float, ...], default: int | None = None) -> Path:
    """Write a track of a tone for each level; the tone of track n has n times 200 Hz."""
    time_s = np.arange(RATE) / RATE
    tracks = [
        ((loud * np.sin(2 * np.pi * 200 * number * time_s)).astype(np.float32), RATE)
        for number, loud in enumerate(levels, 1)
    ]
    return odd_audio.encoded(path, "aac", tracks, default=default)


def track_of(waveform: np.ndarray) -> int:
    """Tell the number of a track by its tone."""
    spectrum = np.abs(np.fft.rfft(waveform[2000:14000]))
    return round(float(spectrum.argmax()) * RATE / 12000 / 200)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    ("levels", "default", "track", "expected"),
    [
        ((0.3, 0.3), None, None, 1), ((0.0, 0.3), None, None, 2), ((0.3, 0.3), 1, None, 2),
        ((0.0, 0.0, 0.3), 1, None, 3), ((0.3, 0.0), 1, None, 1), ((0.3, 0.3), 1, 1, 1),
        ((0.3, 0.3, 0.3), None, 3, 3),
    ],
)  # fmt: skip
def test_of_several_tracks_the_default_one_with_sound_is_read(
    tmp_path: Path,
    suffix: str,
    levels: tuple[float, ...],
    default: int | None,
    track: int | None,
    expected: int,
) -> None:
    path = video(tmp_path / f"a{suffix}", levels, default)

    waveform, said = read(path, track=track)

    assert track_of(waveform) == expected
    count = len(levels)
    named = [f"has {count} audio tracks, of which track {expected} is read"]
    assert said == ([] if track else named)


def test_a_track_that_is_not_there_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", speech(), RATE)
    assert len(read(tmp_path / "a.wav", track=1)[0]) == len(speech())
    for path, has in (
        (tmp_path / "a.wav", "one audio track"), (video(tmp_path / "a.mp4", (0.3, 0.3)), "2 audio")
    ):  # fmt: skip
        with pytest.raises(UserError, match=rf"has {has}.*, and no track 4; name another"):
            read(path, track=4)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a"])
def test_a_part_is_read(tmp_path: Path, name: str) -> None:
    if name == "a.m4a":
        odd_audio.encoded(tmp_path / name, "alac", [(speech(), RATE)])
    else:
        soundfile.write(tmp_path / name, speech(), RATE)
    whole, _ = read(tmp_path / name)
    first, count = round(0.3 * RATE), round(0.5 * RATE)

    part, said = read(tmp_path / name, start_s=0.3, duration_s=0.5)
    rest, _ = read(tmp_path / name, start_s=0.3)

    np.testing.assert_array_equal(part, whole[first : first + count])
    np.testing.assert_array_equal(rest, whole[first:])
    assert said == []
    with pytest.raises(UserError, match=r"is 1\.50 s long, and has nothing from 2 s on"):
        read(tmp_path / name, start_s=2.0)


@pytest.mark.parametrize(("channel", "expected"), [("1", 0.1), ("3", 0.3)])
def test_a_channel_is_selected_by_its_number(tmp_path: Path, channel: str, expected: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.full((800, 3), (0.1, 0.2, 0.3)), 8000, subtype="FLOAT")
    waveform = read_audio(tmp_path / "a.wav", 8000, Selection(channel))
    np.testing.assert_allclose(waveform, expected)
    with pytest.raises(UserError, match="has 3 channels, not a channel 4"):
        read_audio(tmp_path / "a.wav", 8000, Selection("4"))


def test_the_error_is_that_of_the_reader_that_knows_more(tmp_path: Path) -> None:
    """libsndfile knows the format; FFmpeg finds nothing in it."""
    path = tmp_path / "a.wav"
    path.write_bytes(odd_audio.riff(b"", RATE, stated=0))
    with pytest.raises(AudioError, match=r"a\.wav: an audio file without samples; record again"):
        read_audio(path, RATE)
    path.write_text("hello")
    with pytest.raises(AudioError, match=r"a\.wav: not audio that can be read"):
        read_audio(path, RATE)


def test_sound_mp3s_print_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    comment = b"COMM\0\0\0\x06\0\0\x09xyz\xff\xfe"  # an encoding that there is not
    tag = b"ID3\x03\0\0\0\0\0" + bytes([len(comment)]) + comment
    music = odd_audio.MP3(tmp_path, speech(), RATE)
    (tmp_path / "a.mp3").write_bytes(tag + music + b"TAG" + bytes(125))
    (tmp_path / "b.mp3").write_bytes(music[: len(music) // 2])
    for name in ("a.mp3", "b.mp3"):
        assert len(read(tmp_path / name)[0]) > RATE // 4
    assert capfd.readouterr().err == ""


def test_no_suffix_of_the_libraries_is_left_out() -> None:
    """FFmpeg's readers and writers of these containers, and libsndfile's formats by their names."""
    import av

    from asr.audio.media import CONTAINERS

    writers = ("ipod", "vob", "3gp", "adts", "opus", "oga", "spx", "mp2", "webm", "f4v", "ogv")
    known = set()
    for name in (*CONTAINERS.split(","), *writers):
        for mode in "rw":
            try:
                known |= av.ContainerFormat(name, mode).extensions
            except ValueError:  # read or written alone
                continue
    pictures_and_texts = {"avif", "heic", "heif", "mks"}
    assert {f".{one}" for one in known - pictures_and_texts} <= AUDIO_SUFFIXES
    named_otherwise = {
        "MAT4", "MAT5", "RAW", "MPC2K", "SVX", "WAVEX", "IRCAM", "AIFF", "NIST", "XI", "HTK"
    }  # fmt: skip
    names = {f".{one.lower()}" for one in soundfile.available_formats()}
    assert names - {f".{one.lower()}" for one in named_otherwise} <= AUDIO_SUFFIXES


def test_what_precedes_a_wav_is_left_out_with_a_warning(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(1600, 0.5), 16000)
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + path.read_bytes())
    with pytest.warns(AudioWarning, match="a.wav: has 19 bytes before its wav begins"):
        samples = read_audio(path, 16000, Selection())
    np.testing.assert_allclose(samples, 0.5, atol=1e-4)
    with pytest.raises(AudioError, match="has 19 bytes before"):
        read_audio(path, 16000)


def test_a_coding_that_nothing_decodes_is_not_called_damage(tmp_path):
    path = tmp_path / "a.aiff"
    soundfile.write(path, np.full(1600, 0.5), 16000, subtype="DWVW_16")
    with pytest.raises(AudioError, match="coded as DWVW_16, which no library here decodes"):
        read_audio(path, 16000, Selection())
