"""Text as it is safe to show: nothing in it that a terminal obeys or that forges a line.

Words come from models and lexicons, names from whoever named the files, and either may be a
stranger's.
"""

import re

#: What a terminal obeys or a line cannot hold: controls of C0 and C1, the line ends of Unicode,
#: characters that turn the direction of the text around them, and halves of surrogate pairs.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{CONTROLS}]")
#: In a text of several lines, line ends and tabs are its own.
_CONTROL_IN_LINES = re.compile(rf"(?![\n\t])[{CONTROLS}]")
#: In a sentence, only a list below it has lines of its own, and they are indented.
_CONTROL_IN_SENTENCE = re.compile(rf"(?!\n  )[{CONTROLS}]")


def printable(text: str) -> str:
    r"""Escape, as in ``\x1b``, what is no text: a line of the result has no other line in it."""
    return _CONTROL.sub(_escape, text)


def printable_lines(text: str) -> str:
    """Escape as `printable` does, but for the line ends and tabs of a text of several lines."""
    return _CONTROL_IN_LINES.sub(_escape, text)


def printable_sentence(text: str) -> str:
    """Escape as `printable` does, but for the ends of lines before indented ones."""
    return _CONTROL_IN_SENTENCE.sub(_escape, text)


def printable_json(text: str) -> str:
    """Escape the same characters in JSON, as JSON does: what reads it finds what was written."""
    return _CONTROL_IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
