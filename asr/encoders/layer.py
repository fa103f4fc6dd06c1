"""The signature every recurrent layer has, and the two options that reach inside one.

Shapes: B batch, T frames, F inputs, H hidden units of one direction.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from asr.errors import UserError


class RecurrentLayer(nn.Module, ABC):
    """A layer owns its recurrence and nothing else; `RecurrentStack` owns what is around it.

    Args:
        input_size: F.
        hidden_size: H.
        weight_drop: probability with which each recurrent weight is left out of a whole batch
            (DropConnect as Merity 2017 uses it), 0..1.
        zoneout: probability with which a unit's cell and output each keep their last value
            instead of moving on, frame by frame (Krueger 2017); in evaluation they move by the
            expected share. 0..1.

    Raises:
        UserError: an option this kind of layer does not support, see `options`.

    Attributes:
        directions: 2 for a bidirectional layer, whose output is 2H wide, else 1.
        options: which of weight_drop and zoneout it supports.
        bins: of the maps over frequency that its features are, see `asr.subsampling`; None where
            they are plain vectors.
    """

    directions: ClassVar[int] = 2
    options: ClassVar[frozenset[str]] = frozenset()
    bins: int | None = None

    def __init__(
        self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0, zoneout: float = 0.0
    ) -> None:
        super().__init__()
        for option, value in (("weight_drop", weight_drop), ("zoneout", zoneout)):
            if value and option not in self.options:
                raise UserError(
                    f"encoder.{option}: {type(self).__name__} layers do not support it, "
                    f"found {value}; set it to 0 or choose another encoder"
                )
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_drop, self.zoneout = weight_drop, zoneout

    @abstractmethod
    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Map features (B, T, F) with valid lengths (B,) to (B, T, directions * H).

        What lies past a length changes no output within it.
        """

    def drop(self, recurrent: Tensor) -> Tensor:
        """Leave out recurrent weights in training, the rest scaled up."""
        return F.dropout(recurrent, self.weight_drop, self.training)
