"""What several formats share: the source of a transcript, the order of segments, times as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from asr.transcript import Segment, Transcript


@dataclass(frozen=True)
class About:
    """The source of a transcript.

    Attributes:
        path: the recording, as the user named it.
        model: the model, as the user named it.
        settings: of the decoding, as JSON data.
        recording: the utterance's id, where the recording is an utterance of a manifest.
    """

    path: str
    model: str
    settings: Mapping[str, Any]
    recording: str | None = None

    @property
    def name(self) -> str:
        """The utterance's id, or the file's name without folders and suffix."""
        return self.recording or Path(self.path).stem


class Turn(NamedTuple):
    """A segment and its channel, None where channels were mixed."""

    channel: str | None
    segment: Segment


def sort_turns(transcripts: Sequence[Transcript]) -> list[Turn]:
    """Sort the segments of all channels by start; those of one start in the order of channels."""
    turns = [
        Turn(transcript.channel, segment)
        for transcript in transcripts
        for segment in transcript.segments
    ]
    return sorted(turns, key=lambda turn: turn.segment.start_s)


def drop_lone_name(transcripts: Sequence[Transcript]) -> list[Transcript]:
    """Remove the channel's name from a transcript that is alone."""
    if len(transcripts) == 1:
        return [replace(transcripts[0], channel=None)]
    return [*transcripts]


def find_separator(segment: Segment) -> str:
    """Text between a segment's words: a space, or nothing in scripts written without spaces."""
    return "" if segment.text == "".join(word.text for word in segment.words) else " "


def milliseconds(seconds: float) -> int:
    """Round seconds to whole milliseconds, at least 0."""
    return max(0, round(1000 * seconds))


def format_clock(time_ms: int, decimal_mark: str) -> str:
    """Write ``HH:MM:SS,mmm``, as subtitles do; from 100 hours on, hours have more digits."""
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{decimal_mark}{ms:03}"
