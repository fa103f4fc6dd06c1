"""Order and times as several formats write them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from asr.transcript import Segment, Transcript


class Turn(NamedTuple):
    """A segment and the channel it was heard in; None where channels were mixed."""

    channel: str | None
    segment: Segment


def turns_by_start(transcripts: Sequence[Transcript]) -> list[Turn]:
    """The segments of all channels by their start; of equal ones, in the order of channels."""
    turns = [
        Turn(transcript.channel, segment)
        for transcript in transcripts
        for segment in transcript.segments
    ]
    return sorted(turns, key=lambda turn: turn.segment.start_s)


def named_apart(transcripts: Sequence[Transcript]) -> list[Transcript]:
    """The transcripts, a channel that is alone without its name: it was kept apart from none."""
    if len(transcripts) == 1:
        return [replace(transcripts[0], channel=None)]
    return [*transcripts]


def separator(segment: Segment) -> str:
    """What stands between a segment's words: nothing in scripts that are written without spaces."""
    return "" if segment.text == "".join(word.text for word in segment.words) else " "


def milliseconds(seconds: float) -> int:
    """Round to whole milliseconds, never below zero."""
    return max(0, round(1000 * seconds))


def clock(time_ms: int, decimal_mark: str) -> str:
    """Write ``HH:MM:SS,mmm``, as subtitles do, with more digits of hours where they are needed."""
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{decimal_mark}{ms:03}"
