"""Where a prefix stands in language model, lexicon and hot words, and its score there; compiled.

A prefix is scored by a function of its tokens alone, never of the frames or the path that led to
it. So wherever two paths meet in one prefix, this part of their scores is equal, and the search
stays exact.

A word is scored at its end. Until then its prefix carries a look-ahead score
(`WordScores.unigram_look_ahead`): the best that any word with these letters could bring without
its context. At the word's end the word's own score replaces it, so total scores contain no
look-ahead.
"""

from typing import NamedTuple

import numpy as np

from asr.decoding.hotwords import BOUNDARY, hot_step
from asr.decoding.lexicon import LM_NONE, LM_TOKENS, LM_WORDS
from asr.decoding.prefix_scorer import PrefixScorer
from asr.decoding.tree import OUTSIDE, ROOT, child_of
from asr.lm.ngram import score_next_word
from asr.util.native import njit_no_alloc


class State(NamedTuple):
    """Where a prefix stands.

    Attributes:
        word: the tree's node of the word under way; ROOT between words, OUTSIDE off the tree.
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
def initial_state(scorer: PrefixScorer) -> State:
    """Return the state at the start of a sentence."""
    return State(ROOT, scorer.hotwords.start, scorer.lm_begin, 0.0, 0.0)


@njit_no_alloc
def extend(scorer: PrefixScorer, state: State, token: int) -> State:
    """Add one token to a prefix; before a token that starts a word, call `end_word`."""
    word, hot, context, lm_score, bonus = state
    for at in range(scorer.spelling_offsets[token], scorer.spelling_offsets[token + 1]):
        letter = scorer.spelling_letters[at]
        word = OUTSIDE if word == OUTSIDE else child_of(scorer.words.tree, word, letter)
        hot = hot_step(scorer.hotwords, hot, letter)
    if scorer.lm_unit == LM_TOKENS:
        log_prob, context = score_next_word(scorer.lm, context, scorer.token_ids[token])
        lm_score += log_prob
    return State(word, hot, context, lm_score, bonus)


@njit_no_alloc
def hotword_gain(scorer: PrefixScorer, state: State, token: int) -> float:
    """Change in the hot words' look-ahead score by a token's first letter."""
    first = scorer.spelling_offsets[token]
    if first == scorer.spelling_offsets[token + 1]:
        return 0.0
    hot = hot_step(scorer.hotwords, state.hot, scorer.spelling_letters[first])
    return scorer.hotwords.look_ahead[hot] - scorer.hotwords.look_ahead[state.hot]


@njit_no_alloc
def choose_word(scorer: PrefixScorer, state: State) -> tuple[int, float, int]:
    """Choose, of the homophones that end here, the likeliest after its context.

    A hot word is favored by its bonus, which all its homophones earn.

    Returns:
        Its entry in the lexicon's `words`, its log-probability, and the context after it.
    """
    words = scorer.words
    at = len(words.end_score) - 1 if state.word == OUTSIDE else state.word
    chosen, log_prob, context, best = words.first[at], 0.0, state.context, -np.inf
    for entry in range(words.first[at], words.first[at + 1]):
        score = words.homophone_score[entry]
        if score == -np.inf:
            continue
        another, after = 0.0, state.context
        if scorer.lm_unit == LM_WORDS:
            another, after = score_next_word(scorer.lm, state.context, words.word_ids[entry])
            score += scorer.lm_weight * another
        if score > best:
            chosen, log_prob, context, best = entry, another, after, score
    return chosen, log_prob, context


@njit_no_alloc
def end_word(scorer: PrefixScorer, state: State) -> State:
    """Finish the word under way, if there is one; its bonus is minus infinity if not allowed."""
    word, hot, context, lm_score, bonus = state
    if word == ROOT:
        return state
    bonus += scorer.words.end_score[word]
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
    """Score the prefix beyond its acoustics, look-ahead scores included, in nats."""
    look_ahead = scorer.words.unigram_look_ahead[state.word] + scorer.hotwords.look_ahead[state.hot]
    return scorer.lm_weight * state.lm_score + state.bonus + look_ahead


@njit_no_alloc
def upper_bound(scorer: PrefixScorer, state: State) -> float:
    """Bound the `language_score` of a prefix with one more token, up to its `token_bounds`.

    A language model's log-probabilities are at most 0, so its part of the score cannot rise.
    """
    bound = language_score(scorer, state) + max(0.0, scorer.hotwords.step_bound[state.hot])
    return bound + scorer.words.best_start if state.word == ROOT else bound


@njit_no_alloc
def upper_bound_after_word(scorer: PrefixScorer, state: State) -> float:
    """Bound as `upper_bound` does for a token that starts a word, without scoring the last word."""
    if state.word == ROOT:
        return upper_bound(scorer, state)
    hotwords = scorer.hotwords
    hot = hot_step(hotwords, state.hot, BOUNDARY)
    earned = hotwords.done[hot] + hotwords.look_ahead[hot] - hotwords.look_ahead[state.hot]
    if scorer.starters_spell:
        earned += max(0.0, hotwords.step_bound[hot])
    replaced = scorer.words.unigram_look_ahead[state.word]
    ended = language_score(scorer, state) + earned - replaced + scorer.words.best_end
    return ended + scorer.words.best_start
