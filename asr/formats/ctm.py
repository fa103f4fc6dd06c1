"""ctm: NIST's time-marked words, which sclite and its kin score."""

from collections.abc import Sequence

from asr.formats.about import About
from asr.formats.nist import lettered, one_word, recording_name
from asr.formats.times import milliseconds
from asr.transcript import Transcript


def write_ctm(transcripts: Sequence[Transcript], about: About) -> str:
    """Write ``recording channel start duration word confidence`` a word, times in seconds.

    Lines are sorted by channel in ASCII order and then by start, as SCTK asks of the file.
    """
    lines = []
    for letter, transcript in lettered(transcripts):
        for word in sorted(transcript.words, key=lambda word: word.start_s):
            start_ms = milliseconds(word.start_s)
            duration_ms = max(1, milliseconds(word.end_s) - start_ms)
            lines.append(
                f"{recording_name(about)} {letter} {start_ms / 1000:.3f} {duration_ms / 1000:.3f} "
                f"{one_word(word.text)} {word.confidence:.4f}\n"
            )
    return "".join(lines)
