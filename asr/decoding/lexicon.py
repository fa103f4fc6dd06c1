"""The words that a beam search can write, as a prefix tree, and the language model beside them.

A lexicon is built once; `asr.decoding.prefix_scorer` weighs it by a set of decoding options.
"""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decoding.tokens import Tokens
from asr.decoding.tree import build_tree
from asr.decoding.word_lists import LONGEST
from asr.lm.ngram import BEGIN, END, UNKNOWN, NGram
from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError
from asr.util.printable import quoted

LM_NONE, LM_WORDS, LM_TOKENS = 0, 1, 2
SPACE_NAMES = (" ", "|", "▁", "<space>", "<sp>")  # how models over tokens write a word boundary
SPELLABLE = 0.9  # an LM of whose words the tokens can spell a smaller fraction is probably foreign
SAMPLED = 5_000  # words of an LM that are spelled to measure that fraction


class Lexicon:
    """Words by their letters, with their unigram probabilities in a language model.

    A word under way stands at one of the N nodes of the tree, or outside it. Each of these N + 1
    places has a list of the words that end there: several where words are homophones, and one
    entry for the unknown word where no word ends. The lists are concatenated, M entries in all.

    Args:
        tokens: the acoustic model's tokens.
        lm: an n-gram model over words, or over tokens where `lm_unit` is "token" or where every
            token is a word.
        lm_unit: "word" or "token".
        words: a closed vocabulary; None leaves the vocabulary open, except for tokens that are
            phones, which write only words that have a pronunciation.

    Attributes:
        tokens: as given.
        lm: as given.
        lm_unit: LM_NONE, LM_WORDS (scored at word ends) or LM_TOKENS (scored at every token).
        is_closed: whether words outside the lexicon are forbidden.
        tree: the prefixes of the words.
        first: (N + 2,) int64, where the list of each node begins, then that of outside the tree.
        words: M words; "" for an unknown one.
        word_ids: (M,) int64, each word's id in a model over words; 0, the unknown word's, without.
        log_probs: (M,) float64, each word's unigram natural log-probability; 0 without a model;
            minus infinity for an unknown word that has a known homophone.
        token_ids: (V,) int64, each token's id in a model over tokens; 0 without.

    Raises:
        UserError: a closed vocabulary without a word that the tokens can spell.

    Warns:
        UserWarning: a word of the closed vocabulary, or more than a tenth of the LM's, cannot be
            spelled, or the LM does not know the tokens.
    """

    def __init__(
        self,
        tokens: Tokens,
        lm: NGram | None = None,
        lm_unit: str = "word",
        words: Sequence[str] | None = None,
    ) -> None:
        by_token = lm_unit == "token" or tokens.boundary is None
        self.tokens, self.lm = tokens, lm
        self.lm_unit = LM_NONE if lm is None else LM_TOKENS if by_token else LM_WORDS
        self._word_lm = lm if self.lm_unit == LM_WORDS else None
        allowed = tokens.pronunciations if words is None else words
        self.is_closed, self._given = allowed is not None, words
        if allowed is None:
            allowed = lm_words(self._word_lm, tokens) if self._word_lm else []
        self._spell(allowed)
        if words is not None:
            _require_spellable(words, tokens)
        self.token_ids = _token_ids(tokens, lm if self.lm_unit == LM_TOKENS else None)

    def _spell(self, words: Iterable[str]) -> None:
        """Build the tree and the lists; among homophones, those that the LM knows come first."""
        lm = self._word_lm
        spelled = [(letters, word) for word in words for letters in self.tokens.spell(word)]
        self.tree, ends = build_tree([letters for letters, _ in spelled])
        places = len(self.tree.label) + 1
        wordless = np.setdiff1d(np.arange(places), ends)
        at = np.concatenate([ends, wordless])
        names = [*(word for _, word in spelled), *("" for _ in wordless)]
        unknown = np.array([lm is not None and name not in lm for name in names])
        order = np.lexsort((unknown, at))  # stable: by place, known first, then as given
        at, unknown = at[order], unknown[order]
        self.words = [names[index] for index in order]
        self.first = np.searchsorted(at, np.arange(places + 1))
        self.word_ids, self.log_probs = np.zeros(len(at), np.int64), np.zeros(len(at))
        if lm is not None:
            self.word_ids = lm.ids(self.words).astype(np.int64)
            # word w is entry w + 1
            self.log_probs = lm.arrays.log_prob.astype(np.float64)[self.word_ids + 1]
            self.log_probs[unknown & ~unknown[self.first[at]]] = -np.inf

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """Every word that can be written or that the LM over words knows; None where neither is."""
        if self.tokens.in_lexicon is not None:
            return self.tokens.in_lexicon
        if self._given is not None:
            return frozenset(self._given)
        return None if self._word_lm is None else frozenset(self._word_lm.words)


def lm_words(lm: NGram, tokens: Tokens) -> list[str]:
    """List the words of a model over words; warn where it looks made for other tokens.

    What is too long to be a word, as texts of the web have some, is left out.
    """
    reserved = (UNKNOWN, BEGIN, END)
    words = [word for word in lm.words if word not in reserved and len(word) <= LONGEST]
    sample = words[:: 1 + len(words) // SAMPLED]
    foreign = [word for word in sample if not tokens.spell(word)]
    if len(foreign) > (1 - SPELLABLE) * len(sample):
        percent = 100 * (1 - len(foreign) / len(sample))
        lacks = tokens.missing_characters(foreign[0])
        warnings.warn(
            f"language model: the tokens can spell only {percent:.0f} % of its {len(words)} words "
            f"(not {quoted(foreign[0])}, for want of {lacks}); train it on "
            "text written as the recogniser writes, in case and characters",
            stacklevel=3,
        )
    return words


def _require_spellable(words: Sequence[str], tokens: Tokens) -> None:
    """Refuse a closed vocabulary without a word that the tokens spell; warn of the others."""
    unspellable = [word for word in words if not tokens.spell(word)]
    if len(unspellable) == len(words):
        raise UserError(
            f"lexicon: none of its {len(words)} words can be spelled with the model's "
            "tokens; write them as the recogniser does, in case and characters"
        )
    if unspellable:
        lacks = tokens.missing_characters(unspellable[0])
        warnings.warn(
            f"lexicon: {len(unspellable)} of its {len(words)} words cannot be spelled with the "
            f"model's tokens and will never be written (the first is {quoted(unspellable[0])}, for "
            f"want of {lacks}); write them as the recogniser does, in case and characters",
            stacklevel=3,
        )


def _token_ids(tokens: Tokens, lm: NGram | None) -> NDArray[np.int64]:
    """Find each token in a model over tokens; warn of those that it does not know."""
    ids = np.zeros(len(tokens.tokens), dtype=np.int64)
    if lm is None:
        return ids
    for index, token in enumerate(tokens.tokens):
        names = SPACE_NAMES if token == tokens.boundary else (token,)
        ids[index] = next((lm.id(name) for name in names if name in lm), lm.unk_id)
    missing = [t for i, t in enumerate(tokens.tokens) if ids[i] == lm.unk_id and i != BLANK_ID]
    if missing:
        warnings.warn(
            f"language model: it does not know {len(missing)} of the {len(ids) - 1} tokens "
            f"(such as {missing[0]!r}); train it on text split into the recogniser's tokens",
            stacklevel=3,
        )
    return ids
