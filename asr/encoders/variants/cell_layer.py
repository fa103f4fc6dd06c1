"""A layer of any elementwise cell.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, W of one head,
N rows that enter a unit.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asr.encoders.directions import directed_linear, join_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_
from asr.encoders.variants.recurrence import Cell, run
from asr.util.errors import UserError
from asr.util.masks import frame_mask


class CellLayer(RecurrentLayer):
    """The directions of a cell's recurrence, stacked into one.

    The inputs of all frames and directions enter by one product before the loop. Each row's
    recurrent matrix starts orthogonal and biases start at 0, the forget gate's at 1 (Jozefowicz
    2015).

    Parameters: N (H (F + H) + H) a direction.

    Attributes:
        heads: a recurrent matrix joins the units of a head alone; H is a multiple of heads.
    """

    options = frozenset({"weight_drop"})
    heads: ClassVar[int] = 1

    def __init__(
        self, input_size: int, hidden_size: int, cell: Cell, rows: Sequence[str], **options: Any
    ) -> None:
        """Take the cell, and the names of the N rows that enter it."""
        super().__init__(input_size, hidden_size, **options)
        self.cell, self.rows = cell, tuple(rows)
        self.width = split_heads(hidden_size, self.heads)
        size = self.directions * len(rows) * hidden_size
        self.weight = nn.Parameter(torch.empty(size, input_size))
        self.recurrent = nn.Parameter(torch.empty(size, self.width))
        self.bias = nn.Parameter(torch.zeros(size))
        self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        nn.init.xavier_uniform_(self.weight)
        for matrix in self.recurrent.split(self.width):
            orthogonal_(matrix)
        if "f" in self.rows:
            self.bias.view(self.directions, len(self.rows), -1)[:, self.rows.index("f")] = 1.0

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.order(lengths, features.shape[1])
        inputs = self.project(stack_directions(zero_padding(features, lengths), order))
        return join_directions(self.recur(inputs), order)

    def project(self, features: Tensor) -> Tensor:
        """Compute what enters the units from outside: (G, B, T, F) -> (G, B, T, N, H)."""
        inputs = directed_linear(features, self.weight, self.bias)
        return inputs.unflatten(-1, (len(self.rows), self.hidden_size))

    def recur(self, inputs: Tensor) -> Tensor:
        """Run the recurrence: (G, B, T, N, H) -> (G, B, T, H)."""
        groups = inputs.unflatten(-1, (self.heads, self.width)).permute(2, 0, 4, 1, 3, 5)
        outputs = run(self.cell, groups.flatten(1, 2), self.recurrent_matrix(), self.vectors())
        return outputs.unflatten(1, (self.directions, self.heads)).permute(1, 3, 0, 2, 4).flatten(3)

    def recurrent_matrix(self) -> Tensor:
        """Give the matrices that turn last outputs into sums: (G * heads, W, N * W)."""
        shape = (self.directions, -1, self.heads, self.width, self.width)
        return self.drop(self.recurrent).view(shape).permute(0, 2, 4, 1, 3).flatten(3).flatten(0, 1)

    def vectors(self) -> tuple[Tensor, ...]:
        """Give the cell's own parameters, each (G, 1, H)."""
        return ()


def split_heads(size: int, heads: int) -> int:
    """Share units out among heads.

    Raises:
        UserError: they cannot be shared out equally.
    """
    if size % heads:
        raise UserError(
            f"encoder.hidden_size: expected a multiple of this encoder's {heads} heads, "
            f"found {size}"
        )
    return size // heads


def zero_padding(features: Tensor, lengths: Tensor) -> Tensor:
    """Put 0 in place of padding (B, T, F): a recurrence that goes on past the end stays finite."""
    return features.masked_fill(~frame_mask(lengths, features.shape[1])[:, :, None], 0.0)
