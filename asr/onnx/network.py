"""The acoustic model from features to log-probabilities as an ONNX graph.

The graph's counterparts are `asr.model.subsampling.ConvSubsampling`,
`asr.encoders.stack.RecurrentStack` and `asr.model.ctc_model.CTCModel.forward`.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, C channels, H width of the
encoder, V tokens.
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from asr.model.settings import ModelSettings
from asr.model.shapes import LOOKAHEAD, STRIDES, right_context
from asr.onnx.graph import FLOAT32, INT32, Graph, add_mask
from asr.onnx.recurrent import LAYERS, Operator, StoredLayer, join_directions
from asr.onnx.weights import Weights

_EPSILON = 1e-5  # PyTorch's, of every layer normalization
FEATURES, LENGTHS, LOG_PROBS, LOG_PROB_LENGTHS = (
    "features",
    "lengths",
    "log_probs",
    "log_prob_lengths",
)


def exports(settings: ModelSettings) -> bool:
    """Whether ONNX operators express a network exactly.

    They have no projection inside the recurrence and no zoneout, none of the layers that
    `asr.onnx.recurrent.LAYERS` does not name, and no subsampling but convolutions.
    """
    encoder = settings.encoder
    return (
        encoder["name"] in LAYERS
        and not encoder["projection"]
        and not encoder["zoneout"]
        and settings.subsampling["name"] == "conv"
        and settings.subsampling["factor"] in STRIDES
    )


def has_8_bit_form(settings: ModelSettings) -> bool:
    """Whether onnxruntime has the recurrent layers of a network that exports with 8 bits."""
    return LAYERS[str(settings.encoder["name"])].operator == "LSTM"


def build_network(
    settings: ModelSettings, stored: Mapping[str, npt.NDArray[Any]], *, in_8_bits: bool = False
) -> bytes:
    """Build a network for which `exports` holds.

    Inputs of the graph are features (B, T, F) float32, normalized, and lengths (B,) int64, counts
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
    log_probs, lengths = add_network(graph, settings, weights, features, lengths, in_8_bits)
    graph.output(log_probs, LOG_PROBS, "float32", ["B", "U", weights.vocabulary_size])
    graph.output(lengths, LOG_PROB_LENGTHS, "int64", ["B"])
    return graph.encode({})


def add_network(
    graph: Graph,
    settings: ModelSettings,
    weights: Weights,
    features: str,
    lengths: str,
    in_8_bits: bool,
) -> tuple[str, str]:
    """Add a network: features (B, T, F), lengths (B,) -> log_probs (B, U, V), lengths (B,)."""
    frames, lengths = add_subsampling(graph, settings, weights, features, lengths)
    frames = _add_stack(graph, settings, weights, frames, lengths, in_8_bits)
    frames = add_linear(graph, weights, "head", frames)
    by_utterance = graph.add("Transpose", frames, perm=[1, 0, 2])
    return graph.add("LogSoftmax", by_utterance, axis=-1), lengths


def add_subsampling(
    graph: Graph, settings: ModelSettings, weights: Weights, features: str, lengths: str
) -> tuple[str, str]:
    """Add the convolutions and their projection: (B, T, F) -> (U, B, H), and the lengths."""
    maps = graph.add("Unsqueeze", features, graph.integers(1))
    for place, stride in enumerate(STRIDES[settings.subsampling["factor"]]):
        name = f"subsampling.convolutions.{place}"
        mask = graph.add("Cast", add_mask(graph, maps, lengths, axis=2), to=FLOAT32)
        maps = graph.add("Mul", maps, graph.add("Unsqueeze", mask, graph.integers(1, 3)))
        kernel = graph.constant(weights.floats(f"{name}.weight"))
        bias = graph.constant(weights.floats(f"{name}.bias"))
        maps = graph.add("Conv", maps, kernel, bias, strides=[stride, 2], pads=[1, 1, 1, 1])
        maps = graph.add("Relu", maps)
        lengths = graph.add("Add", lengths, graph.integers(stride - 1))
        lengths = graph.add("Div", lengths, graph.integers(stride))
    frames = graph.add("Transpose", maps, perm=[2, 0, 1, 3])  # (U, B, C, bins)
    width = weights.floats("subsampling.projection.weight").shape[1]
    frames = graph.add("Reshape", frames, graph.integers(0, 0, width))
    return add_linear(graph, weights, "subsampling.projection", frames), lengths


def _add_stack(
    graph: Graph,
    settings: ModelSettings,
    weights: Weights,
    frames: str,
    lengths: str,
    in_8_bits: bool,
) -> str:
    """Add recurrent layers with pre-normalization and residuals: (U, B, H) -> (U, B, H)."""
    counts = graph.add("Cast", lengths, to=INT32)
    width = len(weights.floats("encoder.last_norm.weight"))
    direction = "bidirectional" if settings.encoder["bidirectional"] else "forward"
    for place, layer in enumerate(list_layers(settings, weights)):
        operator = Operator(graph, layer, direction, in_8_bits=in_8_bits)
        normalized = add_norm(graph, weights, f"encoder.norms.{place}", frames)
        outputs, *_ = operator.run(normalized, counts)
        frames = graph.add("Add", frames, join_directions(graph, outputs, width))
    frames = add_norm(graph, weights, "encoder.last_norm", frames)
    if looks_ahead(settings):
        mask = graph.add("Transpose", add_mask(graph, frames, lengths, axis=0), perm=[1, 0])
        valid = graph.add("Unsqueeze", graph.add("Cast", mask, to=FLOAT32), graph.integers(2))
        frames = add_lookahead(graph, weights, graph.add("Mul", frames, valid))
    return frames


def looks_ahead(settings: ModelSettings) -> bool:
    """Whether a network has a convolution over the right context of each frame."""
    return right_context(settings) is not None and not settings.encoder["bidirectional"]


def add_lookahead(graph: Graph, weights: Weights, frames: str) -> str:
    """Add the convolution of `asr.encoders.lookahead`: frames (U, B, H), 0 where not valid."""
    kernel = weights.floats(LOOKAHEAD)
    width, _, taps = kernel.shape
    by_unit = graph.add("Transpose", frames, perm=[1, 2, 0])
    found = graph.add(
        "Conv", by_unit, graph.constant(kernel), group=width, pads=[0, taps - 1], strides=[1]
    )
    return graph.add("Transpose", found, perm=[2, 0, 1])


def list_layers(settings: ModelSettings, weights: Weights) -> list[StoredLayer]:
    """List the recurrent layers of an encoder."""
    encoder = settings.encoder
    layer, directions = LAYERS[str(encoder["name"])], 2 if encoder["bidirectional"] else 1
    return [
        StoredLayer(
            layer, weights, f"encoder.layers.{place}.", directions, int(encoder["hidden_size"])
        )
        for place in range(int(encoder["layers"]))
    ]


def add_norm(graph: Graph, weights: Weights, name: str, frames: str) -> str:
    """Add a layer normalization of frames."""
    gain, bias = (graph.constant(weights.floats(f"{name}.{part}")) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", frames, gain, bias, axis=-1, epsilon=_EPSILON)


def add_linear(graph: Graph, weights: Weights, name: str, frames: str) -> str:
    """Add an affine map of frames."""
    matrix = graph.constant(weights.floats(f"{name}.weight").T)
    product = graph.add("MatMul", frames, matrix)
    return graph.add("Add", product, graph.constant(weights.floats(f"{name}.bias")))
