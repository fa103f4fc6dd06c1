"""stm: NIST's time-marked segments, the form of references."""

from collections.abc import Sequence

from asr.formats.about import About
from asr.formats.nist import lettered, recording_name
from asr.formats.times import milliseconds
from asr.transcript import Transcript


def write_stm(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``recording channel speaker start end words`` a segment, times in seconds.

    Who speaks is not known; a channel counts as one speaker. Lines are sorted by channel in ASCII
    order and then by start.
    """
    name = recording_name(about)
    lines = []
    for letter, transcript in lettered(transcripts):
        for segment in sorted(transcript.segments, key=lambda segment: segment.start_s):
            start_ms = milliseconds(segment.start_s)
            end_ms = max(start_ms + 1, milliseconds(segment.end_s))
            words = " ".join(segment.text.split())
            times = f"{start_ms / 1000:.3f} {end_ms / 1000:.3f}"
            lines.append(f"{name} {letter} {name}-{letter} {times} {words}\n")
    return "".join(lines)
