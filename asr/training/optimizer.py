"""Optimisers and learning-rate schedules, chosen by name."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from asr.util.errors import UserError


def rmsprop(
    groups: Iterable[dict[str, Any]], *, lr: float, betas: tuple[float, float]
) -> torch.optim.RMSprop:
    """RMSProp (Tieleman 2012); betas are its momentum and the decay of its mean square."""
    return torch.optim.RMSprop(groups, lr=lr, momentum=betas[0], alpha=betas[1])


#: Short name in a recipe -> optimizer. Adam and RMSProp add the decay to the gradient, before they
#: scale it; AdamW takes it from the weights.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": rmsprop,
}


def make_optimizer(
    model: nn.Module, *, name: str, lr: float, weight_decay: float, betas: Iterable[float]
) -> torch.optim.Optimizer:
    """Make an optimizer that decays matrices, and leaves biases and normalisation gains alone.

    Raises:
        UserError: there is no optimizer of this name.
    """
    if name not in OPTIMIZERS:
        raise UserError(
            f"optimizer.name: unknown optimizer {name!r}; choose one of {', '.join(OPTIMIZERS)}"
        )
    decayed = [p for p in model.parameters() if p.ndim > 1]
    kept = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return OPTIMIZERS[name](groups, lr=lr, betas=tuple(betas))


def warmup_cosine(progress: float, *, warmup_fraction: float, final_fraction: float) -> float:
    """Climb linearly, then fall along half a cosine to `final_fraction` (Loshchilov 2017)."""
    if progress < warmup_fraction:
        return progress / warmup_fraction
    fallen = (progress - warmup_fraction) / max(1.0 - warmup_fraction, 1e-9)
    return final_fraction + (1 - final_fraction) * (1 + math.cos(math.pi * min(fallen, 1.0))) / 2


#: Short name in a recipe -> share of the highest rate at a progress of 0..1 through the run.
SCHEDULES: dict[str, Callable[..., float]] = {
    "warmup_cosine": warmup_cosine,
}


def make_schedule(
    *, name: str, warmup_fraction: float, final_fraction: float
) -> Callable[[float], float]:
    """Make the function from progress through the run, 0..1, to a share of the highest rate.

    Raises:
        UserError: there is no schedule of this name.
    """
    if name not in SCHEDULES:
        raise UserError(
            f"schedule.name: unknown schedule {name!r}; choose one of {', '.join(SCHEDULES)}"
        )
    function = SCHEDULES[name]
    return lambda progress: function(
        progress, warmup_fraction=warmup_fraction, final_fraction=final_fraction
    )
