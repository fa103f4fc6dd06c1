"""Random masks that a seed decides, in whichever thread they are drawn."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class _Source(threading.local):
    """The generator of one thread; None stands for torch's own."""

    generator: torch.Generator | None = None


_source = _Source()


@contextmanager
def seed_masks(seed: int, device: torch.device) -> Iterator[None]:
    """Draw all masks of this thread on `device` from a generator with this seed."""
    before = _source.generator
    _source.generator = torch.Generator(device).manual_seed(seed)
    try:
        yield
    finally:
        _source.generator = before


def draw_mask(like: Tensor, probability: float) -> Tensor:
    """Draw ones, each with this probability, and zeros, of a tensor's shape, type and device."""
    return torch.empty_like(like).bernoulli_(probability, generator=_source.generator)


def dropout(values: Tensor, probability: float, training: bool) -> Tensor:
    """Zero values with this probability in training, and scale up the others (Srivastava 2014)."""
    if not training or probability == 0:
        return values
    kept = draw_mask(values, 1 - probability)
    return values * kept.mul_(1 / max(1 - probability, torch.finfo(kept.dtype).tiny))
