"""One call from log-probabilities to words, whatever the search.

B batch, U encoder frames, V tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
class Alternative:
    """Another reading of an utterance; scores are in nats, see `asr.decoding.beam.Hypothesis`."""

    text: str
    score: float
    acoustic_score: float
    lm_score: float


@dataclass(frozen=True)
class Decoded:
    """What was said in one utterance.

    Attributes:
        text: the best reading.
        words: its words, with times and confidence.
        alternatives: up to `nbest` readings of different text, best first, the first being
            `text`; empty after greedy search.
    """

    text: str
    words: tuple[Word, ...]
    alternatives: tuple[Alternative, ...] = ()


class Decoder:
    """A search made ready: language model, lexicon and hot words loaded.

    Args:
        tokens: the acoustic model's tokens.
        options: what to do.
        normalise: brings a line of the hot-word file to the spelling the model writes.
        threads: how many utterances are decoded at once; None for one a core.

    Raises:
        UserError: a file that the options name cannot be used, and why.
    """

    def __init__(
        self,
        tokens: Tokens,
        options: DecodingOptions,
        normalise: Callable[[str], str] = str.strip,
        threads: int | None = None,
    ) -> None:
        self._tokens, self._options, self._threads = tokens, options, threads
        self._beam = _load_beam(tokens, options, normalise) if options.search == "beam" else None

    def decode(
        self, log_probs: NDArray[np.floating], lengths: NDArray[np.integer], frame_s: float
    ) -> list[Decoded]:
        """Decode a batch.

        Args:
            log_probs: (B, U, V) natural log posteriors.
            lengths: (B,) valid frames of each utterance; what lies past them is not read.
            frame_s: seconds from one encoder frame to the next.
        """
        if self._beam is None:
            paths = greedy_decode(log_probs, lengths, BLANK_ID)
            return [self._decoded(path, frame_s) for path in paths]
        beam = self._beam

        def decode_one(row: NDArray[np.floating]) -> Decoded:
            from asr.decoding.align import align

            hypotheses = beam.decode_one(row)
            path = align(row, hypotheses[0].token_ids)
            readings: dict[str, Alternative] = {}
            for found in hypotheses:
                text = self._tokens.text(found.token_ids)
                scores = found.score, found.acoustic_score, found.lm_score
                readings.setdefault(text, Alternative(text, *scores))
            return self._decoded(path, frame_s, [*readings.values()][: self._options.nbest])

        rows = (row[:length] for row, length in zip(log_probs, lengths, strict=True))
        return spread(decode_one, rows, self._threads)

    def _decoded(
        self, path: TokenPath, frame_s: float, readings: Sequence[Alternative] = ()
    ) -> Decoded:
        words = words_of(path, self._tokens, frame_s, self._options.confidence_temperature)
        return Decoded(self._tokens.join([word.text for word in words]), (*words,), (*readings,))


def load_lm(options: DecodingOptions) -> "NGram | None":
    """Open the options' language model, if they name one, and hold it against its digest."""
    from asr.lm.store import open_ngram

    options.check_lm()
    return None if options.lm is None else open_ngram(options.lm)


def load_fusion(tokens: Tokens, options: DecodingOptions) -> "Fusion":
    """Join the tokens with the options' language model and lexicon."""
    from asr.decoding.fusion import Fusion
    from asr.decoding.word_lists import read_words

    words = None if options.lexicon is None else read_words(options.lexicon)
    return Fusion(tokens, load_lm(options), options.lm_unit, words)


def load_hotwords(options: DecodingOptions, normalise: Callable[[str], str]) -> list[str]:
    """Read the options' hot words, if they name any, in the spelling the model writes."""
    from asr.decoding.word_lists import read_hotwords

    return read_hotwords(options.hotwords, normalise) if options.hotwords else []


def _load_beam(
    tokens: Tokens, options: DecodingOptions, normalise: Callable[[str], str]
) -> "BeamSearch":
    """Load what the search needs; the imports wait, since greedy decoding needs no compiler."""
    from asr.decoding.beam import BeamSearch

    fusion, hotwords = load_fusion(tokens, options), load_hotwords(options, normalise)
    if options.nbest > 1:  # many results of a beam differ in spaces only
        options = replace(options, nbest=options.beam_size)
    return BeamSearch(fusion, options, hotwords)
