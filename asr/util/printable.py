"""Text that is safe to show: control characters escaped, for terminals, lines and pages.

Words come from models and lexicons, names from files, and a stranger may have made any of these.
`CONTROLS` is the one definition of what is escaped; `quoted` escapes joiners and the like as well.
"""

import re
import reprlib

#: Characters that control a terminal or end a line: C0 and C1, Unicode's line and paragraph
#: separators, marks and overrides of direction, and halves of surrogate pairs. Joiners, which shape
#: the words of Persian and Hindi, are text.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{CONTROLS}]")
#: A text of several lines keeps its line ends and tabs.
_CONTROL_IN_LINES = re.compile(rf"(?![\n\t])[{CONTROLS}]")
#: A sentence may have a list of indented lines below it.
_CONTROL_IN_SENTENCE = re.compile(rf"(?!\n  )[{CONTROLS}]")
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


def quoted(text: object) -> str:
    """Quote a value for a message, as Python's `repr` does; of a long one, both ends."""
    return _QUOTE.repr(text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
