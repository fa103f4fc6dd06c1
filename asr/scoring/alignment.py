"""Edit alignment of a hypothesis with its reference, by jiwer.

All three kinds of error cost one (Levenshtein), so the number of errors is the smallest possible.
Among alignments of equal cost jiwer chooses; sclite, whose substitutions cost more than insertions
and deletions, may count the kinds differently.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jiwer

from asr.scoring.counts import ErrorCounts
from asr.scoring.pairing import Pair


class AlignedWord(NamedTuple):
    """One column of an edit alignment.

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
    """Align the words of every pair."""
    output = jiwer.process_words(
        [pair.reference for pair in pairs], [pair.hypothesis for pair in pairs]
    )
    return [
        tuple(column for chunk in chunks for column in _pair_words(chunk, reference, hypothesis))
        for chunks, reference, hypothesis in zip(
            output.alignments, output.references, output.hypotheses, strict=True
        )
    ]


def count_words(alignment: Alignment) -> ErrorCounts:
    """Count the columns of each kind."""
    kinds = [column.kind for column in alignment]
    return ErrorCounts(
        substitutions=kinds.count("substitution"),
        deletions=kinds.count("deletion"),
        insertions=kinds.count("insertion"),
        hits=kinds.count("hit"),
    )


def count_characters(pairs: Sequence[Pair]) -> list[ErrorCounts]:
    """Count the character errors of every pair.

    A character is a Unicode code point; the spaces between words count as characters.
    """
    output = jiwer.process_characters(
        [pair.reference for pair in pairs], [pair.hypothesis for pair in pairs]
    )
    return [_count_chunks(chunks) for chunks in output.alignments]


def count_errors(pairs: Sequence[Pair]) -> tuple[ErrorCounts, ErrorCounts]:
    """The errors of all pairs together, in words and in characters."""
    words = ErrorCounts.total(map(count_words, align_words(pairs)))
    return words, ErrorCounts.total(count_characters(pairs))


def _pair_words(
    chunk: jiwer.AlignmentChunk, reference: list[str], hypothesis: list[str]
) -> Iterable[AlignedWord]:
    """List the columns of a chunk, jiwer's run of equal operations."""
    expected = reference[chunk.ref_start_idx : chunk.ref_end_idx]
    recognized = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
    if chunk.type == "delete":
        return [AlignedWord(word, None) for word in expected]
    if chunk.type == "insert":
        return [AlignedWord(None, word) for word in recognized]
    return [AlignedWord(*words) for words in zip(expected, recognized, strict=True)]


def _count_chunks(chunks: Sequence[jiwer.AlignmentChunk]) -> ErrorCounts:
    """Add up the lengths of the chunks of each kind."""
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
