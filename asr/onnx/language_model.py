"""An LSTM language model in onnxruntime: log-probabilities of sentences, without torch.

The graph's counterpart is `asr.training.neural_lm.network.LSTMLanguageModel`. It computes with
float32: products of 8 bits would take the range of activations over all hypotheses at once, so that
a score would depend on the others.

Shapes: N beginnings of sentences, H hidden units, V ids of subwords.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.lm.neural.scores import States, score_sentences
from asr.model.neural_lm_file import NeuralLM, read_neural_lm
from asr.onnx.encoder import open_session
from asr.onnx.graph import Graph
from asr.onnx.recurrent import LAYERS, Operator, StoredLayer
from asr.onnx.weights import Weights

_SUBWORDS, _STATES, _LOG_PROBS, _NEXT_STATES = "subwords", ("h", "c"), "log_probs", ("h1", "c1")


class OnnxLanguageModel:
    """A model ready to score sentences.

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
        self._session = open_session(build_step(model))

    def score(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Compute the natural log-probability of each sentence of words, its end included."""
        return np.array([scores.sum() for scores in self.score_subwords(sentences)], np.float64)

    def score_subwords(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        """Compute those of each subword of the sentences, and of their ends."""
        start = np.zeros((1, self.hidden_size), np.float32)
        ids = [self.subwords.encode(words) for words in sentences]
        return score_sentences(self._step, (start, start), ids)

    def _step(
        self, subwords: NDArray[np.int64], states: States
    ) -> tuple[NDArray[np.float32], States]:
        given = {_SUBWORDS: subwords, **dict(zip(_STATES, states, strict=True))}
        log_probs, h, c = self._session.run((_LOG_PROBS, *_NEXT_STATES), given)
        return log_probs, (h, c)


def build_step(model: NeuralLM) -> bytes:
    """Build the network of one subword.

    Inputs of the graph are subwords (N,) int64 and the states h and c (N, H) float32 before them;
    outputs are log_probs (N, V) float32 of what follows, and the states h1 and c1 after them.

    Returns:
        The content of an ``.onnx`` file.
    """
    graph, weights, size = Graph(), Weights(model.stored), model.hidden_size
    subwords = graph.input(_SUBWORDS, "int64", ["N"])
    axis = graph.integers(0)
    states = [
        graph.add("Unsqueeze", graph.input(name, "float32", ["N", size]), axis) for name in _STATES
    ]
    embedding = graph.constant(weights.floats("embedding.weight"))
    inputs = graph.add("Unsqueeze", graph.add("Gather", embedding, subwords), axis)  # (1, N, H)
    layer = StoredLayer(LAYERS["blstm"], weights, "", 1, size)
    _, *after = Operator(graph, layer, "forward", in_8_bits=False).run(inputs, "", states)
    after = [graph.add("Squeeze", state, axis) for state in after]
    bias = graph.constant(weights.floats("bias"))
    logits = graph.add("Gemm", after[0], embedding, bias, transB=1)
    log_probs = graph.add("LogSoftmax", logits, axis=-1)
    graph.output(log_probs, _LOG_PROBS, "float32", ["N", len(model.subwords)])
    for value, name in zip(after, _NEXT_STATES, strict=True):
        graph.output(value, name, "float32", ["N", size])
    return graph.encode({})
