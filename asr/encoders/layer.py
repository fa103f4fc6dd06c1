"""What every recurrent layer has: a signature, directions, and options inside the recurrence.

Shapes: B batch, T frames, F inputs, H hidden units of one direction, P outputs of its projection.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from asr.encoders.directions import reversal_index
from asr.util.errors import UserError
from asr.util.random_masks import dropout


class RecurrentLayer(nn.Module, ABC):
    """One recurrence in one or both directions; `RecurrentStack` adds all that surrounds it.

    Args:
        input_size: F.
        hidden_size: H.
        bidirectional: also read each sequence from its end; without this direction an output
            depends on no later frame.
        weight_drop: probability with which a recurrent weight is 0 for a whole batch
            (DropConnect, in the form of Merity 2017), 0..1.
        zoneout: probability with which a unit's cell, and likewise its output, keeps its last
            value in a frame (Krueger 2017); evaluation takes the expected value. 0..1.
        projection: width P to which outputs are projected before the next frame and the next
            layer read them (Sak 2014); 0 is none.

    Raises:
        UserError: an option that this class does not support, see `options`.

    Attributes:
        directions: 2 or 1.
        output_size: directions * H, or directions * P.
        options: which of weight_drop, zoneout and projection the class supports.
        bins: frequency bins of its features, if these are maps of channels by bins, see
            `asr.model.subsampling`; None for plain vectors.
    """

    options: ClassVar[frozenset[str]] = frozenset()
    bins: int | None = None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bidirectional: bool = True,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        projection: int = 0,
    ) -> None:
        super().__init__()
        asked = {"weight_drop": weight_drop, "zoneout": zoneout, "projection": projection}
        for option, value in asked.items():
            if value and option not in self.options:
                raise UserError(
                    f"encoder.{option}: {type(self).__name__} layers do not support it, "
                    f"found {value}; set it to 0 or choose another encoder"
                )
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_drop, self.zoneout, self.projection = weight_drop, zoneout, projection
        self.directions = 2 if bidirectional else 1
        self.output_size = self.directions * (projection or hidden_size)

    @abstractmethod
    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Map features (B, T, F) with valid lengths (B,) to (B, T, output_size).

        What lies past a length changes no output within it.
        """

    def backward_order(self, lengths: Tensor, frames: int) -> Tensor | None:
        """Index (B, T) of the frames in the backward direction's order; None without one."""
        return reversal_index(lengths, frames) if self.directions == 2 else None

    def drop_weights(self, recurrent: Tensor) -> Tensor:
        """Zero recurrent weights at random in training and scale up the others."""
        return dropout(recurrent, self.weight_drop, self.training)
