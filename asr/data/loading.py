"""Load batches ahead: in threads, or in processes that survive Ctrl-C until the step has ended.

torch sends tensors through shared memory, of which containers have little (Docker's 64 MB), and a
worker that finds none left waits for ever. Arrays go through a pipe, which needs none; a minute of
audio is 4 MB.
"""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from asr.data.dataset import Batch, Shard, SpeechDataset
from asr.util.errors import UserError
from asr.util.threads import map_in_order

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Longer than a step and a save take, and than SLURM and torchrun wait before they kill.
WORKER_GRACE_S = 60
_DEAD_WORKER = re.compile(
    r"DataLoader worker \(.+?\) (is killed by signal: \w+|exited unexpectedly)"
)


def load_shards(
    dataset: SpeechDataset, shards: Sequence[Shard], workers: int, *, pin: bool, threads: int = 1
) -> Iterator[tuple[Shard, list[Batch]]]:
    """Load shards in their order.

    Args:
        dataset: gives a shard's batches.
        shards: of the epoch's batches, in turn.
        workers: processes that read ahead; with 0, this process reads.
        pin: load into pinned memory, from which a CUDA device copies while it computes.
        threads: of this process, which read ahead where there are no workers; one reads each shard
            when it is asked for.

    Yields:
        Each shard with its micro-batches.

    Raises:
        UserError: an utterance cannot be loaded, or the workers cannot be started.
    """
    for shard, loaded in zip(shards, _load(dataset, shards, workers, pin, threads), strict=True):
        if isinstance(loaded, UserError):
            raise UserError(str(loaded))
        yield shard, [one.unpack() if isinstance(one, _Packed) else one for one in loaded]


def _load(
    dataset: SpeechDataset, shards: Sequence[Shard], workers: int, pin: bool, threads: int
) -> Iterator[Any]:
    if workers == 0 and threads > 1:
        return map_in_order(dataset.__getitem__, shards, threads)
    loader: DataLoader[Any] = DataLoader(
        _Arrays(dataset) if workers else dataset, batch_size=None, sampler=shards,
        collate_fn=_unchanged, num_workers=workers, pin_memory=pin, worker_init_fn=_survive_signals,
    )  # fmt: skip
    try:
        with _blocked_signals():
            return iter(loader)
    except OSError as error:
        raise UserError(
            f"trainer.workers: {workers} processes cannot be started ({error.strerror}); "
            "set trainer.workers=0, with which the training process loads audio"
        ) from error


@dataclass(frozen=True)
class _Packed:
    """A batch whose tensors are arrays."""

    fields: tuple[Any, ...]

    @classmethod
    def of(cls, batch: Batch) -> "_Packed":
        """Replace tensors by arrays."""
        return cls(tuple(one.numpy() if isinstance(one, torch.Tensor) else one for one in batch))

    def unpack(self) -> Batch:
        """Make the batch."""
        ids, *arrays = self.fields
        return Batch(ids, *map(torch.from_numpy, arrays))

    def pin_memory(self) -> Batch:
        """Make the batch in pinned memory; torch calls this in a thread that reads ahead."""
        ids, *tensors = self.unpack()
        return Batch(ids, *(tensor.pin_memory() for tensor in tensors))


class _Arrays(Dataset[Any]):
    """A dataset whose batches are packed."""

    def __init__(self, dataset: SpeechDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, shard: Shard) -> list[_Packed] | UserError:
        loaded = self.dataset[shard]
        return loaded if isinstance(loaded, UserError) else [_Packed.of(one) for one in loaded]


def _unchanged(loaded: Any) -> Any:
    return loaded


@contextmanager
def explain_dead_worker(place: str) -> Iterator[None]:
    """Say at which place of a run a worker was ended, which torch notices between any two lines.

    Raises:
        UserError: in place of torch's error.
    """
    try:
        yield
    except RuntimeError as error:
        if not (found := _DEAD_WORKER.search(f"{error.__cause__} {error}")):
            raise
        how = found[1].replace("is killed by signal:", "was ended by the signal")
        raise UserError(
            f"{place}: a process that loads audio {how}, as where memory runs out; the same "
            "command resumes from the last saved state, if need be with a smaller trainer.workers"
        ) from error


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block signals while workers start, since SIGTERM would end a half started one.

    Workers inherit the mask. Windows has neither process groups nor signal masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _survive_signals(_worker: int) -> None:
    """Let a worker finish the current step when a signal reaches the whole process group.

    The trainer saves after that step and ends its workers; the alarm ends a worker left over.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(WORKER_GRACE_S))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_trainer, daemon=True).start()


def _end_with_trainer() -> None:
    """End a worker whose trainer was killed, with which it would wait to write a batch for ever.

    The pipe of batches has no reader then, but other workers hold its end for reading.
    """
    trainer = multiprocessing.parent_process()
    if trainer is not None:
        trainer.join()
        os._exit(1)
