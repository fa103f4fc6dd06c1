"""Weights in fewer bits, for smaller model files.

8 bits: each row of a matrix is stored as integers in -127..127 and one scale, the largest magnitude
of the row over 127; rounding changes a weight by at most half a scale. Vectors (biases, gains) are
small and stay float32. 16 bits: half precision throughout.
"""

import torch
from torch import Tensor

from asr.util.errors import UserError

#: Ends the name of the tensor with the scales of a quantized matrix, one per row.
SCALE = ":scale"


def quantize(weights: dict[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Convert float32 weights to 8, 16 or 32 bits; a matrix is a tensor of two or more axes."""
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
    """Convert the result of `quantize` to float32 copies.

    Raises:
        UserError: a matrix of integers without a scale for each row, or a tensor of another type
            than `quantize` makes.
    """
    weights = {name: tensor for name, tensor in stored.items() if not name.endswith(SCALE)}
    for name, tensor in weights.items():
        if tensor.dtype != torch.int8:
            _require_floats(name, tensor)
            weights[name] = tensor.to(torch.float32, copy=True)
            continue
        scale = stored.get(name + SCALE)
        if scale is None or scale.shape != tensor.shape[:1]:
            found = "none" if scale is None else f"them of shape {tuple(scale.shape)}"
            shape = tuple(tensor.shape)
            raise UserError(f"{name!r:.80} of shape {shape}: expected a scale a row, found {found}")
        _require_floats(name + SCALE, scale)
        weights[name] = tensor.float() * _along_rows(scale.float(), tensor)
    return weights


def _require_floats(name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        raise UserError(f"{name!r:.80}: expected floats or int8, found {tensor.dtype}")


def _along_rows(scale: Tensor, matrix: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (matrix.ndim - 1))
