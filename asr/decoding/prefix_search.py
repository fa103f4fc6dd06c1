"""CTC prefix beam search over one utterance, compiled.

A prefix is a node of a tree that grows as the search goes on (`prefixes`). For each prefix in the
beam we hold the log-probability of all paths that spell it and end in blank, and of those that end
in its last token. One frame takes three steps:

1. `_stay`: every prefix of the beam emits blank, repeats its last token, or is reached again
   from its parent where that is in the beam too.
2. `_grow`: every prefix takes one more token. Most are refused by an upper bound on their score
   before anything about them is looked up: the beam's worst so far is what they must beat.
3. `_keep_best`: the best `beam_size` of all these, kept in a heap meanwhile, are the next beam.

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

from asr.decoding.heap import insert, offer
from asr.decoding.prefix_scorer import (
    PrefixScorer,
    end_sentence,
    end_word,
    extend,
    hotword_look_ahead,
    language_score,
    upper_bound,
    upper_bound_after_word,
)
from asr.decoding.prefixes import ABSENT, depth_of, find, make_root, reserve, state_of, write
from asr.decoding.tree import ROOT
from asr.text.tokenizer import BLANK_ID
from asr.util.compiled import compiled, njit_no_alloc

#: A prefix in the beam at the start of a frame. Log-probabilities of its paths that end in blank,
#: in its last token, and of both; its `language_score`; and the two `upper_bound`s of its extensions.
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


class Limits(NamedTuple):
    """What bounds the search.

    Attributes:
        beam_size: prefixes kept from frame to frame, K.
        beam_threshold: nats that a prefix may lie below the best one.
        token_threshold: nats that a token may lie below its frame's best one to be tried.
    """

    beam_size: int
    beam_threshold: float
    token_threshold: float


@compiled
def search(
    log_probs: NDArray[np.float32], scorer: PrefixScorer, limits: Limits
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """Find the likely token sequences of one utterance.

    Args:
        log_probs: (U, V) natural log posteriors.
        scorer: what scores prefixes beyond the acoustics.
        limits: what bounds the search.

    Returns:
        The tokens of the results, which are all that the last beam holds and the lexicon allows,
        one after the other and best first; (results + 1,) offsets into them; and (results, 3) the
        total score, the acoustic and the language model's natural log-probabilities.
    """
    prefixes, count = make_root(scorer), 1
    beam, size = np.zeros(limits.beam_size, ENTRY), 1
    _enter(beam[0], 0, prefixes.nodes[0], scorer)
    heap = np.empty(limits.beam_size), np.empty(limits.beam_size, np.int64)
    tried = np.empty((2, log_probs.shape[1]), np.int64)
    for frame in range(len(log_probs)):
        scores = log_probs[frame]
        token_bounds = scores + scorer.token_bounds
        counts = _choose_tokens(scores, token_bounds, scorer, limits.token_threshold, tried)
        starters, letters = tried[0, : counts[0]], tried[1, : counts[1]]
        prefixes = reserve(prefixes, count, size * (len(starters) + len(letters)))
        held, best = _stay(scores, frame, prefixes.nodes, beam[:size], heap)
        for slot in range(size - 1, -1, -1):  # a heap's end is its better half, so it fills fast
            entry = beam[slot]
            state = state_of(prefixes.nodes[entry.node])
            held, best, count = _grow(
                entry, state, entry.upper_bound, letters, scores, token_bounds, frame, prefixes, count, heap,
                held, best, scorer, limits,
            )  # fmt: skip
            cut = _cut(heap, held, best, limits)
            if (
                not len(starters)
                or entry.total + entry.upper_bound_after_word + token_bounds[starters[0]] <= cut
            ):
                continue  # the word need not even be looked up
            state = end_word(scorer, state)
            held, best, count = _grow(
                entry, state, upper_bound(scorer, state), starters, scores, token_bounds, frame, prefixes,
                count, heap, held, best, scorer, limits,
            )  # fmt: skip
        least = best - limits.beam_threshold
        size = _keep_best(frame, prefixes.nodes, beam, heap, held, least, scorer)
    return _finish(prefixes.nodes, beam[:size], scorer)


@njit_no_alloc
def log_add(a: float, b: float) -> float:
    """Add two probabilities given by their logs."""
    if a < b:
        a, b = b, a
    return a if b < a - 40.0 or b == -np.inf else a + np.log1p(np.exp(b - a))


@njit_no_alloc
def _choose_tokens(scores, token_bounds, scorer, threshold, tried):
    """List the tokens worth trying, most promising first: those that start a word, and others."""
    starters, letters = tried[0], tried[1]
    best = -np.inf
    for score in scores:
        best = max(best, score)
    starting = inside = 0
    for token in range(len(scores)):
        if token == BLANK_ID or not scores[token] >= best - threshold:
            continue
        if scorer.starts_word[token]:
            insert(starters, starting, token_bounds, token)
            starting += 1
        else:
            insert(letters, inside, token_bounds, token)
            inside += 1
    return starting, inside


@njit_no_alloc
def _stay(scores, frame, nodes, beam, heap):
    """Score what is in the beam one frame on; these are the heap's first content."""
    best, held = -np.inf, 0
    for entry in beam:
        node = nodes[entry.node]
        node.blank = entry.total + scores[BLANK_ID]
        node.label = entry.label + scores[entry.token]
        if node.parent != ABSENT and nodes[node.parent].frame == frame:
            parent = beam[nodes[node.parent].slot]
            reaching = parent.blank if parent.token == entry.token else parent.total
            node.label = log_add(node.label, reaching + scores[entry.token])
        node.total = log_add(node.blank, node.label)
        best = max(best, node.total + entry.language_score)
        held = offer(heap, held, node.total + entry.language_score, entry.node)
    return held, best


@njit_no_alloc
def _grow(
    entry,
    state,
    most,
    tokens,
    scores,
    token_bounds,
    frame,
    prefixes,
    count,
    heap,
    held,
    best,
    scorer,
    limits,
):
    """Offer those one-token extensions of a prefix, in this state, that can still win a place."""
    nodes = prefixes.nodes
    hoped = max(0.0, scorer.hotwords.reach[state.hot])
    for token in tokens:
        cut = _cut(heap, held, best, limits)
        if entry.total + most + token_bounds[token] <= cut:
            break  # the tokens are in order of `token_bounds`, so none of the others can win
        if hoped > 0.0:  # `most` let every letter begin a hot word, and few do
            earned = hotword_look_ahead(scorer, state, token)
            if entry.total + (most - hoped + earned) + token_bounds[token] <= cut:
                continue
        path = (entry.blank if token == entry.token else entry.total) + scores[token]
        place = find(prefixes, entry.node, token)
        child = prefixes.table[place]
        if child == ABSENT:
            longer = extend(scorer, state, token)
            score = path + language_score(scorer, longer)
            if score <= cut:
                continue
            child, count = count, count + 1
            write(nodes, child, entry.node, token, longer)
            prefixes.table[place] = child
        else:
            score = path + language_score(scorer, state_of(nodes[child]))
            if score <= cut or nodes[child].frame == frame:  # in the beam: `_stay` has it
                continue
        nodes[child].blank, nodes[child].label, nodes[child].total = -np.inf, path, path
        held = offer(heap, held, score, child)
        best = max(best, score)
    return held, best, count


@njit_no_alloc
def _cut(heap, held, best, limits):
    """Say what a prefix's score must exceed to have a place."""
    least = best - limits.beam_threshold
    return max(least, heap[0][0]) if held == len(heap[0]) else least


@njit_no_alloc
def _keep_best(frame, nodes, beam, heap, held, least, scorer):
    """Make the next beam of what the heap holds, and return its size."""
    size = 0
    for place in range(held):
        score, at = heap[0][place], heap[1][place]
        if score < least or score == -np.inf:
            continue
        nodes[at].frame, nodes[at].slot = frame + 1, size
        _enter(beam[size], at, nodes[at], scorer)
        size += 1
    return size


@njit_no_alloc
def _enter(entry, at, node, scorer):
    """Put a prefix into the beam."""
    state = state_of(node)
    entry.node, entry.token = at, node.token
    entry.blank, entry.label, entry.total = node.blank, node.label, node.total
    entry.language_score = language_score(scorer, state)
    entry.upper_bound, entry.upper_bound_after_word = (
        upper_bound(scorer, state),
        upper_bound_after_word(scorer, state),
    )


@compiled
def _finish(nodes, beam, scorer):
    """End the sentence on every prefix of the beam and spell out those that may end there."""
    leaves = np.array([entry.node for entry in beam])
    results = np.empty((len(beam), 3))
    if not _score_ends(nodes, beam, leaves, scorer, results):  # all cut within a word
        for slot in range(len(leaves)):
            leaves[slot] = _before_word(nodes, leaves[slot], scorer)
        _score_ends(nodes, beam, leaves, scorer, results)
    order = np.empty(len(beam), np.int64)
    for slot in range(len(beam)):
        insert(order, slot, results[:, 0], slot)
    order = order[: np.sum(results[:, 0] > -np.inf)]
    offsets = np.zeros(len(order) + 1, np.int64)
    for place, slot in enumerate(order):
        offsets[place + 1] = offsets[place] + depth_of(nodes, leaves[slot])
    tokens = np.empty(offsets[-1], np.int32)
    for place, slot in enumerate(order):
        node = leaves[slot]
        for at in range(offsets[place + 1] - 1, offsets[place] - 1, -1):
            tokens[at] = nodes[node].token
            node = nodes[node].parent
    return tokens, offsets, results[order]


@njit_no_alloc
def _before_word(nodes, node, scorer):
    """Go up to where the word under way begins: to the space, or past the piece that begins it."""
    while nodes[node].word != ROOT:
        begins = scorer.starts_word[nodes[node].token]
        node = nodes[node].parent
        if begins:
            break
    return node


@njit_no_alloc
def _score_ends(nodes, beam, leaves, scorer, results):
    """Fill the results, one a leaf; say whether the lexicon allows any of them to end there."""
    best = -np.inf
    for slot in range(len(beam)):
        state = end_sentence(scorer, state_of(nodes[leaves[slot]]))
        acoustic = beam[slot].total
        results[slot, 0] = acoustic + scorer.lm_weight * state.lm_score + state.bonus
        results[slot, 1] = acoustic
        results[slot, 2] = state.lm_score
        best = max(best, results[slot, 0])
    return best > -np.inf
