"""txt: the words alone, a segment a line."""

from collections.abc import Sequence

from asr.formats.common import About, drop_lone_name, sort_turns
from asr.transcript import Transcript


def write_txt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write a segment a line; where there are several channels, a line begins with its channel."""
    lines = [
        segment.text if channel is None else f"{channel}: {segment.text}"
        for channel, segment in sort_turns(drop_lone_name(transcripts))
    ]
    return "".join(f"{line}\n" for line in lines)
