"""Load batches in worker processes that read ahead and outlive Ctrl-C until the step has ended."""

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
    """Load shares in their order.

    Args:
        dataset: what is loaded from.
        shards: of the batches, in turn.
        workers: processes that read ahead; 0 reads in this one.
        pin: load into memory that a CUDA device can copy from while it works.

    Raises:
        UserError: an utterance cannot be used.
    """
    loader = DataLoader(
        dataset, batch_size=None, sampler=shards, num_workers=workers,
        pin_memory=pin, worker_init_fn=_outlive_signals,
    )  # fmt: skip
    with _signals_held():
        batches = iter(loader)
    for shard, loaded in zip(shards, batches, strict=True):
        if isinstance(loaded, UserError):
            raise UserError(str(loaded))
        yield shard, loaded


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let signals wait while workers start: torch would have a half started one die of SIGTERM.

    Workers inherit this. Windows has neither process groups nor masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _outlive_signals(_worker: int) -> None:
    """Let a worker serve the step under way when a signal reaches the whole process group.

    The trainer saves after that step and ends its workers; one it forgot ends by the alarm.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(WORKER_GRACE_S))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
