"""One call from log-probabilities to words, whatever the search.

B batch, U encoder frames, V tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from asr.decoding.greedy import greedy_decode
from asr.decoding.options import DecodingOptions
from asr.decoding.parallel import spread
from asr.decoding.path import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.words import Word, words_of
from asr.text import BLANK_ID

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch
    from asr.decoding.fusion import Fusion
    from asr.lm.ngram import NGram


@dataclass(frozen=True)
class Decoded:
    """What was said in one utterance.

    Attributes:
        text: the best reading.
        words: its words, with times and confidence.
    """

    text: str
    words: tuple[Word, ...]


class Decoder:
    """A search made ready: language model, lexicon and hot words loaded.

    Args:
        tokens: the acoustic model's tokens.
        options: what to do.
        normalise: brings what the lexicon and the hot words hold to the spelling the model writes.

    Raises:
        UserError: a file that the options name cannot be used, and why.
    """

    def __init__(
        self,
        tokens: Tokens,
        options: DecodingOptions,
        normalise: Callable[[str], str] = str.strip,
    ) -> None:
        self._tokens, self._options = tokens, options
        self._beam, self._lm, self._lexicon = None, None, None
        if options.search == "beam":
            self._lm = load_lm(options)
            self._tokens, self._lexicon = load_lexicon(tokens, options, normalise)
            self._beam = _load_beam(self._tokens, options, normalise, self._lm, self._lexicon)

    @cached_property
    def vocabulary(self) -> frozenset[str] | None:
        """The words it knows: of the lexicon, else of a language model over words, else None."""
        if self._tokens.pronunciations is not None:
            return frozenset(self._tokens.pronunciations)
        if self._lexicon is not None:
            return frozenset(self._lexicon)
        if self._lm is not None and self._options.lm_unit == "word":
            return frozenset(self._lm.words)
        return None

    def decode(
        self,
        log_probs: NDArray[np.floating],
        lengths: NDArray[np.integer],
        frame_s: float,
        threads: int | None = None,
    ) -> list[Decoded]:
        """Decode a batch.

        Args:
            log_probs: (B, U, V) natural log posteriors.
            lengths: (B,) valid frames of each utterance; what lies past them is not read.
            frame_s: seconds from one encoder frame to the next.
            threads: how many utterances are decoded at once; None for one a core.
        """
        if self._beam is None:
            paths = greedy_decode(log_probs, lengths, BLANK_ID)
            return [self._join(self._words(path, frame_s)) for path in paths]
        beam = self._beam

        def decode_one(row: NDArray[np.floating]) -> Decoded:
            from asr.decoding.agreement import agreement
            from asr.decoding.align import align

            hypotheses = beam.decode_one(row)
            best = hypotheses[0].token_ids
            words = self._words(align(row, best), frame_s, agreement(hypotheses, self._tokens))
            named = zip(words, beam.words(best), strict=True)
            return self._join([replace(word, text=text) for word, text in named])

        rows = (row[:length] for row, length in zip(log_probs, lengths, strict=True))
        return spread(decode_one, rows, threads)

    def _words(
        self, path: TokenPath, frame_s: float, agreed: NDArray[np.float64] | float = 1.0
    ) -> list[Word]:
        temperature = self._options.confidence_temperature
        return words_of(path, self._tokens, frame_s, temperature, agreed)

    def _join(self, words: list[Word]) -> Decoded:
        return Decoded(self._tokens.join([word.text for word in words]), (*words,))


def load_lm(options: DecodingOptions) -> "NGram | None":
    """Open the options' language model, if they name one, and hold it against its digest."""
    from asr.lm.store import open_ngram

    options.check_lm()
    return None if options.lm is None else open_ngram(options.lm)


def load_lexicon(
    tokens: Tokens, options: DecodingOptions, normalise: Callable[[str], str]
) -> tuple[Tokens, list[str] | None]:
    """Read the options' closed vocabulary, if they name one, in the spelling the model writes.

    A model of phones says these words as the file does, or as its own lexicon where the file has
    no phones.
    """
    from asr.decoding.word_lists import read_words
    from asr.phones import read_lexicon

    if options.lexicon is None:
        return tokens, None
    if tokens.pronunciations is None:
        return tokens, read_words(options.lexicon, normalise)
    said = read_lexicon(options.lexicon, normalise, known=tokens.pronunciations)
    return replace(tokens, pronunciations=said), [*said]


def load_fusion(
    tokens: Tokens, options: DecodingOptions, normalise: Callable[[str], str]
) -> "Fusion":
    """Join the tokens with the options' language model and lexicon."""
    from asr.decoding.fusion import Fusion

    tokens, lexicon = load_lexicon(tokens, options, normalise)
    return Fusion(tokens, load_lm(options), options.lm_unit, lexicon)


def load_hotwords(options: DecodingOptions, normalise: Callable[[str], str]) -> list[str]:
    """Read the options' hot words, if they name any, in the spelling the model writes."""
    from asr.decoding.word_lists import read_hotwords

    return read_hotwords(options.hotwords, normalise) if options.hotwords else []


def _load_beam(
    tokens: Tokens,
    options: DecodingOptions,
    normalise: Callable[[str], str],
    lm: "NGram | None",
    lexicon: list[str] | None,
) -> "BeamSearch":
    """Load what the search needs; the imports wait, since greedy decoding needs no compiler."""
    from asr.decoding.beam import BeamSearch
    from asr.decoding.fusion import Fusion

    fusion = Fusion(tokens, lm, options.lm_unit, lexicon)
    hotwords = load_hotwords(options, normalise)
    return BeamSearch(fusion, options, hotwords)
