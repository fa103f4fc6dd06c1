"""A pronunciation lexicon as arrays: 140,000 words are opened in milliseconds, not parsed.

The lexicon of a model is packed at its first use and kept in the cache (`asr.util.array_cache`).

W words, N distinct pronunciations, P pronunciations of all words.
"""

from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents, read_only
from asr.util.strings import SortedStrings, Strings

_KIND = "lexicon 2"
#: After so many words were looked up one by one, all of them are unpacked at once.
_MANY = 2_000


class LexiconArrays(NamedTuple):
    """A lexicon in its own order, the most common word first.

    Attributes:
        words: W words.
        words_order: (W,) int32, see `SortedStrings`.
        pronunciations: N distinct pronunciations in the order of their first word.
        pronunciations_order: (N,) int32.
        first: (W + 1,) int32; word w is pronounced as spoken[first[w]:first[w + 1]] say.
        spoken: (P,) int32, numbers of pronunciations.
        word_of: (N,) int32, the first word of each pronunciation.
    """

    words: Strings
    words_order: NDArray[np.int32]
    pronunciations: Strings
    pronunciations_order: NDArray[np.int32]
    first: NDArray[np.int32]
    spoken: NDArray[np.int32]
    word_of: NDArray[np.int32]


class PackedLexicon(Mapping[str, list[str]]):
    """Pronunciations by word, as `asr.text.lexicon.Lexicon` has them.

    Args:
        digest: names the content: equal digests mean equal lexicons in equal order.
        open_arrays: gives the arrays; called at the first use.
    """

    def __init__(self, digest: str, open_arrays: Callable[[], LexiconArrays]) -> None:
        self.digest, self._open = digest, open_arrays
        self._found: dict[str, list[str]] = {}

    @cached_property
    def arrays(self) -> LexiconArrays:
        """The lexicon as arrays."""
        arrays = self._open()
        del self._open  # which may hold the text of a whole lexicon
        return arrays

    @cached_property
    def by_pronunciation(self) -> "WordsByPronunciation":
        """The first, which is the likeliest, word of each pronunciation."""
        return WordsByPronunciation(self.arrays)

    @cached_property
    def _sorted(self) -> SortedStrings:
        return SortedStrings(self.arrays.words, self.arrays.words_order)

    @cached_property
    def _whole(self) -> dict[str, list[str]]:
        _, _, pronunciations, _, first, spoken, _ = self.arrays
        texts = [*pronunciations]
        rows, bounds = [texts[row] for row in spoken.tolist()], first.tolist()
        found = (rows[start:end] for start, end in pairwise(bounds))
        return dict(zip(self.arrays.words, found, strict=True))

    def __getitem__(self, word: str) -> list[str]:
        if len(self._found) >= _MANY:
            return self._whole[word]
        if word not in self._found:
            number = self._sorted.find(word)
            if number < 0:
                raise KeyError(word)
            start, end = self.arrays.first[number : number + 2]
            rows = self.arrays.spoken[start:end]
            self._found[word] = [self.arrays.pronunciations[row] for row in rows]
        return self._found[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays.words)

    def __len__(self) -> int:
        return len(self.arrays.words)

    def items(self) -> ItemsView[str, list[str]]:
        """Return all words with their pronunciations."""
        return self._whole.items()


class WordsByPronunciation(Mapping[str, str]):
    """The likeliest word of each pronunciation."""

    def __init__(self, arrays: LexiconArrays) -> None:
        self._arrays = arrays
        self._sorted = SortedStrings(arrays.pronunciations, arrays.pronunciations_order)
        self._found: dict[str, str | None] = {}  # results of a search repeat words

    def __getitem__(self, phones: str) -> str:
        if phones not in self._found:
            row = self._sorted.find(phones)
            word = None if row < 0 else self._arrays.words[self._arrays.word_of[row]]
            self._found[phones] = word
        if (found := self._found[phones]) is None:
            raise KeyError(phones)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays.pronunciations)

    def __len__(self) -> int:
        return len(self._arrays.pronunciations)

    def items(self) -> ItemsView[str, str]:
        """Return all pronunciations with their words, in order."""
        words = [*self._arrays.words]
        texts = (words[number] for number in self._arrays.word_of.tolist())
        return dict(zip(self, texts, strict=True)).items()


def open_packed(digest: str, read: Callable[[], Mapping[str, Sequence[str]]]) -> PackedLexicon:
    """Open a lexicon at its first use, through the cache, which is made where none is valid.

    Args:
        digest: hexadecimal SHA-256 of what the lexicon is read from.
        read: reads and checks it. Its errors come from the first use.

    Warns:
        UserWarning: at the first use, as `load_or_make`.
    """
    key = sha256(f"{_KIND} {digest}".encode()).hexdigest()

    def open_arrays() -> LexiconArrays:
        _, arrays = load_or_make(
            f"{key[:32]}.lexicon",
            _KIND,
            lambda facts: facts["digest"] == digest,
            lambda: _named(digest, pack(read())),
        )
        return _unnamed(arrays)

    return PackedLexicon(digest, open_arrays)


def pack(lexicon: Mapping[str, Sequence[str]]) -> LexiconArrays:
    """Turn a lexicon into arrays."""
    rows: dict[str, int] = {}
    word_of: list[int] = []
    spoken: list[int] = []
    for number, pronunciations in enumerate(lexicon.values()):
        for one in pronunciations:
            row = rows.setdefault(one, len(rows))
            if row == len(word_of):
                word_of.append(number)
            spoken.append(row)
    words, distinct = Strings.pack(lexicon), Strings.pack(rows)
    first = np.cumsum([0, *map(len, lexicon.values())])
    return LexiconArrays(
        words,
        SortedStrings.sort(words).order,
        distinct,
        SortedStrings.sort(distinct).order,
        *(read_only(np.array(values, dtype=np.int32)) for values in (first, spoken, word_of)),
    )


def _named(digest: str, packed: LexiconArrays) -> Contents:
    """Turn a packed lexicon into named arrays."""
    plain = packed._asdict()
    words, pronunciations = plain.pop("words"), plain.pop("pronunciations")
    named = {**words.named("words"), **pronunciations.named("pronunciations"), **plain}
    return Contents({"digest": digest}, named)


def _unnamed(arrays: dict[str, np.ndarray]) -> LexiconArrays:
    """Turn named arrays into a packed lexicon again."""
    texts = [Strings.unpack(name, arrays) for name in ("words", "pronunciations")]
    plain = {name: arrays[name] for name in LexiconArrays._fields if name in arrays}
    return LexiconArrays(words=texts[0], pronunciations=texts[1], **plain)
