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
from asr.decoding.path import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.words import FoundWord, log_spelled, words_of
from asr.transcript import Word
from asr.util.threads import map_threads

if TYPE_CHECKING:
    from asr.decoding.fusion import Fusion
    from asr.decoding.segmental import SegmentalDecoder
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
        normalize: brings what the lexicon and the hot words hold to the spelling the model writes.

    Raises:
        UserError: a file that the options name cannot be used, and why.
    """

    def __init__(
        self,
        tokens: Tokens,
        options: DecodingOptions,
        normalize: Callable[[str], str] = str.strip,
    ) -> None:
        self._tokens, self._options = tokens, options
        self._beam, self._fusion = None, None
        if options.search == "beam":
            from asr.decoding.beam import BeamSearch  # not before: greedy needs no compiler

            self._fusion = load_fusion(tokens, options, normalize)
            self._tokens = self._fusion.tokens
            self._beam = BeamSearch(self._fusion, options, load_hotwords(options, normalize))

    @cached_property
    def vocabulary(self) -> frozenset[str] | None:
        """The words it knows: of the lexicon, else of a language model over words, else None."""
        return self._tokens.in_lexicon if self._fusion is None else self._fusion.known_words

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
        rows = [row[:length] for row, length in zip(log_probs, lengths, strict=True)]
        if self._beam is None:
            paths = greedy_decode(log_probs, lengths)
            return [self._greedy(*pair, frame_s) for pair in zip(rows, paths, strict=True)]
        beam = self._beam

        def decode_one(row: NDArray[np.floating]) -> Decoded:
            from asr.decoding.word_posteriors import read_best

            path, found, log_confidence = read_best(beam, row, beam.decode_one(row))
            return self._decoded(path, found, frame_s, log_confidence)

        return map_threads(decode_one, rows, threads)

    def _greedy(self, log_probs: NDArray[np.floating], path: TokenPath, frame_s: float) -> Decoded:
        """Read the words off a best path: as it spells them, or by what its phones sound like."""
        if self._reader is None:
            found = self._tokens.words(path.token_ids)
            return self._decoded(path, found, frame_s, log_spelled(path, found))
        readings = self._reader.read(log_probs, path)
        log_confidence = np.array([reading.log_confidence for reading in readings])
        found = [(reading.text, reading.positions) for reading in readings]
        return self._decoded(path, found, frame_s, log_confidence)

    @cached_property
    def _reader(self) -> "SegmentalDecoder | None":
        from asr.decoding.segmental import SegmentalDecoder

        return None if self._tokens.pronunciations is None else SegmentalDecoder(self._tokens)

    def _decoded(
        self,
        path: TokenPath,
        found: list[FoundWord],
        frame_s: float,
        log_confidence: NDArray[np.float64],
    ) -> Decoded:
        words = words_of(path, found, frame_s, log_confidence, self._options.confidence_temperature)
        return Decoded(self._tokens.join([word.text for word in words]), (*words,))


def load_lm(options: DecodingOptions) -> "NGram | None":
    """Open the options' language model, if they name one.

    Raises:
        UserError: it cannot be read, or is another than that the weights were tuned with.
    """
    from asr.lm.store import open_ngram

    options.check_lm()
    return None if options.lm is None else open_ngram(options.lm)


def load_lexicon(
    tokens: Tokens, options: DecodingOptions, normalize: Callable[[str], str]
) -> tuple[Tokens, list[str] | None]:
    """Read the options' closed vocabulary, if they name one, in the spelling the model writes.

    A model of phones says these words as the file does, or as its own lexicon where the file has
    no phones.

    Raises:
        UserError: the file cannot be read or has no words.
    """
    from asr.decoding.word_lists import read_words
    from asr.text.phones import read_lexicon

    if options.lexicon is None:
        return tokens, None
    if tokens.pronunciations is None:
        return tokens, read_words(options.lexicon, normalize)
    said = read_lexicon(options.lexicon, normalize, known=tokens.pronunciations)
    return replace(tokens, pronunciations=said), [*said]


def load_fusion(
    tokens: Tokens, options: DecodingOptions, normalize: Callable[[str], str]
) -> "Fusion":
    """Join the tokens with the options' language model and lexicon.

    Raises:
        UserError: as `load_lm`, `load_lexicon` and `Fusion`.
    """
    from asr.decoding.fusion import Fusion

    tokens, lexicon = load_lexicon(tokens, options, normalize)
    return Fusion(tokens, load_lm(options), options.lm_unit, lexicon)


def load_hotwords(options: DecodingOptions, normalize: Callable[[str], str]) -> list[str]:
    """Read the options' hot words, if they name any, in the spelling the model writes."""
    from asr.decoding.word_lists import read_hotwords

    return read_hotwords(options.hotwords, normalize) if options.hotwords else []
