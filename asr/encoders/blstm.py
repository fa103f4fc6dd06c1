"""The LSTM as it is known today, run by PyTorch's kernel.

Shapes: F inputs, H hidden units of one direction.
"""

import torch
from torch import nn

from asr.encoders.library import LibraryLayer


class BLSTM(LibraryLayer):
    """One bidirectional LSTM layer with three gates and no peepholes (Gers 2000; Graves 2005).

    It is Greff's NP. The forget gate starts with a bias of 1 (Jozefowicz 2015).

    Parameters: 4 (H (F + H) + 2 H) a direction; the textbook's single bias vector is two here,
    as in every library.
    """

    part, module, kernel, states = "lstm", nn.LSTM, staticmethod(torch.lstm), 2

    @torch.no_grad()
    def _initialise(self) -> None:
        super()._initialise()
        for name, parameter in self.named_parameters():
            if "bias_ih" in name:  # gates lie in the order input, forget, cell, output
                parameter[self.hidden_size : 2 * self.hidden_size] = 1.0
