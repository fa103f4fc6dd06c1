"""The second pass: a beam search's results ranked again by a model that reads whole sentences.

A result's score in the second pass is

    score + (second_pass_lm_weight - lm_weight) * lm_score
          + neural_lm_weight * neural_score + second_pass_word_score * words

where score, lm_score and lm_weight are those of the search, so that acoustic score, word scores and
hot-word bonuses count as before. Such a log-linear combination of two language models is better
than either alone, as they err differently.

Sources: Schwartz & Chow, "The N-best algorithm", 1990; Mikolov et al., "Recurrent neural network
based language model", 2010, for networks that rank N-best lists again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asr.decoding.beam import BeamSearch, Hypothesis
from asr.decoding.options import DecodingOptions

#: From sentences of words to the natural log-probability of each, its end included.
SentenceScorer = Callable[[Sequence[Sequence[str]]], NDArray[np.float64]]


@dataclass(frozen=True)
class ScoredTexts:
    """The best texts of one utterance's search. N hypotheses, at most as many texts.

    Attributes:
        hypotheses: N results of the search, best first.
        text: (N,) int64, which text each hypothesis has; some differ in a last space only.
        words: the words of each text.
        neural_scores: natural log-probability of each text by the second pass's model.
    """

    hypotheses: tuple[Hypothesis, ...]
    text: NDArray[np.int64]
    words: tuple[tuple[str, ...], ...]
    neural_scores: NDArray[np.float64]

    def scores(self, options: DecodingOptions) -> NDArray[np.float64]:
        """Compute the second pass's score of each hypothesis, (N,)."""
        first = np.array([found.score for found in self.hypotheses])
        lm_scores = np.array([found.lm_score for found in self.hypotheses])
        lengths = np.array([len(words) for words in self.words])
        of_texts = (
            options.neural_lm_weight * self.neural_scores + options.second_pass_word_score * lengths
        )
        change = options.second_pass_lm_weight - options.lm_weight
        return first + change * lm_scores + of_texts[self.text]


def score_texts(
    search: BeamSearch,
    hypotheses: Sequence[Hypothesis],
    scorer: SentenceScorer,
    options: DecodingOptions,
) -> ScoredTexts:
    """Score the best texts of a search.

    Args:
        search: the search that found the results.
        hypotheses: results of one utterance, best first, at least one.
        scorer: the second pass's model.
        options: how many texts are scored at most, and how far the last may lie behind the first;
            the results from the first further text on are left out.
    """
    most = options.second_pass_texts
    least = hypotheses[0].score - options.second_pass_threshold
    numbers: dict[tuple[str, ...], int] = {}
    text: list[int] = []
    for found in hypotheses:
        words = tuple(search.words(found.token_ids))
        if words not in numbers and (len(numbers) == most or found.score < least):
            break
        text.append(numbers.setdefault(words, len(numbers)))
    scores = scorer([*numbers])
    return ScoredTexts(tuple(hypotheses[: len(text)]), np.array(text), tuple(numbers), scores)


def rescore(scored: ScoredTexts, options: DecodingOptions) -> list[Hypothesis]:
    """Rank results again: best first, each with the second pass's score."""
    scores = scored.scores(options)
    order = np.argsort(-scores, kind="stable")
    return [replace(scored.hypotheses[one], score=float(scores[one])) for one in order]
