"""vtt: WebVTT, the subtitles of HTML's video and audio.

Source: WebVTT: The Web Video Text Tracks Format, W3C, sections 4.1 to 4.2.
"""

from collections.abc import Sequence
from html import escape

from asr.formats.about import About
from asr.formats.cues import make_cues
from asr.formats.times import clock
from asr.transcript import Transcript


def write_vtt(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write cues; of several channels, each is the voice that speaks."""
    blocks = ["WEBVTT\n"]
    for cue in make_cues(transcripts):
        times = f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}"
        text = escape("\n".join(cue.lines), quote=False)
        voice = f"<v {escape(cue.channel)}>" if cue.channel else ""
        blocks.append(f"{times}\n{voice}{text}\n")
    return "\n".join(blocks)
