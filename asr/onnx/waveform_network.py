"""The acoustic model from waveforms to log-probabilities as an ONNX graph.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from asr.model.mel import LogMelSettings
from asr.model.settings import ModelSettings
from asr.onnx.graph import Graph, add_range
from asr.onnx.log_mel import add_log_mel
from asr.onnx.network import LENGTHS, LOG_PROB_LENGTHS, LOG_PROBS, add_network
from asr.onnx.weights import Weights

WAVEFORMS = "waveforms"
#: What sherpa-onnx gives to the models of its omnilingual slot, and expects from them.
SHERPA_RATE, SHERPA_FRAME_SAMPLES = 16000, 320
#: It scales waveforms to a root mean square of 1, far louder than recordings of speech.
_SPEECH_RMS = 0.05


def build_waveform_network(
    settings: ModelSettings, stored: Mapping[str, npt.NDArray[Any]], *, in_8_bits: bool
) -> bytes:
    """Build a network that reads waveforms.

    Inputs of the graph are waveforms (B, N) float32 in -1..1 and lengths (B,) int64, counts of
    valid samples; outputs are log_probs (B, U, V) float32 and log_prob_lengths (B,) int64.

    Args:
        settings: of a model for which `asr.onnx.network.exports` holds.
        stored: weights by the names of a model file.
        in_8_bits: see `asr.onnx.network.build_network`.
    """
    graph, weights = Graph(), Weights(stored)
    waveforms = graph.input(WAVEFORMS, "float32", ["B", "N"])
    lengths = graph.input(LENGTHS, "int64", ["B"])
    features, lengths = add_log_mel(graph, _log_mel(settings), waveforms, lengths)
    log_probs, lengths = add_network(graph, settings, weights, features, lengths, in_8_bits)
    graph.output(log_probs, LOG_PROBS, "float32", ["B", "U", weights.vocabulary_size])
    graph.output(lengths, LOG_PROB_LENGTHS, "int64", ["B"])
    return graph.encode({})


def build_sherpa_network(
    settings: ModelSettings, stored: Mapping[str, npt.NDArray[Any]], *, in_8_bits: bool
) -> bytes:
    """Build a network for the omnilingual slot of sherpa-onnx.

    The only input is waveforms (1, N) at `SHERPA_RATE`, and the only output is log_probs (1, U, V),
    a frame each `SHERPA_FRAME_SAMPLES`: longer frames are repeated, which changes no text.

    Args:
        settings: of a model of that rate, whose frames are as long or longer.
        stored: weights by the names of a model file.
        in_8_bits: see `asr.onnx.network.build_network`.
    """
    graph, weights, log_mel = Graph(), Weights(stored), _log_mel(settings)
    waveforms = graph.input(WAVEFORMS, "float32", ["B", "N"])
    lengths = graph.add("Shape", waveforms, start=1, end=2)  # of a batch of one
    features, lengths = add_log_mel(graph, log_mel, waveforms, lengths, gain=_SPEECH_RMS)
    log_probs, lengths = add_network(graph, settings, weights, features, lengths, in_8_bits)
    frame_samples = log_mel.hop_samples * int(settings.subsampling["factor"])
    samples = graph.add("Mul", lengths, graph.integers(frame_samples))
    slots = graph.add("Add", samples, graph.integers(SHERPA_FRAME_SAMPLES - 1))
    slots = graph.add("Div", slots, graph.integers(SHERPA_FRAME_SAMPLES))
    places = add_range(graph, graph.add("Squeeze", slots, graph.integers(0)))
    starts = graph.add("Mul", places, graph.integers(SHERPA_FRAME_SAMPLES))
    frames = graph.add("Div", starts, graph.integers(frame_samples))
    repeated = graph.add("Gather", log_probs, frames, axis=1)
    graph.output(repeated, LOG_PROBS, "float32", ["B", "U", weights.vocabulary_size])
    return graph.encode({})


def _log_mel(settings: ModelSettings) -> LogMelSettings:
    return LogMelSettings(**settings.features)  # type: ignore[arg-type]
