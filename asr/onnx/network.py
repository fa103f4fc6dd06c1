"""The acoustic model from features to log-probabilities as an ONNX graph.

The graph's counterparts are `asr.model.subsampling.ConvSubsampling`,
`asr.encoders.stack.RecurrentStack` and `asr.model.ctc_model.CTCModel.forward`.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, C channels, H width of the
encoder, V tokens.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from asr.onnx.graph import Graph
from asr.onnx.recurrent import LAYERS, add_layer
from asr.onnx.weights import Weights

#: Subsampling factor -> time strides of the two convolutions.
_STRIDES = {2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}
_EPSILON = 1e-5  # PyTorch's, of every layer normalization
FEATURES, LENGTHS, LOG_PROBS, LOG_PROB_LENGTHS = (
    "features",
    "lengths",
    "log_probs",
    "log_prob_lengths",
)


class Settings(Protocol):
    """Settings of a model, see `asr.model.ctc_model.ModelSettings`."""

    @property
    def features(self) -> Mapping[str, Any]:
        """Keywords of the log-mel features."""

    @property
    def subsampling(self) -> Mapping[str, Any]:
        """Keywords of the subsampling."""

    @property
    def encoder(self) -> Mapping[str, Any]:
        """Keywords of the encoder, and its name."""


def exports(settings: Settings) -> bool:
    """Whether ONNX operators express a network exactly.

    They have no projection inside the recurrence and no zoneout, and none of the layers that
    `asr.onnx.recurrent.LAYERS` does not name.
    """
    encoder = settings.encoder
    return (
        encoder["name"] in LAYERS
        and not encoder.get("projection")
        and not encoder.get("zoneout")
        and settings.subsampling["factor"] in _STRIDES
    )


def has_8_bit_form(settings: Settings) -> bool:
    """Whether onnxruntime has the recurrent layers of a network that exports with 8 bits."""
    return LAYERS[settings.encoder["name"]].operator == "LSTM"


def build_network(
    settings: Settings, stored: Mapping[str, npt.NDArray[Any]], *, in_8_bits: bool = False
) -> bytes:
    """Build a network for which `exports` holds.

    Inputs of the graph are features (B, T, F) float32, normalised, and lengths (B,) int64, counts
    of valid frames; outputs are log_probs (B, U, V) float32 and log_prob_lengths (B,) int64.
    Frames past a length change no output within it.

    Args:
        settings: of the model.
        stored: weights by the names of a model file, see `asr.onnx.weights.Weights`.
        in_8_bits: compute the large products in 8 bits, by operators that onnxruntime alone has;
            the file must have stored 8 bits. They take the range of activations over a whole
            batch, so that outputs depend on the rest of a batch, if slightly.

    Returns:
        The content of an ``.onnx`` file.
    """
    graph, weights = Graph(), Weights(stored)
    features = graph.input(FEATURES, "float32", ["B", "T", int(settings.features["mel_bins"])])
    lengths = graph.input(LENGTHS, "int64", ["B"])
    frames, lengths = _add_subsampling(graph, settings, weights, features, lengths)
    frames = _add_stack(graph, settings, weights, frames, lengths, in_8_bits)
    frames = _add_linear(graph, weights, "head", frames)
    log_probs = graph.add("LogSoftmax", graph.add("Transpose", frames, perm=[1, 0, 2]), axis=-1)
    tokens = len(stored["head.bias"])
    graph.output(log_probs, LOG_PROBS, "float32", ["B", "U", tokens])
    graph.output(lengths, LOG_PROB_LENGTHS, "int64", ["B"])
    return graph.encode({})


def _add_subsampling(
    graph: Graph, settings: Settings, weights: Weights, features: str, lengths: str
) -> tuple[str, str]:
    """Add the convolutions and their projection: (B, T, F) -> (U, B, H), and the lengths."""
    maps = graph.add("Unsqueeze", features, graph.integers(1))
    for place, stride in enumerate(_STRIDES[settings.subsampling["factor"]]):
        name = f"subsampling.convolutions.{place}"
        maps = graph.add("Mul", maps, _add_mask(graph, maps, lengths))
        kernel = graph.constant(weights.floats(f"{name}.weight"))
        bias = graph.constant(weights.floats(f"{name}.bias"))
        maps = graph.add("Conv", maps, kernel, bias, strides=[stride, 2], pads=[1, 1, 1, 1])
        maps = graph.add("Relu", maps)
        lengths = graph.add("Add", lengths, graph.integers(stride - 1))
        lengths = graph.add("Div", lengths, graph.integers(stride))
    frames = graph.add("Transpose", maps, perm=[2, 0, 1, 3])  # (U, B, C, bins)
    width = weights.floats("subsampling.projection.weight").shape[1]
    frames = graph.add("Reshape", frames, graph.integers(0, 0, width))
    return _add_linear(graph, weights, "subsampling.projection", frames), lengths


def _add_mask(graph: Graph, maps: str, lengths: str) -> str:
    """Add a mask (B, 1, T, 1) of the valid frames of maps (B, C, T, bins): 1, and 0 in padding."""
    frames = graph.add("Shape", maps, start=2, end=3)
    frames = graph.add("Squeeze", frames, graph.integers(0))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    times = graph.add("Range", zero, frames, one)
    valid = graph.add("Less", times, graph.add("Unsqueeze", lengths, graph.integers(1)))
    return graph.add("Unsqueeze", graph.add("Cast", valid, to=1), graph.integers(1, 3))


def _add_stack(
    graph: Graph, settings: Settings, weights: Weights, frames: str, lengths: str, in_8_bits: bool
) -> str:
    """Add recurrent layers with pre-normalization and residuals: (U, B, H) -> (U, B, H)."""
    encoder = settings.encoder
    lengths = graph.add("Cast", lengths, to=6)  # int32
    for place in range(encoder["layers"]):
        outputs = add_layer(
            graph,
            LAYERS[encoder["name"]],
            weights,
            f"encoder.layers.{place}.",
            _add_norm(graph, weights, f"encoder.norms.{place}", frames),
            lengths,
            directions=2 if encoder["bidirectional"] else 1,
            hidden_size=encoder["hidden_size"],
            in_8_bits=in_8_bits,
        )
        frames = graph.add("Add", frames, outputs)
    return _add_norm(graph, weights, "encoder.last_norm", frames)


def _add_norm(graph: Graph, weights: Weights, name: str, frames: str) -> str:
    gain, bias = (graph.constant(weights.floats(f"{name}.{part}")) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", frames, gain, bias, axis=-1, epsilon=_EPSILON)


def _add_linear(graph: Graph, weights: Weights, name: str, frames: str) -> str:
    matrix = graph.constant(weights.floats(f"{name}.weight").T)
    product = graph.add("MatMul", frames, matrix)
    return graph.add("Add", product, graph.constant(weights.floats(f"{name}.bias")))
