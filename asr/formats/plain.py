"""txt: the words alone, a segment a line."""

from collections.abc import Sequence

from asr.formats.about import About
from asr.formats.times import named_apart, turns_by_start
from asr.transcript import Transcript


def write_txt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write a segment a line; where channels were kept apart, each line begins with its own."""
    lines = [
        segment.text if channel is None else f"{channel}: {segment.text}"
        for channel, segment in turns_by_start(named_apart(transcripts))
    ]
    return "".join(f"{line}\n" for line in lines)
