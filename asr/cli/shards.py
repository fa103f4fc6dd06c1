"""One shard of the recordings of a command, for arrays of jobs and clusters."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a list, of which each item is in one.

    Attributes:
        number: which shard, from 1.
        count: how many shards there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def file_name(self) -> str:
        """The shard as part of a file's name."""
        return f"shard-{self.number}-of-{self.count}"

    def take(self, items: Sequence[T]) -> list[T]:
        """Take every `count`-th item, so that items that follow each other are spread evenly.

        Neighbors in a list are often of one folder and one length.
        """
        return list(items[self.number - 1 :: self.count])


#: The shard that is everything.
WHOLE = Shard(1, 1)


def parse_shard(text: str) -> Shard:
    """Read K/N.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return Shard(int(found[1]), int(found[2]))
    raise argparse.ArgumentTypeError(
        f"expected K/N, such as 3/16 for the third of 16 shards, with K from 1 to N, found {text!r}"
    )
