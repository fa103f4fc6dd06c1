"""srt: SubRip subtitles."""

from collections.abc import Sequence

from asr.formats.about import About
from asr.formats.cues import make_cues
from asr.formats.times import clock
from asr.transcript import Transcript


def write_srt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write numbered cues with a comma before the milliseconds; several channels are named."""
    blocks = []
    for number, cue in enumerate(make_cues(transcripts, name_channels=True), start=1):
        times = f"{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}"
        blocks.append("\n".join([str(number), times, *cue.lines]) + "\n")
    return "\n".join(blocks)
