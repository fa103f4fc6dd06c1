"""Edit distances of many pairs of short texts, in plain array operations.

P pairs, L tokens of the longest text, V tokens.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: The most tokens of a text whose columns are held by the bits of one number.
LONGEST = 64


def edit_distances(
    texts: Sequence[NDArray[np.integer]],
    numbers: NDArray[np.integer],
    columns: NDArray[np.integer],
    rows: NDArray[np.integer],
    lengths: NDArray[np.integer],
) -> NDArray[np.int16]:
    """Compute the Levenshtein distance of each pair of a text and a row.

    Args:
        texts: token ids, 1 to `LONGEST` each.
        numbers: (P,) each pair's text.
        columns: (L, N) token ids of N other texts, a text a column.
        rows: (P,) each pair's column.
        lengths: (P,) uint8 or uint16, tokens of that column; others are not read.

    Returns:
        (P,) how many tokens must be inserted, deleted or substituted.

    Source: Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic
    programming", 1999, as by Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau
    edit distances", 2003: bits say where a column of the table goes up and down.
    """
    order = np.argsort(lengths, kind="stable")[::-1]  # so that the pairs not yet done lead
    longer = len(rows) - np.searchsorted(lengths[order][::-1], np.arange(len(columns)), "right")
    rows, numbers = rows[order], numbers[order]
    matches, last, vocabulary = _match_bits(texts, columns)
    base = numbers * vocabulary
    last = last[numbers]
    ups, downs = np.full(len(rows), -1).astype(last.dtype), np.zeros(len(rows), last.dtype)
    distances = np.array([len(text) for text in texts], np.int16)[numbers]
    for column, count in zip(columns, longer.tolist(), strict=True):
        if count == 0:
            break
        match = matches.take(base[:count] + column.take(rows[:count]))
        up, down, bit = ups[:count], downs[:count], last[:count]
        same = (((match & up) + up) ^ up) | match | down
        next_ups = down | ~(same | up)
        next_downs = same & up
        distances[:count] += (next_ups & bit) != 0
        distances[:count] -= (next_downs & bit) != 0
        next_ups = (next_ups << 1) | 1
        ups[:count] = (next_downs << 1) | ~(same | next_ups)
        downs[:count] = next_ups & same
    found = np.empty_like(distances)
    found[order] = distances
    return found


def _match_bits(
    texts: Sequence[NDArray[np.integer]], columns: NDArray[np.integer]
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.unsignedinteger], int]:
    """For each text and token, the places of the text with the token; and each text's last place.

    Returns:
        (texts * V,) and (texts,) unsigned integers, a bit a place, and V.
    """
    longest = max(map(len, texts))
    dtype = np.dtype(f"u{next(size for size in (2, 4, 8) if 8 * size >= longest)}")
    bits = np.left_shift(np.ones(longest, dtype), np.arange(longest, dtype=dtype))
    vocabulary = 1 + max(int(columns.max(initial=0)), *(int(text.max()) for text in texts))
    matches = np.zeros((len(texts), vocabulary), dtype)
    for row, text in zip(matches, texts, strict=True):
        np.bitwise_or.at(row, text, bits[: len(text)])
    return matches.ravel(), bits[[len(text) - 1 for text in texts]], vocabulary
