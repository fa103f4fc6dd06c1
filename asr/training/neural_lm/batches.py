"""Batches of sentences of similar length, a pure function of the seed and the epoch.

Every sentence begins in the zero state, as in rescoring, so that no state passes from batch to
batch. T subwords of a sentence with its end, B sentences.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.lm.neural.subwords import SENTENCE_END
from asr.training.neural_lm.network import IGNORED

#: Subwords that the gradient reaches back; a longer sentence goes on in the zero state.
LONGEST = 128
#: Subwords of a batch, padding included.
BATCH_SUBWORDS = 2048
#: Batches whose sentences are sorted by length, so that a batch has little padding.
_SORTED_BATCHES = 64


class Sentences:
    """A text in subwords, cut into batches.

    Args:
        ids: (N,) of all sentences, each with its end.
    """

    def __init__(self, ids: NDArray[np.int32]) -> None:
        ends = np.flatnonzero(ids == SENTENCE_END) + 1
        cuts = [
            np.arange(start, end, LONGEST)
            for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        ]
        self._ids = ids
        self._starts = np.concatenate(cuts)
        self._lengths = np.diff(self._starts, append=len(ids))

    def plan(self, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """List the sentences of each batch of an epoch."""
        generator = np.random.default_rng([seed, epoch])
        order = generator.permutation(len(self._lengths))
        place = np.cumsum(self._lengths[order]) // (_SORTED_BATCHES * BATCH_SUBWORDS)
        batches: list[NDArray[np.int64]] = []
        for group in np.split(order, np.flatnonzero(np.diff(place)) + 1):
            group = group[np.argsort(-self._lengths[group], kind="stable")]
            found = []
            while len(group):
                size = BATCH_SUBWORDS // int(self._lengths[group[0]])
                found.append(group[:size])
                group = group[size:]
            batches += [found[number] for number in generator.permutation(len(found))]
        return batches

    def collate(self, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Make inputs and targets (T, B) of a batch; the end of a sentence is its first input."""
        starts, lengths = self._starts[batch], self._lengths[batch]
        places = np.arange(lengths.max())[:, None]
        inside = places < lengths
        targets = np.where(inside, self._ids[np.where(inside, starts + places, 0)], IGNORED)
        inputs = np.full_like(targets, SENTENCE_END)
        inputs[1:] = np.where(inside[1:], targets[:-1], SENTENCE_END)
        return torch.from_numpy(inputs.astype(np.int64)), torch.from_numpy(targets.astype(np.int64))
