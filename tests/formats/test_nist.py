"""ctm and stm, checked against the rules of SCTK's infmts.htm."""

import re

import pytest
from made_transcripts import one_segment, talk

from asr.formats import FORMATS, About
from asr.formats.nist import recording_name
from asr.transcript import Transcript

ABOUT = About("calls/monday 9.30.wav", "model", {})
NUMBER = r"\d+\.\d{2,3}"
CTM = re.compile(rf"(\S+) (\S+) ({NUMBER}) ({NUMBER}) (\S+) ([01]\.\d+)")
STM = re.compile(rf"(\S+) (\S+) (\S+) ({NUMBER}) ({NUMBER}) (\S.*)")
BOTH = [talk(2, channel="right"), talk(1, channel="left")]


def records(pattern: re.Pattern, written: str) -> list[tuple[str, ...]]:
    """Parse lines by their grammar: no comment, no blank line, nothing left over."""
    assert written.endswith("\n")
    found = [pattern.fullmatch(line) for line in written.splitlines()]
    assert all(found)
    return [one.groups() for one in found]


@pytest.mark.parametrize("transcripts", [[talk(0)], BOTH])
def test_ctm_has_words_sorted_by_file_channel_and_time(transcripts):
    lines = records(CTM, FORMATS["ctm"](transcripts, ABOUT))
    assert len(lines) == sum(len(one.words) for one in transcripts)
    keys = [(name.encode(), channel.encode(), float(start)) for name, channel, start, *_ in lines]
    assert keys == sorted(keys)
    assert all(float(duration) > 0 for _, _, _, duration, _, _ in lines)
    assert all(0 <= float(confidence) <= 1 for *_, confidence in lines)


def test_ctm_has_the_times_of_the_words():
    lines = records(CTM, FORMATS["ctm"](BOTH, ABOUT))
    for letter, transcript in (("A", BOTH[1]), ("B", BOTH[0])):
        mine = [line for line in lines if line[1] == letter]
        assert [line[4] for line in mine] == [word.text for word in transcript.words]
        for (_, _, start, duration, _, _), word in zip(mine, transcript.words, strict=True):
            assert float(start) == pytest.approx(word.start_s, abs=6e-4)
            assert float(start) + float(duration) == pytest.approx(word.end_s, abs=6e-4)


@pytest.mark.parametrize("transcripts", [[talk(0)], BOTH])
def test_stm_has_segments_sorted_by_file_channel_and_time(transcripts):
    lines = records(STM, FORMATS["stm"](transcripts, ABOUT))
    assert len(lines) == sum(len(one.segments) for one in transcripts)
    keys = [(name.encode(), channel.encode(), float(line[1])) for name, channel, *line in lines]
    assert keys == sorted(keys)
    assert all(float(end) > float(start) for _, _, _, start, end, _ in lines)
    assert not any(text.startswith("<") for *_, text in lines)


def test_ctm_and_stm_name_file_and_channels_alike():
    ctm = {line[:2] for line in records(CTM, FORMATS["ctm"](BOTH, ABOUT))}
    stm = {line[:2] for line in records(STM, FORMATS["stm"](BOTH, ABOUT))}
    assert ctm == stm == {("monday_9.30", "A"), ("monday_9.30", "B")}


def test_an_utterance_is_named_by_its_id():
    about = About("x.wav", "model", {}, recording="an4.first-1")
    assert (
        FORMATS["ctm"]([one_segment(("a", 0, 1))], about) == "an4.first-1 A 0.000 1.000 a 0.9000\n"
    )


def test_utterances_of_one_name_in_two_folders_differ():
    for name in ("ann/01", "bob/01"):
        about = About("x.wav", "model", {}, recording=name)
        assert (
            FORMATS["ctm"]([one_segment(("a", 0, 1))], about) == f"{name} A 0.000 1.000 a 0.9000\n"
        )


def test_more_than_two_channels_are_in_ascii_order():
    channels = [talk(0, segments=1, channel=str(number)) for number in (1, 2, 10)]
    lines = records(STM, FORMATS["stm"](channels, ABOUT))
    assert [line[1] for line in lines] == ["1", "10", "2"]


def test_a_word_without_duration_lasts_a_millisecond():
    (line,) = records(CTM, FORMATS["ctm"]([one_segment(("a", 1.0, 1.0))], ABOUT))
    assert line[2:4] == ("1.000", "0.001")


def test_a_silent_recording_leaves_a_line():
    """A comment of a ctm, and in a stm a segment without words."""
    name = recording_name(ABOUT)
    assert FORMATS["ctm"]([Transcript((), 1.0)], ABOUT) == f";; {name} A no words\n"
    assert FORMATS["stm"]([Transcript((), 1.0)], ABOUT) == f"{name} A {name}-A 0.000 1.000\n"


def test_a_word_with_a_space_in_it_is_one_field():
    (line,) = FORMATS["ctm"]([one_segment(("a b\u2003c", 0.5, 0.7))], ABOUT).splitlines()
    assert line.split()[4:] == ["a_b_c", "0.9000"]
