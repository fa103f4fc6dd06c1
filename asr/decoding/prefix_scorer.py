"""What a beam search adds to the acoustics: language model, lexicon and hot words, weighed.

V tokens; the N + 1 places and M words of a `Lexicon`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.hotwords import Hotwords, build_hotwords
from asr.decoding.lexicon import LM_WORDS, Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.tree import OUTSIDE, ROOT, Tree
from asr.lm.ngram import NGram, NGramArrays


class WordScores(NamedTuple):
    """A lexicon's words for compiled code, weighed.

    Attributes:
        tree: the words' prefixes.
        first: (N + 2,) int64, where the list of words that end at each place begins.
        word_ids: (M,) int64, the language model's ids of these words.
        homophone_score: (M,) float64, nats that favor each word over its homophones; minus
            infinity for a word that is never chosen.
        end_score: (N + 1,) float64, nats for ending a word there: the word score, with the
            unknown-word score where it applies; minus infinity where a closed vocabulary has no
            word.
        unigram_look_ahead: (N + 1,) float64, the best end score, with the weighed unigram
            log-probability, of all words that can be reached from there. Never rises along the
            tree.
        best_start: the largest look-ahead score that a first letter can lead to.
        best_end: the largest `end_score`.
    """

    tree: Tree
    first: NDArray[np.int64]
    word_ids: NDArray[np.int64]
    homophone_score: NDArray[np.float64]
    end_score: NDArray[np.float64]
    unigram_look_ahead: NDArray[np.float64]
    best_start: float
    best_end: float


class PrefixScorer(NamedTuple):
    """All that scores prefixes beyond the acoustics, as plain arrays for compiled code.

    Attributes:
        starts_word: (V,) bool, whether the token begins a new word.
        starters_spell: whether any such token also has letters, as subwords do.
        space: the token that begins a word and has no letters, -1 if there is none.
        spelling_offsets: (V + 1,) int32 into `spelling_letters`.
        spelling_letters: int32 letter numbers.
        token_bounds: (V,) float64, upper bound on what a token can raise a prefix's
            `language_score` beyond the prefix's `upper_bound`.
        token_ids: (V,) int64, each token's id in a model over tokens.
        words: the words and their look-ahead scores.
        hotwords: the phrases with a bonus.
        lm: the n-gram model's arrays.
        lm_unit: that of the `Lexicon`.
        lm_begin: the model's state at the start of a sentence.
        lm_end: the word that ends a sentence.
        lm_weight: what the model's natural log-probabilities are multiplied by.
    """

    starts_word: NDArray[np.bool_]
    starters_spell: bool
    space: int
    spelling_offsets: NDArray[np.int32]
    spelling_letters: NDArray[np.int32]
    token_bounds: NDArray[np.float64]
    token_ids: NDArray[np.int64]
    words: WordScores
    hotwords: Hotwords
    lm: NGramArrays
    lm_unit: int
    lm_begin: int
    lm_end: int
    lm_weight: float


def make_scorer(
    lexicon: Lexicon, options: DecodingOptions, hotwords: Sequence[str] = ()
) -> PrefixScorer:
    """Weigh a lexicon, its language model and hot words by the options.

    Raises:
        UserError: a hot word that the tokens cannot spell.
    """
    tokens, lm = lexicon.tokens, lexicon.lm
    hot = build_hotwords(hotwords, tokens, options.hotword_boost)
    hot_words = {word for phrase in hotwords for word in tokens.split(phrase)}
    bonuses = {word: options.hotword_boost * len(tokens.spell(word)[0]) for word in hot_words}
    words = weigh_words(lexicon, options, bonuses)
    letters = tokens.letters
    return PrefixScorer(
        starts_word=np.array(tokens.starts_word),
        starters_spell=any(
            starts and len(spelling) > 0
            for starts, spelling in zip(tokens.starts_word, letters, strict=True)
        ),
        space=-1 if tokens.space is None else tokens.space,
        spelling_offsets=np.cumsum([0, *map(len, letters)]).astype(np.int32),
        spelling_letters=np.array([x for word in letters for x in word], dtype=np.int32),
        token_bounds=_token_bounds(tokens, words, hot),
        token_ids=lexicon.token_ids,
        words=words,
        hotwords=hot,
        lm=no_lm() if lm is None else lm.arrays,
        lm_unit=lexicon.lm_unit,
        lm_begin=0 if lm is None else lm.begin,
        lm_end=0 if lm is None else lm.end_id,
        lm_weight=options.lm_weight,
    )


def weigh_words(
    lexicon: Lexicon, options: DecodingOptions, hot_bonuses: Mapping[str, float]
) -> WordScores:
    """Weigh the words; `hot_bonuses` are nats that favor hot words over their homophones."""
    words, first, log_probs = lexicon.words, lexicon.first, lexicon.log_probs
    starts = first[:-1]
    named = words.lengths[starts] > 0
    unknown = named & (lexicon.word_ids[starts] == NGram.unk_id)
    unk_score = options.unk_score if lexicon.lm_unit == LM_WORDS else 0.0
    wordless = -np.inf if lexicon.is_closed else options.word_score + unk_score
    end_score = np.where(named, options.word_score + np.where(unknown, unk_score, 0.0), wordless)
    look_ahead = end_score + options.lm_weight * np.maximum.reduceat(log_probs, starts)
    _raise_to_best(lexicon.tree, look_ahead)
    homophone_score = np.where(log_probs > -np.inf, 0.0, -np.inf)
    for entry, word in enumerate(words if hot_bonuses else ()):
        homophone_score[entry] = hot_bonuses.get(word, homophone_score[entry])
    return WordScores(
        tree=lexicon.tree,
        first=first,
        word_ids=lexicon.word_ids,
        homophone_score=homophone_score,
        end_score=end_score,
        unigram_look_ahead=look_ahead,
        best_start=float(look_ahead[1:].max()),
        best_end=float(end_score.max()),
    )


def _raise_to_best(tree: Tree, look_ahead: NDArray[np.float64]) -> None:
    """Raise each place to the best of its subtree, and to what leaving the tree brings."""
    starts = [ROOT, ROOT + 1]  # of the levels of the tree, whose nodes are neighbors
    while starts[-1] < len(tree.label):
        starts.append(int(tree.first[starts[-1]]))
    np.maximum(look_ahead, look_ahead[OUTSIDE], out=look_ahead)
    for first, end in zip(starts[-2:0:-1], starts[:1:-1], strict=True):
        np.maximum.at(look_ahead, tree.parent[first:end], look_ahead[first:end])
    look_ahead[ROOT] = 0.0


def _token_bounds(tokens: Tokens, words: WordScores, hotwords: Hotwords) -> NDArray[np.float64]:
    """Compute `PrefixScorer.token_bounds`."""
    letters = np.array([len(spelling) for spelling in tokens.letters])
    # a prefix's upper bound counts on a first letter, which these tokens do not bring
    bare = max(0.0, -words.best_start)
    return np.where(letters > 0, (letters - 1) * hotwords.largest_step_bound, bare)


def no_lm() -> NGramArrays:
    """Stand in for a missing model with arrays of its types, so that the search compiles once."""
    integers, floats = np.zeros(2, np.int32), np.zeros(2, np.float32)
    for array in (integers, floats):
        array.setflags(write=False)
    return NGramArrays(integers, floats, integers, floats, integers)
