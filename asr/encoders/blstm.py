"""The LSTM in its usual form, run by PyTorch's kernel.

Shapes: F inputs, H hidden units of one direction, P outputs of its projection.
"""

from typing import Any

import torch
from torch import nn

from asr.encoders.library import LibraryLayer
from asr.util.errors import UserError


class BLSTM(LibraryLayer):
    """An LSTM layer with three gates and no peepholes (Gers 2000; Graves 2005).

    Greff 2017 calls this variant NP. The forget gate starts with a bias of 1 (Jozefowicz 2015).

    Parameters: 4 (H (F + H) + 2 H) a direction; the textbook's single bias vector is two here,
    as in every library. With a projection (Sak 2014), h = W_hr (o ⊙ tanh(c)) is P units wide, and
    parameters are 4 (H (F + P) + 2 H) + P H; on a CPU a projected layer runs on a slower kernel.

    Raises:
        UserError: a projection that is not smaller than the hidden size.
    """

    options = frozenset({"weight_drop", "projection"})

    part, module, kernel, states = "lstm", nn.LSTM, staticmethod(torch.lstm), 2

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        projection = options.get("projection", 0)
        if projection >= hidden_size:
            raise UserError(
                f"encoder.projection: expected less than hidden_size, {hidden_size}, or 0 for "
                f"none, found {projection}"
            )
        super().__init__(input_size, hidden_size, **options)

    @torch.no_grad()
    def _initialize(self) -> None:
        super()._initialize()
        for name, parameter in self.named_parameters():
            if "bias_ih" in name:  # gates lie in the order input, forget, cell, output
                parameter[self.hidden_size : 2 * self.hidden_size] = 1.0
