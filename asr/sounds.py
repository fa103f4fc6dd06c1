"""The word that a run of phones says, where no search has chosen one."""

from collections.abc import Mapping, Sequence

#: Stands for phones that no word has.
_NO_PHONE = "\0"


class Sounds:
    """Words by their phones.

    Args:
        lexicon: the pronunciations of words, each the names of phones with a space between; of
            words that sound alike, the first is the likeliest.
    """

    def __init__(self, lexicon: Mapping[str, Sequence[str]]) -> None:
        phones = dict.fromkeys(p for said in lexicon.values() for one in said for p in one.split())
        self._letters = {phone: chr(number) for number, phone in enumerate(phones, start=1)}
        self._words: dict[str, str] = {}
        for word, said in lexicon.items():
            for one in said:
                self._words.setdefault(self._spell(one.split()), word)
        self._known = list(self._words)

    def word(self, phones: Sequence[str]) -> str:
        """Write phones as the word that sounds so, or most nearly so.

        Nearest is what takes the fewest phones put in, left out or exchanged; of several words,
        the likeliest.
        """
        sound = self._spell(phones)
        if sound not in self._words:
            self._words[sound] = self._words[self._nearest(sound)]
        return self._words[sound]

    def _spell(self, phones: Sequence[str]) -> str:
        """Write each phone as one character, as edit distances of strings want it."""
        return "".join(self._letters.get(phone, _NO_PHONE) for phone in phones)

    def _nearest(self, sound: str) -> str:
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import extractOne

        nearest: str = extractOne(sound, self._known, scorer=Levenshtein.distance)[0]
        return nearest
