"""Put together what a beam search scores prefixes with: tokens, LM, lexicon and hot words.

V tokens.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.decoding.hotwords import Hotwords, build_hotwords
from asr.decoding.lexicon import Lexicon, build_lexicon, build_vocabulary, lm_words
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import LM_NONE, LM_TOKENS, LM_WORDS, PrefixScorer
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram, NGramArrays
from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError
from asr.util.text_files import quoted

SPACE_NAMES = (" ", "|", "▁", "<space>", "<sp>")  # how models over tokens write a word boundary


class Fusion:
    """What is known besides the acoustics; `scorer` weighs it.

    Args:
        tokens: the acoustic model's tokens.
        lm: an n-gram model over words, or over tokens where `lm_unit` is "token" or where every
            token is a word.
        lm_unit: "word" or "token".
        words: a closed vocabulary; None leaves it open, but for tokens that are phones, which
            write no word that the lexicon lacks.

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
        self.tokens, self._lm = tokens, lm
        self.has_lm = lm is not None
        self._unit = LM_NONE if lm is None else LM_TOKENS if by_token else LM_WORDS
        word_lm = lm if self._unit == LM_WORDS else None
        allowed = tokens.pronunciations if words is None else words
        self._closed, self._words = allowed is not None, words
        known = lm_words(word_lm, tokens) if word_lm and words is None else []
        self.vocabulary = build_vocabulary(known if allowed is None else allowed, tokens, word_lm)
        if words is not None:
            if not any(self.vocabulary.words):
                raise UserError(
                    f"lexicon: none of its {len(words)} words can be spelled with the model's "
                    "tokens; write them as the recogniser does, in case and characters"
                )
            _warn_of_unspellable(words, tokens)
        self._token_words = _token_words(tokens, lm if self._unit == LM_TOKENS else None)

    @property
    def known_words(self) -> frozenset[str] | None:
        """Every word that can be written, or that the language model over words knows; or None."""
        if self.tokens.pronunciations is not None:
            return self.tokens.in_lexicon
        if self._words is not None:
            return frozenset(self._words)
        if self._lm is not None and self._unit == LM_WORDS:
            return frozenset(self._lm.words)
        return None

    def scorer(self, options: DecodingOptions, hotwords: Sequence[str] = ()) -> PrefixScorer:
        """Weigh it all by the options.

        Raises:
            UserError: a hot word that the tokens cannot spell.
        """
        tokens, lm = self.tokens, self._lm
        hot = build_hotwords(hotwords, tokens, options.hotword_boost)
        hot_words = {word for phrase in hotwords for word in tokens.split(phrase)}
        lexicon = build_lexicon(
            self.vocabulary,
            options.lm_weight,
            options.word_score,
            options.unk_score if self._unit == LM_WORDS else 0.0,
            self._closed,
            {word: options.hotword_boost * len(tokens.spell(word)[0]) for word in hot_words},
        )
        spelled = tokens.letters
        return PrefixScorer(
            starts_word=np.array(tokens.starts_word),
            starters_spell=any(
                starts and len(spelling) > 0
                for starts, spelling in zip(tokens.starts_word, spelled, strict=True)
            ),
            spelling_offsets=np.cumsum([0, *map(len, spelled)]).astype(np.int32),
            spelling_letters=np.array([x for word in spelled for x in word], dtype=np.int32),
            token_bounds=_token_bounds(tokens, lexicon, hot),
            token_words=self._token_words,
            lexicon=lexicon,
            hotwords=hot,
            lm=_no_arrays() if lm is None else lm.arrays,
            lm_unit=self._unit,
            lm_begin=0 if lm is None else lm.begin,
            lm_end=0 if lm is None else lm.end_id,
            lm_weight=options.lm_weight,
        )


def _token_bounds(tokens: Tokens, lexicon: Lexicon, hotwords: Hotwords) -> NDArray[np.float64]:
    """Bound from above what each token adds beyond its prefix's `upper_bound`; see `PrefixScorer.token_bounds`."""
    letters = np.array([len(spelling) for spelling in tokens.letters])
    bare = max(0.0, -lexicon.best_start)  # a ceiling counts on a first letter, which they lack
    return np.where(letters > 0, (letters - 1) * hotwords.largest_reach, bare)


def _warn_of_unspellable(words: Sequence[str], tokens: Tokens) -> None:
    unspellable = [word for word in words if not tokens.spell(word)]
    if unspellable:
        warnings.warn(
            f"lexicon: {len(unspellable)} of its {len(words)} words cannot be spelled with the "
            f"model's tokens and will never be written (the first is {quoted(unspellable[0])}, for "
            f"want of {tokens.missing_characters(unspellable[0])}); write them as the recogniser does, in "
            "case and characters",
            stacklevel=3,
        )


def _token_words(tokens: Tokens, lm: NGram | None) -> NDArray[np.int64]:
    """Find each token in a model over tokens; unknown ones are warned of."""
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


def _no_arrays() -> NGramArrays:
    """Stand in for a model that is never asked, so that the search is compiled once."""
    integers, floats = np.zeros(2, np.int32), np.zeros(2, np.float32)
    for array in (integers, floats):
        array.setflags(write=False)
    return NGramArrays(integers, floats, integers, floats, integers)
