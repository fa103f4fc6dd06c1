"""textgrid: Praat's long text format, which shows an alignment under the waveform.

Each channel has a tier of words, and in an alignment a tier of phones, characters or subwords too.
The intervals of a tier cover the recording without gap or overlap, as Praat demands; an interval
between words is empty.

Source: the Praat manual, "TextGrid file formats".
"""

from collections.abc import Iterable, Sequence

from asr.formats.common import About, milliseconds
from asr.transcript import AlignedTranscript, Transcript, Word

Interval = tuple[int, int, str]


def write_textgrid(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write the tiers; times are in seconds."""
    ends_s = [word.end_s for one in transcripts for word in one.words]
    end_ms = max(1, *map(milliseconds, [*ends_s, *(one.duration_s for one in transcripts), 0.0]))
    tiers = [tier for one in transcripts for tier in _tiers(one)]
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "",
        "xmin = 0", f"xmax = {_seconds(end_ms)}", "tiers? <exists>", f"size = {len(tiers)}",
        "item []:",
    ]  # fmt: skip
    for number, (name, words) in enumerate(tiers, start=1):
        intervals = _tile(words, end_ms)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
            "        xmin = 0",
            f"        xmax = {_seconds(end_ms)}",
            f"        intervals: size = {len(intervals)}",
        ]
        for place, (start, end, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{place}]:",
                f"            xmin = {_seconds(start)}",
                f"            xmax = {_seconds(end)}",
                f"            text = {_quoted(text)}",
            ]
    return "\n".join(lines) + "\n"


def _tiers(transcript: Transcript) -> Iterable[tuple[str, Sequence[Word]]]:
    prefix = "" if transcript.channel is None else f"{transcript.channel} "
    yield f"{prefix}words", transcript.words
    if isinstance(transcript, AlignedTranscript):
        yield f"{prefix}{transcript.kind}s", transcript.tokens


def _tile(words: Sequence[Word], end_ms: int) -> list[Interval]:
    """Cover 0..end_ms: words in order, each without the time that the word before still lasts."""
    intervals: list[Interval] = []
    reached = 0
    for word in sorted(words, key=lambda word: word.start_s):
        start, end = max(reached, milliseconds(word.start_s)), milliseconds(word.end_s)
        if end <= start:
            continue
        if start > reached:
            intervals.append((reached, start, ""))
        intervals.append((start, end, word.text))
        reached = end
    return intervals if reached == end_ms else [*intervals, (reached, end_ms, "")]


def _seconds(time_ms: int) -> str:
    return f"{time_ms / 1000:.3f}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
