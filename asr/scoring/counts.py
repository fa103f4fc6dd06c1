"""Counts of substitutions, deletions and insertions, and the error rate."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ErrorCounts:
    """Errors over one utterance or many, in words or in characters.

    The rate of a corpus is the rate of the summed counts. The mean of the utterances' rates would
    give an utterance of one word the weight of a long one.
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
        """Add up counts; all zeros where there are none."""
        return sum(counts, cls())

    @property
    def reference_length(self) -> int:
        """Number of words, or characters, in the reference."""
        return self.substitutions + self.deletions + self.hits

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors over reference length: 0.0 is perfect, and insertions may raise it above 1.0.

        Of an empty reference the rate is 0.0 if the hypothesis is empty too, and infinite otherwise
        (jiwer gives the number of insertions, which is no ratio).
        """
        if self.reference_length == 0:
            return math.inf if self.errors else 0.0
        return self.errors / self.reference_length

    @property
    def corpus_rate(self) -> float:
        """The rate of a corpus, which is not a number (NaN) where no reference has a word."""
        return self.rate if self.reference_length else math.nan

    def to_dict(self) -> dict[str, Any]:
        """The counts, their sums and the rate, as JSON data; an infinite rate is null."""
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
    """Replace infinity and NaN, which JSON has not, by None, JSON's null."""
    return value if math.isfinite(value) else None
