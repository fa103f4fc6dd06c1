"""Recurrent layers as ONNX operators, exact under padding.

The operators LSTM, GRU and RNN take a length for each sequence, read the backward direction from
there, and compute 0 past it. ONNX's LSTM has peepholes, a coupled input and forget gate, and any
activation functions, so that it covers every cell here whose gates depend on the last output and
the cell alone. A gate that a cell does not have is 1: its weights are 0 and its bias is large.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, N gate
pre-activations of a unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.onnx.graph import Graph
from asr.onnx.messages import MICROSOFT, Attribute
from asr.onnx.weights import Array, Integers, Weights

#: Operator -> its gate pre-activations in its own order; z is the LSTM's block input.
_ORDERS = {"LSTM": "iofz", "GRU": "zrn", "RNN": "h"}
#: Operator -> how many states it carries from frame to frame.
STATES = {"LSTM": 2, "GRU": 1, "RNN": 1}
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


class Operator:
    """A recurrent operator with the weights of a layer, in one of its directions or in both.

    Args:
        graph: to add to.
        stored: the weights.
        direction: ``forward``, ``reverse`` or ``bidirectional``.
        in_8_bits: whether to compute an LSTM's products in 8 bits.
    """

    def __init__(
        self, graph: Graph, stored: "StoredLayer", direction: str, *, in_8_bits: bool
    ) -> None:
        self._graph, self._in_8_bits, self._layer = graph, in_8_bits, stored.layer
        chosen = {"forward": slice(0, 1), "reverse": slice(1, 2)}.get(direction, slice(0, 2))
        self._attributes = _attributes(stored.layer, direction, stored.hidden_size)
        self._matrices, self._scales = [], []
        for name in stored.matrices:
            if in_8_bits:
                integers = stored.rows(name, stored.weights.integers)[chosen]
                scale = stored.rows(name, stored.weights.scales)[chosen]
                self._matrices.append(graph.constant(_transpose(integers), np.int8))
                zero_points = graph.constant(np.zeros_like(scale), np.int8)
                self._scales += [graph.constant(scale), zero_points]
            else:
                rows = stored.rows(name, stored.weights.floats)[chosen]
                self._matrices.append(graph.constant(rows))
        self._bias = graph.constant(stored.biases()[chosen])
        peepholes = stored.layer.peepholes
        self._peepholes = [graph.constant(stored.peepholes()[chosen])] if peepholes else []

    def run(self, features: str, lengths: str, states: Sequence[str] = ()) -> list[str]:
        """Add the operation.

        Args:
            features: (T, B, F).
            lengths: (B,) int32, or "" where all frames are valid.
            states: before the first frame, each (G, B, H): h, and an LSTM's c; none is zero.

        Returns:
            Outputs (T, G, B, H), and the states after the last frame.
        """
        given = [features, *self._matrices, self._bias, lengths, *states]
        count = STATES[self._layer.operator]
        if self._peepholes or self._in_8_bits:
            given += [""] * (count - len(states)) + (self._peepholes or [""])
        if self._in_8_bits:
            given += self._scales
            name, domain = "DynamicQuantizeLSTM", MICROSOFT
        else:
            name, domain = self._layer.operator, ""
        return self._graph.add_many(name, given, 1 + count, self._attributes, domain)


def join_directions(graph: Graph, outputs: str, width: int) -> str:
    """Join the outputs of directions, frame by frame: (T, G, B, H) -> (T, B, G * H)."""
    by_frame = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])
    return graph.add("Reshape", by_frame, graph.integers(0, 0, width))


def _attributes(layer: Layer, direction: str, hidden_size: int) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {
        "hidden_size": hidden_size,
        "direction": direction,
        **layer.attributes,
    }
    if layer.activations:
        functions = layer.activations * (2 if direction == "bidirectional" else 1)
        attributes["activations"] = [name for name, *_ in functions]
        for place, parameter in enumerate(("activation_alpha", "activation_beta"), 1):
            if values := [float(f[place]) for f in functions if len(f) > 1]:
                attributes[parameter] = values
    return attributes


@dataclass(frozen=True)
class StoredLayer:
    """The weights of one layer, gathered from a file in the order of its operator.

    PyTorch's layers have a tensor a direction, and two biases; those of
    `asr.encoders.variants.cell_layer` have one tensor for both directions, and one bias.
    """

    layer: Layer
    weights: Weights
    prefix: str  # of the layer's tensors, such as ``encoder.layers.0.``
    directions: int
    hidden_size: int

    @property
    def matrices(self) -> tuple[str, str]:
        """Names of the input matrix and the recurrent matrix."""
        return ("weight_ih", "weight_hh") if self.layer.part else ("weight", "recurrent")

    def rows(
        self, name: str, read: Callable[[str], npt.NDArray[Any]], missing: float = 0.0
    ) -> npt.NDArray[Any]:
        """Give the rows of a tensor, (G, NH, ...), with a constant for gates that are missing."""
        stored, wanted = self.layer.gates, _ORDERS[self.layer.operator]
        return np.stack([_arrange(t, stored, wanted, missing) for t in self._read(name, read)])

    def biases(self) -> Array:
        """Give the biases of the input's product and of the recurrent one, (G, 2NH)."""
        if self.layer.part:
            pair = [self.rows(name, self.weights.floats) for name in ("bias_ih", "bias_hh")]
        else:
            bias = self.rows("bias", self.weights.floats, missing=_OPEN)
            pair = [bias, np.zeros_like(bias)]
        return np.concatenate(pair, axis=1)

    def peepholes(self) -> Array:
        """Give the peepholes of i, o and f, (G, 3H)."""
        tensors = self._read("peepholes", self.weights.floats)
        return np.stack([_arrange(t, self.layer.gates[1:], "iof", 0.0) for t in tensors])

    def _read(self, name: str, read: Callable[[str], npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Read a tensor for each direction."""
        if not self.layer.part:
            return np.split(read(self.prefix + name), self.directions)
        ends = ("", "_reverse")[: self.directions]
        return [read(f"{self.prefix}{self.layer.part}.{name}_l0{end}") for end in ends]


def _arrange(rows: npt.NDArray[Any], stored: str, wanted: str, missing: float) -> npt.NDArray[Any]:
    """Put blocks of rows, one a gate, into another order; absent gates get a constant."""
    blocks = dict(zip(stored, np.split(rows, len(stored)), strict=True))
    absent = np.full_like(next(iter(blocks.values())), missing)
    return np.concatenate([blocks.get(gate, absent) for gate in wanted])


def _transpose(matrices: Integers) -> Integers:
    """Transpose matrices (G, NH, F) a block of rows at a time, which is several times faster."""
    found = np.empty_like(matrices, shape=(len(matrices), *matrices.shape[:0:-1]))
    for first in range(0, matrices.shape[1], 64):
        rows = slice(first, first + 64)
        found[:, :, rows] = matrices[:, rows].transpose(0, 2, 1)
    return found
