"""Scores of sentences that begin alike, by a network that reads one subword at a time.

The results of a search share most of their words, so each distinct beginning is computed once, and
all beginnings of one length at once.

N beginnings of one length, V ids of subwords, L subwords of a sentence.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.subwords import SENTENCE_END

#: The state of a network after each of N beginnings: arrays whose axis 0 is N.
States = tuple[NDArray[Any], ...]
#: From the last subwords (N,) int64 and the states before them to the natural log-probabilities of
#: what follows (N, V), and the states after them.
Step = Callable[[NDArray[np.int64], States], tuple[NDArray[np.floating], States]]


def score_sentences(
    step: Step, start: States, sentences: Sequence[Sequence[int]]
) -> list[NDArray[np.float64]]:
    """Compute the log-probabilities of sentences.

    Args:
        step: the network.
        start: its state before a sentence, with N = 1.
        sentences: subword ids, without the ends of sentences.

    Returns:
        For each sentence the natural log-probabilities of its subwords and of its end, (L + 1,).
    """
    ended = [[*sentence, SENTENCE_END] for sentence in sentences]
    scores = [np.empty(len(sentence)) for sentence in ended]
    counts = np.array([len(sentence) for sentence in ended])
    subwords, states = np.array([SENTENCE_END], np.int64), start
    going, beginnings = np.arange(len(ended)), np.zeros(len(ended), np.int64)
    for length in range(max(map(len, ended), default=0)):
        log_probs, states = step(subwords, states)
        following = np.array([ended[one][length] for one in going.tolist()])
        found = log_probs[beginnings, following]
        for one, score in zip(going.tolist(), found, strict=True):
            scores[one][length] = score
        longer = counts[going] > length + 1
        pairs = beginnings[longer] * log_probs.shape[1] + following[longer]
        distinct, beginnings = np.unique(pairs, return_inverse=True)
        parents, subwords = np.divmod(distinct, log_probs.shape[1])
        states, going = tuple(state[parents] for state in states), going[longer]
    return scores
