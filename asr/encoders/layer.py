"""The signature every recurrent layer has.

Shapes: B batch, T frames, F inputs, H hidden units of one direction.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class RecurrentLayer(nn.Module, ABC):
    """A layer owns its recurrence and nothing else; `RecurrentStack` owns what is around it.

    Attributes:
        directions: 2 for a bidirectional layer, whose output is 2H wide, else 1.
    """

    directions: ClassVar[int]

    @abstractmethod
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Map features (B, T, F) with valid lengths (B,) to (B, T, directions * H).

        What lies past a length changes no output within it.
        """
