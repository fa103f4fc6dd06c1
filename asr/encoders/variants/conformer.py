"""The convolution of a Conformer, whose attention and feed-forward layers are those beside it.

Shapes: B batch, T frames, F inputs, W outputs.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.cell_layer import zero_padding

TAPS = 31


class ConvolutionModule(RecurrentLayer):
    """The convolution module of a Conformer (Gulati 2020, fig. 2), each unit over 31 frames.

        (a, g) = W_1 x + b_1                W units each
        u_t = Σ_k c_k (a σ(g))_{t+k-15} + d      one filter a unit; frames outside are 0
        y = W_2 swish(N(u)) + b_2

    The paper's N is batch normalization, by which an utterance's output depends on the rest of its
    batch in training, and on statistics of padded batches afterwards. Here N is layer
    normalization with gains and biases: of a frame's units alone. Padding is set to 0 before the
    filters, as the frames outside an utterance are. In one direction the filters read the last 31
    frames. W is 2 H in both directions and H in one.

    Parameters: 2 W (F + 1) + 34 W + W (W + 1).
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        width = self.output_size
        self.gated = nn.Linear(input_size, 2 * width)
        self.filters = nn.Conv1d(width, width, TAPS, groups=width)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Filter: features (B, T, F), lengths (B,) -> (B, T, W)."""
        gated = zero_padding(F.glu(self.gated(features)), lengths)
        around = (TAPS - 1, 0) if self.directions == 1 else (TAPS // 2, TAPS // 2)
        filtered = self.filters(F.pad(gated.transpose(1, 2), around)).transpose(1, 2)
        return self.output(F.silu(self.norm(filtered)))
