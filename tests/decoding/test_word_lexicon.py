import warnings

import numpy as np
import pytest

from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import make_scorer, weigh_words
from asr.decoding.prefix_state import (
    end_word,
    extend,
    initial_state,
    language_score,
    upper_bound,
    upper_bound_after_word,
)
from asr.decoding.tokens import Tokens
from asr.decoding.tree import OUTSIDE, build_tree, child_of
from asr.lm.ngram import NGram
from asr.util.errors import UserError

TOKENS = Tokens(("", "A", "B", " "))


def test_a_language_model_in_another_case_is_warned_of_with_a_percentage(lm: NGram) -> None:
    with pytest.warns(UserWarning, match=r"spell only 0 % of its 3 words \(not 'A', for want of"):
        Lexicon(Tokens(("", "a", "b", " ")), lm)
    with pytest.warns(UserWarning, match=r"spell only 33 % of its 3 words \(not 'AB'"):
        Lexicon(Tokens(("", "A", " ")), lm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Lexicon(TOKENS, lm)


def test_a_language_model_over_other_tokens_is_warned_of(lm: NGram, letter_lm: NGram) -> None:
    with pytest.warns(UserWarning, match="does not know 2 of the 3 tokens"):
        Lexicon(TOKENS, lm, lm_unit="token")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Lexicon(TOKENS, letter_lm, lm_unit="token")


def test_a_lexicon_without_a_spellable_word_is_refused() -> None:
    with pytest.raises(UserError, match="none of its 2 words"):
        Lexicon(TOKENS, words=["cat", "dog"])


def test_tree_holds_every_prefix_once() -> None:
    spellings = [[1, 2], [1], [], [2, 2, 1], [1, 2], [1, 3]]
    tree, ends = build_tree(spellings)
    prefixes = {tuple(s[:n]) for s in spellings for n in range(len(s) + 1)}
    assert len(tree.label) == len(prefixes)
    for spelling, end in zip(spellings, ends, strict=True):
        node = 0
        for letter in spelling:
            node = child_of(tree, node, letter)
        assert node == end
    assert child_of(tree, 0, 3) == -1
    assert child_of(tree, int(ends[5]), 1) == -1


@pytest.mark.parametrize("closed", [False, True])
def test_the_look_ahead_score_never_rises_along_a_word(lm: NGram, closed: bool) -> None:
    lexicon = Lexicon(TOKENS, lm, words=["A", "AB", "BA", "BAB"])
    lexicon.is_closed = closed
    options = DecodingOptions(lm_weight=0.7, word_score=0.3, unk_score=-2.0)
    look_ahead = weigh_words(lexicon, options, {}).unigram_look_ahead
    inner = np.arange(1, len(lexicon.tree.label))
    inner = inner[lexicon.tree.parent[inner] != 0]
    assert (look_ahead[inner] <= look_ahead[lexicon.tree.parent[inner]]).all()
    assert (look_ahead[1:] >= look_ahead[OUTSIDE]).all()
    assert (look_ahead[OUTSIDE] == -np.inf) == closed


@pytest.mark.parametrize("tokens", [TOKENS, Tokens(("", "▁A", "B", "▁BA", "AB", "▁"), "▁")])
@pytest.mark.parametrize("word_score", [-2.0, 1.5])
def test_bounds_hold_for_every_token_of_every_prefix(
    lm: NGram, tokens: Tokens, word_score: float
) -> None:
    options = DecodingOptions(lm_weight=0.6, word_score=word_score, unk_score=-1.0)
    scorer = make_scorer(Lexicon(tokens, lm), options, ["A", "AB A"])
    rng = np.random.default_rng(0)
    for _ in range(30):
        state = initial_state(scorer)
        for token in rng.integers(1, len(tokens.tokens), 12):
            unasked = np.inf
            if scorer.starts_word[token]:
                unasked = upper_bound_after_word(scorer, state)
                state = end_word(scorer, state)
            bound = min(upper_bound(scorer, state), unasked) + scorer.token_bounds[token]
            state = extend(scorer, state, token)
            assert language_score(scorer, state) <= bound + 1e-9
