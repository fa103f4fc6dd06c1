"""Substitutions, deletions and insertions, and the one way they become a rate."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ErrorCounts:
    """Errors over one utterance or many, in words or in characters.

    Counts add up, rates do not: the rate of a corpus is the rate of the sum of its utterances'
    counts, never the mean of their rates, which would give a one-word utterance the weight of a
    long one.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    hits: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.hits + other.hits,
        )

    @classmethod
    def total(cls, counts: Iterable["ErrorCounts"]) -> "ErrorCounts":
        """The sum over utterances; all zeros where there are none."""
        return sum(counts, cls())

    @property
    def reference_length(self) -> int:
        """How many words (or characters) were really said."""
        return self.substitutions + self.deletions + self.hits

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors over reference length: 0.0 is perfect, insertions may lift it above 1.0.

        Where nothing was said the rate is 0.0 if nothing was recognised either, and infinite
        otherwise (jiwer gives the number of insertions there, which is no ratio).
        """
        if self.reference_length == 0:
            return math.inf if self.errors else 0.0
        return self.errors / self.reference_length

    def to_dict(self) -> dict[str, Any]:
        """The counts and what follows from them, as JSON data: an infinite rate is null."""
        return {
            "rate": finite_or_none(self.rate),
            "errors": self.errors,
            "reference_length": self.reference_length,
            "substitutions": self.substitutions,
            "deletions": self.deletions,
            "insertions": self.insertions,
            "hits": self.hits,
        }


def finite_or_none(value: float) -> float | None:
    """JSON knows no infinity; null stands for it."""
    return value if math.isfinite(value) else None
