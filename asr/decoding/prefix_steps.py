"""The steps of a CTC prefix beam search, frame by frame; compiled.

A prefix is a node of a tree that grows as the search goes on (`prefixes`). Each prefix in the beam
has the log-probability of all paths that spell it and end in blank, and of those that end in its
last token. One frame takes three steps:

1. `_score_beam`: every prefix of the beam emits blank, repeats its last token, or is reached again
   from its parent if the parent is in the beam too.
2. `_extend_prefix`: every prefix takes one more token. Most extensions are refused by an upper
   bound on their score, before anything about them is looked up, as they cannot beat the worst
   candidate so far.
3. `_make_beam`: the best K of all these candidates, held in a heap meanwhile, are the next beam.

Of spaces in a row only the first counts, and of those before the first word none. So a space after
a space makes no prefix of its own: its paths belong to the prefix that ends in the first one.

Nothing is approximate but the beam and the two thresholds.

U encoder frames, V tokens, K beam size.

Sources: Graves et al., "Connectionist Temporal Classification", 2006; Hannun et al.,
"First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs",
2014, algorithm 1.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.prefix_results import finish
from asr.decoding.prefix_state import (
    end_word,
    extend,
    hotword_gain,
    language_score,
    upper_bound,
    upper_bound_after_word,
)
from asr.decoding.prefixes import (
    ABSENT,
    Candidates,
    add_node,
    clear,
    fill_table,
    find_place,
    insert,
    make_root,
    offer,
    read_state,
    score_to_beat,
)
from asr.text.tokenizer import BLANK_ID
from asr.util.native import native, njit_no_alloc

#: A prefix in the beam at the start of a frame. Log-probabilities of its paths that end in blank,
#: in its last token, and of both; its `language_score`; and the upper bounds of its extensions.
ENTRY = np.dtype(
    [
        ("node", "i8"),
        ("token", "i8"),
        ("blank", "f8"),
        ("label", "f8"),
        ("total", "f8"),
        ("language_score", "f8"),
        ("upper_bound_after_word", "f8"),
        ("upper_bound", "f8"),
    ],
    align=True,
)
#: The frame that is next, the first frame of those given, the size of the beam, how many prefixes
#: the next frame may add, and how many the table holds.
PROGRESS = np.dtype(
    [("frame", "i8"), ("first", "i8"), ("size", "i8"), ("wanted", "i8"), ("entered", "i8")],
    align=True,
)


class Frame(NamedTuple):
    """One frame of the log posteriors.

    Attributes:
        number: its place in the utterance.
        scores: (V,) float32, natural log posteriors.
        bounds: (V,) float64, these and the scorer's `token_bounds`.
    """

    number: int
    scores: NDArray[np.float32]
    bounds: NDArray[np.float64]


class Work(NamedTuple):
    """What the search keeps from frame to frame, beside the prefixes.

    Attributes:
        beam: (K,) ENTRY.
        candidates: for the next beam.
        bounds: (V,) float64, room for `Frame.bounds`.
        chosen: (2, V) int64, room for the tokens worth trying.
        progress: (1,) PROGRESS.
    """

    beam: NDArray[np.void]
    candidates: Candidates
    bounds: NDArray[np.float64]
    chosen: NDArray[np.int64]
    progress: NDArray[np.void]


@native
def search(log_probs, scorer, token_threshold, prefixes, work, results):
    """Search from the frame in progress on; return how many results there are, or -1.

    -1 says that there is no room for the prefixes that a frame may add. The table of prefixes must
    hold the first `progress.entered` of them. Where there is no room for results, there are none.
    """
    progress, beam, chosen, candidates = work.progress[0], work.beam, work.chosen, work.candidates
    if prefixes.size[0] == 0:
        make_root(prefixes, scorer)
        _write_entry(beam[0], np.int64(0), prefixes.nodes[0], scorer)
        progress.size = 1
    fill_table(prefixes, progress.entered)
    progress.entered = prefixes.size[0]
    while progress.frame - progress.first < len(log_probs):
        frame = Frame(progress.frame, log_probs[progress.frame - progress.first], work.bounds)
        for token in range(len(frame.scores)):
            frame.bounds[token] = frame.scores[token] + scorer.token_bounds[token]
        counts = _choose_tokens(frame, scorer, token_threshold, chosen)
        starters, others = chosen[0, : counts[0]], chosen[1, : counts[1]]
        progress.wanted = progress.size * (len(starters) + len(others))
        if prefixes.size[0] + progress.wanted > len(prefixes.nodes):
            return -1
        _score_beam(prefixes, candidates, frame, scorer, beam[: progress.size])
        _extend_beam(prefixes, candidates, frame, scorer, beam[: progress.size], starters, others)
        progress.size = _make_beam(prefixes.nodes, candidates, frame.number + 1, scorer, beam)
        progress.frame = frame.number + 1
        progress.entered = prefixes.size[0]
    if len(results.leaves) == 0:
        return 0
    return finish(prefixes.nodes, beam[: progress.size], scorer, results)


@njit_no_alloc
def _log_add(a: float, b: float) -> float:
    """Add two probabilities given by their logs."""
    if a < b:
        a, b = b, a
    return a if b < a - 40.0 or b == -np.inf else a + np.log1p(np.exp(b - a))


@njit_no_alloc
def _choose_tokens(frame, scorer, threshold, chosen):
    """List the tokens worth trying, by falling bound: those that start a word, and others."""
    starters, others = chosen[0], chosen[1]
    best = -np.inf
    for score in frame.scores:
        best = max(best, score)
    starting = within = np.int64(0)
    for token in range(len(frame.scores)):
        if token == BLANK_ID or not frame.scores[token] >= best - threshold:
            continue
        if scorer.starts_word[token]:
            insert(starters, starting, frame.bounds, token)
            starting += 1
        else:
            insert(others, within, frame.bounds, token)
            within += 1
    return starting, within


@njit_no_alloc
def _score_beam(prefixes, candidates, frame, scorer, beam):
    """Score the beam's prefixes one frame on; they are the first candidates."""
    nodes, scores = prefixes.nodes, frame.scores
    clear(candidates)
    for entry in beam:
        node = nodes[entry.node]
        node.blank = entry.total + scores[BLANK_ID]
        repeating = entry.total if entry.token == scorer.space else entry.label
        node.label = repeating + scores[entry.token]
        if node.parent != ABSENT and nodes[node.parent].frame == frame.number:
            parent = beam[nodes[node.parent].slot]
            reaching = parent.blank if parent.token == entry.token else parent.total
            node.label = _log_add(node.label, reaching + scores[entry.token])
        node.total = _log_add(node.blank, node.label)
        offer(candidates, node.total + entry.language_score, entry.node)


@njit_no_alloc
def _extend_beam(prefixes, candidates, frame, scorer, beam, starters, others):
    """Offer the extensions of all prefixes of the beam."""
    for slot in range(len(beam) - 1, -1, -1):  # a heap's end is its better half, so it fills fast
        entry = beam[slot]
        state = read_state(prefixes.nodes[entry.node])
        _extend_prefix(prefixes, candidates, frame, scorer, entry, state, entry.upper_bound, others)
        if not len(starters):
            continue
        bound = entry.total + entry.upper_bound_after_word + frame.bounds[starters[0]]
        if bound <= score_to_beat(candidates):
            continue  # the word under way need not be looked up
        state = end_word(scorer, state)
        bound = upper_bound(scorer, state)
        _extend_prefix(prefixes, candidates, frame, scorer, entry, state, bound, starters)


@njit_no_alloc
def _extend_prefix(prefixes, candidates, frame, scorer, entry, state, bound, tokens):
    """Offer a prefix's extensions by these tokens that can still be among the best.

    `state` is the prefix's, its word ended where the tokens start one, and `bound` its upper bound.
    """
    nodes = prefixes.nodes
    hoped = max(0.0, scorer.hotwords.step_bound[state.hot])
    for token in tokens:
        least = score_to_beat(candidates)
        if entry.total + bound + frame.bounds[token] <= least:
            break  # the tokens are in order of their bounds, so no other can be among the best
        if token == entry.token and token == scorer.space:
            continue  # `_score_beam` counts it
        if hoped > 0.0:  # `bound` lets every letter begin a hot word, and few do
            gain = hotword_gain(scorer, state, token)
            if entry.total + (bound - hoped + gain) + frame.bounds[token] <= least:
                continue
        path = (entry.blank if token == entry.token else entry.total) + frame.scores[token]
        place = find_place(prefixes, entry.node, token)
        child = np.int64(prefixes.table[place])
        if child == ABSENT:
            longer = extend(scorer, state, token)
            score = path + language_score(scorer, longer)
            if score <= least:
                continue
            child = add_node(prefixes, place, entry.node, token, longer)
        else:
            score = path + language_score(scorer, read_state(nodes[child]))
            if score <= least or nodes[child].frame == frame.number:  # `_score_beam` offered it
                continue
        nodes[child].blank, nodes[child].label, nodes[child].total = -np.inf, path, path
        offer(candidates, score, child)


@njit_no_alloc
def _make_beam(nodes, candidates, number, scorer, beam):
    """Write the beam of the frame of this number from the candidates, and return its size."""
    tally = candidates.tally[0]
    least, size = tally.best - candidates.beam_threshold, 0
    for place in range(tally.held):
        score, at = candidates.scores[place], candidates.nodes[place]
        if score < least or score == -np.inf:
            continue
        nodes[at].frame, nodes[at].slot = number, size
        _write_entry(beam[size], at, nodes[at], scorer)
        size += 1
    return size


@njit_no_alloc
def _write_entry(entry, at, node, scorer):
    """Write a prefix into the beam."""
    state = read_state(node)
    entry.node, entry.token = at, node.token
    entry.blank, entry.label, entry.total = node.blank, node.label, node.total
    entry.language_score = language_score(scorer, state)
    entry.upper_bound = upper_bound(scorer, state)
    entry.upper_bound_after_word = upper_bound_after_word(scorer, state)
