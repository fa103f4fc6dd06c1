"""Validation of utterances: every kind of problem, conversions, and notes."""

import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from phone_files import RATE, encode, tones

from asr.audio.opening import read_audio
from asr.corpora import validation
from asr.corpora.collection import Problem, Utterance
from asr.corpora.convert import Converter
from asr.data import cut_checks
from asr.data.manifests import load_waveform


def validate(utterances, converted=Path("unused")):
    return validation.validate(utterances, Converter(converted))


def kinds(utterances):
    return [problem.kind for problem in validate(utterances).problems]


def test_valid_utterances_become_cuts_in_order(tmp_path, write_audio):
    audio = write_audio(tmp_path / "a.wav", seconds=2.0)
    utterances = [
        Utterance("b", audio, "YES", "t:1", speaker="ann", start_s=0.5, end_s=1.25),
        Utterance("a", audio, "NO", "t:2"),
    ]
    validated = validate(utterances)
    assert validated.problems == []
    assert validated.utterances == utterances
    assert [(cut.id, cut.start, cut.duration) for cut in validated.cuts] == [
        ("b", 0.5, 0.75),
        ("a", 0.0, 2.0),
    ]
    assert [cut.supervisions[0].speaker for cut in validated.cuts] == ["ann", None]


def test_of_a_duplicated_id_the_first_is_kept(tmp_path, write_audio):
    audio = write_audio(tmp_path / "a.wav")
    validated = validate([Utterance("a", audio, "ONE", "t:1"), Utterance("a", audio, "TWO", "t:2")])
    assert [cut.supervisions[0].text for cut in validated.cuts] == ["ONE"]
    assert str(validated.problems[0]) == "t:2: duplicated id: 'a' is first in t:1"


def test_of_a_duplicated_id_the_first_valid_one_is_kept(tmp_path, write_audio):
    (tmp_path / "a.flac").write_bytes(b"broken")
    paths = tmp_path / "a.flac", write_audio(tmp_path / "a.wav")
    validated = validate([Utterance("a", path, "ONE", "a.txt:1") for path in paths])
    assert [utterance.audio.suffix for utterance in validated.utterances] == [".wav"]
    assert [problem.kind for problem in validated.problems] == ["unreadable audio"]


def test_recordings_that_share_a_transcript_are_duplicates(tmp_path, write_audio):
    wav, flac = (write_audio(tmp_path / f"a.{suffix}") for suffix in ("wav", "flac"))
    (problem,) = validate([Utterance("a", path, "ONE", "a.txt:1") for path in (wav, flac)]).problems
    assert str(problem) == (
        f"a.txt:1: duplicated id: {flac} and {wav} are both called 'a'; keep one, or rename it"
    )


def test_a_problem_of_the_reader_is_kept(tmp_path, write_audio):
    problem = Problem("unreadable text", "a.txt", "it is damaged")
    utterance = Utterance("a", write_audio(tmp_path / "a.wav"), "", "a.txt:1", problem=problem)
    assert validate([utterance]).problems == [problem]


def test_missing_audio_is_a_problem(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    assert (
        kinds(
            [
                Utterance("a", tmp_path / "none.wav", "YES", "t:1"),
                Utterance("b", tmp_path / "folder.wav", "YES", "t:2"),
            ]
        )
        == ["missing audio"] * 2
    )


@pytest.mark.parametrize("content", [b"", b"RIFF", b"just text, not sound at all\n" * 100])
@pytest.mark.parametrize("suffix", ["wav", "flac", "raw", "mp3"])
def test_files_without_audio_are_problems(tmp_path, content, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    assert kinds([Utterance("a", path, "YES", "t:1")]) == ["unreadable audio"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au", "mp3"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_audio_is_a_problem(tmp_path, write_audio, suffix, kept):
    whole = write_audio(tmp_path / f"whole.{suffix}", seconds=3.0)
    cut = tmp_path / f"cut.{suffix}"
    content = whole.read_bytes()
    cut.write_bytes(content[: int(kept * len(content))])
    utterances = [Utterance(path.stem, path, "YES", path.name) for path in (whole, cut)]
    problems = validate(utterances).problems
    assert [(problem.kind, problem.where) for problem in problems] == [
        ("unreadable audio", cut.name)
    ]


def test_damage_in_the_middle_is_a_problem(tmp_path, write_audio):
    path = write_audio(tmp_path / "a.flac", seconds=3.0)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = bytes(500)
    path.write_bytes(content)
    (problem,) = validate([Utterance("a", path, "YES", "t:1")]).problems
    assert str(problem).startswith(f"t:1: unreadable audio: {path}: damaged audio")


@pytest.mark.parametrize("sample", [np.nan, -np.inf, 1e30])
def test_samples_that_are_not_finite_or_huge_are_a_problem(tmp_path, sample):
    samples = np.zeros((16000, 2))
    samples[8000, 1] = sample
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="DOUBLE")
    assert kinds([Utterance("a", tmp_path / "a.wav", "YES", "t:1")]) == ["unreadable audio"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.0])
def test_whole_audio_of_any_format_is_valid(tmp_path, write_audio, suffix, seconds):
    path = write_audio(tmp_path / f"a.{suffix}", seconds)
    assert kinds([Utterance("a", path, "YES", "t:1")]) == []


def test_a_wav_of_unknown_length_is_valid(tmp_path, write_audio):
    path = write_audio(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    (cut,) = validate([Utterance("a", path, "YES", "t:1")]).cuts
    assert cut.duration == 0.5


def test_audio_without_samples_is_a_problem(tmp_path, write_audio):
    path = write_audio(tmp_path / "a.wav", seconds=0.0)
    assert kinds([Utterance("a", path, "YES", "t:1")]) == ["no samples"]


def test_empty_text_is_a_problem(tmp_path, write_audio):
    audio = write_audio(tmp_path / "a.wav")
    assert kinds([Utterance("a", audio, "", "t:1")]) == ["empty text"]


@pytest.mark.parametrize(
    ("start_s", "end_s", "valid"),
    [
        (0.0, 1.0, True),
        (0.0, 1.04, True),  # past the end by a rounding error
        (0.0, 1.06, False),
        (0.5, 0.5, False),
        (0.7, 0.3, False),
        (-0.1, 0.5, False),
        (1.0, None, False),
        (1.02, 1.04, False),
        (2.0, 3.0, False),
    ],
)
def test_segments_lie_within_their_recording(tmp_path, write_audio, start_s, end_s, valid):
    audio = write_audio(tmp_path / "a.wav", seconds=1.0)
    validated = validate([Utterance("a", audio, "YES", "t:1", start_s=start_s, end_s=end_s)])
    if valid:
        assert validated.cuts[0].end == min(1.0, end_s)
        assert len(validated.cuts[0].load_audio()[0]) == round(16000 * min(1.0, end_s))
    else:
        assert [problem.kind for problem in validated.problems] == ["segment outside its recording"]


def test_mixed_channels_are_noted(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(RATE, seconds=0.5, channels=3), RATE)
    validated = validate([Utterance("a", path, "YES", "t:1", start_s=0.1)])
    samples, _ = soundfile.read(path, dtype="float32")
    mixed = samples[round(0.1 * RATE) :].mean(axis=1)
    np.testing.assert_allclose(load_waveform(validated.cuts[0], RATE), mixed, atol=1e-7)
    assert validated.notes == ["1 recordings have more than one channel; their channels are mixed."]


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.webm", "libopus")])
def test_recordings_without_seeking_are_converted_once(tmp_path, name, codec):
    path, converted = encode(tmp_path / name, codec, tones()), tmp_path / "converted"
    parts = [Utterance("a", path, "YES", "t:1"), Utterance("b", path, "NO", "t:2", start_s=0.7)]

    validated = validate(parts, converted)

    (flac,) = converted.iterdir()
    expected = read_audio(path, RATE)
    for cut, first in zip(validated.cuts, (0, round(0.7 * RATE)), strict=True):
        np.testing.assert_allclose(load_waveform(cut, RATE), expected[first:], atol=2**-15)
    note = f"1 recordings were converted to flac in {converted}; the manifests name these."
    assert validated.notes == [note]
    before = flac.stat().st_mtime_ns
    assert validate(parts, converted).cuts == validated.cuts
    assert flac.stat().st_mtime_ns == before
    encode(path, codec, tones(seconds=1.0))
    assert validate(parts[:1], converted).cuts[0].duration < 1.1


@pytest.mark.parametrize(("rate", "expected"), [(65535, 65535), (70001, 70000), (768000, 655350)])
def test_a_rate_that_flac_lacks_becomes_the_nearest(tmp_path, rate, expected):
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(rate, seconds=0.2), rate)
    data = path.read_bytes()
    at = data.index(b"data") + 4
    path.write_bytes(data[:at] + bytes(4) + data[at + 4 :])  # as of a recorder cut off

    (cut,) = validate([Utterance("a", path, "YES", "t:1")], tmp_path / "converted").cuts

    assert cut.sampling_rate == expected
    assert cut.duration == pytest.approx(0.2, abs=1e-4)


def test_a_damaged_recording_leaves_no_partial_flac(tmp_path):
    path, converted = encode(tmp_path / "a.m4a", "aac", tones()), tmp_path / "converted"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    (problem,) = validate([Utterance("a", path, "YES", "t:1")], converted).problems
    assert problem.kind == "unreadable audio"
    assert not list(converted.iterdir())


def test_long_utterances_are_noted(tmp_path, write_audio, monkeypatch):
    monkeypatch.setattr(validation, "LONG_S", 0.3)
    path = write_audio(tmp_path / "a.wav")
    whole, part = Utterance("a", path, "YES", "t:1"), Utterance("b", path, "NO", "t:2", end_s=0.2)
    (note,) = validate([whole, part]).notes
    assert note.startswith("1 utterances are longer than 0.3 s, one ")
    assert validate([part]).notes == []


def test_utterances_too_long_for_the_memory_are_problems(tmp_path, write_audio, monkeypatch):
    audio = write_audio(tmp_path / "a.wav", seconds=0.5)
    utterances = [
        Utterance("a", audio, "YES", "t:1"),
        Utterance("b", audio, "NO", "t:2", end_s=0.4),
    ]
    monkeypatch.setattr(cut_checks, "MOST_SAMPLES", 7500)
    (problem,) = validate(utterances).problems
    assert str(problem).startswith("t:1: too long: 'a': found 8000 samples in all")


@pytest.mark.parametrize("odd", ["\0", "\n", "\x1b[2J", "\x7f", "\ud800"])
def test_names_with_control_characters_are_problems(tmp_path, write_audio, odd):
    audio = write_audio(tmp_path / "a.wav")
    utterances = [
        Utterance(f"a{odd}", audio, "YES", "t:1"),
        Utterance("b", audio, "YES", "t:2", speaker=f"ann{odd}"),
        Utterance("c", audio, "é\x1b ", "t:3"),
    ]
    problems = validate(utterances).problems
    assert [problem.where for problem in problems] == ["t:1", "t:2"]
    assert {problem.kind for problem in problems} == {"unreadable text"}
    assert str(problems[0]).isprintable()


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_text_that_no_file_can_hold_is_a_problem(tmp_path, write_audio, odd):
    audio = write_audio(tmp_path / "a.wav")
    assert kinds([Utterance("a", audio, f"YES{odd}", "t:1")]) == ["unreadable text"]


@pytest.mark.parametrize("end_s", [0.1, 0.10002])
def test_a_segment_without_a_sample_is_a_problem(tmp_path, write_audio, end_s):
    audio = write_audio(tmp_path / "a.wav")
    (problem,) = validate([Utterance("a", audio, "YES", "t:1", start_s=0.1, end_s=end_s)]).problems
    assert str(problem).startswith("t:1: segment outside its recording: 0.1 s to 0.1")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("sph", {"format": "NIST"}), ("wav", {"format": "NIST"}), ("WAV", {"format": "FLAC"}),
     ("blob", {"format": "MP3"}), ("w64", {}), ("caf", {}), ("aiff", {})],
)  # fmt: skip
def test_valid_recordings_can_be_loaded(tmp_path, suffix, options):
    """By any name: lhotse reads some names by other programs."""
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.zeros(8000), 16000, **options)
    (cut,) = validate([Utterance("a", path, "YES", "t:1")]).cuts
    assert len(load_waveform(cut, 16000)) == 8000


@pytest.mark.parametrize("error", [ZeroDivisionError, MemoryError])
def test_an_unexpected_error_is_a_problem_of_one_recording(
    tmp_path, write_audio, monkeypatch, error
):
    bad, good = write_audio(tmp_path / "bad.wav"), write_audio(tmp_path / "good.wav")
    decode_blocks = validation.decode_blocks

    def failing(audio, path, frames):
        if path == bad:
            raise error
        return decode_blocks(audio, path, frames)

    monkeypatch.setattr(validation, "decode_blocks", failing)
    validated = validate([Utterance("a", bad, "YES", "t:1"), Utterance("b", good, "NO", "t:2")])

    assert [one.id for one in validated.utterances] == ["b"]
    (problem,) = validated.problems
    assert problem.kind == "unreadable audio" and str(bad) in problem.detail


def test_duration_is_by_decoded_samples_not_by_the_header(tmp_path, write_audio, monkeypatch):
    audio = write_audio(tmp_path / "a.wav", seconds=2.0)
    decode_blocks = validation.decode_blocks

    def decode_short(*given):
        return (one[:-800] for one in decode_blocks(*given))

    monkeypatch.setattr(validation, "decode_blocks", decode_short)

    (cut,) = validate([Utterance("a", audio, "YES", "t:1")]).cuts

    samples = soundfile.info(audio).frames - 800
    assert cut.recording.num_samples == samples
    assert cut.duration == pytest.approx(samples / soundfile.info(audio).samplerate)


def test_after_ctrl_c_no_more_files_are_opened(tmp_path, write_audio, monkeypatch):
    audio = write_audio(tmp_path / "a.wav")
    links = [tmp_path / f"{number}.wav" for number in range(2000)]
    for link in links:
        link.hardlink_to(audio)
    opened = []

    def interrupted(path, converter):
        opened.append(path)
        time.sleep(0.002)
        return open_recording(path, converter)

    open_recording = validation._open
    monkeypatch.setattr(validation, "_open", interrupted)
    monkeypatch.setattr(validation, "tqdm", interrupt_at_ten)
    with pytest.raises(KeyboardInterrupt):
        validate([Utterance(link.stem, link, "YES", "t:1") for link in links])
    assert len(opened) < len(links) / 2


def interrupt_at_ten(items, *_, **__):
    for number, item in enumerate(items):
        if number == 10:
            raise KeyboardInterrupt
        yield item
