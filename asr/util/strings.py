"""Many short texts as arrays, which a file holds and a process maps instead of parsing.

N texts, L bytes in all.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.util.array_file import read_only

_HALVES = "surrogatepass"  # halves of characters, which a text from Python may hold


class Strings:
    """Texts in UTF-8, one after another; a text is decoded when it is asked for.

    Attributes:
        letters: (L,) uint8.
        offsets: (N + 1,) int64; text n is letters[offsets[n]:offsets[n + 1]].
    """

    def __init__(self, letters: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.letters, self.offsets = letters, offsets

    @classmethod
    def pack(cls, texts: Iterable[str]) -> "Strings":
        """Pack texts."""
        encoded = [text.encode(errors=_HALVES) for text in texts]
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(read_only(letters), read_only(offsets))

    @classmethod
    def unpack(cls, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> "Strings":
        """Take texts out of named arrays, see `named`."""
        return cls(arrays[f"{name}.letters"], arrays[f"{name}.offsets"])  # type: ignore[arg-type]

    def named(self, name: str) -> dict[str, NDArray[np.generic]]:
        """Name the arrays, as a file of arrays holds them."""
        return {f"{name}.letters": self.letters, f"{name}.offsets": self.offsets}

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each text, (N,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def encoded(self, index: int) -> bytes:
        """Return a text in UTF-8; `index` is not checked."""
        return self.letters[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def __getitem__(self, index: int) -> str:
        return self.encoded(range(len(self))[index]).decode(errors=_HALVES)

    def __iter__(self) -> Iterator[str]:
        letters, offsets = self.letters.tobytes(), self.offsets.tolist()
        for start, end in pairwise(offsets):
            yield letters[start:end].decode(errors=_HALVES)


class SortedStrings:
    """Distinct texts that are found by a binary search, about 10 µs each.

    Args:
        strings: N texts in any order.
        order: (N,) their order when sorted by their bytes, from `sort`.
    """

    def __init__(self, strings: Strings, order: NDArray[np.int32]) -> None:
        self.strings, self.order = strings, order

    @classmethod
    def sort(cls, strings: Strings) -> "SortedStrings":
        """Sort distinct texts."""
        order = sorted(range(len(strings)), key=strings.encoded)
        return cls(strings, read_only(np.array(order, dtype=np.int32)))

    def find(self, text: str) -> int:
        """Return the number of a text, or -1 for one that is not among them."""
        wanted = text.encode(errors=_HALVES)
        at = bisect_left(range(len(self.order)), wanted, key=self._encoded)
        if at < len(self.order) and self._encoded(at) == wanted:
            return int(self.order[at])
        return -1

    def _encoded(self, at: int) -> bytes:
        return self.strings.encoded(int(self.order[at]))
