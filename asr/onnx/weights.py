"""The weights of a model file as arrays: float32, or 8 bits and a scale a row.

See `asr.model.quantize` for the 8 bits.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_SCALE = ":scale"


class Weights:
    """Look up tensors by the names of a model file.

    Args:
        stored: tensors by name; a matrix ``NAME`` of int8 has its rows' scales as ``NAME:scale``.

    Attributes:
        in_8_bits: whether any matrix is stored as integers.
    """

    def __init__(self, stored: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._stored = stored
        self.in_8_bits = any(array.dtype == np.int8 for array in stored.values())

    def floats(self, name: str) -> Array:
        """Give a tensor as float32, in the shape of the file."""
        array = self._stored[name]
        if array.dtype != np.int8:
            return array.astype(np.float32, copy=False)
        scale = self._stored[name + _SCALE].astype(np.float32)
        return array.astype(np.float32) * scale.reshape(-1, *[1] * (array.ndim - 1))
