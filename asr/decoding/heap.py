"""The best few of many, and short lists kept in order; compiled.

A heap holds the best K with the worst of them on top. It is a pair of arrays, (K,) scores and (K,)
items; place n lies above 2n + 1 and 2n + 2.
"""

import numpy as np
from numpy.typing import NDArray

from asr.util.compiled import njit_no_alloc

Heap = tuple[NDArray[np.float64], NDArray[np.int64]]


@njit_no_alloc
def offer(heap: Heap, held: int, score: float, item: int) -> int:
    """Keep an item if it is among the best K, and return how many are held."""
    scores, items = heap
    if held < len(scores):
        _rise(scores, items, held, score, item)
        return held + 1
    if score > scores[0]:
        _sink(scores, items, score, item)
    return held


@njit_no_alloc
def _rise(scores, items, place, score, item):  # type: ignore[no-untyped-def]
    """Add at an open place below all others, moving larger ones down past it."""
    while place > 0 and score < scores[(place - 1) >> 1]:
        above = (place - 1) >> 1
        scores[place], items[place] = scores[above], items[above]
        place = above
    scores[place], items[place] = score, item


@njit_no_alloc
def _sink(scores, items, score, item):  # type: ignore[no-untyped-def]
    """Replace the worst, moving smaller ones up past the new one."""
    place, size = 0, len(scores)
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and scores[below + 1] < scores[below]:
            below += 1
        if score <= scores[below]:
            break
        scores[place], items[place] = scores[below], items[below]
        place = below
    scores[place], items[place] = score, item


@njit_no_alloc
def insert(items: NDArray[np.int64], held: int, scores: NDArray[np.float64], item: int) -> None:
    """Add an item to a list kept by falling score, `held` long before; `scores` is by item."""
    while held > 0 and scores[items[held - 1]] < scores[item]:
        items[held] = items[held - 1]
        held -= 1
    items[held] = item
