"""A network that encodes a stream chunk by chunk, as an ONNX graph.

The forward direction of each layer carries its state from chunk to chunk. The backward direction
starts anew, from frames of right context behind the chunk, which are computed again with the next
one (latency-controlled BLSTM: Zhang 2016, "Highway long short-term memory RNNs for distant speech
recognition"). With all later frames as context, log-probabilities are those of the whole utterance.

Shapes: T feature frames, U encoder frames, F mel bins, H width, L layers, S states of a layer,
V tokens. The batch is 1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.model.settings import ModelSettings
from asr.onnx.graph import INT32, Graph
from asr.onnx.network import (
    FEATURES,
    LOG_PROBS,
    add_linear,
    add_lookahead,
    add_norm,
    add_subsampling,
    list_layers,
    looks_ahead,
)
from asr.onnx.recurrent import LAYERS, STATES, Operator, StoredLayer, join_directions
from asr.onnx.weights import Weights

FIRST, CHUNK, CONTEXT, STATE, NEXT_STATE = "first", "chunk", "context", "state", "next_state"
_END = np.iinfo(np.int64).max


def count_states(settings: ModelSettings) -> int:
    """Count the states of all layers, L * S."""
    return int(settings.encoder["layers"]) * STATES[LAYERS[str(settings.encoder["name"])].operator]


def build_chunk_network(
    settings: ModelSettings, stored: Mapping[str, npt.NDArray[Any]], *, in_8_bits: bool
) -> bytes:
    """Build a network for which `asr.onnx.network.exports` holds.

    Inputs of the graph are features (1, T, F), and three counts of encoder frames (1,) int64: the
    `FIRST` frame of the chunk, before which frames serve the convolutions only, the frames of the
    `CHUNK`, and those of its right `CONTEXT`; also `STATE` (L * S, 1, H), zero at the start of a
    stream. Outputs are log_probs (1, U, V) of the chunk's frames, and `NEXT_STATE`.
    """
    graph, weights = Graph(), Weights(stored)
    features = graph.input(FEATURES, "float32", [1, "T", int(settings.features["mel_bins"])])
    first, chunk, context = (graph.input(name, "int64", [1]) for name in (FIRST, CHUNK, CONTEXT))
    shape = [count_states(settings), 1, int(settings.encoder["hidden_size"])]
    state = graph.input(STATE, "float32", shape)

    length = graph.add("Shape", features, start=1, end=2)
    frames, _ = add_subsampling(graph, settings, weights, features, length)
    end = graph.add("Add", graph.add("Add", first, chunk), context)
    frames = _slice(graph, frames, first, end)
    states: list[str] = []
    for place, layer in enumerate(list_layers(settings, weights)):
        normalized = add_norm(graph, weights, f"encoder.norms.{place}", frames)
        before = [
            graph.add("Gather", state, graph.integers(len(states) + number), axis=0)
            for number in range(STATES[layer.layer.operator])
        ]
        outputs, after = _add_layer(graph, layer, normalized, chunk, before, in_8_bits)
        frames, states = graph.add("Add", frames, outputs), states + after
    frames = add_norm(graph, weights, "encoder.last_norm", frames)
    if looks_ahead(settings):
        frames = add_lookahead(graph, weights, frames)
    frames = _slice(graph, frames, graph.integers(0), chunk)
    tokens = graph.add("Transpose", add_linear(graph, weights, "head", frames), perm=[1, 0, 2])
    log_probs = graph.add("LogSoftmax", tokens, axis=-1)
    graph.output(log_probs, LOG_PROBS, "float32", [1, "U", weights.vocabulary_size])
    graph.output(graph.add("Concat", *states, axis=0), NEXT_STATE, "float32", shape)
    return graph.encode({})


def _add_layer(
    graph: Graph, layer: StoredLayer, frames: str, chunk: str, states: list[str], in_8_bits: bool
) -> tuple[str, list[str]]:
    """Add a layer of frames (U, 1, G * H); gives its outputs, and the states after the chunk."""
    forward = Operator(graph, layer, "forward", in_8_bits=in_8_bits)
    of_chunk, *after = forward.run(frames, graph.add("Cast", chunk, to=INT32), states)
    rest = _slice(graph, frames, chunk, graph.integers(_END))
    one_more = graph.add("Pad", rest, graph.integers(0, 0, 0, 1, 0, 0))  # for no context at all
    of_context, *_ = forward.run(one_more, "", after)
    parts = (
        _slice(graph, of_chunk, graph.integers(0), chunk),
        _slice(graph, of_context, graph.integers(0), graph.integers(-1)),
    )
    outputs = graph.add("Concat", *parts, axis=0)
    if layer.directions == 2:
        backward = Operator(graph, layer, "reverse", in_8_bits=in_8_bits)
        of_backward, *_ = backward.run(frames, "")
        outputs = graph.add("Concat", outputs, of_backward, axis=1)
    return join_directions(graph, outputs, layer.directions * layer.hidden_size), after


def _slice(graph: Graph, frames: str, start: str, end: str) -> str:
    return graph.add("Slice", frames, start, end, graph.integers(0))
