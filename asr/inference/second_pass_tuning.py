"""The weights of the second pass, fitted on held-out speech.

The results of the search are scored once; every trial only ranks them again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from asr.decoding.options import DecodingOptions
from asr.decoding.rescoring import ScoredTexts
from asr.inference.descent import HALVINGS, SECOND_PASS_STEPS, Trial, descend
from asr.scoring import Pair, count_errors

#: Weights to start from, relative to the n-gram model's in the search: the neural model's, and the
#: n-gram model's in the second pass.
_WEIGHTS = (0.0, 0.25, 0.5, 0.75), (0.0, 0.25, 0.5, 0.75, 1.0)


class SecondPassTuner:
    """The scored results of held-out speech.

    Args:
        scored: of each utterance.
        references: the words of each utterance, at least one in all.
        join: writes words as the recognizer does.
    """

    def __init__(
        self,
        scored: Sequence[ScoredTexts],
        references: Sequence[Sequence[str]],
        join: Callable[[Sequence[str]], str],
    ) -> None:
        self._scored, self._trials = scored, dict[DecodingOptions, Trial]()
        self._errors = []  # of each text, in words and in characters
        totals = np.zeros(2)
        for one, reference in zip(scored, references, strict=True):
            counts = [
                count_errors([Pair("", " ".join(reference), join(words))]) for words in one.words
            ]
            self._errors.append(np.array([[kind.errors for kind in pair] for pair in counts]))
            totals += [kind.reference_length for kind in counts[0]]
        self._totals = totals

    def tune(self, options: DecodingOptions) -> tuple[DecodingOptions, list[Trial]]:
        """Search a coarse grid, then step downhill from its best.

        Returns:
            The options with the best weights, and all trials, best first.
        """
        scale = options.lm_weight or 1.0
        settings = [
            replace(options, neural_lm_weight=scale * neural, second_pass_lm_weight=scale * ngram)
            for neural, ngram in product(*_WEIGHTS)
        ]
        best = min(settings, key=self._rank)
        for halving in range(HALVINGS + 1):
            best = descend(best, SECOND_PASS_STEPS, 0.5**halving, self._rank)
        return best, sorted(self._trials.values(), key=lambda trial: trial.rank)

    def _rank(self, options: DecodingOptions) -> tuple[float, ...]:
        if options not in self._trials:
            errors = np.zeros(2)
            for one, counts in zip(self._scored, self._errors, strict=True):
                errors += counts[one.text[np.argmax(one.scores(options))]]
            wer, cer = (errors / self._totals).tolist()
            self._trials[options] = Trial(options, wer=wer, cer=cer)
        return self._trials[options].rank
