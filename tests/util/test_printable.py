"""Escaped text has no character that controls a terminal or ends a line."""

import json

import pytest

from asr.util.printable import (
    list_some,
    printable,
    printable_json,
    printable_lines,
    printable_sentence,
    quoted,
    shorten,
)

#: Controls of C0 and C1, both line ends of Unicode, overrides of direction, lone surrogates.
CONTROLS = "\0\a\b\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\u202a\u202e\u2066\u2069\udfff\ud800"
#: Letters of several scripts with joiners, and signs.
TEXT = "a\\b ü 日本 می\u200cخواهم क्\u200dष 🎙 <&> \u00a0"


@pytest.mark.parametrize("character", CONTROLS)
def test_a_control_is_escaped_as_python_does(character: str) -> None:
    escaped = printable(f"a{character}b")

    assert escaped == "a" + ascii(character)[1:-1] + "b"
    assert escaped.isascii() and escaped.isprintable()
    assert printable(escaped) == escaped


@pytest.mark.parametrize("escape", [printable, printable_lines, printable_sentence, printable_json])
def test_text_stays_as_it_is(escape) -> None:
    assert escape(TEXT) == TEXT


def test_a_text_of_several_lines_keeps_them() -> None:
    assert printable_lines("a\tb\nc\r\x1b[2J") == "a\tb\nc\\r\\x1b[2J"


def test_a_sentence_keeps_the_line_ends_before_indented_lines() -> None:
    listed = "2 utterances are bad:\n  a.wav: empty\n  and 1 more"
    assert printable_sentence(listed) == listed
    assert printable_sentence("a\nasr: done\n b") == "a\\nasr: done\\n b"


def test_escaped_json_gives_back_the_text() -> None:
    data = {"text": CONTROLS + TEXT}
    written = printable_json(json.dumps(data, ensure_ascii=False, indent=1))

    assert json.loads(written) == data
    assert written.replace("\n", "") == printable(written.replace("\n", ""))


def test_a_quotation_escapes_every_control_and_is_short() -> None:
    found = quoted(f"a{CONTROLS}b")
    assert found == printable(found) == repr(f"a{CONTROLS}b")
    assert len(quoted(1000 * "ab")) == 120


def test_a_long_list_is_its_first_items_and_a_count() -> None:
    words = [f"word{number}" for number in range(3000)]
    assert list_some(words) == " ".join(words[:10]) + " and 2,990 more"
    assert list_some(words[:10]) == " ".join(words[:10])
    assert list_some(["x" * 500]) == "x" * 37 + "..."
    assert list_some([]) == ""


def test_a_message_has_an_end() -> None:
    line = shorten("a" * 20_000 + "; do this")
    assert len(line) < 5_100
    assert line.startswith("aaa")
    assert line.endswith("aaa; do this")
    lines = shorten("\n".join(["problems"] + ["  x"] * 10_751)).split("\n")
    assert (len(lines), lines[0], lines[-1]) == (101, "problems", "  and 10,652 more lines")
    assert shorten("as it is\n  a") == "as it is\n  a"
