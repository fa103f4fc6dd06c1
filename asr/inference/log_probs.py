"""Waveforms to log-probabilities of tokens: the one place where inference runs a model.

The policy for long audio: waveforms of up to `longest_s` go through the model at once. A longer one
goes through by itself in overlapping windows of `longest_s`, whose middles are joined, since a
recurrent network is trained on utterances of seconds, and its memory grows with the length.
Recordings have `LONGEST_S`; the utterances of a manifest, which `asr.data.manifests.read_cuts`
bounds, have no limit here, since training takes them whole.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from asr.inference.segmentation import LONGEST_S
from asr.inference.segmentation.windows import windows
from asr.model.ctc_model import CTCModel
from asr.model.device import find_device
from asr.util.threads import map_in_order

if TYPE_CHECKING:
    from asr.data.dataset import Batch, SpeechDataset


@torch.inference_mode()
def compute_log_probs(
    model: CTCModel, waveforms: Tensor, lengths: Tensor, longest_s: float = LONGEST_S
) -> tuple[Tensor, Tensor]:
    """Run `model`, in evaluation mode, over a batch.

    Args:
        model: on any device.
        waveforms: (B, N).
        lengths: (B,) samples.
        longest_s: the longest waveform that goes through the model at once.

    Returns:
        log_probs (B, U, V) and their lengths (B,), both on the CPU.

    Raises:
        UserError: as `CTCModel.log_probs`.
    """
    if int(lengths.max()) <= longest_s * model.log_mel.sample_rate:
        return _run(model, waveforms, lengths)
    rows = [
        _in_windows(model, waveform[:length], longest_s)
        for waveform, length in zip(waveforms, lengths.tolist(), strict=True)
    ]
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


def _run(model: CTCModel, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    device = find_device(model)
    log_probs, frames = model.log_probs(waveforms.to(device), lengths.to(device))
    return log_probs.cpu(), frames.cpu()


def _in_windows(model: CTCModel, waveform: Tensor, longest_s: float) -> Tensor:
    """Compute the log_probs (U, V) of one waveform (N,) in overlapping windows."""
    log_mel = model.log_mel
    step = round(model.frame_s * log_mel.sample_rate)
    frames = int(model.output_frames(torch.tensor(len(waveform))))
    middles = []
    parts = list(windows(frames, model.frame_s, longest_s))
    quiet = True if len(parts) == 1 else None
    for part in tqdm(parts, "windows", unit="window", leave=False, disable=quiet):
        samples = waveform[part.first * step : part.last * step + log_mel.fft_samples]
        log_probs, _ = _run(model, samples[None], torch.tensor([len(samples)]))
        middles.append(log_probs[0, part.start - part.first : part.end - part.first])
    return torch.cat(middles)


def compute_dataset_log_probs(
    model: CTCModel,
    dataset: "SpeechDataset",
    batch_s: float,
    *,
    workers: int = 1,
    rank: int = 0,
    ranks: int = 1,
) -> "Iterator[tuple[Batch, Tensor, Tensor]]":
    """Run `model`, in evaluation mode, over this process's part of a dataset.

    Args:
        model: on any device.
        dataset: of utterances, without augmentation.
        batch_s: most seconds of padded audio in a batch.
        workers: threads, each of which runs the model over a batch; with several, give torch one
            thread.
        rank: this process's number among those that share the work.
        ranks: how many share it.

    Yields:
        A batch, its log_probs (B, U, V) and their lengths (B,), both on the CPU.
    """
    from asr.data.dataset import Batch, plan_batches, split_batch
    from asr.data.loading import load_shards

    planned = plan_batches(dataset.durations_s, batch_s, seed=0, epoch=0)
    shards = [
        split_batch(batch, micro_batches=1, rank=0, ranks=1) for batch in planned[rank::ranks]
    ]
    pin = find_device(model).type == "cuda"
    loaded = load_shards(dataset, shards, workers=0, pin=pin)

    def run(batch: Batch) -> tuple[Batch, Tensor, Tensor]:
        return batch, *compute_log_probs(model, batch.waveforms, batch.waveform_lengths, math.inf)

    yield from map_in_order(run, (batch for _, batches in loaded for batch in batches), workers)
