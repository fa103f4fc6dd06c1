"""stm: NIST's time-marked segments, for references."""

from collections.abc import Sequence

from asr.formats.common import About, milliseconds
from asr.formats.nist import letter_channels, recording_name
from asr.transcript import Transcript


def write_stm(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``recording channel speaker start end words`` a segment, times in seconds.

    A channel counts as one speaker, since speakers are not known. Lines are sorted by channel in
    ASCII order and then by start. A channel without words has one segment without words.
    """
    name = recording_name(about)
    lines = []
    for letter, transcript in letter_channels(transcripts):
        if not transcript.segments:
            end_ms = max(1, milliseconds(transcript.duration_s))
            lines.append(f"{name} {letter} {name}-{letter} 0.000 {end_ms / 1000:.3f}\n")
        for segment in sorted(transcript.segments, key=lambda segment: segment.start_s):
            start_ms = milliseconds(segment.start_s)
            end_ms = max(start_ms + 1, milliseconds(segment.end_s))
            words = " ".join(segment.text.split())
            times = f"{start_ms / 1000:.3f} {end_ms / 1000:.3f}"
            lines.append(f"{name} {letter} {name}-{letter} {times} {words}\n")
    return "".join(lines)
