"""Captions of a recording, in SubRip (.srt) and WebVTT (.vtt).

Source: WebVTT, https://www.w3.org/TR/webvtt1. Files of both are often less strict: cues are divided
by lines of spaces, have no hours, or are numbered without a blank line before.
"""

import html
import re
from dataclasses import dataclass, field

_CLOCK = r"(?:(\d+):)?(\d+):(\d+)[.,](\d+)"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}")
#: Blocks of WebVTT that are no cues.
_NOTE = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
#: The time of a word, which captions that roll up have.
_WORD_TIME = re.compile(r"<\d+:\d\d(?::\d\d)?\.\d+>\s*<c")


@dataclass
class Caption:
    """The lines of a cue, without markup, and its bounds in seconds."""

    start_s: float
    end_s: float
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of all lines."""
        return " ".join(" ".join(self.lines).split())


def has_times(line: str) -> bool:
    """Tell whether a line has the times of a cue."""
    return _TIMES.match(line) is not None


def read_captions(text: str) -> list[Caption]:
    """Read the cues; those of notes and styles, names and numbers of cues are left out.

    Captions that roll up, as YouTube makes them, show each line again above the next; there, a line
    is given once.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    captions: list[Caption] = []
    is_note = False
    for number, line in enumerate(lines):
        if found := _TIMES.match(line):
            captions.append(Caption(_seconds(found.groups()[:4]), _seconds(found.groups()[4:])))
            is_note = False
        elif not line.strip():
            is_note = False
        elif captions and not is_note and not _is_name(lines, number):
            is_note = _NOTE.match(line) is not None and not lines[number - 1].strip()
            if not is_note:
                captions[-1].lines.append(html.unescape(_MARKUP.sub("", line)).strip())
    return _unroll(captions) if _WORD_TIME.search(text) else captions


def _is_name(lines: list[str], number: int) -> bool:
    """Tell a cue's name or number, which is before its times, from the text of the cue before."""
    if number + 1 == len(lines) or not has_times(lines[number + 1]):
        return False
    return number == 0 or not lines[number - 1].strip() or lines[number].strip().isdigit()


def _unroll(captions: list[Caption]) -> list[Caption]:
    """Leave out the lines with which a cue repeats the end of the cue before."""
    shown: list[str] = []
    unrolled = []
    for caption in captions:
        lines = caption.lines
        same = next((n for n in range(len(lines), 0, -1) if lines[:n] == shown[-n:]), 0)
        unrolled.append(Caption(caption.start_s, caption.end_s, lines[same:]))
        shown = lines
    return unrolled


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds) + float(f"0.{fraction}")
