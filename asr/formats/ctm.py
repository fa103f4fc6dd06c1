"""ctm: NIST's time-marked words, which sclite scores."""

from collections.abc import Sequence

from asr.formats.common import About, milliseconds
from asr.formats.nist import letter_channels, recording_name, replace_spaces
from asr.transcript import Transcript


def write_ctm(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``recording channel start duration word confidence`` a word, times in seconds.

    Lines are sorted by channel in ASCII order and then by start, as SCTK requires. A channel
    without words has a comment, so that it is not taken for one that was never transcribed.
    """
    lines = []
    for letter, transcript in letter_channels(transcripts):
        if not transcript.words:
            lines.append(f";; {recording_name(about)} {letter} no words\n")
        for word in sorted(transcript.words, key=lambda word: word.start_s):
            start_ms = milliseconds(word.start_s)
            duration_ms = max(1, milliseconds(word.end_s) - start_ms)
            lines.append(
                f"{recording_name(about)} {letter} {start_ms / 1000:.3f} {duration_ms / 1000:.3f} "
                f"{replace_spaces(word.text)} {word.confidence:.4f}\n"
            )
    return "".join(lines)
