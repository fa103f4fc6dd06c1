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

import numpy as np

from asr.engine.engine import Counts, Engine, Floats, join_rows
from asr.inference.segmentation import LONGEST_S
from asr.inference.segmentation.windows import windows
from asr.util.progress import LateBar
from asr.util.threads import map_in_order

if TYPE_CHECKING:
    from asr.data.dataset import Batch, SpeechDataset


def compute_log_probs(
    engine: Engine, waveforms: Floats, lengths: Counts, longest_s: float = LONGEST_S
) -> tuple[Floats, Counts]:
    """Run a model over a batch.

    Args:
        engine: the model.
        waveforms: (B, N).
        lengths: (B,) samples.
        longest_s: the longest waveform that goes through the model at once.

    Returns:
        log_probs (B, U, V) and their lengths (B,).

    Raises:
        UserError: as `Engine.log_probs`.
    """
    if int(lengths.max()) <= longest_s * engine.sample_rate:
        return engine.log_probs(waveforms, lengths)
    return join_rows(
        [
            _in_windows(engine, waveform[:length], longest_s)
            for waveform, length in zip(waveforms, lengths.tolist(), strict=True)
        ]
    )


def _in_windows(engine: Engine, waveform: Floats, longest_s: float) -> Floats:
    """Compute the log_probs (U, V) of one waveform (N,) in overlapping windows."""
    step = round(engine.frame_s * engine.sample_rate)
    frames = engine.output_frames(len(waveform))
    middles = []
    parts = list(windows(frames, engine.frame_s, longest_s))
    with LateBar(len(parts), desc="windows", unit="window") as bar:
        for part in parts:
            end = part.last * step + engine.log_mel.settings.fft_samples
            samples = waveform[part.first * step : end]
            log_probs, _ = engine.log_probs(samples[None], np.array([len(samples)]))
            middles.append(log_probs[0, part.start - part.first : part.end - part.first])
            bar.update()
    return np.concatenate(middles)


def compute_dataset_log_probs(
    engine: Engine,
    dataset: "SpeechDataset",
    batch_s: float,
    *,
    workers: int = 1,
    rank: int = 0,
    ranks: int = 1,
) -> "Iterator[tuple[Batch, Floats, Counts]]":
    """Run a model over this process's part of a dataset.

    Args:
        engine: the model.
        dataset: of utterances, without augmentation.
        batch_s: most seconds of padded audio in a batch.
        workers: threads, each of which runs the model over a batch.
        rank: this process's number among those that share the work.
        ranks: how many share it.

    Yields:
        A batch, its log_probs (B, U, V) and their lengths (B,).
    """
    from asr.data.dataset import Batch, plan_batches, split_batch
    from asr.data.loading import load_shards

    planned = plan_batches(dataset.durations_s, batch_s, seed=0, epoch=0)
    shards = [
        split_batch(batch, micro_batches=1, rank=0, ranks=1) for batch in planned[rank::ranks]
    ]
    loaded = load_shards(dataset, shards, workers=0, pin=engine.on_gpu)

    def run(batch: Batch) -> tuple[Batch, Floats, Counts]:
        arrays = batch.waveforms.numpy(), batch.waveform_lengths.numpy()
        return batch, *compute_log_probs(engine, *arrays, math.inf)

    batches = (batch for _, batches in loaded for batch in batches)
    if workers <= 1:
        yield from map(run, batches)
        return
    with engine.one_thread_a_call():
        yield from map_in_order(run, batches, workers)
