"""The memory of a search: all prefixes so far, and the best ones for the next beam; compiled.

A prefix is known by its parent and its last token. One that fell out of the beam and comes back is
therefore found again, and its extensions that are in the beam still belong to it.

What changes in count stands in arrays, so that compiled functions change it in place. Python makes
the arrays, since compiled functions allocate nothing.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.prefix_state import State, initial_state
from asr.text.tokenizer import BLANK_ID
from asr.util.native import njit_no_alloc

ABSENT = -1
FIRST_ROOM = 1 << 15  # prefixes: few utterances need more, and making room takes time
GOLDEN = -7046029254386353131  # 2**64 over the golden ratio, as a signed integer

#: `frame` and `slot` say in which beam the prefix last was, and where in it; `word` to `bonus` are
#: its `State`; the last three are the log-probabilities of its paths at the next frame: those that
#: end in blank, those that end in its last token, and both.
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
#: How many candidates are held, and the highest score of any that was offered.
TALLY = np.dtype([("held", "i8"), ("best", "f8")], align=True)


class Prefixes(NamedTuple):
    """Room for N prefixes; node 0 is the empty one.

    Attributes:
        nodes: (N,) NODE.
        table: int32, nodes by the hash of their parent and token; at least 2 N places, a power
            of two.
        size: (1,) int64, how many prefixes there are.
    """

    nodes: NDArray[np.void]
    table: NDArray[np.int32]
    size: NDArray[np.int64]


class Candidates(NamedTuple):
    """The best K prefixes for the next beam: a heap with the worst of them on top.

    Attributes:
        scores: (K,) float64; place n lies above places 2n + 1 and 2n + 2.
        nodes: (K,) int64, their nodes.
        tally: (1,) TALLY.
        beam_threshold: nats that a prefix may lie below the best one.
    """

    scores: NDArray[np.float64]
    nodes: NDArray[np.int64]
    tally: NDArray[np.void]
    beam_threshold: float


def make_room(prefixes: Prefixes | None, more: int) -> Prefixes:
    """Make room for `more` prefixes besides those there are; the table is to be filled."""
    size = np.zeros(1, np.int64) if prefixes is None else prefixes.size
    room = max(FIRST_ROOM, 2 * (int(size[0]) + more))
    nodes = np.zeros(room, NODE)
    if prefixes is not None:
        nodes[: size[0]] = prefixes.nodes[: size[0]]
    places = 1 << (2 * room - 1).bit_length()
    return Prefixes(nodes, np.full(places, ABSENT, np.int32), size)


def make_candidates(beam_size: int, beam_threshold: float) -> Candidates:
    """Make room for the candidates of a beam."""
    return Candidates(
        np.empty(beam_size), np.empty(beam_size, np.int64), np.zeros(1, TALLY), beam_threshold
    )


@njit_no_alloc
def make_root(prefixes, scorer):
    """Begin with the empty prefix, which is in the beam of frame 0."""
    nodes = prefixes.nodes
    last = BLANK_ID if scorer.space == ABSENT else scorer.space  # as if a space came before it
    write_node(nodes, 0, ABSENT, last, initial_state(scorer))
    nodes[0].frame, nodes[0].label = 0, -np.inf  # its only path so far ends in blank
    prefixes.size[0] = 1


@njit_no_alloc
def fill_table(prefixes, entered):
    """Enter every prefix but the empty one into a table that holds the first ones."""
    for node in range(max(1, entered), prefixes.size[0]):
        parent, token = np.int64(prefixes.nodes[node].parent), np.int64(prefixes.nodes[node].token)
        prefixes.table[find_place(prefixes, parent, token)] = node


@njit_no_alloc
def find_place(prefixes, parent, token):
    """Find where the table has a prefix, or where it would have it (open addressing)."""
    mask = len(prefixes.table) - 1
    place = ((parent * 8191 + token) * GOLDEN >> 24) & mask
    while prefixes.table[place] != ABSENT:
        node = prefixes.nodes[prefixes.table[place]]
        if node.parent == parent and node.token == token:
            break
        place = (place + 1) & mask
    return place


@njit_no_alloc
def add_node(prefixes, place, parent, token, state):
    """Add a prefix, at this place of the table, and return its node."""
    node = prefixes.size[0]
    prefixes.size[0] = node + 1
    prefixes.table[place] = node
    write_node(prefixes.nodes, node, parent, token, state)
    return node


@njit_no_alloc
def write_node(nodes, at, parent, token, state):
    """Write a new prefix, which is in no beam yet."""
    node = nodes[at]
    node.parent, node.token, node.frame = parent, token, ABSENT
    node.word, node.hot, node.context = state.word, state.hot, state.context
    node.lm_score, node.bonus = state.lm_score, state.bonus


@njit_no_alloc
def read_state(node):
    """Read a prefix's state, in the types that `initial_state` makes."""
    return State(np.int64(node.word), np.int64(node.hot), node.context, node.lm_score, node.bonus)


@njit_no_alloc
def depth_of(nodes, node):
    """Count the tokens of a prefix."""
    depth = 0
    while nodes[node].parent != ABSENT:
        node, depth = nodes[node].parent, depth + 1
    return depth


@njit_no_alloc
def insert(items, held, scores, item):
    """Add an item to a list kept by falling score, `held` long before; `scores` is by item."""
    while held > 0 and scores[items[held - 1]] < scores[item]:
        items[held] = items[held - 1]
        held -= 1
    items[held] = item


@njit_no_alloc
def clear(candidates):
    """Hold no candidate."""
    tally = candidates.tally[0]
    tally.held, tally.best = 0, -np.inf


@njit_no_alloc
def offer(candidates, score, node):
    """Hold a prefix if it is among the best K."""
    scores, tally = candidates.scores, candidates.tally[0]
    tally.best = max(tally.best, score)
    if tally.held < len(scores):
        _sift_up(scores, candidates.nodes, tally.held, score, node)
        tally.held += 1
    elif score > scores[0]:
        _sift_down(scores, candidates.nodes, score, node)


@njit_no_alloc
def score_to_beat(candidates):
    """Return the score that a prefix must exceed to be held."""
    scores, tally = candidates.scores, candidates.tally[0]
    least = tally.best - candidates.beam_threshold
    return max(least, scores[0]) if tally.held == len(scores) else least


@njit_no_alloc
def _sift_up(scores, nodes, place, score, node):
    """Add at an open place below all others, moving larger ones down past it."""
    while place > 0 and score < scores[(place - 1) >> 1]:
        above = (place - 1) >> 1
        scores[place], nodes[place] = scores[above], nodes[above]
        place = above
    scores[place], nodes[place] = score, node


@njit_no_alloc
def _sift_down(scores, nodes, score, node):
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
        scores[place], nodes[place] = scores[below], nodes[below]
        place = below
    scores[place], nodes[place] = score, node
