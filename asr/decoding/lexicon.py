"""The words a search knows, as a prefix tree with what each is worth along the way."""

import warnings
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.tokens import Tokens
from asr.decoding.tree import ROOT, Tree, build_tree
from asr.decoding.word_lists import LONGEST
from asr.lm.ngram import BEGIN, END, UNKNOWN, NGram
from asr.util.compiled import njit_no_alloc
from asr.util.text_files import quoted

OFF = -1  # the state of a word outside the tree; as an index, the last of an array of states
SPELLABLE = 0.9  # an LM with a smaller share of words the tokens can spell is probably foreign
SAMPLED = 5_000  # of its words that are spelled to tell


class Vocabulary(NamedTuple):
    """Words by their letters, and what a language model thinks of each.

    A state of a word under way is one of the N nodes of the tree, or OFF. Each state has a list of
    the words that end there, several where words sound alike, or an entry for the unknown word
    where none does; the lists stand one after the other, M entries in all.

    Attributes:
        tree: the words' prefixes.
        first: (N + 2,) int64, where the list of each state begins, that of OFF last.
        words: M words; "" for an unknown one.
        word_ids: (M,) int64, the model's number of each; 0, the unknown word's, without a model.
        log_probs: (M,) float64, its natural log-probability without context; 0 without a model;
            minus infinity for a word that the model does not know beside one that it does.
    """

    tree: Tree
    first: NDArray[np.int64]
    words: list[str]
    word_ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]


class Lexicon(NamedTuple):
    """What the search asks; the states are those of `Vocabulary`.

    Attributes:
        tree: the words' prefixes.
        first: (N + 2,) int64, where the list of words that end at each state begins.
        word_ids: (M,) int64, the language model's numbers of these words.
        liking: (M,) float64, nats that favour each among those that sound like it; minus infinity
            for one that is never chosen.
        ending: (N + 1,) float64, nats for ending a word there: the word score, with the
            unknown-word score where it applies; minus infinity where a closed vocabulary has no
            word.
        unigram_look_ahead: (N + 1,) float64, nats advanced to a word under way: the best that any word
            reached from there could bring without its context. Never rises along the tree.
        best_start: the largest potential that a first letter can lead to.
        best_end: the largest `ending`.
    """

    tree: Tree
    first: NDArray[np.int64]
    word_ids: NDArray[np.int64]
    liking: NDArray[np.float64]
    ending: NDArray[np.float64]
    unigram_look_ahead: NDArray[np.float64]
    best_start: float
    best_end: float


def build_vocabulary(words: Iterable[str], tokens: Tokens, lm: NGram | None) -> Vocabulary:
    """Spell words with the model's letters, leaving out those that it cannot write.

    Of words that sound alike, those that the language model knows stand before the others.
    """
    spelled = [(letters, word) for word in words for letters in tokens.spell(word)]
    tree, ends = build_tree([letters for letters, _ in spelled])
    states = len(tree.label) + 1
    nameless = np.setdiff1d(np.arange(states), ends)
    at = np.concatenate([ends, nameless])
    names = [*(word for _, word in spelled), *("" for _ in nameless)]
    unknown = np.array([lm is not None and name not in lm for name in names])
    order = np.lexsort((unknown, at))  # by state, and there as they came
    names, at, unknown = [names[index] for index in order], at[order], unknown[order]
    first = np.searchsorted(at, np.arange(states + 1))
    ids, log_probs = np.zeros(len(names), dtype=np.int64), np.zeros(len(names))
    if lm is not None:
        ids = lm.ids(names).astype(np.int64)
        log_probs = lm.arrays.log_prob.astype(np.float64)[ids + 1]  # word w is entry w + 1
        log_probs[unknown & ~unknown[first[at]]] = -np.inf
    return Vocabulary(tree, first, names, ids, log_probs)


def lm_words(lm: NGram, tokens: Tokens) -> list[str]:
    """List a word model's own words; warn where it looks made for other tokens.

    What is too long to be a word, as texts of the web hold some, stays unknown.
    """
    reserved = (UNKNOWN, BEGIN, END)
    words = [word for word in lm.words if word not in reserved and len(word) <= LONGEST]
    asked = words[:: 1 + len(words) // SAMPLED]
    foreign = [word for word in asked if not tokens.spell(word)]
    if len(foreign) > (1 - SPELLABLE) * len(asked):
        percent = 100 * (1 - len(foreign) / len(asked))
        warnings.warn(
            f"language model: the tokens can spell only {percent:.0f} % of its {len(words)} words "
            f"(not {quoted(foreign[0])}, for want of {tokens.missing_characters(foreign[0])}); train it on "
            "text written as the recogniser writes, in case and characters",
            stacklevel=2,
        )
    return words


def build_lexicon(
    vocabulary: Vocabulary,
    lm_weight: float,
    word_score: float,
    unk_score: float,
    closed: bool,
    liked: Mapping[str, float],
) -> Lexicon:
    """Weigh the words.

    Args:
        vocabulary: the words.
        lm_weight: what the language model's log-probabilities are multiplied by.
        word_score: nats for every word.
        unk_score: nats more for a word that the language model does not know.
        closed: whether words outside the vocabulary are forbidden.
        liked: nats that favour a word among those that sound like it.
    """
    tree, first, words, word_ids, log_probs = vocabulary
    starts = first[:-1]
    named = np.array([bool(words[place]) for place in starts])
    unknown = named & (word_ids[starts] == NGram.unk_id)
    nameless = -np.inf if closed else word_score + unk_score
    ending = np.where(named, word_score + np.where(unknown, unk_score, 0.0), nameless)
    unigram_look_ahead = ending + lm_weight * np.maximum.reduceat(log_probs, starts)
    usual = np.where(log_probs > -np.inf, 0.0, -np.inf)
    liking = np.array([liked.get(*pair) for pair in zip(words, usual, strict=True)])
    _raise_to_best(tree, unigram_look_ahead)
    best_start, best_end = float(unigram_look_ahead[1:].max()), float(ending.max())
    return Lexicon(tree, first, word_ids, liking, ending, unigram_look_ahead, best_start, best_end)


@njit_no_alloc
def _raise_to_best(tree: Tree, unigram_look_ahead: NDArray[np.float64]) -> None:
    """Give every state the best of its subtree, and no less than leaving the tree brings."""
    for node in range(len(tree.label) - 1, 0, -1):
        unigram_look_ahead[node] = max(unigram_look_ahead[node], unigram_look_ahead[OFF])
        parent = tree.parent[node]
        unigram_look_ahead[parent] = max(unigram_look_ahead[parent], unigram_look_ahead[node])
    unigram_look_ahead[ROOT] = 0.0
