"""Weights in fewer bits, for smaller model files.

8 bits: each row of a matrix is stored as integers in -127..127 and one scale, the largest magnitude
of the row over 127; rounding changes a weight by at most half a scale. Vectors (biases, gains) are
small and stay float32. 16 bits: half precision throughout.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.util.errors import UserError

#: Ends the name of the tensor with the scales of a quantized matrix, one per row.
SCALE = ":scale"


def quantize(weights: Mapping[str, NDArray[np.float32]], bits: int) -> dict[str, NDArray[Any]]:
    """Convert float32 weights to 8, 16 or 32 bits; a matrix is a tensor of two or more axes."""
    if bits == 32:
        return dict(weights)
    if bits == 16:
        with np.errstate(over="ignore"):  # whoever asks for 16 bits looks for infinities
            return {name: tensor.astype(np.float16) for name, tensor in weights.items()}
    stored: dict[str, NDArray[Any]] = {}
    for name, tensor in weights.items():
        if tensor.ndim < 2:
            stored[name] = tensor
            continue
        largest = np.abs(tensor).reshape(len(tensor), -1).max(1, initial=np.finfo(np.float32).tiny)
        scale = largest / np.float32(127)
        stored[name + SCALE] = scale
        stored[name] = np.rint(tensor / _along_rows(scale, tensor)).astype(np.int8)
    return stored


def restore(stored: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Convert the result of `quantize` to float32 copies.

    Raises:
        UserError: as `check_types`.
    """
    check_types(stored)
    weights: dict[str, NDArray[np.float32]] = {}
    with np.errstate(over="ignore"):  # who reads a file looks for infinities
        for name, tensor in stored.items():
            if tensor.dtype == np.int8:
                scale = stored[name + SCALE].astype(np.float32)
                weights[name] = tensor * _along_rows(scale, tensor)
            elif not name.endswith(SCALE):
                weights[name] = tensor.astype(np.float32)
    return weights


def check_types(stored: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what `quantize` does not make.

    Raises:
        UserError: a matrix of integers without a scale for each row, or a tensor of another type.
    """
    for name, tensor in stored.items():
        if tensor.dtype != np.int8 or name.endswith(SCALE):
            if not np.issubdtype(tensor.dtype, np.floating):
                raise UserError(f"{name!r:.80}: expected floats or int8, found {tensor.dtype}")
            continue
        scale = stored.get(name + SCALE)
        if scale is None or scale.shape != tensor.shape[:1]:
            found = "none" if scale is None else f"them of shape {scale.shape}"
            raise UserError(
                f"{name!r:.80} of shape {tensor.shape}: expected a scale a row, found {found}"
            )


def _along_rows(scale: NDArray[np.float32], matrix: NDArray[Any]) -> NDArray[np.float32]:
    return scale.reshape(-1, *[1] * (matrix.ndim - 1))
