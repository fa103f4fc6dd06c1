"""The words a search knows, as a prefix tree with what each is worth along the way."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.compiled import borrowing
from asr.decoding.tokens import Tokens
from asr.decoding.tree import ROOT, Tree, build_tree
from asr.lm.ngram import BEGIN, END, UNKNOWN, NGram

OFF = -1  # the state of a word outside the tree; as an index, the last entry of each array
SPELLABLE = 0.9  # an LM with a smaller share of words the tokens can spell is probably foreign


class Vocabulary(NamedTuple):
    """W words by their letters, and what a language model thinks of each.

    Attributes:
        tree: the words' prefixes.
        ends: (W,) int64, the node where each word ends.
        word_ids: (W,) int64, the model's number of each; 0, the unknown word's, without a model.
        log_probs: (W,) float64, its natural log-probability without context; 0 without a model.
        unk_log_prob: the same of the unknown word.
    """

    tree: Tree
    ends: NDArray[np.int64]
    word_ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]
    unk_log_prob: float


class Lexicon(NamedTuple):
    """What the search asks. States of a word under way are the N nodes of the tree, and OFF.

    Attributes:
        tree: the words' prefixes.
        word_ids: (N + 1,) int64, the language model's number of the word that ends at each state;
            the unknown word's where none does.
        ending: (N + 1,) float64, nats for ending a word there: the word score, with the
            unknown-word score where it applies; minus infinity where a closed vocabulary has no
            word.
        potential: (N + 1,) float64, nats advanced to a word under way: the best that any word
            reached from there could bring without its context. Never rises along the tree.
        best_start: the largest potential that a first letter can lead to.
        best_end: the largest `ending`.
    """

    tree: Tree
    word_ids: NDArray[np.int64]
    ending: NDArray[np.float64]
    potential: NDArray[np.float64]
    best_start: float
    best_end: float


def build_vocabulary(words: Sequence[str], tokens: Tokens, lm: NGram | None) -> Vocabulary:
    """Spell words with the model's letters, leaving out those that it cannot write."""
    spelled = [(letters, word) for word in words if (letters := tokens.spell(word))]
    tree, ends = build_tree([letters for letters, _ in spelled])
    if lm is None:
        nothing = np.zeros(len(spelled))
        return Vocabulary(tree, ends, nothing.astype(np.int64), nothing, 0.0)
    ids = lm.ids([word for _, word in spelled]).astype(np.int64)
    log_probs = lm.arrays.log_prob.astype(np.float64)  # word w is entry w + 1
    return Vocabulary(tree, ends, ids, log_probs[ids + 1], float(log_probs[lm.unk_id + 1]))


def lm_words(lm: NGram, tokens: Tokens) -> list[str]:
    """List a word model's own words; warn where it looks made for other tokens."""
    words = [word for word in lm.words if word not in (UNKNOWN, BEGIN, END)]
    foreign = [word for word in words if tokens.spell(word) is None]
    if len(foreign) > (1 - SPELLABLE) * len(words):
        share = 100 * (1 - len(foreign) / len(words))
        odd = "".join(sorted(set(foreign[0]) - set(tokens.letter_ids)))
        warnings.warn(
            f"language model: the tokens can spell only {share:.0f} % of its {len(words)} words "
            f"(not {foreign[0]!r}, for want of {odd!r}); train it on text written as the "
            "recogniser writes, in case and characters",
            stacklevel=2,
        )
    return words


def build_lexicon(
    vocabulary: Vocabulary, lm_weight: float, word_score: float, unk_score: float, closed: bool
) -> Lexicon:
    """Weigh the words.

    Args:
        vocabulary: the words.
        lm_weight: what the language model's log-probabilities are multiplied by.
        word_score: nats for every word.
        unk_score: nats more for a word that the language model does not know.
        closed: whether words outside the vocabulary are forbidden.
    """
    tree, ends, word_ids, log_probs, unk_log_prob = vocabulary
    states = len(tree.label) + 1
    ids = np.zeros(states, dtype=np.int64)
    ids[ends] = word_ids
    ending = np.full(states, -np.inf if closed else word_score + unk_score)
    ending[ends] = word_score + np.where(word_ids == NGram.unk_id, unk_score, 0.0)
    expected = np.full(states, unk_log_prob)
    expected[ends] = log_probs
    potential = ending + lm_weight * expected
    _raise_to_best(tree, potential)
    return Lexicon(tree, ids, ending, potential, float(potential[1:].max()), float(ending.max()))


@borrowing
def _raise_to_best(tree: Tree, potential: NDArray[np.float64]) -> None:
    """Give every state the best of its subtree, and no less than leaving the tree brings."""
    for node in range(len(tree.label) - 1, 0, -1):
        potential[node] = max(potential[node], potential[OFF])
        parent = tree.parent[node]
        potential[parent] = max(potential[parent], potential[node])
    potential[ROOT] = 0.0
