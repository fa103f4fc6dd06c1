"""One call from log-probabilities to words, for greedy and for beam search.

B batch, U encoder frames, V tokens.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from asr.decoding.greedy import TokenPath, greedy_decode
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.words import Decoded, FoundWord, log_spelled, words_of
from asr.util.errors import UserError
from asr.util.threads import map_in_threads

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch, Hypothesis
    from asr.decoding.lexicon import Lexicon
    from asr.decoding.rescoring import SentenceScorer
    from asr.decoding.segmental import SegmentalDecoder
    from asr.decoding.stream_decoder import StreamDecoder
    from asr.lm.ngram import NGram


class Decoder:
    """A search with its language model, lexicon and hot words loaded.

    Args:
        tokens: the acoustic model's tokens.
        options: search, files and weights.
        normalize: brings the lexicon's words and the hot words to the spelling the model writes.
        scorer: the second pass's language model, where the options name one.

    Raises:
        UserError: a file that the options name cannot be used, and why.
    """

    def __init__(
        self,
        tokens: Tokens,
        options: DecodingOptions,
        normalize: Callable[[str], str] = str.strip,
        scorer: "SentenceScorer | None" = None,
    ) -> None:
        self._tokens, self._options, self._normalize = tokens, options, normalize
        self._scorer = scorer
        self._beam, self._lexicon = None, None
        self._hotwords: list[str] = []
        if options.search == "beam":
            from asr.decoding.beam import BeamSearch  # imported here: greedy needs no compiler
            from asr.decoding.first_use import search_toy
            from asr.util.native import call_ahead

            call_ahead(search_toy)
            self._lexicon = load_lexicon(tokens, options, normalize)
            self._tokens = self._lexicon.tokens
            self._hotwords = load_hotwords(options, normalize)
            self._beam = BeamSearch(self._lexicon, options, self._hotwords)

    def with_hotwords(self, phrases: Iterable[str]) -> "Decoder":
        """Give a decoder that favors further phrases, and shares all else with this one.

        Raises:
            UserError: greedy search, which uses none, or a phrase that the tokens cannot spell.
        """
        if self._lexicon is None:
            raise UserError("hot words: greedy search uses none; decode with a beam search")
        from asr.decoding.beam import BeamSearch
        from asr.decoding.word_lists import normalize_hotwords

        other = copy(self)
        other._hotwords = [*self._hotwords, *normalize_hotwords(phrases, self._normalize)]
        other._beam = BeamSearch(self._lexicon, self._options, other._hotwords)
        return other

    @cached_property
    def vocabulary(self) -> frozenset[str] | None:
        """The words of the lexicon, else of a language model over words, else None."""
        return self._tokens.in_lexicon if self._lexicon is None else self._lexicon.vocabulary

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
            lengths: (B,) valid frames of each utterance; frames past them are not read.
            frame_s: seconds from one encoder frame to the next.
            threads: how many utterances are decoded at once; None for one a core.
        """
        rows = [row[:length] for row, length in zip(log_probs, lengths, strict=True)]
        if self._beam is None:
            paths = greedy_decode(log_probs, lengths)
            return [self._greedy(*pair, frame_s) for pair in zip(rows, paths, strict=True)]
        beam = self._beam

        def decode_one(row: NDArray[np.floating]) -> Decoded:
            return self._best(beam, frame_s, row, beam.decode_one(row))

        return map_in_threads(decode_one, rows, threads)

    def open_stream(self, frame_s: float) -> "StreamDecoder":
        """Begin to decode an utterance whose frames come in parts.

        Args:
            frame_s: seconds from one encoder frame to the next.
        """
        from asr.decoding.stream_decoder import BeamStream, GreedyStream

        if self._beam is not None:
            return BeamStream(self._beam, partial(self._best, self._beam, frame_s))

        def read(log_probs: NDArray[np.floating]) -> Decoded:
            return self.decode(log_probs[None], np.array([len(log_probs)]), frame_s)[0]

        return GreedyStream(self._tokens, read)

    def _best(
        self,
        beam: "BeamSearch",
        frame_s: float,
        log_probs: NDArray[np.floating],
        hypotheses: "Sequence[Hypothesis]",
    ) -> Decoded:
        """Read the words of a search's best result, after the second pass if there is one."""
        from asr.decoding.word_posteriors import read_best

        if self._scorer is not None:
            from asr.decoding.rescoring import rescore, score_texts

            scored = score_texts(beam, hypotheses, self._scorer, self._options)
            hypotheses = rescore(scored, self._options)
        path, found, log_confidence = read_best(beam, log_probs, hypotheses)
        return self._decoded(path, found, frame_s, log_confidence)

    def _greedy(self, log_probs: NDArray[np.floating], path: TokenPath, frame_s: float) -> Decoded:
        """Read the words off a best path: as its letters spell, or by its phones and a lexicon."""
        if self._segmental is None:
            found = self._tokens.words(path.token_ids)
            return self._decoded(path, found, frame_s, log_spelled(path, found))
        readings = self._segmental.read(log_probs, path)
        log_confidence = np.array([reading.log_confidence for reading in readings])
        found = [(reading.text, reading.positions) for reading in readings]
        return self._decoded(path, found, frame_s, log_confidence)

    @cached_property
    def _segmental(self) -> "SegmentalDecoder | None":
        if self._tokens.pronunciations is None:
            return None
        from asr.decoding.index_store import open_index
        from asr.decoding.segmental import SegmentalDecoder

        return SegmentalDecoder(open_index(self._tokens))

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
        UserError: the file cannot be read, or is not the model that the weights were tuned with.
    """
    from asr.lm.store import open_ngram

    options.check_lm()
    return None if options.lm is None else open_ngram(options.lm)


def load_lexicon(
    tokens: Tokens, options: DecodingOptions, normalize: Callable[[str], str]
) -> "Lexicon":
    """Open the lexicon of the options' closed vocabulary and language model, if they name any.

    Words are brought to the spelling the model writes. For a model of phones, the vocabulary's
    file may give their pronunciations; others are taken from the model's own lexicon.

    Raises:
        UserError: a file cannot be read or has no words; as `load_lm` and `Lexicon`.
    """
    from asr.decoding.lexicon_store import open_lexicon
    from asr.decoding.word_lists import read_words
    from asr.text.lexicon import read_lexicon

    words: list[str] | None = None
    if options.vocabulary is not None and tokens.pronunciations is None:
        words = read_words(options.vocabulary, normalize)
    elif options.vocabulary is not None:
        found = read_lexicon(options.vocabulary, normalize, known=tokens.pronunciations)
        tokens, words = replace(tokens, pronunciations=found), [*found]
    return open_lexicon(tokens, load_lm(options), options.lm_unit, words)


def load_hotwords(options: DecodingOptions, normalize: Callable[[str], str]) -> list[str]:
    """Read the options' hot words, if they name any, in the spelling the model writes."""
    from asr.decoding.word_lists import read_hotwords

    return read_hotwords(options.hotwords, normalize) if options.hotwords else []
