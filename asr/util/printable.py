"""Text that is safe to show: control characters escaped, for terminals, lines and pages.

Words come from models and lexicons, names from files, and a stranger may have made any of these.
`CONTROLS` is the one definition of what is escaped; `quoted` escapes joiners and the like as well.
"""

import re
import reprlib
from collections.abc import Iterable

#: Characters that control a terminal or end a line: C0 and C1, Unicode's line and paragraph
#: separators, marks and overrides of direction, and halves of surrogate pairs. Joiners, which shape
#: the words of Persian and Hindi, are text.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{CONTROLS}]")
#: A text of several lines keeps its line ends and tabs.
_CONTROL_IN_LINES = re.compile(rf"(?![\n\t])[{CONTROLS}]")
#: A sentence may have a list of indented lines below it.
_CONTROL_IN_SENTENCE = re.compile(rf"(?!\n  )[{CONTROLS}]")
#: Of a message: the most lines, the most characters of a line, of which so many are its head, and
#: the most characters of an item in a list.
MOST_LINES, LONGEST_LINE, HEAD, MOST_SHOWN = 100, 5000, 4000, 40
_QUOTE = reprlib.Repr()
_QUOTE.maxstring = _QUOTE.maxlong = _QUOTE.maxother = 120


def printable(text: str) -> str:
    r"""Escape control characters, as in ``\x1b``, so that the result is one line of text."""
    return _CONTROL.sub(_escape, text)


def printable_lines(text: str) -> str:
    """Escape as `printable` does, except line ends and tabs."""
    return _CONTROL_IN_LINES.sub(_escape, text)


def printable_sentence(text: str) -> str:
    """Escape as `printable` does, except line ends before indented lines."""
    return _CONTROL_IN_SENTENCE.sub(_escape, text)


def printable_json(text: str) -> str:
    """Escape control characters in JSON text as JSON does, so that parsing gives them back."""
    return _CONTROL_IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def list_some(items: Iterable[str], most: int = 10, separator: str = " ") -> str:
    """List the first few of many items, each cut to 40 characters, and count the others."""
    found = [item if len(item) <= MOST_SHOWN else f"{item[: MOST_SHOWN - 3]}..." for item in items]
    more = len(found) - most
    return separator.join(found[:most]) + (f" and {more:,} more" if more > 0 else "")


def shorten(message: str) -> str:
    """Shorten a message that nobody would read to its end: its lines, and the middle of each."""
    lines = message.split("\n")
    if (more := len(lines) - MOST_LINES) > 0:
        lines = [*lines[:MOST_LINES], f"  and {more:,} more lines"]
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:HEAD]} ... {line[HEAD - LONGEST_LINE :]}"
        for line in lines
    )


def quoted(text: object) -> str:
    """Quote a value for a message, as Python's `repr` does; of a long one, both ends."""
    return _QUOTE.repr(text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
