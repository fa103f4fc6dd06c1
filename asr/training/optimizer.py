"""Optimizers and learning-rate schedules, chosen by name, and the moving average of weights."""

import copy
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from asr.util.errors import UserError

Model = TypeVar("Model", bound=nn.Module)


def rmsprop(
    groups: Iterable[dict[str, Any]], *, lr: float, betas: tuple[float, float]
) -> torch.optim.RMSprop:
    """RMSProp (Tieleman 2012); betas are its momentum and the decay of its mean square."""
    return torch.optim.RMSprop(groups, lr=lr, momentum=betas[0], alpha=betas[1])


#: Short name in a recipe -> optimizer. Adam and RMSProp add the weight decay to the gradient before
#: scaling; AdamW subtracts the decay from the weights. Fused, a step reads each number once.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "rmsprop": rmsprop,
}


def make_optimizer(
    model: nn.Module, *, name: str, lr: float, weight_decay: float, betas: Iterable[float]
) -> torch.optim.Optimizer:
    """Make an optimizer with weight decay on matrices, and none on biases and gains.

    Raises:
        UserError: there is no optimizer of this name.
    """
    if name not in OPTIMIZERS:
        raise UserError(
            f"optimizer.name: unknown optimizer {name!r}; choose one of {', '.join(OPTIMIZERS)}"
        )
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return OPTIMIZERS[name](groups, lr=lr, betas=tuple(betas))


def warmup_cosine(progress: float, *, warmup_fraction: float, final_fraction: float) -> float:
    """Climb linearly, then fall along half a cosine to `final_fraction` (Loshchilov 2017)."""
    if progress < warmup_fraction:
        return progress / warmup_fraction
    decay = (progress - warmup_fraction) / max(1.0 - warmup_fraction, 1e-9)
    return final_fraction + (1 - final_fraction) * (1 + math.cos(math.pi * min(decay, 1.0))) / 2


#: Short name in a recipe -> learning rate relative to its peak, at a progress of 0..1.
SCHEDULES: dict[str, Callable[..., float]] = {
    "warmup_cosine": warmup_cosine,
}


def make_schedule(
    *, name: str, warmup_fraction: float, final_fraction: float
) -> Callable[[float], float]:
    """Make the function from progress through the run, 0..1, to the rate relative to its peak.

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


class WeightAverage(Generic[Model]):
    """Exponential moving average of parameters, which is steadier than the weights of one step.

    The first steps' weights are soon forgotten: after n updates the decay is
    min(decay, (1 + n) / (10 + n)), as in TensorFlow's average.

    Args:
        model: the average starts at this model's weights.
        decay: 0..1; at 0 the average equals the weights.

    Attributes:
        model: a copy that holds the average, in evaluation mode.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: Model, updates: int) -> None:
        """Move towards `model`, which has been updated `updates` times."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        torch._foreach_lerp_(
            list(self.model.parameters()), list(model.parameters()), weight=1 - decay
        )
