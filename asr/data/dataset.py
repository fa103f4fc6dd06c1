"""Cuts to batches: which utterances share a batch, and how they are loaded.

Shapes: B batch, N samples, L target length.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from lhotse import CutSet
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from asr.audio import Waveform
from asr.data.augment import WaveformAugment, generator
from asr.data.manifests import load_waveform
from asr.data.packed import pack_cuts, pack_texts
from asr.text.tokenizer import Tokenizer
from asr.util.errors import UserError


class Batch(NamedTuple):
    """Utterances padded to a common length; a tuple, since workers send tuples."""

    utterance_ids: list[str]
    waveforms: Tensor  # (B, N) float32, zero past each length
    waveform_lengths: Tensor  # (B,) samples
    targets: Tensor  # (B, L) token ids, zero past each length
    target_lengths: Tensor  # (B,)
    weights: Tensor  # (B,) 1, or 0 for an utterance that only keeps a rank busy


@dataclass(frozen=True)
class Shard:
    """One process's part of one global batch.

    Attributes:
        micro_batches: indices of this process's utterances, in micro-batches of like size.
        batch_size: utterances in the whole global batch.
    """

    micro_batches: list[list[int]]
    batch_size: int


def plan_batches(
    durations_s: Sequence[float], batch_s: float, seed: int, epoch: int
) -> list[list[int]]:
    """Make an epoch's list of global batches, a pure function of its arguments.

    Utterances of like length share a batch; their durations are jittered by 10 % first, so that a
    batch differs between epochs. A batch has at least one utterance, and at most `batch_s` seconds
    once padded to its longest utterance. The order of batches is shuffled.
    """
    rng = np.random.default_rng([seed, epoch])
    durations = np.asarray(durations_s)
    batches: list[list[int]] = []
    longest = 0.0
    for index in np.argsort(durations * rng.uniform(0.9, 1.1, len(durations)), kind="stable"):
        longest = max(longest, durations[index])
        if not batches or longest * (len(batches[-1]) + 1) > batch_s:
            batches.append([])
            longest = durations[index]
        batches[-1].append(int(index))
    return [batches[i] for i in rng.permutation(len(batches))]


class SpeechDataset(Dataset[list[Batch] | UserError]):
    """Loads shards of global batches; the trainer sets its `epoch`.

    Args:
        cuts: each with one transcript.
        tokenizer: normalizes the transcripts and gives the targets.
        sample_rate: the model's, in Hz; audio of another rate is resampled.
        augment: augmentation of the waveforms, or None for evaluation.
        seed: of the augmentation.
    """

    def __init__(
        self,
        cuts: CutSet,
        tokenizer: Tokenizer,
        sample_rate: int,
        augment: WaveformAugment | None = None,
        seed: int = 0,
    ) -> None:
        listed = list(cuts)
        self.cuts = pack_cuts(listed)
        self.ids = pack_texts(cut.id for cut in listed)
        self.durations_s = array("d", [cut.duration for cut in listed])
        self.texts = pack_texts(tokenizer.normalize(cut.supervisions[0].text) for cut in listed)
        self.tokenizer = tokenizer
        self.sample_rate = sample_rate
        self.augment = augment
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Count the utterances."""
        return len(self.cuts)

    @property
    def references(self) -> dict[str, str]:
        """The normalized transcripts by utterance id."""
        return dict(zip(self.ids, self.texts, strict=True))

    def __getitem__(self, shard: Shard) -> list[Batch] | UserError:
        """Load the micro-batches of a shard, each padded to its own longest utterance.

        A `UserError` is returned, not raised, since a loader's worker would wrap it in a traceback;
        `asr.data.loading` raises it.
        """
        try:
            return [self.load(indices) for indices in shard.micro_batches]
        except UserError as error:
            return error

    def load(self, indices: list[int]) -> Batch:
        """Load utterances as one batch; an index ~i means utterance i with weight 0."""
        real = [i if i >= 0 else ~i for i in indices]
        waveforms = [torch.from_numpy(self._waveform(i)) for i in real]
        targets = [torch.tensor(self._target(i), dtype=torch.long) for i in real]
        return Batch(
            utterance_ids=[self.ids[i] for i in real],
            waveforms=pad_sequence(waveforms, batch_first=True),
            waveform_lengths=torch.tensor([len(w) for w in waveforms]),
            targets=pad_sequence(targets, batch_first=True),
            target_lengths=torch.tensor([len(t) for t in targets]),
            weights=torch.tensor([float(i >= 0) for i in indices]),
        )

    def _target(self, index: int) -> list[int]:
        # Training texts have no unknown characters; in dev texts these count as errors.
        return self.tokenizer.encode(self.tokenizer.spellable(self.texts[index]))

    def _waveform(self, index: int) -> Waveform:
        cut = self.cuts[index]
        waveform = load_waveform(cut, self.sample_rate)
        if self.augment is None:
            return waveform
        rng = generator(self.seed, self.epoch, cut.id, "waveform")
        return self.augment(waveform, self.sample_rate, rng)


def split_batch(batch: list[int], micro_batches: int, rank: int, ranks: int) -> Shard:
    """Give one of `ranks` processes its shard of a global batch, in micro-batches.

    Args:
        batch: indices of the utterances of the global batch.
        micro_batches: how many each process computes one after another.
        rank: which process, from 0.
        ranks: how many processes there are.

    The shards of all processes hold each utterance once. A process without an utterance repeats one
    of another process with weight 0, since every process must take part in every step.
    """
    step = ranks * micro_batches
    parts = [batch[rank + ranks * number :: step] for number in range(micro_batches)]
    filled = [part for part in parts if part] or [[~batch[0]]]
    return Shard(micro_batches=filled, batch_size=len(batch))
