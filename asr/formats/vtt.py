"""vtt: WebVTT, the subtitles of HTML's video and audio.

Source: WebVTT: The Web Video Text Tracks Format, W3C, sections 4.1 to 4.2.
"""

from collections.abc import Sequence
from html import escape

from asr.formats.common import About, format_clock
from asr.formats.cues import make_cues
from asr.transcript import Transcript


def write_vtt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write cues; where there are several channels, a cue's voice is its channel."""
    blocks = ["WEBVTT\n"]
    for cue in make_cues(transcripts):
        times = f"{format_clock(cue.start_ms, '.')} --> {format_clock(cue.end_ms, '.')}"
        text = escape("\n".join(cue.lines), quote=False)
        voice = f"<v {escape(cue.channel)}>" if cue.channel else ""
        blocks.append(f"{times}\n{voice}{text}\n")
    return "\n".join(blocks)
