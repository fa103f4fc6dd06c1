"""The feed-forward layers between those that mix frames; each frame is mapped by itself.

Shapes: B batch, T frames, F inputs, W outputs.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer

EXPANSION = 4


class FeedForward(RecurrentLayer):
    """y = W_2 max(0, W_1 x + b_1) + b_2 with 4 W inner units (Vaswani 2017, eq. 2).

    W is 2 H in both directions and H in one; directions differ in nothing else.

    Parameters: 4 W (F + 1) + W (4 W + 1).
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.inner = nn.Linear(input_size, EXPANSION * self.output_size)
        self.outer = nn.Linear(EXPANSION * self.output_size, self.output_size)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002
        """Map every frame: features (B, T, F) -> (B, T, W)."""
        return self.outer(self.activate(self.inner(features)))

    def activate(self, inner: Tensor) -> Tensor:
        """Bend the inner units."""
        return inner.relu()


class MacaronFeedForward(FeedForward):
    """y = (W_2 swish(W_1 x + b_1) + b_2) / 2, one of a Conformer block's two (Gulati 2020, 2.3)."""

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Map every frame: features (B, T, F) -> (B, T, W)."""
        return 0.5 * super().forward(features, lengths)

    def activate(self, inner: Tensor) -> Tensor:
        """Bend the inner units."""
        return F.silu(inner)
