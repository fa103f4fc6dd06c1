"""Distributed training: ranks, devices, and how gradients and results are combined.

Under torchrun each process is a rank with a device of its own; without it there is one rank.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from asr.model.device import choose_device
from asr.util.errors import UserError

#: Referenced until the process ends. A model's replica that outlived its group would free the group
#: and, holding Python's lock, wait for the group's threads, which may be waiting for that lock.
_groups: list[dist.ProcessGroup | None] = []


@dataclass(frozen=True)
class DistributedContext:
    """This process among all processes that train together."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Tell whether this process writes the files and the terminal."""
        return self.rank == 0

    def replicate(self, model: nn.Module) -> nn.Module:
        """Wrap a model so that its backward pass averages gradients over all processes.

        With three and more on CPUs, a resumed run differs in the last bits: the replica reorders
        gradients after its first step, and gloo's sums depend on their order.
        """
        if self.size == 1:
            return model
        return DistributedDataParallel(model, gradient_as_bucket_view=True)

    def gather(self, value: Any) -> list[Any]:
        """Collect one picklable value from each process, in the order of ranks, everywhere."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        """Tell every process whether `flag` is true in at least one."""
        if self.size == 1:
            return flag
        found = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)


def no_sync(model: nn.Module, enabled: bool) -> AbstractContextManager[None]:
    """Leave out the averaging of gradients in one backward pass, where `enabled`."""
    if enabled and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    return contextlib.nullcontext()


@contextlib.contextmanager
def open_distributed(device: str) -> Iterator[DistributedContext]:
    """Join the processes that torchrun started, or be the only one.

    Args:
        device: one of `asr.model.device.DEVICES`.

    Raises:
        UserError: as `choose_device`, or more processes than devices.
    """
    chosen = choose_device(device, "trainer.device")
    cuda = chosen.type == "cuda"
    size = processes()
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if cuda:
        _require_device(local_rank)
        chosen = torch.device("cuda", local_rank)
        torch.cuda.set_device(chosen)
    if size == 1:
        yield DistributedContext(0, 1, chosen)
        return
    if not dist.is_initialized():  # by an earlier job of a sweep
        dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(minutes=30))
        _groups.append(dist.group.WORLD)
    yield DistributedContext(dist.get_rank(), size, chosen)


def processes() -> int:
    """Count the processes that torchrun started, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def close_group() -> None:
    """Leave the group of processes, once all jobs have ended without an error.

    After an error NCCL would wait here for the other processes, which wait in the step that this
    process has left, and the message would never appear. The end of the process ends the group.
    """
    if dist.is_initialized():
        dist.destroy_process_group()


def _require_device(local_rank: int) -> None:
    count = torch.cuda.device_count()
    if local_rank >= count:
        raise UserError(
            f"torchrun: expected at most {count}, the number of CUDA devices here, found a "
            f"process number {local_rank + 1}; start fewer, or set trainer.device=cpu"
        )
