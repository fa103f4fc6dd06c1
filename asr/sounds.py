"""The word that a run of phones says, where no search has chosen one."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import exp, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: A phone more, fewer or another makes a word as unlikely as being e^5 = 148 times less usual;
#: chosen on a quarter of LibriSpeech's dev.
_CHANGE = 5.0
#: Stands for phones that no word has.
_NO_PHONE = "\0"


class Sounds:
    """Words by their phones.

    Args:
        lexicon: the pronunciations of words, each the names of phones with a space between; the
            most usual word first.
    """

    def __init__(self, lexicon: Mapping[str, Sequence[str]]) -> None:
        phones = dict.fromkeys(p for said in lexicon.values() for one in said for p in one.split())
        self._letters = {phone: chr(number) for number, phone in enumerate(phones, start=1)}
        self._words: dict[str, str] = {}
        for word, said in lexicon.items():
            for one in said:
                self._words.setdefault(self._spell(one.split()), word)
        self._sounds = list(self._words)
        self._ranks = {sound: rank for rank, sound in enumerate(self._sounds, start=1)}
        self._heard: dict[str, str] = {}

    def word(self, phones: Sequence[str]) -> str:
        """Write phones as a usual word that sounds so, or nearly so.

        What counts is how many phones are to be put in, left out or exchanged, and the word's rank
        among all: a rare word gives way to a usual one that is next to it.
        """
        sound = self._spell(phones)
        if sound not in self._heard:
            self._heard[sound] = self._words[self._likeliest(sound)]
        return self._heard[sound]

    def _spell(self, phones: Sequence[str]) -> str:
        """Write each phone as one character, as edit distances of strings want it."""
        return "".join(self._letters.get(phone, _NO_PHONE) for phone in phones)

    @cached_property
    def _unusual(self) -> "np.ndarray":
        """How unlikely each word is: how often it comes falls with its rank (Zipf 1949)."""
        import numpy as np

        return np.log(np.arange(1, len(self._sounds) + 1))

    def _likeliest(self, sound: str) -> str:
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist

        rank = self._ranks.get(sound)
        # beside a word that sounds so, only those count that are so much more usual
        rivals = self._sounds if rank is None else self._sounds[: int(rank / exp(_CHANGE))]
        if not rivals:
            return sound
        changes = cdist([sound], rivals, scorer=Levenshtein.distance, dtype="uint32")[0]
        costs = _CHANGE * changes + self._unusual[: len(rivals)]
        best = int(costs.argmin())
        return sound if rank is not None and costs[best] >= log(rank) else rivals[best]
