"""How recurrent matrices start."""

from torch import Tensor, nn


def orthogonal_(matrix: Tensor) -> None:
    """Fill a matrix with orthogonal rows or columns (Saxe 2014).

    On the meta device, where a model is laid out before its weights are read, there is nothing to
    fill, and torch would load its compiler for it, which takes seconds.
    """
    if not matrix.is_meta:
        nn.init.orthogonal_(matrix)
