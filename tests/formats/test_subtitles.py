"""Subtitles: read back by independent parsers, and checked against the rules for cues."""

import io
from itertools import pairwise

import pytest
import srt
import webvtt
from made_transcripts import one_segment, segment, talk

from asr.formats import FORMATS, About
from asr.formats.common import format_clock
from asr.formats.cues import make_cues
from asr.transcript import Segment, Transcript, Word

ABOUT = About("talk.wav", "model", {})
TALKS = [talk(seed) for seed in range(4)] + [talk(9, longest_word=60)]
BOTH = [talk(1, channel="left"), talk(2, channel="right")]


def letters(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("transcripts", [*([one] for one in TALKS), BOTH])
def test_cues_keep_the_rules(transcripts):
    cues = make_cues(transcripts, name_channels=True)
    assert len(cues) > 20
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 for line in cue.lines)
        assert 0 < cue.end_ms - cue.start_ms <= 7000
    starts_ms = [cue.start_ms for cue in cues]
    assert starts_ms == sorted(starts_ms)
    for channel in {cue.channel for cue in cues}:
        own = [cue for cue in cues if cue.channel == channel]
        assert all(a.end_ms <= b.start_ms for a, b in pairwise(own))


@pytest.mark.parametrize("transcript", TALKS)
def test_a_cue_shorter_than_a_second_ends_at_the_next(transcript):
    for cue, following in pairwise(make_cues([transcript])):
        assert cue.end_ms - cue.start_ms >= 1000 or cue.end_ms == following.start_ms


@pytest.mark.parametrize("transcript", TALKS[:4])
def test_cues_have_the_times_of_their_words(transcript):
    starts = {round(1000 * word.start_s) for word in transcript.words}
    ends = {round(1000 * word.end_s) for word in transcript.words}
    for cue in make_cues([transcript]):
        assert cue.start_ms in starts
        assert cue.end_ms in ends or cue.end_ms - cue.start_ms <= 1000


@pytest.mark.parametrize("transcript", TALKS)
def test_a_parser_reads_every_word_of_srt(transcript):
    parsed = list(srt.parse(FORMATS["srt"]([transcript], ABOUT)))
    cues = make_cues([transcript])
    assert [one.index for one in parsed] == list(range(1, len(cues) + 1))
    assert [one.content for one in parsed] == ["\n".join(cue.lines) for cue in cues]
    assert [round(one.start.total_seconds() * 1000) for one in parsed] == [
        cue.start_ms for cue in cues
    ]
    assert [round(one.end.total_seconds() * 1000) for one in parsed] == [cue.end_ms for cue in cues]
    assert letters("".join(one.content for one in parsed)) == letters(transcript.text)


@pytest.mark.parametrize("transcript", TALKS)
def test_a_parser_reads_every_word_of_vtt(transcript):
    parsed = webvtt.from_buffer(io.StringIO(FORMATS["vtt"]([transcript], ABOUT)))
    cues = make_cues([transcript])
    assert [one.text for one in parsed] == ["\n".join(cue.lines) for cue in cues]
    assert [one.start for one in parsed] == [format_clock(cue.start_ms, ".") for cue in cues]
    assert [one.end for one in parsed] == [format_clock(cue.end_ms, ".") for cue in cues]
    assert letters("".join(one.text for one in parsed)) == letters(transcript.text)


def test_channels_are_named():
    content = [one.content for one in srt.parse(FORMATS["srt"](BOTH, ABOUT))]
    assert {text.split()[0] for text in content} == {"[left]", "[right]"}
    parsed = webvtt.from_buffer(io.StringIO(FORMATS["vtt"](BOTH, ABOUT)))
    assert {one.voice for one in parsed} == {"left", "right"}


def test_a_channels_cues_do_not_depend_on_other_channels():
    cues = make_cues(BOTH)
    for transcript in BOTH:
        own = [(cue.start_ms, cue.end_ms) for cue in cues if cue.channel == transcript.channel]
        assert own == [(cue.start_ms, cue.end_ms) for cue in make_cues([transcript])]
    assert max(cue.end_ms for cue in cues) <= max(1000 * one.duration_s for one in BOTH)


def test_a_channel_that_is_alone_has_no_name():
    (left, _), mixed = BOTH, [talk(1)]
    for name in ("srt", "vtt"):
        assert FORMATS[name]([left], ABOUT) == FORMATS[name](mixed, ABOUT)


def test_vtt_escapes_markup():
    written = FORMATS["vtt"]([one_segment(("<b>", 0, 1), ("-->", 1, 2), ("R&B", 2, 3))], ABOUT)
    assert "&lt;b&gt; --&gt; R&amp;B" in written
    assert len(webvtt.from_buffer(io.StringIO(written)).captions) == 1


def test_an_empty_transcript_is_an_empty_file_of_its_kind():
    nothing = Transcript((), 3.0)
    assert list(srt.parse(FORMATS["srt"]([nothing], ABOUT))) == []
    written = FORMATS["vtt"]([nothing], ABOUT)
    assert written == "WEBVTT\n"
    assert list(webvtt.from_buffer(io.StringIO(written))) == []


def test_cuts_are_made_at_pauses():
    words = [("word", 0.5 * place, 0.5 * place + 0.5) for place in range(12)]
    early = [(text, a + (0.4 if a >= 2 else 0), b + (0.4 if a >= 2 else 0)) for text, a, b in words]
    late = [(text, a + (0.4 if a >= 4 else 0), b + (0.4 if a >= 4 else 0)) for text, a, b in words]
    # Neither fits one cue, whose time is seven seconds at most.
    for shifted, pause_s in ((early, 2.0), (late, 4.0)):
        more = [(text, a + 6.4, b + 6.4) for text, a, b in words[:6]]
        first = make_cues([one_segment(*shifted, *more)])[0]
        assert first.end_ms == round(1000 * pause_s)


def test_a_long_pause_separates_words_that_would_fit_one_cue():
    cues = make_cues([one_segment(("one", 0, 0.5), ("two", 3.5, 4))])
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(0, 1000), (3500, 4500)]


def test_a_short_last_cue_lasts_a_second_but_not_past_the_recording():
    assert make_cues([one_segment(("yes", 0.2, 0.4), duration_s=9.0)])[0].end_ms == 1200
    assert make_cues([one_segment(("yes", 0.2, 0.4), duration_s=0.7)])[0].end_ms == 700


def test_words_without_spaces_between_get_none():
    only = segment([(sign, place, place + 1) for place, sign in enumerate("你好吗")], joint="")
    (cue,) = make_cues([Transcript((only,), 5.0)])
    assert cue.lines == ("你好吗",)


def test_a_word_as_long_as_a_line_is_kept_whole_and_a_longer_one_split():
    (cue,) = make_cues([one_segment(("a", 0, 1), ("b" * 42, 1, 2), duration_s=3.0)])
    assert cue.lines == ("a", "b" * 42)
    (cue,) = make_cues([one_segment(("c" * 50, 0, 5))])
    assert "".join(cue.lines) == "c" * 50


def test_a_word_of_ten_seconds_is_shown_for_seven():
    (cue,) = make_cues([Transcript((Segment(0, 10, "um", (Word("um", 0, 10, 1.0),)),), 10.0)])
    assert (cue.start_ms, cue.end_ms) == (0, 7000)


def test_hours_have_as_many_digits_as_they_need():
    written = FORMATS["srt"](
        [one_segment(("late", 360_000.5, 360_001.5), duration_s=360_002.0)], ABOUT
    )
    assert "100:00:00,500 --> 100:00:01,500" in written
    assert (
        FORMATS["srt"]([one_segment(("hi", 0, 1))], ABOUT)
        == "1\n00:00:00,000 --> 00:00:01,000\nhi\n"
    )
