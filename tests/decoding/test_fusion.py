import warnings

import numpy as np
import pytest

from asr.decoding.fusion import Fusion
from asr.decoding.lexicon import OFF, build_lexicon, build_vocabulary
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import (
    begin,
    end_word,
    extend,
    language_score,
    upper_bound,
    upper_bound_after_word,
)
from asr.decoding.tokens import Tokens
from asr.decoding.tree import build_tree, child_of
from asr.lm.ngram import NGram
from asr.util.errors import UserError

TOKENS = Tokens(("", "A", "B", " "))


def test_a_model_in_another_case_is_warned_of_with_its_share(lm: NGram) -> None:
    with pytest.warns(UserWarning, match=r"spell only 0 % of its 3 words \(not 'A', for want of"):
        Fusion(Tokens(("", "a", "b", " ")), lm)
    with pytest.warns(UserWarning, match=r"spell only 33 % of its 3 words \(not 'AB'"):
        Fusion(Tokens(("", "A", " ")), lm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Fusion(TOKENS, lm)


def test_a_model_over_other_tokens_is_warned_of(lm: NGram, letter_lm: NGram) -> None:
    with pytest.warns(UserWarning, match="does not know 2 of the 3 tokens"):
        Fusion(TOKENS, lm, lm_unit="token")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Fusion(TOKENS, letter_lm, lm_unit="token")


def test_a_lexicon_nobody_can_spell_is_refused() -> None:
    with pytest.raises(UserError, match="none of its 2 words"):
        Fusion(TOKENS, words=["cat", "dog"])


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
def test_potential_never_rises_along_a_word(lm: NGram, closed: bool) -> None:
    words = ["A", "AB", "BA", "BAB"]
    lexicon = build_lexicon(build_vocabulary(words, TOKENS, lm), 0.7, 0.3, -2.0, closed, {})
    inner = np.arange(1, len(lexicon.tree.label))
    inner = inner[lexicon.tree.parent[inner] != 0]
    unigram_look_ahead = lexicon.unigram_look_ahead
    assert (unigram_look_ahead[inner] <= unigram_look_ahead[lexicon.tree.parent[inner]]).all()
    assert (unigram_look_ahead[1:] >= unigram_look_ahead[OFF]).all()
    assert (unigram_look_ahead[OFF] == -np.inf) == closed


@pytest.mark.parametrize("tokens", [TOKENS, Tokens(("", "▁A", "B", "▁BA", "AB", "▁"), "▁")])
@pytest.mark.parametrize("word_score", [-2.0, 1.5])
def test_bounds_hold_for_every_token_of_every_prefix(
    lm: NGram, tokens: Tokens, word_score: float
) -> None:
    options = DecodingOptions(lm_weight=0.6, word_score=word_score, unk_score=-1.0)
    scorer = Fusion(tokens, lm).scorer(options, ["A", "AB A"])
    rng = np.random.default_rng(0)
    for _ in range(30):
        state = begin(scorer)
        for token in rng.integers(1, len(tokens.tokens), 12):
            unasked = np.inf
            if scorer.starts_word[token]:
                unasked = upper_bound_after_word(scorer, state)
                state = end_word(scorer, state)
            bound = min(upper_bound(scorer, state), unasked) + scorer.token_bounds[token]
            state = extend(scorer, state, token)
            assert language_score(scorer, state) <= bound + 1e-9
