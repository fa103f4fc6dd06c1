"""Words to subtitle cues: short enough to read, cut where the speaker pauses.

The rules are from broadcasters' guides: at most two lines of 42 characters, one to seven seconds on
the screen, never two cues of a channel at once. Dynamic programming over the places between words
finds the cuts that keep the rules at the least cost. A cue costs 1; a cut costs more at a shorter
pause; a pause inside a cue costs its seconds, and a cue of less than a second what it lacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from asr.formats.common import drop_lone_name, find_separator, milliseconds
from asr.transcript import Transcript, Word

LINES = 2
LINE_CHARACTERS = 42
SHORTEST_MS = 1000
LONGEST_MS = 7000
#: A cut at a pause of so many seconds costs half of a cut without a pause.
PAUSE_S = 0.25


@dataclass(frozen=True)
class Cue:
    """One or two lines of text, and when they are on the screen."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    channel: str | None = None


class _Fragment(NamedTuple):
    """A word, or a part of a word that is longer than a line."""

    text: str
    start_s: float
    end_s: float
    before: str  # separates it from the fragment before, in one line
    inside: bool = False  # whether it continues the word of the fragment before


def make_cues(transcripts: Sequence[Transcript], *, name_channels: bool = False) -> list[Cue]:
    """Cut the words of each channel into cues without overlap; sort all cues by start.

    A cue lasts from its first word to its last, or up to a second if the next cue leaves room. Cues
    of different channels may overlap: WebVTT allows that, and players of SubRip stack such cues.

    Args:
        transcripts: one a channel; a cue has its channel's name where there are several.
        name_channels: begin each cue with the channel's name in brackets.
    """
    cues: list[Cue] = []
    for transcript in drop_lone_name(transcripts):
        prefix = f"[{transcript.channel}] " if name_channels and transcript.channel else ""
        indent = len(prefix)
        words = _separate_words(transcript)
        fragments = [
            fragment for word, before in words for fragment in _split(word, before, indent)
        ]
        own = [_make_cue(group, prefix, transcript.channel) for group in _group(fragments, indent)]
        cues += _separate(own, milliseconds(transcript.duration_s))
    return sorted(cues, key=lambda cue: cue.start_ms)


def _separate_words(transcript: Transcript) -> list[tuple[Word, str]]:
    """Pair each word with the separator before it; a space separates segments."""
    return [
        (word, find_separator(segment) if place else " ")
        for segment in transcript.segments
        for place, word in enumerate(segment.words)
    ]


def _split(word: Word, before: str, indent: int) -> list[_Fragment]:
    """Split a word that is longer than a line, its duration in proportion to its letters."""
    size = LINE_CHARACTERS - indent
    if len(word.text) <= size:
        return [_Fragment(word.text, word.start_s, word.end_s, before)]
    letter_s = (word.end_s - word.start_s) / len(word.text)
    fragments = []
    for place in range(0, len(word.text), size):
        text = word.text[place : place + size]
        start_s = word.start_s + place * letter_s
        end_s = start_s + len(text) * letter_s
        fragments.append(_Fragment(text, start_s, end_s, "" if place else before, inside=place > 0))
    return fragments


def _group(fragments: Sequence[_Fragment], indent: int) -> list[Sequence[_Fragment]]:
    """Choose the cuts of least cost; `best[n]` is the cost of the first n fragments."""
    best, cut = [0.0], [0]
    for end in range(1, len(fragments) + 1):
        pauses_s, costs = 0.0, []
        for start in range(end - 1, -1, -1):
            group = fragments[start:end]
            if len(group) > 1:
                if not _fits(group, indent):
                    break
                pauses_s += max(0.0, group[1].start_s - group[0].end_s)
            cost = best[start] + 1 + pauses_s + _cost_of_ending(fragments, start, end)
            costs.append((cost, start))
        least, start = min(costs)
        best.append(least)
        cut.append(start)
    groups: list[Sequence[_Fragment]] = []
    end = len(fragments)
    while end:
        groups.append(fragments[cut[end] : end])
        end = cut[end]
    return groups[::-1]


def _fits(group: Sequence[_Fragment], indent: int) -> bool:
    """Whether the fragments fill at most two lines and seven seconds."""
    if milliseconds(group[-1].end_s) - milliseconds(group[0].start_s) > LONGEST_MS:
        return False
    line, used = 1, indent
    for place, fragment in enumerate(group):
        width = len(fragment.text)
        if place and used + len(fragment.before) + width > LINE_CHARACTERS:
            line, used = line + 1, width
        else:
            used += width + (len(fragment.before) if place else 0)
    return line <= LINES


def _cost_of_ending(fragments: Sequence[_Fragment], start: int, end: int) -> float:
    """Cost of ending a cue before fragment `end`: of the cut, and of too short a cue."""
    if end == len(fragments):
        return 0.0
    following = fragments[end]
    if following.inside:
        return LINE_CHARACTERS
    pause_s = max(0.0, following.start_s - fragments[end - 1].end_s)
    lacking_s = SHORTEST_MS / 1000 - (following.start_s - fragments[start].start_s)
    return PAUSE_S / (PAUSE_S + pause_s) + max(0.0, lacking_s)


def _make_cue(group: Sequence[_Fragment], prefix: str, channel: str | None) -> Cue:
    """Lay fragments out in one line, or in two of similar length, without splitting words if so."""
    text = prefix + group[0].text
    layouts = []
    for place, fragment in enumerate(group[1:], start=1):
        lower = fragment.text + "".join(other.before + other.text for other in group[place + 1 :])
        width = max(len(text), len(lower))
        layouts.append((width > LINE_CHARACTERS, fragment.inside, width, (text, lower)))
        text += fragment.before + fragment.text
    lines = (text,) if len(text) <= LINE_CHARACTERS else min(layouts)[-1]
    return Cue(milliseconds(group[0].start_s), milliseconds(group[-1].end_s), lines, channel)


def _separate(cues: Sequence[Cue], last_ms: int) -> list[Cue]:
    """Lengthen the cues of a channel to a second where there is room; let none overlap."""
    separate: list[Cue] = []
    for cue in cues:
        start_ms = cue.start_ms
        if separate:
            before = separate[-1]
            start_ms = max(start_ms, before.end_ms)
            wanted_ms = max(before.end_ms, before.start_ms + SHORTEST_MS)
            separate[-1] = replace(before, end_ms=min(wanted_ms, start_ms))
        lasts_ms = min(max(1, cue.end_ms - cue.start_ms), LONGEST_MS)
        separate.append(replace(cue, start_ms=start_ms, end_ms=start_ms + lasts_ms))
    if separate:
        wanted_ms = min(separate[-1].start_ms + SHORTEST_MS, last_ms)
        separate[-1] = replace(separate[-1], end_ms=max(separate[-1].end_ms, wanted_ms))
    return separate
