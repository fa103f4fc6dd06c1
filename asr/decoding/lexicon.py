"""The words that a beam search can write, as a prefix tree, and the language model beside them.

A lexicon is built once, and kept by `asr.decoding.lexicon_store`; `asr.decoding.prefix_scorer`
weighs it by a set of decoding options, which no part of it depends on.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.decoding.tokens import Tokens
from asr.decoding.tree import Tree, build_tree
from asr.decoding.word_lists import LONGEST
from asr.lm.ngram import BEGIN, END, UNKNOWN, NGram
from asr.text.tokenizer import BLANK_ID
from asr.util.array_file import read_only
from asr.util.errors import UserError
from asr.util.printable import quoted
from asr.util.strings import Strings

LM_NONE, LM_WORDS, LM_TOKENS = 0, 1, 2
SPACE_NAMES = (" ", "|", "▁", "<space>", "<sp>")  # how models over tokens write a word boundary
SPELLABLE = 0.9  # an LM of whose words the tokens can spell a smaller fraction is probably foreign
SAMPLED = 5_000  # words of an LM that are spelled to measure that fraction


class LexiconContents(NamedTuple):
    """What is built of tokens, a language model and words; see `Lexicon` for N, M and V.

    Attributes:
        tree: the prefixes of the words.
        first: (N + 2,) int64, where the list of each node begins, then that of outside the tree.
        words: M words; "" for an unknown one.
        word_ids: (M,) int64, each word's id in a model over words; 0, the unknown word's, without.
        log_probs: (M,) float64, each word's unigram natural log-probability; 0 without a model;
            minus infinity for an unknown word that has a known homophone.
        token_ids: (V,) int64, each token's id in a model over tokens; 0 without.
        notes: warnings for the user: words of the closed vocabulary, or more than a tenth of the
            LM's, cannot be spelled, or the LM does not know the tokens.
    """

    tree: Tree
    first: NDArray[np.int64]
    words: Strings
    word_ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]
    token_ids: NDArray[np.int64]
    notes: list[str]


class Lexicon:
    """Words by their letters, with their unigram probabilities in a language model.

    A word under way stands at one of the N nodes of the tree, or outside it. Each of these N + 1
    places has a list of the words that end there: several where words are homophones, and one
    entry for the unknown word where no word ends. The lists are concatenated, M entries in all.

    Args:
        tokens: the acoustic model's V tokens.
        lm: an n-gram model over words, or over tokens where `lm_unit` is "token" or where every
            token is a word.
        lm_unit: "word" or "token".
        words: a closed vocabulary; None leaves the vocabulary open, except for tokens that are
            phones, which write only words that have a pronunciation.
        contents: of these four, from the cache; built where not given.

    Attributes:
        tokens: as given.
        lm: as given.
        lm_unit: LM_NONE, LM_WORDS (scored at word ends) or LM_TOKENS (scored at every token).
        is_closed: whether words outside the lexicon are forbidden.
        tree, first, words, word_ids, log_probs, token_ids: as in `LexiconContents`.

    Raises:
        UserError: a closed vocabulary without a word that the tokens can spell.

    Warns:
        UserWarning: each of `LexiconContents.notes`.
    """

    def __init__(
        self,
        tokens: Tokens,
        lm: NGram | None = None,
        lm_unit: str = "word",
        words: Sequence[str] | None = None,
        contents: LexiconContents | None = None,
    ) -> None:
        contents = contents or build_contents(tokens, lm, lm_unit, words)
        self.tokens, self.lm, self._given = tokens, lm, words
        self.lm_unit = _choose_unit(tokens, lm, lm_unit)
        self.is_closed = words is not None or tokens.pronunciations is not None
        self.tree, self.first, self.words = contents.tree, contents.first, contents.words
        self.word_ids, self.log_probs = contents.word_ids, contents.log_probs
        self.token_ids = contents.token_ids
        for note in contents.notes:
            warnings.warn(note, stacklevel=2)

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """Every word that can be written or that the LM over words knows; None where neither is."""
        if self.tokens.in_lexicon is not None:
            return self.tokens.in_lexicon
        if self._given is not None:
            return frozenset(self._given)
        if self.lm is None or self.lm_unit != LM_WORDS:
            return None
        return frozenset(self.lm.words)


def build_contents(
    tokens: Tokens, lm: NGram | None, lm_unit: str, words: Sequence[str] | None
) -> LexiconContents:
    """Spell the words and look them up in the language model; arguments as for `Lexicon`.

    Raises:
        UserError: a closed vocabulary without a word that the tokens can spell.
    """
    unit = _choose_unit(tokens, lm, lm_unit)
    word_lm, token_lm = (lm if unit == wanted else None for wanted in (LM_WORDS, LM_TOKENS))
    notes: list[str] = []
    if words is not None:
        notes += _check_spellable(words, tokens)
        allowed: Iterable[str] = words
    elif tokens.pronunciations is not None:
        allowed = tokens.pronunciations
    elif word_lm is not None:
        allowed = lm_words(word_lm)
        notes += _check_language(allowed, tokens)
    else:
        allowed = ()
    token_ids = _token_ids(tokens, token_lm)
    if token_lm is not None:
        notes += _check_known(token_ids, tokens, token_lm)
    return LexiconContents(*_spell(allowed, tokens, word_lm), read_only(token_ids), notes)


def _choose_unit(tokens: Tokens, lm: NGram | None, lm_unit: str) -> int:
    if lm is None:
        return LM_NONE
    return LM_TOKENS if lm_unit == "token" or tokens.boundary is None else LM_WORDS


def _spell(
    allowed: Iterable[str], tokens: Tokens, lm: NGram | None
) -> tuple[Tree, NDArray[np.int64], Strings, NDArray[np.int64], NDArray[np.float64]]:
    """Build the tree and the lists; among homophones, those that the LM knows come first.

    Returns:
        `LexiconContents` up to `log_probs`.
    """
    spelled = [(letters, word) for word in allowed for letters in tokens.spell(word)]
    tree, ends = build_tree([letters for letters, _ in spelled])
    places = len(tree.label) + 1
    wordless = np.setdiff1d(np.arange(places), ends)
    at = np.concatenate([ends, wordless])
    names = [*(word for _, word in spelled), *("" for _ in wordless)]
    unknown = np.array([lm is not None and name not in lm for name in names])
    order = np.lexsort((unknown, at))  # stable: by place, known first, then as given
    at, unknown = at[order], unknown[order]
    words = [names[index] for index in order]
    first = np.searchsorted(at, np.arange(places + 1))
    word_ids, log_probs = np.zeros(len(at), np.int64), np.zeros(len(at))
    if lm is not None:
        word_ids = lm.ids(words).astype(np.int64)
        log_probs = lm.arrays.log_prob.astype(np.float64)[word_ids + 1]  # word w is entry w + 1
        log_probs[unknown & ~unknown[first[at]]] = -np.inf
    packed = Strings.pack(words)
    return tree, read_only(first), packed, read_only(word_ids), read_only(log_probs)


def lm_words(lm: NGram) -> list[str]:
    """List the words of a model over words.

    What is too long to be a word, as texts of the web have some, is left out.
    """
    reserved = (UNKNOWN, BEGIN, END)
    return [word for word in lm.words if word not in reserved and len(word) <= LONGEST]


def _check_language(words: Sequence[str], tokens: Tokens) -> list[str]:
    """Word a warning of a language model's words that look made for other tokens."""
    sample = words[:: 1 + len(words) // SAMPLED]
    foreign = [word for word in sample if not tokens.spell(word)]
    if len(foreign) <= (1 - SPELLABLE) * len(sample):
        return []
    percent = 100 * (1 - len(foreign) / len(sample))
    lacks = tokens.missing_characters(foreign[0])
    return [
        f"language model: the tokens can spell only {percent:.0f} % of its {len(words)} words "
        f"(not {quoted(foreign[0])}, for want of {lacks}); train it on "
        "text written as the recognizer writes, in case and characters"
    ]


def _check_spellable(words: Sequence[str], tokens: Tokens) -> list[str]:
    """Refuse a closed vocabulary without a word that the tokens spell; word a warning of others."""
    unspellable = [word for word in words if not tokens.spell(word)]
    if len(unspellable) == len(words):
        raise UserError(
            f"lexicon: none of its {len(words)} words can be spelled with the model's "
            "tokens; write them as the recognizer does, in case and characters"
        )
    if not unspellable:
        return []
    lacks = tokens.missing_characters(unspellable[0])
    return [
        f"lexicon: {len(unspellable)} of its {len(words)} words cannot be spelled with the "
        f"model's tokens and will never be written (the first is {quoted(unspellable[0])}, for "
        f"want of {lacks}); write them as the recognizer does, in case and characters"
    ]


def _token_ids(tokens: Tokens, lm: NGram | None) -> NDArray[np.int64]:
    """Find each token in a model over tokens."""
    ids = np.zeros(len(tokens.tokens), dtype=np.int64)
    if lm is not None:
        for index, token in enumerate(tokens.tokens):
            names = SPACE_NAMES if token == tokens.boundary else (token,)
            ids[index] = next((lm.id(name) for name in names if name in lm), lm.unk_id)
    return ids


def _check_known(ids: NDArray[np.int64], tokens: Tokens, lm: NGram) -> list[str]:
    """Word a warning of tokens that a model over tokens does not know."""
    missing = [t for i, t in enumerate(tokens.tokens) if ids[i] == lm.unk_id and i != BLANK_ID]
    if not missing:
        return []
    return [
        f"language model: it does not know {len(missing)} of the {len(ids) - 1} tokens "
        f"(such as {missing[0]!r}); train it on text split into the recognizer's tokens"
    ]
