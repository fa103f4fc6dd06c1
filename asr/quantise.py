"""Weights in fewer bits, for model files that travel.

8 bits: each row of a matrix is stored as whole numbers in -127..127 and one scale, its largest
magnitude over 127; rounding then moves a weight by at most half a scale. Vectors (biases, gains,
statistics) are few and stay as they are. 16 bits: half precision throughout.
"""

import torch
from torch import Tensor

#: Ends the name of the tensor that holds a quantised matrix's scales, one a row.
SCALE = ":scale"


def quantise(weights: dict[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Bring float32 weights to 8, 16 or 32 bits; matrices are all of two or more axes."""
    if bits == 32:
        return weights
    if bits == 16:
        return {name: tensor.half() for name, tensor in weights.items()}
    stored: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.ndim < 2:
            stored[name] = tensor
            continue
        scale = tensor.abs().flatten(1).amax(1).clamp(min=torch.finfo(torch.float32).tiny) / 127
        stored[name + SCALE] = scale
        stored[name] = (tensor / _along_rows(scale, tensor)).round().to(torch.int8)
    return stored


def restore(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring what `quantise` made back to float32; other weights are only cast.

    Raises:
        KeyError: a matrix of whole numbers without its scales.
    """
    weights = {name: tensor for name, tensor in stored.items() if not name.endswith(SCALE)}
    for name, tensor in weights.items():
        whole = tensor.dtype == torch.int8
        scale = _along_rows(stored[name + SCALE], tensor) if whole else 1.0
        weights[name] = tensor.float() * scale if whole else tensor.float()
    return weights


def _along_rows(scale: Tensor, matrix: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (matrix.ndim - 1))
