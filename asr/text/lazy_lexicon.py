"""A lexicon that is read when a word is first asked for."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from asr.text.lexicon import Lexicon


class LazyLexicon(Mapping[str, list[str]]):
    """Words and their pronunciations, read at first use.

    Args:
        read: gives the lexicon, checked; its errors are raised at that use.
    """

    def __init__(self, read: Callable[[], Lexicon]) -> None:
        self._read = read

    @cached_property
    def _lexicon(self) -> Lexicon:
        return self._read()

    def __getitem__(self, word: str) -> list[str]:
        return self._lexicon[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lexicon)

    def __len__(self) -> int:
        return len(self._lexicon)

    def __contains__(self, word: object) -> bool:
        return word in self._lexicon
