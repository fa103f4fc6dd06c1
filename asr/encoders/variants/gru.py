"""The gated recurrent unit, run by PyTorch's kernel.

Shapes: F inputs, H hidden units of one direction.
"""

import torch
from torch import nn

from asr.encoders.library import LibraryLayer


class GRU(LibraryLayer):
    """A layer of gated recurrent units (Cho 2014).

    Cho resets the last output before the recurrent product, U (r ⊙ h'). Here, as in every library,
    the product is reset, r ⊙ (U h' + b), so that one product a step serves all gates.

    Parameters: 3 (H (F + H) + 2 H) a direction.
    """

    part, module, kernel = "gru", nn.GRU, staticmethod(torch.gru)
