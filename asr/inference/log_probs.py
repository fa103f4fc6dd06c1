"""A model over a whole dataset: log-probabilities, batch by batch.

Shapes: B batch, U encoder frames, V tokens.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from asr.data.dataset import Batch, SpeechDataset, plan_batches, split_batch
from asr.data.loading import load_shards
from asr.model.ctc_model import CTCModel


@torch.inference_mode()
def compute_log_probs(
    model: CTCModel,
    dataset: SpeechDataset,
    batch_s: float,
    *,
    device: torch.device,
    rank: int = 0,
    ranks: int = 1,
) -> Iterator[tuple[Batch, Tensor, Tensor]]:
    """Run `model`, in evaluation mode, over this process's part of a dataset.

    Args:
        model: on `device`.
        dataset: of utterances, without augmentation.
        batch_s: most seconds of padded audio at a time.
        device: where the model is.
        rank: this process's number among those that share the work.
        ranks: how many share it.

    Yields:
        A batch, its log_probs (B, U, V) and their lengths (B,), both on the CPU.
    """
    batches = plan_batches(dataset.durations_s, batch_s, seed=0, epoch=0)
    shards = [
        split_batch(batch, micro_batches=1, rank=0, ranks=1) for batch in batches[rank::ranks]
    ]
    for _, segments in load_shards(dataset, shards, workers=0, pin=device.type == "cuda"):
        for batch in segments:
            waveforms, lengths = batch.waveforms.to(device), batch.waveform_lengths.to(device)
            log_probs, lengths = model.log_probs(waveforms, lengths)
            yield batch, log_probs.cpu(), lengths.cpu()
