"""The prefixes a search has come across, as one growing array and a hash table, compiled.

A prefix is known by its parent and its last token. One that fell out of the beam and comes back is
therefore the same prefix, and what it has in the beam after it still belongs to it.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.prefix_scorer import State, begin
from asr.text.tokenizer import BLANK_ID
from asr.util.compiled import compiled, njit_no_alloc

ABSENT = -1
GOLDEN = -7046029254386353131  # 2**64 over the golden ratio, as a signed integer

#: `frame` and `slot` say in which beam the prefix last was, and where in it; the fields after are
#: the guide's `State`; the last three are the log-probabilities of its paths at the next frame,
#: those that end in blank, in its last token, and both.
NODE = np.dtype(
    [
        ("parent", "i4"),
        ("token", "i4"),
        ("frame", "i4"),
        ("slot", "i4"),
        ("word", "i4"),
        ("hot", "i4"),
        ("context", "i8"),
        ("lm_score", "f8"),
        ("bonus", "f8"),
        ("blank", "f8"),
        ("label", "f8"),
        ("total", "f8"),
    ],
    align=True,
)


class Prefixes(NamedTuple):
    """Room for N prefixes; node 0 is the empty one.

    Attributes:
        nodes: (N,) NODE.
        table: int32, nodes by the hash of their parent and token; at least 2 N places, a power
            of two.
    """

    nodes: NDArray[np.void]
    table: NDArray[np.int32]


@compiled
def make_root(scorer):
    """Begin with the empty prefix, which is in the beam of frame 0."""
    nodes = np.zeros(1024, NODE)
    write(nodes, 0, ABSENT, BLANK_ID, begin(scorer))
    nodes[0].frame, nodes[0].label = 0, -np.inf  # all that has been heard is 'blank', for certain
    return Prefixes(nodes, np.full(2048, ABSENT, np.int32))


@compiled
def reserve(prefixes, count, more):
    """Make room for `more` prefixes besides the `count` there are."""
    if count + more <= len(prefixes.nodes):
        return prefixes
    nodes = np.zeros(2 * (count + more), NODE)
    for node in range(count):
        nodes[node] = prefixes.nodes[node]
    size = len(prefixes.table)
    while size < 2 * len(nodes):
        size *= 2
    larger = Prefixes(nodes, np.full(size, ABSENT, np.int32))
    for node in range(1, count):
        parent, token = np.int64(nodes[node].parent), np.int64(nodes[node].token)
        larger.table[find(larger, parent, token)] = node
    return larger


@njit_no_alloc
def find(prefixes, parent, token):
    """Find where the table has a prefix, or where it would (open addressing)."""
    mask = len(prefixes.table) - 1
    place = ((parent * 8191 + token) * GOLDEN >> 24) & mask
    while prefixes.table[place] != ABSENT:
        node = prefixes.nodes[prefixes.table[place]]
        if node.parent == parent and node.token == token:
            break
        place = (place + 1) & mask
    return place


@njit_no_alloc
def write(nodes, at, parent, token, state):
    """Write a new prefix, which is in no beam yet."""
    node = nodes[at]
    node.parent, node.token, node.frame = parent, token, ABSENT
    node.word, node.hot, node.context = state.word, state.hot, state.context
    node.lm_score, node.bonus = state.lm_score, state.bonus


@njit_no_alloc
def state_of(node):
    """Read where a prefix stands, in the types that `begin` makes."""
    return State(np.int64(node.word), np.int64(node.hot), node.context, node.lm_score, node.bonus)


@njit_no_alloc
def depth_of(nodes, node):
    """Count the tokens of a prefix."""
    depth = 0
    while nodes[node].parent != ABSENT:
        node, depth = nodes[node].parent, depth + 1
    return depth
