"""A recurrent layer made of any `Cell`.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, W units of one
head, N gate pre-activations of a unit.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asr.encoders.directions import join_directions, project_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_
from asr.encoders.variants.recurrence import Cell, run_cell
from asr.util.errors import UserError
from asr.util.masks import frame_mask


class CellLayer(RecurrentLayer):
    """A cell's recurrence, whose directions and heads run as one batch.

    One product before the loop projects the inputs of all frames. Each gate's recurrent matrix
    starts orthogonal, and biases start at 0, the forget gate's at 1 (Jozefowicz 2015).

    Parameters: N (H (F + H) + H) a direction.

    Attributes:
        heads: a recurrent matrix connects units of the same head only; H is a multiple of heads.
        gates: names of the N pre-activations, in the order in which weights and biases stack them.
    """

    options = frozenset({"weight_drop"})
    heads: ClassVar[int] = 1

    def __init__(
        self, input_size: int, hidden_size: int, cell: Cell, gates: Sequence[str], **options: Any
    ) -> None:
        super().__init__(input_size, hidden_size, **options)
        self.cell, self.gates = cell, tuple(gates)
        self.width = split_heads(hidden_size, self.heads)
        size = self.directions * len(gates) * hidden_size
        self.weight = nn.Parameter(torch.empty(size, input_size))
        self.recurrent = nn.Parameter(torch.empty(size, self.width))
        self.bias = nn.Parameter(torch.zeros(size))
        self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        nn.init.xavier_uniform_(self.weight)
        for matrix in self.recurrent.split(self.width):
            orthogonal_(matrix)
        if "f" in self.gates:
            self.bias.view(self.directions, len(self.gates), -1)[:, self.gates.index("f")] = 1.0

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.backward_order(lengths, features.shape[1])
        inputs = self.project(stack_directions(zero_padding(features, lengths), order))
        return join_directions(self.recur(inputs), order)

    def project(self, features: Tensor) -> Tensor:
        """Compute the pre-activations' part from the input: (G, B, T, F) -> (G, B, T, N, H)."""
        inputs = project_directions(features, self.weight, self.bias)
        return inputs.unflatten(-1, (len(self.gates), self.hidden_size))

    def recur(self, inputs: Tensor) -> Tensor:
        """Run the recurrence: (G, B, T, N, H) -> (G, B, T, H)."""
        groups = inputs.unflatten(-1, (self.heads, self.width)).permute(2, 0, 4, 1, 3, 5)
        outputs = run_cell(self.cell, groups.flatten(1, 2), self.recurrent_matrix(), self.vectors())
        return outputs.unflatten(1, (self.directions, self.heads)).permute(1, 3, 0, 2, 4).flatten(3)

    def recurrent_matrix(self) -> Tensor:
        """Arrange recurrent weights, a matrix a direction and head: (G * heads, W, N * W)."""
        shape = (self.directions, -1, self.heads, self.width, self.width)
        weights = self.drop_weights(self.recurrent).view(shape)
        return weights.permute(0, 2, 4, 1, 3).flatten(3).flatten(0, 1)

    def vectors(self) -> tuple[Tensor, ...]:
        """Give the cell's own parameters, each (G, 1, H)."""
        return ()


def split_heads(size: int, heads: int) -> int:
    """Divide units among heads.

    Raises:
        UserError: the number of units is not a multiple of heads.
    """
    if size % heads:
        raise UserError(
            f"encoder.hidden_size: expected a multiple of this encoder's {heads} heads, "
            f"found {size}"
        )
    return size // heads


def zero_padding(features: Tensor, lengths: Tensor) -> Tensor:
    """Zero the padding of (B, T, F), so that a recurrence stays finite past a sequence's end."""
    return features.masked_fill(~frame_mask(lengths, features.shape[1])[:, :, None], 0.0)
