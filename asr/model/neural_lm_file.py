"""A neural language model as one `.safetensors` file: weights of 8 bits, and its subwords."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.subwords import Subwords
from asr.model.quantize import check_types, quantize
from asr.model.tensor_file import Tensors, read_tensors, write_tensors
from asr.util.errors import UserError

_KIND = "lstm language model"


@dataclass(frozen=True)
class NeuralLM:
    """A model as its file holds it, checked. V ids of subwords, H hidden units.

    Attributes:
        subwords: its tokens.
        stored: ``embedding.weight`` (V, H), ``bias`` (V,), and PyTorch's ``lstm.weight_ih_l0``,
            ``lstm.weight_hh_l0``, ``lstm.bias_ih_l0`` and ``lstm.bias_hh_l0``; see
            `asr.model.quantize`.
        hidden_size: H.
    """

    subwords: Subwords
    stored: Tensors
    hidden_size: int


def write_neural_lm(
    path: Path,
    weights: Mapping[str, NDArray[np.float32]],
    subwords: Subwords,
    about: Mapping[str, object],
) -> None:
    """Write a model with weights of 8 bits.

    Args:
        path: ends in .safetensors.
        weights: by the names of `NeuralLM.stored`.
        subwords: its tokens.
        about: facts about the training, of any JSON type.

    Raises:
        UserError: the file cannot be written.
    """
    metadata = {"kind": _KIND, "subwords": list(subwords.subwords), "about": dict(about)}
    write_tensors(path, quantize(weights, 8), metadata)


def read_neural_lm(path: Path) -> NeuralLM:
    """Read what `write_neural_lm` wrote.

    Raises:
        UserError: no such file, another kind of file, or a damaged one.
    """
    stored, metadata = read_tensors(path)
    if metadata.get("kind") != _KIND:
        raise UserError(f"{path}: no neural language model; give an LSTM that `asr lm train` wrote")
    try:
        subwords = Subwords(_strings(metadata["subwords"]))
        check_types(stored)
        hidden_size = stored["embedding.weight"].shape[1]
        _check_shapes(stored, len(subwords), hidden_size)
    except (LookupError, TypeError, ValueError, UserError) as error:
        raise UserError(
            f"{path}: not a whole neural language model ({error}); train it again"
        ) from error
    return NeuralLM(subwords, stored, hidden_size)


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise UserError("its subwords are no list of texts")
    return values


def _check_shapes(stored: Tensors, vocabulary_size: int, hidden_size: int) -> None:
    gates = 4 * hidden_size
    wanted = {
        "embedding.weight": (vocabulary_size, hidden_size),
        "bias": (vocabulary_size,),
        "lstm.weight_ih_l0": (gates, hidden_size),
        "lstm.weight_hh_l0": (gates, hidden_size),
        "lstm.bias_ih_l0": (gates,),
        "lstm.bias_hh_l0": (gates,),
    }
    for name, shape in wanted.items():
        if stored[name].shape != shape:
            raise UserError(f"{name} has shape {stored[name].shape}, expected {shape}")
