"""What a prefix is worth beyond its acoustics: language model, lexicon, hot words.

A prefix is scored by a function of its tokens alone, never of the frames or the path that led to
it. That is what keeps the search exact: wherever two paths meet in one prefix, this part of the
score is the same.

Word scores come in at a word's end; until then the prefix carries the best that any word with
its letters could bring (`Lexicon.potential`), so that it competes on even terms. Advances are
given back at the word's end, hence total scores do not depend on them.

V tokens.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.compiled import borrowing, compiled
from asr.decoding.hotwords import BOUNDARY, Hotwords, hot_step
from asr.decoding.lexicon import OFF, Lexicon
from asr.decoding.tree import ROOT, child_of
from asr.lm.ngram import NGramArrays, advance


class Guide(NamedTuple):
    """All that scores prefixes, as plain arrays for compiled code.

    Attributes:
        starts_word: (V,) bool, whether the token begins a new word.
        starters_spell: whether any such token also has letters, as subwords do.
        spelling_offsets: (V + 1,) int32 into `spelling_letters`.
        spelling_letters: int32 letter numbers.
        gains: (V,) float64, the most that a token can raise a prefix's `language_score` beyond its
            `ceiling`.
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
    gains: NDArray[np.float64]
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


@borrowing
def begin(guide: Guide) -> State:
    """Stand at the start of a sentence."""
    return State(ROOT, guide.hotwords.start, guide.lm_begin, 0.0, 0.0)


@borrowing
def extend(guide: Guide, state: State, token: int) -> State:
    """Add one token to a prefix; one that starts a word expects the last one to be ended."""
    word, hot, context, lm_score, bonus = state
    for at in range(guide.spelling_offsets[token], guide.spelling_offsets[token + 1]):
        letter = guide.spelling_letters[at]
        word = OFF if word == OFF else child_of(guide.lexicon.tree, word, letter)
        hot = hot_step(guide.hotwords, hot, letter)
    if guide.lm_unit == LM_TOKENS:
        log_prob, context = advance(guide.lm, context, guide.token_words[token])
        lm_score += log_prob
    return State(word, hot, context, lm_score, bonus)


@borrowing
def hot_gain(guide: Guide, state: State, token: int) -> float:
    """Advance for hot words by a token's first letter alone; negative where one breaks off."""
    first = guide.spelling_offsets[token]
    if first == guide.spelling_offsets[token + 1]:
        return 0.0
    hot = hot_step(guide.hotwords, state.hot, guide.spelling_letters[first])
    return guide.hotwords.partial[hot] - guide.hotwords.partial[state.hot]


@borrowing
def choose_word(guide: Guide, state: State) -> tuple[int, float, int]:
    """Choose, of the words that end here and sound alike, the likeliest after its context.

    A hot word is liked by its bonus, which all of them earn as they sound so.

    Returns:
        Its place in the lexicon's `word_ids`, its log-probability, and the context after it.
    """
    lexicon = guide.lexicon
    at = len(lexicon.ending) - 1 if state.word == OFF else state.word
    place, log_prob, context, best = lexicon.first[at], 0.0, state.context, -np.inf
    for other in range(lexicon.first[at], lexicon.first[at + 1]):
        score = lexicon.liking[other]
        if score == -np.inf:
            continue
        another, after = 0.0, state.context
        if guide.lm_unit == LM_WORDS:
            another, after = advance(guide.lm, state.context, lexicon.word_ids[other])
            score += guide.lm_weight * another
        if score > best:
            place, log_prob, context, best = other, another, after, score
    return place, log_prob, context


@borrowing
def end_word(guide: Guide, state: State) -> State:
    """Finish the word under way, if there is one; minus infinity if the lexicon is against it."""
    word, hot, context, lm_score, bonus = state
    if word == ROOT:
        return state
    bonus += guide.lexicon.ending[word]
    if guide.lm_unit == LM_WORDS and bonus > -np.inf:
        _, log_prob, context = choose_word(guide, state)
        lm_score += log_prob
    hot = hot_step(guide.hotwords, hot, BOUNDARY)
    return State(ROOT, hot, context, lm_score, bonus + guide.hotwords.done[hot])


@borrowing
def end_sentence(guide: Guide, state: State) -> State:
    """Finish the last word and the sentence."""
    word, hot, context, lm_score, bonus = end_word(guide, state)
    if guide.lm_unit != LM_NONE:
        lm_score += advance(guide.lm, context, guide.lm_end)[0]
    return State(word, hot, context, lm_score, bonus)


@borrowing
def language_score(guide: Guide, state: State) -> float:
    """Score the prefix beyond its acoustics, advances included, in nats."""
    advanced = guide.lexicon.potential[state.word] + guide.hotwords.partial[state.hot]
    return guide.lm_weight * state.lm_score + state.bonus + advanced


@borrowing
def ceiling(guide: Guide, state: State) -> float:
    """Bound `language_score` of what one token can make of a prefix, up to the token's `gains`.

    A language model's log-probabilities are at most 0, so its part of the score cannot rise.
    """
    most = language_score(guide, state) + max(0.0, guide.hotwords.reach[state.hot])
    return most + guide.lexicon.best_start if state.word == ROOT else most


@borrowing
def ceiling_ended(guide: Guide, state: State) -> float:
    """Bound what a token that starts a word can make of a prefix, without asking for its word."""
    if state.word == ROOT:
        return ceiling(guide, state)
    hotwords = guide.hotwords
    hot = hot_step(hotwords, state.hot, BOUNDARY)
    earned = hotwords.done[hot] + hotwords.partial[hot] - hotwords.partial[state.hot]
    if guide.starters_spell:
        earned += max(0.0, hotwords.reach[hot])
    given_back = guide.lexicon.potential[state.word]
    ended = language_score(guide, state) + earned - given_back + guide.lexicon.best_end
    return ended + guide.lexicon.best_start


@compiled
def chosen_words(guide: Guide, token_ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Read a result's words: their places in the lexicon's `word_ids`, as the search chose them."""
    places = np.empty(len(token_ids), np.int64)
    count, state = 0, begin(guide)
    for token in token_ids:
        at, hot = np.int64(state.word), np.int64(state.hot)  # the types that `begin` makes
        state = State(at, hot, state.context, state.lm_score, state.bonus)  # type: ignore[arg-type]
        if guide.starts_word[token] and state.word != ROOT:
            places[count] = choose_word(guide, state)[0]
            count += 1
            state = end_word(guide, state)
        state = extend(guide, state, token)
    if state.word != ROOT:
        places[count] = choose_word(guide, state)[0]
        count += 1
    return places[:count]
