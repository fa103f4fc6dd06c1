"""Beam search over a batch: one compiled search an utterance, spread over the cores.

B batch, U encoder frames, V tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decoding.fusion import Fusion
from asr.decoding.options import DecodingOptions
from asr.decoding.penalties import token_penalties
from asr.decoding.prefix_scorer import chosen_words
from asr.decoding.prefix_search import Limits, search
from asr.util.errors import UserError
from asr.util.threads import map_threads


@dataclass(frozen=True)
class Hypothesis:
    """One result of a beam search.

    Attributes:
        token_ids: (L,) int32, blanks and repeats removed.
        score: what it was ranked by, in nats: the acoustic score, plus the LM's times its
            weight, plus word scores and hot-word bonuses.
        acoustic_score: natural log of the probability of all its paths that the beam kept, less
            penalties; of one that was cut back from within a word, the longer prefix's.
        lm_score: natural log-probability by the LM, sentence end included; 0 without one.
    """

    token_ids: NDArray[np.int32]
    score: float
    acoustic_score: float
    lm_score: float


class BeamSearch:
    """A prefix beam search made ready for one set of options.

    Args:
        fusion: the tokens and what scores prefixes beyond the acoustics.
        options: beam, thresholds and weights.
        hotwords: phrases that earn a bonus.
        threads: how many utterances are decoded at once; None for one a core.

    Attributes:
        tokens: those of the fusion.

    Raises:
        UserError: a hot word that the tokens cannot spell; as `token_penalties`.
    """

    def __init__(
        self,
        fusion: Fusion,
        options: DecodingOptions,
        hotwords: Sequence[str] = (),
        threads: int | None = None,
    ) -> None:
        self.tokens, self._names = fusion.tokens, fusion.vocabulary.words
        self._scorer = fusion.scorer(options, hotwords)
        self._penalties = token_penalties(fusion.tokens, options)
        self._limits = Limits(options.beam_size, options.beam_threshold, options.token_threshold)
        self._threads = threads

    def decode(self, log_probs: Iterable[NDArray[np.floating]]) -> list[list[Hypothesis]]:
        """Decode utterances, several at once.

        Args:
            log_probs: B arrays (U, V) of natural log posteriors, every frame valid; float32 or
                what converts to it.

        Returns:
            For each utterance what its last beam holds, best first, and at least one.

        Raises:
            UserError: V is not the number of tokens, or a frame holds NaN.
        """
        return map_threads(self.decode_one, list(log_probs), self._threads)

    def decode_one(self, log_probs: NDArray[np.floating]) -> list[Hypothesis]:
        """Decode one utterance, (U, V); see `decode`."""
        wanted = len(self._scorer.starts_word)
        if log_probs.shape[-1] != wanted:
            raise UserError(
                f"log_probs: {log_probs.shape[-1]} scores a frame for {wanted} tokens; "
                "decode with the tokens of the model that made them"
            )
        frames = np.ascontiguousarray(log_probs, dtype=np.float32)
        if np.isnan(frames).any():
            raise UserError("log_probs: not a number (NaN) in a valid frame; check the model")
        token_ids, offsets, scores = search(frames - self._penalties, self._scorer, self._limits)
        spans = zip(offsets[:-1], offsets[1:], scores, strict=True)
        return [
            Hypothesis(token_ids[low:high], float(total), float(acoustic), float(lm))
            for low, high, (total, acoustic, lm) in spans
        ]

    def words(self, token_ids: NDArray[np.int32]) -> list[str]:
        """Write a result's words; of those that sound alike, the ones the search chose."""
        words = [word for word, _ in self.tokens.words(token_ids)]
        if self.tokens.pronunciations is None:
            return words
        names = [self._names[place] for place in chosen_words(self._scorer, token_ids)]
        return [name or word for name, word in zip(names, words, strict=True)]
