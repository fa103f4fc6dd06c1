"""An LSTM language model in onnxruntime: log-probabilities of sentences, without torch.

The graphs' counterpart is `asr.training.neural_lm.network.LSTMLanguageModel`. Products with the
LSTM's output are computed in 8 bits, as the weights are stored.

Shapes: N beginnings of sentences, K distinct subwords, P pairs of a beginning and what follows it,
H hidden units, V ids of subwords.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.scores import States, score_sentences
from asr.model.neural_lm_file import NeuralLM, read_neural_lm
from asr.onnx.encoder import open_session
from asr.onnx.graph import Graph
from asr.onnx.messages import MICROSOFT
from asr.onnx.weights import Array, Integers, Weights

#: Beginnings whose predictions over the whole vocabulary are in memory at once.
_BLOCK = 256
#: What 0 is among the integers 1..255 of -1..1.
_ZERO = 128

_T = TypeVar("_T", bound=np.generic)


class OnnxLanguageModel:
    """A model ready to score sentences, as an `asr.lm.neural.scores.Network`.

    A call uses one thread, and several threads may call at the same time.

    Args:
        path: the file that `asr lm train --kind lstm` wrote.

    Attributes:
        subwords: its tokens.
        hidden_size: H.

    Raises:
        UserError: as `asr.model.neural_lm_file.read_neural_lm`.
    """

    def __init__(self, path: Path) -> None:
        model = read_neural_lm(path)
        self.subwords, self.hidden_size = model.subwords, model.hidden_size
        weights = Weights(model.stored)
        self._read = open_session(build_read(model, weights))
        self._step = open_session(build_step(model, weights))
        self._predict = open_session(build_predict(model, weights))

    def score(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Compute the natural log-probability of each sentence of words, its end included."""
        return np.array([scores.sum() for scores in self.score_subwords(sentences)], np.float64)

    def score_subwords(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        """Compute those of each subword of the sentences, and of their ends."""
        return score_sentences(self, [self.subwords.encode(words) for words in sentences])

    def start(self) -> States:
        """Give the state (h, c) before a sentence, both (1, H)."""
        zeros = np.zeros((1, self.hidden_size), np.float32)
        return zeros, zeros

    def read(self, subwords: NDArray[np.int64]) -> Array:
        """Compute what each of K subwords adds to the gates, (K, 4 H)."""
        return self._read.run(None, {"subwords": subwords})[0]

    def step(self, inputs: NDArray[np.floating], states: States) -> States:
        """Append a subword to each of N beginnings, given its row of `read`."""
        h, c = states
        return tuple(self._step.run(None, {"inputs": inputs, "h": h, "c": c}))

    def predict(
        self, states: States, beginnings: NDArray[np.int64], following: NDArray[np.int64]
    ) -> Array:
        """Compute natural log-probabilities of subwords after beginnings, (P,)."""
        found = []
        for first in range(0, len(states[0]), _BLOCK):
            block = slice(*np.searchsorted(beginnings, (first, first + _BLOCK)))
            pairs = np.stack([beginnings[block] - first, following[block]], axis=1)
            h = states[0][first : first + _BLOCK]
            found.append(self._predict.run(None, {"h": h, "pairs": pairs})[0])
        return np.concatenate(found)


def build_read(model: NeuralLM, weights: Weights) -> bytes:
    """Build the network from subwords (K,) int64 to their part of the gates, (K, 4 H) float32."""
    graph = Graph()
    embedding = graph.constant(weights.floats("embedding.weight"))
    vectors = graph.add("Gather", embedding, graph.input("subwords", "int64", ["K"]))
    matrix = _sigmoids_first(weights.floats("lstm.weight_ih_l0"))
    bias = _sigmoids_first(weights.floats("lstm.bias_ih_l0") + weights.floats("lstm.bias_hh_l0"))
    gates = graph.add("Gemm", vectors, graph.constant(matrix.T), graph.constant(bias))
    graph.output(gates, "gates", "float32", ["K", 4 * model.hidden_size])
    return graph.encode({})


def build_step(model: NeuralLM, weights: Weights) -> bytes:
    """Build the recurrence from inputs (N, 4 H), h and c (N, H) to h1 and c1 (N, H), float32."""
    graph, size = Graph(), model.hidden_size
    inputs = graph.input("inputs", "float32", ["N", 4 * size])
    h, c = (graph.input(name, "float32", ["N", size]) for name in ("h", "c"))
    name = "lstm.weight_hh_l0"
    matrix, scales = _sigmoids_first(weights.integers(name)), _sigmoids_first(weights.scales(name))
    gates = graph.add("Add", inputs, _multiply(graph, h, matrix, scales))
    sizes = graph.integers(3 * size, size)
    opening, block_input = graph.add_many("Split", [gates, sizes], 2, {"axis": 1})
    opening = graph.add("Sigmoid", opening)
    sizes = graph.integers(size, size, size)
    enter, keep, leave = graph.add_many("Split", [opening, sizes], 3, {"axis": 1})
    entered = graph.add("Mul", enter, graph.add("Tanh", block_input))
    cell = graph.add("Add", graph.add("Mul", keep, c), entered)
    output = graph.add("Mul", leave, graph.add("Tanh", cell))
    for value, name in ((output, "h1"), (cell, "c1")):
        graph.output(value, name, "float32", ["N", size])
    return graph.encode({})


def build_predict(model: NeuralLM, weights: Weights) -> bytes:
    """Build the network from h (N, H) float32 and pairs (P, 2) int64 to log_probs (P,) float32.

    A pair is a row of h and the id of a subword that follows there.
    """
    graph = Graph()
    h = graph.input("h", "float32", ["N", model.hidden_size])
    pairs = graph.input("pairs", "int64", ["P", 2])
    name = "embedding.weight"
    product = _multiply(graph, h, weights.integers(name), weights.scales(name))
    logits = graph.add("Add", product, graph.constant(weights.floats("bias")))
    total = graph.add("ReduceLogSumExp", logits, axes=[1], keepdims=0)
    rows = graph.add("Gather", pairs, graph.constant(0, np.int64), axis=1)
    found = graph.add("Sub", graph.add("GatherND", logits, pairs), graph.add("Gather", total, rows))
    graph.output(found, "log_probs", "float32", ["P"])
    return graph.encode({})


def _multiply(graph: Graph, h: str, matrix: Integers, scales: Array) -> str:
    """Multiply h, whose values lie in -1..1, by the rows of a matrix of 8 bits: (N, H) -> (N, R).

    The range of h is known beforehand and not taken from its values, so that no beginning changes
    the scores of another.
    """
    zero, scale = graph.constant(_ZERO, np.uint8), graph.constant(1 / (_ZERO - 1))
    rounded = graph.add("QuantizeLinear", h, scale, zero)
    columns = graph.constant(np.ascontiguousarray(matrix.T), np.int8)
    inputs = [rounded, columns, scale, graph.constant(scales), zero]
    return graph.add_many("MatMulIntegerToFloat", inputs, 1, {}, MICROSOFT)[0]


def _sigmoids_first(rows: NDArray[_T]) -> NDArray[_T]:
    """Order rows of PyTorch's gates (input, forget, cell, output) so that the cell's are last."""
    enter, keep, block_input, leave = np.split(rows, 4)
    return np.concatenate([enter, keep, leave, block_input])
