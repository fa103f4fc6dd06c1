"""Lining up a hypothesis with its reference: jiwer's edit distance, one word at a time.

All three kinds of error cost one (Levenshtein), so the number of errors is the smallest possible.
Where several alignments are equally good, how the errors split into kinds is jiwer's choice;
sclite, whose substitutions cost more than an insertion or a deletion, may split them otherwise.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jiwer

from asr.scoring.counts import ErrorCounts
from asr.scoring.pairing import Pair


class AlignedWord(NamedTuple):
    """One column of an alignment.

    `reference` is None for an inserted word, `hypothesis` is None for a deleted one.
    """

    reference: str | None
    hypothesis: str | None

    @property
    def kind(self) -> str:
        """One of "hit", "substitution", "deletion" and "insertion"."""
        if self.reference is None:
            return "insertion"
        if self.hypothesis is None:
            return "deletion"
        return "hit" if self.reference == self.hypothesis else "substitution"


Alignment = tuple[AlignedWord, ...]


def align_words(pairs: Sequence[Pair]) -> list[Alignment]:
    """The word alignment of every pair, in the order of the pairs."""
    output = jiwer.process_words(
        [pair.reference for pair in pairs], [pair.hypothesis for pair in pairs]
    )
    return [
        tuple(column for chunk in chunks for column in _columns(chunk, reference, hypothesis))
        for chunks, reference, hypothesis in zip(
            output.alignments, output.references, output.hypotheses, strict=True
        )
    ]


def count_words(alignment: Alignment) -> ErrorCounts:
    """How often each kind of column stands in an alignment."""
    kinds = [column.kind for column in alignment]
    return ErrorCounts(
        substitutions=kinds.count("substitution"),
        deletions=kinds.count("deletion"),
        insertions=kinds.count("insertion"),
        hits=kinds.count("hit"),
    )


def count_characters(pairs: Sequence[Pair]) -> list[ErrorCounts]:
    """Character errors of every pair, the spaces between words being characters too.

    A character is a Unicode code point.
    """
    output = jiwer.process_characters(
        [pair.reference for pair in pairs], [pair.hypothesis for pair in pairs]
    )
    return [_count_chunks(chunks) for chunks in output.alignments]


def count_errors(pairs: Sequence[Pair]) -> tuple[ErrorCounts, ErrorCounts]:
    """The errors of all pairs together, in words and in characters."""
    words = ErrorCounts.total(map(count_words, align_words(pairs)))
    return words, ErrorCounts.total(count_characters(pairs))


def _columns(
    chunk: jiwer.AlignmentChunk, reference: list[str], hypothesis: list[str]
) -> Iterable[AlignedWord]:
    """The columns of one of jiwer's runs of equal operations."""
    said = reference[chunk.ref_start_idx : chunk.ref_end_idx]
    recognized = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
    if chunk.type == "delete":
        return [AlignedWord(word, None) for word in said]
    if chunk.type == "insert":
        return [AlignedWord(None, word) for word in recognized]
    return [AlignedWord(*words) for words in zip(said, recognized, strict=True)]


def _count_chunks(chunks: Sequence[jiwer.AlignmentChunk]) -> ErrorCounts:
    lengths = dict.fromkeys(("substitute", "delete", "insert", "equal"), 0)
    for chunk in chunks:
        lengths[chunk.type] += max(
            chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
        )
    return ErrorCounts(
        substitutions=lengths["substitute"],
        deletions=lengths["delete"],
        insertions=lengths["insert"],
        hits=lengths["equal"],
    )
