"""A prefix tree over letter numbers in three flat arrays, built level by level.

The lexicon and the hot words are both such trees. Children of a node are neighbors, sorted by
label, so that finding one is a short binary search and a million words take a few megabytes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.util.array_file import read_only
from asr.util.native import njit_no_alloc

ROOT = 0
OUTSIDE = -1  # stands for no node; as an index, the last place of an array of N + 1


class Tree(NamedTuple):
    """Node 0 is the root; the children of node n are the nodes first[n] to first[n + 1].

    The arrays are read-only, as those of a cached lexicon are.

    Attributes:
        first: (nodes + 1,) int32.
        label: (nodes,) int32, the letter that leads to each node; the root's is -1.
        parent: (nodes,) int32; the root is its own.
    """

    first: NDArray[np.int32]
    label: NDArray[np.int32]
    parent: NDArray[np.int32]


def build_tree(spellings: Sequence[Sequence[int]]) -> tuple[Tree, NDArray[np.int64]]:
    """Build the tree of all prefixes of the spellings.

    Args:
        spellings: letter numbers, each at least 0; spellings may repeat or be empty.

    Returns:
        The tree, and (len(spellings),) the node where each spelling ends.
    """
    lengths = np.array([len(spelling) for spelling in spellings], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    letters = np.array([x for spelling in spellings for x in spelling], dtype=np.int64)
    radix = letters.max(initial=0) + 1
    at = np.zeros(len(spellings), dtype=np.int64)  # the node that each spelling has reached
    parents, labels, count = [np.array([ROOT])], [np.array([-1])], 1
    for depth in range(lengths.max(initial=0)):
        longer = np.flatnonzero(lengths > depth)
        edges = at[longer] * radix + letters[offsets[longer] + depth]
        edges, which = np.unique(edges, return_inverse=True)  # sorted by parent, then label
        at[longer] = count + which
        parents.append(edges // radix)
        labels.append(edges % radix)
        count += len(edges)
    parent = np.concatenate(parents)
    first = np.searchsorted(parent[1:], np.arange(count + 1)) + 1
    arrays = (first, np.concatenate(labels), parent)
    return Tree(*(read_only(array.astype(np.int32)) for array in arrays)), at


@njit_no_alloc
def child_of(tree: Tree, node: int, letter: int) -> int:
    """Find the child that a letter leads to, or OUTSIDE."""
    low, high = tree.first[node], tree.first[node + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if tree.label[middle] < letter:
            low = middle + 1
        else:
            high = middle
    return low if low < end and tree.label[low] == letter else OUTSIDE
