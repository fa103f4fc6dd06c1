"""The weights of a model file as arrays: float32, or integers and a scale a row.

A file of 8 bits holds integers in -127..127, see `asr.model.quantize`. Products of 8 bits are
computed with 7 of them: AVX2 without VNNI adds pairs of products in 16 bits, and a sum of two
products of 0..255 and -64..64 is the largest that fits. With 8 bits, sums that are too large are
cut off, on such processors alone, and log-probabilities of en-small were off by a third more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.model.quantize import SCALE

Array = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int8]

_STORED, _COMPUTED = 127, 64  # largest magnitudes of an integer


class Weights:
    """Look up tensors by the names of a model file.

    Args:
        stored: tensors by name; a matrix ``NAME`` of int8 has its rows' scales as ``NAME:scale``.

    Attributes:
        in_8_bits: whether all matrices are stored as integers.
    """

    def __init__(self, stored: Mapping[str, npt.NDArray[Any]]) -> None:
        self._stored = stored
        self.in_8_bits = all(array.dtype == np.int8 for array in stored.values() if array.ndim > 1)

    @property
    def vocabulary_size(self) -> int:
        """V, the number of an acoustic model's tokens."""
        return len(self._stored["head.bias"])

    def floats(self, name: str) -> Array:
        """Give a tensor as float32, in the shape of the file."""
        array = self._stored[name]
        if array.dtype != np.int8:
            return array.astype(np.float32, copy=False)
        scale = self._stored[name + SCALE].astype(np.float32)
        return array.astype(np.float32) * scale.reshape(-1, *[1] * (array.ndim - 1))

    def integers(self, name: str) -> Integers:
        """Give a matrix of 8 bits as integers of 7, rows by columns."""
        return np.rint(self._stored[name] * np.float32(_COMPUTED / _STORED)).astype(np.int8)

    def scales(self, name: str) -> Array:
        """Give the scale of each row of `integers`."""
        return self._stored[name + SCALE].astype(np.float32) * np.float32(_STORED / _COMPUTED)
