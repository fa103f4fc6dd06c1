"""Beam search over a batch: one compiled search an utterance, spread over the cores.

B batch, U encoder frames, V tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decoding.homophones import choose_words, count_settled
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import make_scorer
from asr.decoding.prefix_search import PrefixSearch
from asr.decoding.tokens import Tokens
from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError
from asr.util.threads import map_in_threads


@dataclass(frozen=True)
class Hypothesis:
    """One result of a beam search.

    Attributes:
        token_ids: (L,) int32, blanks and repeats removed.
        score: the score that ranks it, in nats: the acoustic score, the LM score times its
            weight, word scores and hot-word bonuses, added up.
        acoustic_score: natural log of the probability of all its paths that the beam kept, less
            penalties. A result without its unfinished last word has the score with that word.
        lm_score: natural log-probability by the LM, sentence end included; 0 without one.
    """

    token_ids: NDArray[np.int32]
    score: float
    acoustic_score: float
    lm_score: float


class BeamSearch:
    """A prefix beam search made ready for one set of options.

    Args:
        lexicon: the tokens, the words they may spell, and the language model.
        options: beam, thresholds and weights.
        hotwords: phrases that earn a bonus.
        threads: how many utterances are decoded at once; None for one a core.

    Attributes:
        tokens: those of the lexicon.

    Raises:
        UserError: a hot word that the tokens cannot spell; as `token_penalties`.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        options: DecodingOptions,
        hotwords: Sequence[str] = (),
        threads: int | None = None,
    ) -> None:
        self.tokens, self._words = lexicon.tokens, lexicon.words
        self._scorer = make_scorer(lexicon, options, hotwords)
        self._penalties = token_penalties(lexicon.tokens, options)
        self._limits = options.beam_size, options.beam_threshold, options.token_threshold
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
        return map_in_threads(self.decode_one, list(log_probs), self._threads)

    def decode_one(self, log_probs: NDArray[np.floating]) -> list[Hypothesis]:
        """Decode one utterance, (U, V); see `decode`."""
        search = self.begin()
        self.feed(search, log_probs)
        return self.hypotheses(search)

    def begin(self) -> PrefixSearch:
        """Begin the search of an utterance whose frames come in parts."""
        return PrefixSearch(self._scorer, *self._limits)

    def feed(self, search: PrefixSearch, log_probs: NDArray[np.floating]) -> None:
        """Go on with a search by the next frames, (U, V); see `decode`."""
        wanted = len(self._scorer.starts_word)
        if log_probs.shape[-1] != wanted:
            raise UserError(
                f"log_probs: {log_probs.shape[-1]} scores a frame for {wanted} tokens; "
                "decode with the tokens of the model that made them"
            )
        frames = np.ascontiguousarray(log_probs, dtype=np.float32)
        if np.isnan(frames).any():
            raise UserError("log_probs: not a number (NaN) in a valid frame; check the model")
        search.feed(frames - self._penalties)

    def hypotheses(self, search: PrefixSearch) -> list[Hypothesis]:
        """List the results of a search after the frames so far; it may go on all the same."""
        token_ids, offsets, scores = search.results()
        results = zip(offsets[:-1], offsets[1:], scores, strict=True)
        return [
            Hypothesis(token_ids[low:high], float(total), float(acoustic), float(lm))
            for low, high, (total, acoustic, lm) in results
        ]

    def words(self, token_ids: NDArray[np.int32]) -> list[str]:
        """Write a result's words; of homophones, those that are the likeliest together."""
        chosen: list[str] = []
        if self.tokens.pronunciations is not None:
            chosen = [self._words[entry] for entry in choose_words(self._scorer, token_ids)]
            if all(chosen):
                return chosen
        words = [word for word, _ in self.tokens.words(token_ids)]
        return [one or word for one, word in zip(chosen or words, words, strict=True)]

    def count_settled(self, token_ids: NDArray[np.int32], complete: int) -> int:
        """Count the words that `words` begins with for every result with this prefix.

        Args:
            token_ids: of the prefix.
            complete: its words that no later token makes longer.
        """
        if self.tokens.pronunciations is None:
            return complete
        return count_settled(self._scorer, token_ids, complete)


def token_penalties(tokens: Tokens, options: DecodingOptions) -> NDArray[np.float32]:
    """Compute what is subtracted from each frame's log posteriors, (V,), in nats.

    CTC's posteriors depend on how often each token is in the training texts, and are high for the
    blank in most frames. A language model knows better how likely a token is, so the tokens'
    frequency is divided out, as hybrid systems divide posteriors by priors (Bourlard & Morgan 1994;
    for CTC, Miao 2015). The blank has a constant penalty.

    Raises:
        UserError: a prior weight for a model that does not store its tokens' counts.
    """
    penalties = np.zeros(len(tokens.tokens))
    if options.prior_weight > 0:
        if tokens.counts is None:
            raise UserError(
                "decoding.prior_weight: this model does not hold how often its tokens were trained "
                "on; set it to 0, or train the model again"
            )
        log_counts = np.log(np.maximum(tokens.counts, 1))
        # The mean stays 0, so that the weight does not shift tokens against the blank.
        average = np.delete(log_counts, BLANK_ID).mean()
        penalties = options.prior_weight * (log_counts - average)
    penalties[BLANK_ID] = options.blank_penalty
    return penalties.astype(np.float32)
