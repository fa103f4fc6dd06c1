"""Cut manifests to batches: which utterances stand together, and how they are loaded.

Shapes: B batch, N samples, L target length.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lhotse import CutSet
from lhotse.audio import set_audio_duration_mismatch_tolerance
from lhotse.audio.backend import (
    AudioreadBackend,
    CompositeAudioBackend,
    LibsndfileBackend,
    TorchcodecBackend,
    set_current_audio_backend,
)
from lhotse.cut import Cut
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from asr.audio import AudioError, Waveform, to_waveform
from asr.augment import WaveformAugment, generator
from asr.errors import UserError
from asr.text import Tokenizer

# Otherwise lhotse fills up to half a second of a file cut short since it was prepared.
with warnings.catch_warnings(action="ignore"):  # lhotse warns of its own setting
    set_audio_duration_mismatch_tolerance(0.01)
# libsndfile first, as the checks of `asr.corpora` read: lhotse would run sph2pipe for any .sph.
set_current_audio_backend(
    CompositeAudioBackend([LibsndfileBackend(), TorchcodecBackend(), AudioreadBackend()])
)


class Batch(NamedTuple):
    """Utterances padded to a common length; a tuple of tensors and ids, as workers send it."""

    utterance_ids: list[str]
    waveforms: Tensor  # (B, N) float32, zero past each length
    waveform_lengths: Tensor  # (B,) samples
    targets: Tensor  # (B, L) token ids, zero past each length
    target_lengths: Tensor  # (B,)
    weights: Tensor  # (B,) 1, or 0 for an utterance that only keeps a rank busy


@dataclass(frozen=True)
class Share:
    """One process's part of one global batch.

    Attributes:
        utterances: indices of this process's utterances, in `parts` pieces of like size.
        batch_size: utterances in the whole global batch.
    """

    utterances: list[list[int]]
    batch_size: int


def plan_batches(
    durations_s: Sequence[float], batch_s: float, seed: int, epoch: int
) -> list[list[int]]:
    """Make an epoch's list of global batches, a pure function of its arguments.

    Utterances of like length stand together (their durations are jittered by 10 %, so that
    neighbours vary between epochs); a batch holds at most `batch_s` seconds once padded to its
    longest utterance, and at least one utterance; the order of batches is shuffled.
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


def read_cuts(manifest: str | Path) -> CutSet:
    """Read a cut manifest into memory.

    Raises:
        UserError: the file is missing, empty or unreadable; a line of it is not a cut with
            exactly one transcript and a positive duration; an id comes twice.
    """
    path = Path(manifest)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(
            f"{path}: expected a cut manifest (*.jsonl.gz), but it {kind}; "
            "make one with `asr prepare`"
        )
    cuts: list[Cut] = []
    try:
        for cut in CutSet.from_file(path) or ():
            cuts.append(cut)
    except Exception as error:  # whatever a damaged file makes of gzip, json or lhotse
        raise UserError(
            f"{path}:{len(cuts) + 1}: not a line of a cut manifest ({_first_line(error)}); "
            "prepare the corpus again"
        ) from error
    if not cuts:
        raise UserError(f"{path}: no utterances in this manifest; prepare the corpus again")
    seen: set[str] = set()
    for line, cut in enumerate(cuts, 1):
        fault = _fault(cut) or (f"a second cut with the id {cut.id}" if cut.id in seen else None)
        if fault:
            raise UserError(f"{path}:{line}: {fault}; prepare the corpus again")
        seen.add(cut.id)
    return CutSet.from_cuts(cuts)


def _fault(item: object) -> str | None:
    """Say what keeps a manifest's item from being an utterance, if anything does."""
    if not isinstance(item, Cut):
        return f"a {type(item).__name__}, expected a cut"
    if len(item.supervisions) != 1 or not isinstance(item.supervisions[0].text, str):
        count = len(item.supervisions)
        return f"cut {item.id} has {count} transcripts, expected 1 with text"
    if not (isinstance(item.duration, int | float) and item.duration > 0):
        return f"cut {item.id}: duration is {item.duration!r} s, expected more than 0"
    return None


def read_speakers(cuts: Iterable[Cut]) -> dict[str, str] | None:
    """Give the speaker of each cut by its id; None where that of any is not known."""
    speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
    if any(speaker in (None, "") for speaker in speakers.values()):
        return None
    return {key: str(speaker) for key, speaker in speakers.items()}  # corpora number theirs, too


def load_waveform(cut: Cut, sample_rate: int) -> Waveform:
    """Load a cut as float32 (N,) at `sample_rate`, its channels mixed.

    Raises:
        UserError: the audio is missing, unreadable, empty or not finite.
    """
    try:
        samples = cut.load_audio().mean(axis=0)
        return to_waveform(samples, cut.sampling_rate, sample_rate, f"cut {cut.id}")
    except AudioError as error:  # of a class that a loader's worker cannot hand over
        raise UserError(str(error)) from error
    except Exception as error:  # every audio backend has exceptions of its own
        raise UserError(
            f"cut {cut.id}: its audio cannot be read ({_first_line(error)}); "
            "check the file and prepare the corpus again"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


class SpeechDataset(Dataset[list[Batch] | UserError]):
    """Loads shares of global batches; the trainer tells it the epoch.

    Args:
        cuts: each with one transcript.
        tokenizer: normalises the transcripts and gives the targets.
        sample_rate: Hz, of the model; other rates are resampled.
        augment: changes to the waveforms, or None for evaluation.
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
        self.cuts = list(cuts)
        self.durations_s = [cut.duration for cut in self.cuts]
        self.texts = [tokenizer.normalise(cut.supervisions[0].text) for cut in self.cuts]
        self.tokenizer = tokenizer
        self.sample_rate = sample_rate
        self.augment = augment
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Count the utterances."""
        return len(self.cuts)

    def __getitem__(self, share: Share) -> list[Batch] | UserError:
        """Load the pieces of a share, each padded on its own.

        What a user must mend is returned, not raised: a loader's worker would wrap it in its
        traceback. `asr.loading` raises it.
        """
        try:
            return [self.load(indices) for indices in share.utterances]
        except UserError as error:
            return error

    def load(self, indices: list[int]) -> Batch:
        """Load utterances as one batch; an index ~i means utterance i with weight 0."""
        real = [i if i >= 0 else ~i for i in indices]
        waveforms = [torch.from_numpy(self._waveform(i)) for i in real]
        targets = [torch.tensor(self._target(i), dtype=torch.long) for i in real]
        return Batch(
            utterance_ids=[self.cuts[i].id for i in real],
            waveforms=pad_sequence(waveforms, batch_first=True),
            waveform_lengths=torch.tensor([len(w) for w in waveforms]),
            targets=pad_sequence(targets, batch_first=True),
            target_lengths=torch.tensor([len(t) for t in targets]),
            weights=torch.tensor([float(i >= 0) for i in indices]),
        )

    def _target(self, index: int) -> list[int]:
        # A training set has no unknown characters left; in a dev set they are errors to count.
        return self.tokenizer.encode(self.tokenizer.spellable(self.texts[index]))

    def _waveform(self, index: int) -> Waveform:
        cut = self.cuts[index]
        waveform = load_waveform(cut, self.sample_rate)
        if self.augment is None:
            return waveform
        rng = generator(self.seed, self.epoch, cut.id, "waveform")
        return self.augment(waveform, self.sample_rate, rng)


def split_batch(batch: list[int], parts: int, rank: int, ranks: int) -> Share:
    """Give one of `ranks` processes its share of a global batch, in `parts` pieces.

    The pieces of all processes together hold each utterance once. Where there are fewer
    utterances than pieces, a process repeats one with weight 0: every process must take part
    in every step.
    """
    pieces = [batch[rank + ranks * part :: ranks * parts] for part in range(parts)]
    filled = [piece for piece in pieces if piece] or [[~batch[0]]]
    return Share(utterances=filled, batch_size=len(batch))
