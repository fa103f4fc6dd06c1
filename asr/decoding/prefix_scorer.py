"""What a prefix is worth beyond its acoustics: language model, lexicon, hot words.

A prefix is scored by a function of its tokens alone, never of the frames or the path that led to
it. That is what keeps the search exact: wherever two paths meet in one prefix, this part of the
score is the same.

Word scores come in at a word's end; until then the prefix carries the best that any word with
its letters could bring (`Lexicon.unigram_look_ahead`), so that it competes on even terms. Advances are
given back at the word's end, hence total scores do not depend on them.

V tokens.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.hotwords import BOUNDARY, Hotwords, hot_step
from asr.decoding.lexicon import OFF, Lexicon
from asr.decoding.tree import ROOT, child_of
from asr.lm.ngram import NGramArrays, score_next_word
from asr.util.compiled import compiled, njit_no_alloc


class PrefixScorer(NamedTuple):
    """All that scores prefixes, as plain arrays for compiled code.

    Attributes:
        starts_word: (V,) bool, whether the token begins a new word.
        starters_spell: whether any such token also has letters, as subwords do.
        spelling_offsets: (V + 1,) int32 into `spelling_letters`.
        spelling_letters: int32 letter numbers.
        token_bounds: (V,) float64, the most that a token can raise a prefix's `language_score` beyond its
            `upper_bound`.
        token_words: (V,) int64, each token's word in a model that scores tokens.
        lexicon: the words and their advances.
        hotwords: the phrases with a bonus.
        lm: the n-gram model's arrays.
        lm_unit: LM_NONE, LM_WORDS (scored at word ends) or LM_TOKENS (at every token).
        lm_begin: the model's state at the start of a sentence.
        lm_end: the word that ends a sentence.
        lm_weight: what the model's natural log-probabilities are multiplied by.
    """

    starts_word: NDArray[np.bool_]
    starters_spell: bool
    spelling_offsets: NDArray[np.int32]
    spelling_letters: NDArray[np.int32]
    token_bounds: NDArray[np.float64]
    token_words: NDArray[np.int64]
    lexicon: Lexicon
    hotwords: Hotwords
    lm: NGramArrays
    lm_unit: int
    lm_begin: int
    lm_end: int
    lm_weight: float


LM_NONE, LM_WORDS, LM_TOKENS = 0, 1, 2


class State(NamedTuple):
    """Where a prefix stands.

    Attributes:
        word: lexicon node of the unfinished word; ROOT between words, OFF outside the lexicon.
        hot: state of the hot-word automaton.
        context: state of the language model.
        lm_score: natural log-probability of what the model has scored so far.
        bonus: nats of word scores and of finished hot words.
    """

    word: int
    hot: int
    context: int
    lm_score: float
    bonus: float


@njit_no_alloc
def begin(scorer: PrefixScorer) -> State:
    """Stand at the start of a sentence."""
    return State(ROOT, scorer.hotwords.start, scorer.lm_begin, 0.0, 0.0)


@njit_no_alloc
def extend(scorer: PrefixScorer, state: State, token: int) -> State:
    """Add one token to a prefix; one that starts a word expects the last one to be ended."""
    word, hot, context, lm_score, bonus = state
    for at in range(scorer.spelling_offsets[token], scorer.spelling_offsets[token + 1]):
        letter = scorer.spelling_letters[at]
        word = OFF if word == OFF else child_of(scorer.lexicon.tree, word, letter)
        hot = hot_step(scorer.hotwords, hot, letter)
    if scorer.lm_unit == LM_TOKENS:
        log_prob, context = score_next_word(scorer.lm, context, scorer.token_words[token])
        lm_score += log_prob
    return State(word, hot, context, lm_score, bonus)


@njit_no_alloc
def hotword_look_ahead(scorer: PrefixScorer, state: State, token: int) -> float:
    """Advance for hot words by a token's first letter alone; negative where one breaks off."""
    first = scorer.spelling_offsets[token]
    if first == scorer.spelling_offsets[token + 1]:
        return 0.0
    hot = hot_step(scorer.hotwords, state.hot, scorer.spelling_letters[first])
    return scorer.hotwords.partial[hot] - scorer.hotwords.partial[state.hot]


@njit_no_alloc
def choose_word(scorer: PrefixScorer, state: State) -> tuple[int, float, int]:
    """Choose, of the words that end here and sound alike, the likeliest after its context.

    A hot word is liked by its bonus, which all of them earn as they sound so.

    Returns:
        Its place in the lexicon's `word_ids`, its log-probability, and the context after it.
    """
    lexicon = scorer.lexicon
    at = len(lexicon.ending) - 1 if state.word == OFF else state.word
    place, log_prob, context, best = lexicon.first[at], 0.0, state.context, -np.inf
    for other in range(lexicon.first[at], lexicon.first[at + 1]):
        score = lexicon.liking[other]
        if score == -np.inf:
            continue
        another, after = 0.0, state.context
        if scorer.lm_unit == LM_WORDS:
            another, after = score_next_word(scorer.lm, state.context, lexicon.word_ids[other])
            score += scorer.lm_weight * another
        if score > best:
            place, log_prob, context, best = other, another, after, score
    return place, log_prob, context


@njit_no_alloc
def end_word(scorer: PrefixScorer, state: State) -> State:
    """Finish the word under way, if there is one; minus infinity if the lexicon is against it."""
    word, hot, context, lm_score, bonus = state
    if word == ROOT:
        return state
    bonus += scorer.lexicon.ending[word]
    if scorer.lm_unit == LM_WORDS and bonus > -np.inf:
        _, log_prob, context = choose_word(scorer, state)
        lm_score += log_prob
    hot = hot_step(scorer.hotwords, hot, BOUNDARY)
    return State(ROOT, hot, context, lm_score, bonus + scorer.hotwords.done[hot])


@njit_no_alloc
def end_sentence(scorer: PrefixScorer, state: State) -> State:
    """Finish the last word and the sentence."""
    word, hot, context, lm_score, bonus = end_word(scorer, state)
    if scorer.lm_unit != LM_NONE:
        lm_score += score_next_word(scorer.lm, context, scorer.lm_end)[0]
    return State(word, hot, context, lm_score, bonus)


@njit_no_alloc
def language_score(scorer: PrefixScorer, state: State) -> float:
    """Score the prefix beyond its acoustics, advances included, in nats."""
    advanced = scorer.lexicon.unigram_look_ahead[state.word] + scorer.hotwords.partial[state.hot]
    return scorer.lm_weight * state.lm_score + state.bonus + advanced


@njit_no_alloc
def upper_bound(scorer: PrefixScorer, state: State) -> float:
    """Bound `language_score` of what one token can make of a prefix, up to the token's `token_bounds`.

    A language model's log-probabilities are at most 0, so its part of the score cannot rise.
    """
    most = language_score(scorer, state) + max(0.0, scorer.hotwords.reach[state.hot])
    return most + scorer.lexicon.best_start if state.word == ROOT else most


@njit_no_alloc
def upper_bound_after_word(scorer: PrefixScorer, state: State) -> float:
    """Bound what a token that starts a word can make of a prefix, without asking for its word."""
    if state.word == ROOT:
        return upper_bound(scorer, state)
    hotwords = scorer.hotwords
    hot = hot_step(hotwords, state.hot, BOUNDARY)
    earned = hotwords.done[hot] + hotwords.partial[hot] - hotwords.partial[state.hot]
    if scorer.starters_spell:
        earned += max(0.0, hotwords.reach[hot])
    given_back = scorer.lexicon.unigram_look_ahead[state.word]
    ended = language_score(scorer, state) + earned - given_back + scorer.lexicon.best_end
    return ended + scorer.lexicon.best_start


@compiled
def chosen_words(scorer: PrefixScorer, token_ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Read a result's words: their places in the lexicon's `word_ids`, as the search chose them."""
    places = np.empty(len(token_ids), np.int64)
    count, state = 0, begin(scorer)
    for token in token_ids:
        at, hot = np.int64(state.word), np.int64(state.hot)  # the types that `begin` makes
        state = State(at, hot, state.context, state.lm_score, state.bonus)  # type: ignore[arg-type]
        if scorer.starts_word[token] and state.word != ROOT:
            places[count] = choose_word(scorer, state)[0]
            count += 1
            state = end_word(scorer, state)
        state = extend(scorer, state, token)
    if state.word != ROOT:
        places[count] = choose_word(scorer, state)[0]
        count += 1
    return places[:count]
