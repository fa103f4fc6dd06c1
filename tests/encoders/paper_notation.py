"""The weights of our layers in the papers' notation, for the functions of `reference`."""

from collections.abc import Callable

import numpy as np
import reference
import reference_blocks
import torch

from asr.encoders.layer import RecurrentLayer
from asr.encoders.library import LibraryLayer
from asr.encoders.variants.attention import SelfAttention
from asr.encoders.variants.cell_layer import CellLayer
from asr.encoders.variants.conformer import ConvolutionModule
from asr.encoders.variants.convlstm import ConvLSTM
from asr.encoders.variants.feed_forward import FeedForward
from asr.encoders.variants.greff import FGR
from asr.encoders.variants.lnlstm import LNLSTM
from asr.encoders.variants.mlstm import MLSTM
from asr.encoders.variants.xlstm import MLSTMBlock, SLSTMBlock

Array = np.ndarray
Weights = dict[str, Array]
#: Layers whose outputs have no half for each direction.
UNDIRECTED = (SelfAttention, FeedForward, ConvolutionModule)
LIBRARY_GATES = {"RNN": "h", "GRU": "rzh", "BLSTM": "ifzo"}


def block_diag(blocks: list[np.ndarray]) -> np.ndarray:
    """Set matrices along a diagonal of zeros."""
    return torch.block_diag(*map(torch.from_numpy, blocks)).numpy()


def one_direction(layer: RecurrentLayer, direction: int) -> Weights:
    """Take one direction's half of every parameter; direction 0 is the forward one."""
    return {
        name: np.split(parameter.detach().double().numpy(), 2)[direction]
        for name, parameter in layer.named_parameters()
    }


def whole(layer: RecurrentLayer) -> Weights:
    """Take all of every parameter."""
    return {name: p.detach().double().numpy() for name, p in layer.named_parameters()}


def by_gate(parameter: Array, gates: str, letter: str) -> Weights:
    parts = np.split(parameter, len(gates))
    return {f"{letter}_{gate}": part for gate, part in zip(gates, parts, strict=True)}


def library(layer: LibraryLayer, direction: int) -> Weights:
    suffix = "_reverse" if direction else ""
    own = {n.split(".")[1]: p.detach().double().numpy() for n, p in layer.named_parameters()}
    weight_ih, weight_hh, bias_ih, bias_hh = (
        own[f"{name}_l0{suffix}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    gates = LIBRARY_GATES[type(layer).__name__]
    weights = by_gate(weight_ih, gates, "W") | by_gate(weight_hh, gates, "R")
    if gates == "rzh":  # the reset gate multiplies the candidate's recurrent bias too
        kept = len(bias_hh) * 2 // 3
        weights["b_rh"] = bias_hh[kept:]
        bias_hh = np.concatenate([bias_hh[:kept], 0 * bias_hh[kept:]])
    return weights | by_gate(bias_ih + bias_hh, gates, "b")


def cell(layer: CellLayer, direction: int) -> Weights:
    own = one_direction(layer, direction)
    gates = "".join(layer.gates)
    weights = by_gate(own["weight"], gates, "W") | by_gate(own["bias"], gates, "b")
    for name, matrix in by_gate(own["recurrent"], gates, "R").items():
        weights[name] = block_diag(np.split(matrix, layer.heads))
    if "peepholes" in own:
        weights |= by_gate(own["peepholes"], gates[1:], "p")
    if isinstance(layer, FGR):
        for gate, matrices in zip("ifo", np.split(own["gate_recurrent"], 3), strict=True):
            for other, matrix in zip("ifo", np.split(matrices, 3, axis=1), strict=True):
                weights[f"R_{other}{gate}"] = matrix
    return weights


def lnlstm(layer: LNLSTM, direction: int) -> Weights:
    own = one_direction(layer, direction)
    names = {
        "weight": "W", "recurrent": "R", "bias": "b", "recurrent_gain": "alpha1",
        "input_gain": "alpha2", "cell_gain": "alpha3", "cell_bias": "beta3",
    }  # fmt: skip
    return {letter: own[name] for name, letter in names.items()}


def mlstm(layer: MLSTM, direction: int) -> Weights:
    own, weights = one_direction(layer, direction), {}
    for letter, parameter in (("W", own["weight"]), ("b", own["bias"])):
        parts = np.split(parameter, np.cumsum(layer.sizes)[:-1])
        weights |= {f"{letter}_{name}": part for name, part in zip("qkvoif", parts, strict=True)}
    return weights


def mlstm_block(layer: MLSTMBlock, direction: int) -> Weights:
    own = one_direction(layer, direction)
    blocks = {n: block_diag(np.split(own[n], len(own[n]) // 4)) for n in ("query", "key")}
    return own | blocks


def slstm_block(layer: SLSTMBlock, direction: int) -> Weights:
    own = one_direction(layer, direction)
    projections = {
        name: block_diag(np.split(matrix, 4))
        for name, matrix in by_gate(own["weight"], "zifo", "W").items()
    }
    return own | cell(layer, direction) | projections


def convlstm(layer: ConvLSTM, direction: int) -> Weights:
    own, taps = one_direction(layer, direction), 5
    filters = {
        name: matrix.reshape(len(matrix), -1, taps)
        for letter, parameter in (("W", "weight"), ("R", "recurrent"))
        for name, matrix in by_gate(own[parameter], "zifo", letter).items()
    }
    maps = by_gate(own["peepholes"], "ifo", "p")
    maps = {name: vector.reshape(layer.bins, -1) for name, vector in maps.items()}
    return filters | maps | by_gate(own["bias"], "zifo", "b")


def plain_rnn(xs: Array, weights: Weights) -> Array:
    return reference.rnn(xs, {name[0]: weight for name, weight in weights.items()})


def paper_function(layer: RecurrentLayer, direction: int) -> Callable[[Array], Array]:
    """Give the paper's function of the inputs, with the weights of one direction of a layer."""
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
        "s4d": (one_direction, reference_blocks.s4d),
    }
    variant = (cell, lambda xs, w: reference.greff(xs, w, name))
    weights_of, function = kinds.get(name, variant)
    return lambda xs: function(xs, weights_of(layer, direction))


def paper_outputs(layer: RecurrentLayer, xs: Array) -> Array:
    """Compute the paper's outputs (T, 2, H) of a layer in both directions from inputs (T, F)."""
    undirected = {
        "selfattention": reference_blocks.attention,
        "feedforward": reference_blocks.feed_forward,
        "macaronfeedforward": reference_blocks.macaron_feed_forward,
        "convolutionmodule": reference_blocks.convolution_module,
    }
    if isinstance(layer, UNDIRECTED):
        outputs = undirected[type(layer).__name__.lower()](xs, whole(layer))
        return outputs.reshape(len(xs), 2, -1)
    ahead, back = (paper_function(layer, direction) for direction in (0, 1))
    return np.stack([ahead(xs), back(xs[::-1])[::-1]], axis=1)


def halves(layer: RecurrentLayer, outputs: torch.Tensor) -> torch.Tensor:
    """Separate the directions' outputs: (..., 2 H) -> (..., 2, H)."""
    if not isinstance(layer, ConvLSTM):
        return outputs.unflatten(-1, (2, -1))
    return outputs.unflatten(-1, (layer.bins, 2, -1)).transpose(-2, -3).flatten(-2)
