"""A moving average of a model's weights: steadier than the weights of any one step."""

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of parameters.

    The weights of the first steps are soon forgotten: the decay after n updates is
    min(decay, (1 + n) / (10 + n)), as TensorFlow's average has it.

    Args:
        model: its present weights are where the average starts.
        decay: 0..1; 0 follows the weights themselves.

    Attributes:
        model: a copy that holds the average, in evaluation mode.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, updates: int) -> None:
        """Move towards `model`, which has been updated `updates` times."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        torch._foreach_lerp_(
            list(self.model.parameters()), list(model.parameters()), weight=1 - decay
        )
