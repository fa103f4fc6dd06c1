"""The weights of our layers under the letters of the papers, for `reference`."""

from collections.abc import Callable

import numpy as np
import reference
import torch

from asr.encoders.layer import RecurrentLayer
from asr.encoders.library import LibraryLayer
from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.convlstm import ConvLSTM
from asr.encoders.variants.greff import FGR
from asr.encoders.variants.lnlstm import LNLSTM
from asr.encoders.variants.mlstm import MLSTM
from asr.encoders.variants.xlstm import MLSTMBlock, SLSTMBlock

Array = np.ndarray
Weights = dict[str, Array]
LIBRARY_ROWS = {"RNN": "h", "GRU": "rzh", "BLSTM": "ifzo"}


def block_diag(blocks: list[np.ndarray]) -> np.ndarray:
    """Set matrices along a diagonal of zeros."""
    return torch.block_diag(*map(torch.from_numpy, blocks)).numpy()


def one_direction(layer: RecurrentLayer, direction: int) -> Weights:
    """Take the half of every parameter that belongs to a direction, the forward one being 0."""
    return {
        name: np.split(parameter.detach().double().numpy(), 2)[direction]
        for name, parameter in layer.named_parameters()
    }


def by_row(parameter: Array, rows: str, letter: str) -> Weights:
    parts = np.split(parameter, len(rows))
    return {f"{letter}_{row}": part for row, part in zip(rows, parts, strict=True)}


def library(layer: LibraryLayer, direction: int) -> Weights:
    suffix = "_reverse" if direction else ""
    own = {n.split(".")[1]: p.detach().double().numpy() for n, p in layer.named_parameters()}
    weight_ih, weight_hh, bias_ih, bias_hh = (
        own[f"{name}_l0{suffix}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    rows = LIBRARY_ROWS[type(layer).__name__]
    letters = by_row(weight_ih, rows, "W") | by_row(weight_hh, rows, "R")
    if rows == "rzh":  # the candidate's recurrent bias is reset with its product
        kept = len(bias_hh) * 2 // 3
        letters["b_rh"] = bias_hh[kept:]
        bias_hh = np.concatenate([bias_hh[:kept], 0 * bias_hh[kept:]])
    return letters | by_row(bias_ih + bias_hh, rows, "b")


def cell(layer: CellLayer, direction: int) -> Weights:
    own = one_direction(layer, direction)
    rows = "".join(layer.gates)
    letters = by_row(own["weight"], rows, "W") | by_row(own["bias"], rows, "b")
    for name, matrix in by_row(own["recurrent"], rows, "R").items():
        letters[name] = block_diag(np.split(matrix, layer.heads))
    if "peepholes" in own:
        letters |= by_row(own["peepholes"], rows[1:], "p")
    if isinstance(layer, FGR):
        for gate, row in zip("ifo", np.split(own["gate_recurrent"], 3), strict=True):
            for other, matrix in zip("ifo", np.split(row, 3, axis=1), strict=True):
                letters[f"R_{other}{gate}"] = matrix
    return letters


def lnlstm(layer: LNLSTM, direction: int) -> Weights:
    own = one_direction(layer, direction)
    names = {
        "weight": "W", "recurrent": "R", "bias": "b", "recurrent_gain": "alpha1",
        "input_gain": "alpha2", "cell_gain": "alpha3", "cell_bias": "beta3",
    }  # fmt: skip
    return {letter: own[name] for name, letter in names.items()}


def mlstm(layer: MLSTM, direction: int) -> Weights:
    own, letters = one_direction(layer, direction), {}
    for letter, parameter in (("W", own["weight"]), ("b", own["bias"])):
        parts = np.split(parameter, np.cumsum(layer.sizes)[:-1])
        letters |= {f"{letter}_{row}": part for row, part in zip("qkvoif", parts, strict=True)}
    return letters


def mlstm_block(layer: MLSTMBlock, direction: int) -> Weights:
    own = one_direction(layer, direction)
    blocks = {n: block_diag(np.split(own[n], len(own[n]) // 4)) for n in ("query", "key")}
    return own | blocks


def slstm_block(layer: SLSTMBlock, direction: int) -> Weights:
    own = one_direction(layer, direction)
    letters = {
        name: block_diag(np.split(matrix, 4))
        for name, matrix in by_row(own["weight"], "zifo", "W").items()
    }
    return own | cell(layer, direction) | letters


def convlstm(layer: ConvLSTM, direction: int) -> Weights:
    own, taps = one_direction(layer, direction), 5
    filters = {
        name: matrix.reshape(len(matrix), -1, taps)
        for letter, parameter in (("W", "weight"), ("R", "recurrent"))
        for name, matrix in by_row(own[parameter], "zifo", letter).items()
    }
    maps = by_row(own["peepholes"], "ifo", "p")
    maps = {name: vector.reshape(layer.bins, -1) for name, vector in maps.items()}
    return filters | maps | by_row(own["bias"], "zifo", "b")


def plain_rnn(xs: Array, weights: Weights) -> Array:
    return reference.rnn(xs, {name[0]: weight for name, weight in weights.items()})


def transcription(layer: RecurrentLayer, direction: int) -> Callable[[Array], Array]:
    """Give the paper's function with this direction's weights."""
    name = type(layer).__name__.lower()
    kinds: dict[str, tuple[Callable[..., Weights], Callable[[Array, Weights], Array]]] = {
        "rnn": (library, plain_rnn),
        "gru": (library, reference.gru),
        "blstm": (library, lambda xs, w: reference.greff(xs, w, "np")),
        "lstm1997": (cell, reference.lstm1997),
        "lnlstm": (lnlstm, reference.lnlstm),
        "slstm": (cell, reference.slstm),
        "mlstm": (mlstm, reference.mlstm),
        "mlstmblock": (mlstm_block, reference.mlstm_block),
        "slstmblock": (slstm_block, reference.slstm_block),
        "convlstm": (convlstm, lambda xs, w: reference.convlstm(xs, w, layer.bins)),
    }
    variant = (cell, lambda xs, w: reference.greff(xs, w, name))
    letters, function = kinds.get(name, variant)
    return lambda xs: function(xs, letters(layer, direction))


def halves(layer: RecurrentLayer, outputs: torch.Tensor) -> torch.Tensor:
    """Part what the directions said: (..., 2 H) -> (..., 2, H)."""
    if not isinstance(layer, ConvLSTM):
        return outputs.unflatten(-1, (2, -1))
    return outputs.unflatten(-1, (layer.bins, 2, -1)).transpose(-2, -3).flatten(-2)
