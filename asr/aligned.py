"""A known text with the times at which it was said."""

from dataclasses import dataclass

from asr.decoding.words import Word
from asr.transcript import Transcript


@dataclass(frozen=True)
class AlignedTranscript(Transcript):
    """A transcript whose words were given, not recognised.

    Attributes:
        tokens: every token of the text, in order, with times and its posterior.
        kind: what these are: ``character``, ``piece`` or ``phone``.
    """

    tokens: tuple[Word, ...] = ()
    kind: str = "character"
