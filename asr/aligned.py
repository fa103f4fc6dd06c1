"""A known text with the times at which it was said."""

from dataclasses import dataclass

from asr.decoding.words import Word
from asr.transcript import Transcript


@dataclass(frozen=True)
class AlignedTranscript(Transcript):
    """A transcript whose words were given, not recognised.

    Attributes:
        characters: the spelling of every token of the text, in order, with times and its
            posterior: characters, or the pieces of a model that writes pieces.
    """

    characters: tuple[Word, ...] = ()
