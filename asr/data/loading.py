"""Load batches in worker processes that read ahead and survive Ctrl-C until the step has ended."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch.utils.data import DataLoader

from asr.data.dataset import Batch, Shard, SpeechDataset
from asr.util.errors import UserError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WORKER_GRACE_S = 5


def load_shards(
    dataset: SpeechDataset, shards: Sequence[Shard], workers: int, *, pin: bool
) -> Iterator[tuple[Shard, list[Batch]]]:
    """Load shards in their order.

    Args:
        dataset: gives a shard's batches.
        shards: of the epoch's batches, in turn.
        workers: processes that read ahead; with 0, this process reads.
        pin: load into pinned memory, from which a CUDA device copies while it computes.

    Yields:
        Each shard with its micro-batches.

    Raises:
        UserError: an utterance cannot be loaded.
    """
    loader = DataLoader(
        dataset, batch_size=None, sampler=shards, num_workers=workers,
        pin_memory=pin, worker_init_fn=_survive_signals,
    )  # fmt: skip
    with _blocked_signals():
        batches = iter(loader)
    for shard, loaded in zip(shards, batches, strict=True):
        if isinstance(loaded, UserError):
            raise UserError(str(loaded))
        yield shard, loaded


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
