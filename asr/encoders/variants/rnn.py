"""The simple recurrent network, run by PyTorch's kernel.

Shapes: F inputs, H hidden units of one direction.
"""

import torch
from torch import nn

from asr.encoders.library import LibraryLayer


class RNN(LibraryLayer):
    """A layer of h = tanh(W x + R h' + b) (Elman 1990).

    A baseline: its gradients vanish over many frames (Hochreiter 1991; Bengio 1994).

    Parameters: H (F + H) + 2 H a direction.
    """

    part, module, kernel = "rnn", nn.RNN, staticmethod(torch.rnn_tanh)
