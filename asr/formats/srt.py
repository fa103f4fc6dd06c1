"""srt: SubRip subtitles."""

from collections.abc import Sequence

from asr.formats.common import About, format_clock
from asr.formats.cues import make_cues
from asr.transcript import Transcript


def write_srt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write numbered cues with a comma before the milliseconds; name channels if several."""
    blocks = []
    for number, cue in enumerate(make_cues(transcripts, name_channels=True), start=1):
        times = f"{format_clock(cue.start_ms, ',')} --> {format_clock(cue.end_ms, ',')}"
        blocks.append("\n".join([str(number), times, *cue.lines]) + "\n")
    return "\n".join(blocks)
