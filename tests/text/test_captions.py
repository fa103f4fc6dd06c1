"""Captions as programs write them: every word once, and nothing but words."""

import pytest

from asr.text.captions import read_captions

ROLLING = """WEBVTT
Kind: captions

00:00:00.260 --> 00:00:01.000 align:start position:0%
 
ENTER<00:00:00.400><c> NINE</c>

00:00:01.000 --> 00:00:01.010 align:start position:0%
ENTER NINE
 

00:00:01.010 --> 00:00:01.800 align:start position:0%
ENTER NINE
TWO<00:00:01.400><c> EIGHT</c>

00:00:01.800 --> 00:00:01.810 align:start position:0%
TWO EIGHT
 
"""  # noqa: W293 (lines of one space, as YouTube has them)
FILES = {
    "without names": "WEBVTT\n\n00:00.100 --> 00:01.000\nYES\n\n00:01.000 --> 00:02.000\nNO\n",
    "with names": "WEBVTT\n\na\n00:00.1 --> 00:01.0\nYES\n\nb\n00:01.0 --> 00:02.0\nNO\n",
    "notes and styles": (
        "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE check\nthis\n\n1\n"
        "00:00.100 --> 00:01.000\n<v Fred>YES\n\nNOTE another\n\n00:01.000 --> 00:02.000\nNO\n"
    ),
    "a line of spaces": (
        "1\n00:00:00,100 --> 00:00:01,000\n<i>YES</i>\n \n2\n00:00:01,000 --> 00:00:02,000\nNO"
    ),
    "no blank lines": "1\n00:00:00,1 --> 00:00:01,0\nYES\n2\n00:00:01,0 --> 00:00:02,0\nNO\n",
    "entities": "1\n00:00:00,1 --> 00:00:01,0\nYES\n\n2\n00:00:01,0 --> 00:00:02,0\nNO&nbsp;\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_every_cue_keeps_its_words(kind):
    found = [(one.start_s, one.end_s, one.text) for one in read_captions(FILES[kind])]
    assert found == [(0.1, 1.0, "YES"), (1.0, 2.0, "NO")]


def test_captions_that_roll_up_give_each_line_once():
    found = [(one.start_s, one.text) for one in read_captions(ROLLING) if one.text]
    assert found == [(0.26, "ENTER NINE"), (1.01, "TWO EIGHT")]


def test_a_line_that_is_said_twice_stays():
    text = "1\n00:00:00,1 --> 00:00:01,0\nYES\n\n2\n00:00:01,0 --> 00:00:02,0\nYES\n\n"
    assert [one.text for one in read_captions(text)] == ["YES", "YES"]
