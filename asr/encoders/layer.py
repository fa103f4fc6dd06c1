"""The signature every recurrent layer has, and the options that reach inside one.

Shapes: B batch, T frames, F inputs, H hidden units of one direction, P of its projection.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import reversal
from asr.util.errors import UserError


class RecurrentLayer(nn.Module, ABC):
    """A layer owns its recurrence and nothing else; `RecurrentStack` owns what is around it.

    Args:
        input_size: F.
        hidden_size: H.
        bidirectional: also hear each sequence from its end; one direction alone hears no frame
            that is still to come.
        weight_drop: probability with which each recurrent weight is left out of a whole batch
            (DropConnect as Merity 2017 uses it), 0..1.
        zoneout: probability with which a unit's cell and output each keep their last value
            instead of moving on, frame by frame (Krueger 2017); in evaluation they move by the
            expected share. 0..1.
        projection: units P that the outputs are projected to before anything, the next frame too,
            sees them (Sak 2014); 0 is none.

    Raises:
        UserError: an option this kind of layer does not support, see `options`.

    Attributes:
        directions: 2 or 1.
        output_size: directions * H, or directions * P.
        options: which of weight_drop, zoneout and projection it supports.
        bins: of the maps over frequency that its features are, see `asr.model.subsampling`; None where
            they are plain vectors.
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

    def order(self, lengths: Tensor, frames: int) -> Tensor | None:
        """Index (B, T) in which the backward direction hears, None where there is none."""
        return reversal(lengths, frames) if self.directions == 2 else None

    def drop(self, recurrent: Tensor) -> Tensor:
        """Leave out recurrent weights in training, the rest scaled up."""
        return F.dropout(recurrent, self.weight_drop, self.training)
