"""Recurrent layers as ONNX operators, exact under padding.

The operators LSTM, GRU and RNN take a length for each sequence, read the backward direction from
there, and compute 0 past it. ONNX's LSTM has peepholes, a coupled input and forget gate, and any
activation functions, so that it covers every cell here whose gates depend on the last output and
the cell alone. A gate that a cell does not have is 1: its weights are 0 and its bias is large.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, N gate
pre-activations of a unit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from asr.onnx.graph import Graph
from asr.onnx.messages import Attribute
from asr.onnx.weights import Array, Weights

#: Operator -> its gate pre-activations in its own order; z is the LSTM's block input.
_ORDERS = {"LSTM": "iofz", "GRU": "zrn", "RNN": "h"}
_OPEN = 100.0  # bias of a gate that is always 1: σ(100) is 1 in float32
_LINEAR = ("Affine", 1.0, 0.0)
_SIGMOID, _TANH = ("Sigmoid",), ("Tanh",)


@dataclass(frozen=True)
class Layer:
    """How the layers of one name in `asr.encoders.ENCODERS` are stored and computed.

    Attributes:
        operator: of ONNX.
        gates: the gate pre-activations in the order of the stored rows.
        part: submodule of PyTorch with the weights; "" where the layer itself has them.
        peepholes: whether the gates read the cell.
        activations: names of functions, each with its parameters alpha and beta, if it has any.
        attributes: further ones of the operator.
    """

    operator: str
    gates: str
    part: str = ""
    peepholes: bool = False
    activations: tuple[tuple[str] | tuple[str, float, float], ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)


def _greff(
    gates: str = "zifo",
    block_input: tuple[str] | tuple[str, float, float] = _TANH,
    block_output: tuple[str] | tuple[str, float, float] = _TANH,
    peepholes: bool = True,
    **attributes: Attribute,
) -> Layer:
    activations = (_SIGMOID, block_input, block_output)
    return Layer("LSTM", gates, "", peepholes, activations, attributes)


#: Encoders that ONNX operators express.
LAYERS = {
    "blstm": Layer("LSTM", "ifzo", "lstm"),
    "gru": Layer("GRU", "rzn", "gru", attributes={"linear_before_reset": 1}),
    "rnn": Layer("RNN", "h", "rnn"),
    "peephole": _greff(),
    "nig": _greff("zfo"),
    "nfg": _greff("zio"),
    "nog": _greff("zif"),
    "niaf": _greff(block_input=_LINEAR),
    "noaf": _greff(block_output=_LINEAR),
    "cifg": _greff("zio", input_forget=1),
    # 4 σ(s) - 2 = 2 tanh(s / 2) and 2 σ(c) - 1 = tanh(c / 2)
    "lstm1997": _greff("zio", ("ScaledTanh", 2.0, 0.5), ("ScaledTanh", 1.0, 0.5), False),
}


def add_layer(
    graph: Graph,
    layer: Layer,
    weights: Weights,
    prefix: str,
    features: str,
    lengths: str,
    *,
    directions: int,
    hidden_size: int,
) -> str:
    """Add a recurrent layer in one or both directions.

    Args:
        graph: to add to.
        layer: of `LAYERS`.
        weights: of the model.
        prefix: of the layer's weights in it, such as ``encoder.layers.0.``.
        features: (T, B, F).
        lengths: (B,) int32.
        directions: G.
        hidden_size: H.

    Returns:
        (T, B, G * H).
    """
    read = _read_library if layer.part else _read_cell
    inputs, recurrent, bias, peepholes = read(layer, weights, prefix, directions)
    given = [features, graph.constant(inputs), graph.constant(recurrent), graph.constant(bias)]
    given.append(lengths)
    if peepholes is not None:
        given += ["", "", graph.constant(peepholes)]
    attributes = _attributes(layer, directions, hidden_size)
    (outputs,) = graph.add_many(layer.operator, given, 1, attributes)
    by_frame = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])
    return graph.add("Reshape", by_frame, graph.integers(0, 0, directions * hidden_size))


def _attributes(layer: Layer, directions: int, hidden_size: int) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {
        "hidden_size": hidden_size,
        "direction": "bidirectional" if directions == 2 else "forward",
        **layer.attributes,
    }
    if layer.activations:
        functions = layer.activations * directions
        attributes["activations"] = [name for name, *_ in functions]
        for place, parameter in enumerate(("activation_alpha", "activation_beta"), 1):
            if values := [float(f[place]) for f in functions if len(f) > 1]:
                attributes[parameter] = values
    return attributes


def _read_library(
    layer: Layer, weights: Weights, prefix: str, directions: int
) -> tuple[Array, Array, Array, Array | None]:
    """Give W (G, NH, F), R (G, NH, H) and both biases (G, 2NH) of PyTorch's layers."""

    def read(name: str) -> Array:
        ends = ("", "_reverse")[:directions]
        stored = (weights.floats(f"{prefix}{layer.part}.{name}_l0{end}") for end in ends)
        return np.stack([_reorder(rows, layer) for rows in stored])

    bias = np.concatenate([read("bias_ih"), read("bias_hh")], axis=1)
    return read("weight_ih"), read("weight_hh"), bias, None


def _read_cell(
    layer: Layer, weights: Weights, prefix: str, directions: int
) -> tuple[Array, Array, Array, Array | None]:
    """Give W, R, biases and peepholes (G, 3H) of `asr.encoders.variants.cell_layer`."""

    def read(name: str, arrange: Callable[[Array], Array]) -> Array:
        stored = np.split(weights.floats(prefix + name), directions)
        return np.stack([arrange(rows) for rows in stored])

    inputs, recurrent = (
        read(name, lambda rows: _reorder(rows, layer)) for name in ("weight", "recurrent")
    )
    bias = read("bias", lambda rows: _reorder(rows, layer, missing=_OPEN))
    bias = np.concatenate([bias, np.zeros_like(bias)], axis=1)
    if not layer.peepholes:
        return inputs, recurrent, bias, None
    peepholes = read("peepholes", lambda rows: _arrange(rows, layer.gates[1:], "iof", 0.0))
    return inputs, recurrent, bias, peepholes


def _reorder(rows: Array, layer: Layer, missing: float = 0.0) -> Array:
    return _arrange(rows, layer.gates, _ORDERS[layer.operator], missing)


def _arrange(rows: Array, stored: str, wanted: str, missing: float) -> Array:
    """Put blocks of rows, one a gate, into another order; absent gates get a constant."""
    blocks = dict(zip(stored, np.split(rows, len(stored)), strict=True))
    absent = np.full_like(next(iter(blocks.values())), missing)
    return np.concatenate([blocks.get(gate, absent) for gate in wanted])
