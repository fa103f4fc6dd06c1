"""Fit the weights of a beam search, and its confidence, on held-out speech.

The network runs once; every trial only searches its log-probs again. B utterances, U encoder
frames, V tokens.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from asr.decoding.beam import BeamSearch, Hypothesis
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.rescoring import SentenceScorer, rescore, score_texts
from asr.decoding.word_posteriors import read_best
from asr.decoding.words import right_words
from asr.inference.calibration import fit_temperature
from asr.inference.descent import HALVINGS, STEPS, Trial, descend
from asr.inference.second_pass_tuning import SecondPassTuner
from asr.scoring import Pair, count_errors
from asr.util.errors import UserError

LM_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
#: Blank penalties and prior weights that go together: each alone may look worse than neither, and a
#: step at a time does not lead from one pair to the next.
PENALTIES = ((0.0, 0.0), (1.0, 0.5), (2.0, 0.5))


class Tuner:
    """Held-out speech and what to decode it with.

    Args:
        log_probs: B arrays (U, V) of natural log posteriors, each of its own length.
        references: B transcripts, written as the recognizer writes.
        lexicon: its tokens, which are those of the log-probs' columns, and its language model.
        options: where to start; all but the weights and the temperature is kept.
        hotwords: phrases that earn a bonus.
        scorer: the second pass's language model, if its weights are to be fitted too.

    Attributes:
        second_pass_trials: those of the second pass after `tune`, best first.
        calibrated: whether the confidence temperature was fitted, for which words must have been
            recognized.

    Raises:
        UserError: no reference has a word.
    """

    def __init__(
        self,
        log_probs: Sequence[NDArray[np.floating]],
        references: Sequence[str],
        lexicon: Lexicon,
        options: DecodingOptions,
        hotwords: Sequence[str] = (),
        scorer: SentenceScorer | None = None,
    ) -> None:
        self._log_probs, self._tokens, self._lexicon = log_probs, lexicon.tokens, lexicon
        self._words = [reference.split() for reference in references]
        self._options, self._hotwords = replace(options, search="beam"), hotwords
        self._tried: dict[DecodingOptions, Trial] = {}
        self._scorer, self.second_pass_trials = scorer, list[Trial]()
        self.calibrated = False
        if not any(self._words):
            raise UserError("tune: no reference has a word; tune on speech with transcripts")

    def tune(self, *, keep_search: bool = False) -> tuple[DecodingOptions, list[Trial]]:
        """Fit the weights of the search, those of the second pass, and the confidence temperature.

        Args:
            keep_search: leave the weights of the search as they are.

        Returns:
            The fitted options, and all trials of the search, best first.
        """
        best = self._options if keep_search else self._tune_search()
        search, results = self._search(best)
        if self._scorer is not None:
            best, results = self._tune_second_pass(best, search, results)
        best = replace(best, confidence_temperature=self._temperature(search, results))
        return best, sorted(self._tried.values(), key=lambda trial: trial.rank)

    def _tune_search(self) -> DecodingOptions:
        """Search a coarse grid, then step downhill from its best with each pair of penalties."""
        # Without a model any weight decodes alike, and a model given later is not for silence.
        weights = LM_WEIGHTS if self._lexicon.lm is not None else (self._options.lm_weight,)
        known = self._tokens.counts is not None
        with tqdm(desc="tune", unit=" settings", disable=None) as self._bar:
            found = []
            for blank, prior in PENALTIES:
                penalized = replace(
                    self._options, blank_penalty=blank, prior_weight=prior if known else 0.0
                )
                settings = [replace(penalized, lm_weight=weight) for weight in weights]
                found.append(self._descend(min(settings, key=self._rank), 1.0))
            best = min(found, key=self._rank)
            for halving in range(1, HALVINGS + 1):
                best = self._descend(best, 0.5**halving)
        return best

    def _descend(self, best: DecodingOptions, scale: float) -> DecodingOptions:
        """Step downhill along the weights that this model and language model have."""
        useless = set() if self._lexicon.lm is not None else {"lm_weight", "unk_score"}
        if self._tokens.counts is None:
            useless.add("prior_weight")
        steps = {name: step for name, step in STEPS.items() if name not in useless}
        return descend(best, steps, scale, self._rank)

    def _rank(self, options: DecodingOptions) -> tuple[float, ...]:
        return self._try(options).rank

    def _search(self, options: DecodingOptions) -> tuple[BeamSearch, list[list[Hypothesis]]]:
        search = BeamSearch(self._lexicon, options, self._hotwords)
        return search, search.decode(self._log_probs)

    def _try(self, options: DecodingOptions) -> Trial:
        if options not in self._tried:
            search, found = self._search(options)
            pairs = [
                Pair("", " ".join(reference), self._tokens.join(search.words(best.token_ids)))
                for reference, (best, *_) in zip(self._words, found, strict=True)
            ]
            words, characters = count_errors(pairs)
            self._tried[options] = Trial(options, wer=words.rate, cer=characters.rate)
            self._bar.update()
        return self._tried[options]

    def _tune_second_pass(
        self, options: DecodingOptions, search: BeamSearch, found: list[list[Hypothesis]]
    ) -> tuple[DecodingOptions, list[list[Hypothesis]]]:
        """Fit the second pass's weights, and rank the results of the search by them."""
        assert self._scorer is not None
        scored = [
            score_texts(search, hypotheses, self._scorer, options)
            for hypotheses in tqdm(found, desc="second pass", unit="utt", disable=None)
        ]
        tuner = SecondPassTuner(scored, self._words, self._tokens.join)
        best, self.second_pass_trials = tuner.tune(options)
        return best, [rescore(one, best) for one in scored]

    def _temperature(self, search: BeamSearch, found: list[list[Hypothesis]]) -> float:
        """Fit the temperature on which words of the best hypotheses are right."""
        confidences: list[float] = []
        correct: list[bool] = []
        for row, hypotheses, reference in zip(self._log_probs, found, self._words, strict=True):
            _, words, log_confidence = read_best(search, row, hypotheses)
            confidences += np.exp(log_confidence).tolist()
            correct += right_words(reference, [word for word, _ in words])
        self.calibrated = bool(confidences)
        return fit_temperature(confidences, correct) if confidences else 1.0
