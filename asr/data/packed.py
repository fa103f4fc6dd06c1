"""Texts and cuts of a large set, packed into one buffer each.

Millions of Python objects take kilobytes each, and a process that loads audio copies the memory of
every object that it so much as reads, since reading changes the object's reference count. A buffer
is shared by all processes that are forked from the one that made it.
"""

import pickle
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar, overload

from lhotse.cut import Cut

T = TypeVar("T")


class Packed(Sequence[T], Generic[T]):
    """A sequence whose items are kept as bytes, and made anew whenever they are read.

    Args:
        items: the bytes of each item.
        read: makes an item of its bytes.
    """

    def __init__(self, items: Iterable[bytes], read: Callable[[bytes], T]) -> None:
        self._buffer, self._ends, self._read = bytearray(), array("q", [0]), read
        for item in items:
            self._buffer += item
            self._ends.append(len(self._buffer))

    def __len__(self) -> int:
        """Count the items."""
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Make an item, or a list of several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]  # which refuses an index out of range
        return self._read(bytes(self._buffer[self._ends[place] : self._ends[place + 1]]))


def pack_texts(texts: Iterable[str]) -> Packed[str]:
    """Pack texts."""
    return Packed((text.encode() for text in texts), bytes.decode)


def pack_cuts(cuts: Iterable[Cut]) -> Packed[Cut]:
    """Pack cuts; they were made in this process, so that unpickling them runs nobody's code."""
    return Packed(map(pickle.dumps, cuts), pickle.loads)
