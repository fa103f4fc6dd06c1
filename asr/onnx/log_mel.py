"""Waveforms to log-mel features as ONNX operations; see `asr.model.features.LogMel`.

The Fourier transform is a convolution with windowed cosines and sines, which every runtime has;
the subtraction of a frame's mean is part of its kernels.

Shapes: B batch, N samples, T frames, F mel bins, K frequencies.
"""

import math

import numpy as np
import numpy.typing as npt

from asr.model.mel import CMN_WINDOW, EMPTY_STD, MIN_CMN_WINDOW, LogMelSettings
from asr.onnx.graph import FLOAT32, FLOAT64, Graph, add_column, add_mask, add_places
from asr.onnx.weights import Array


def add_log_mel(
    graph: Graph, settings: LogMelSettings, waveforms: str, lengths: str, gain: float = 1.0
) -> tuple[str, str]:
    """Add the computation of features.

    Args:
        graph: to add to.
        settings: of the features.
        waveforms: (B, N) float32, padded past each length with anything finite.
        lengths: (B,) int64, valid samples.
        gain: a factor of the waveforms.

    Returns:
        features (B, T, F), zero past each length, and feature lengths (B,) int64.
    """
    values = _add_spectrum(graph, settings, _add_padding(graph, settings, waveforms), gain)
    lengths = _add_frame_counts(graph, settings, lengths)
    valid = graph.add("Unsqueeze", add_mask(graph, values, lengths, axis=1), graph.integers(2))
    floor = graph.constant(math.log(settings.amin))
    values = graph.add("Where", valid, values, floor)  # padding may hold infinities
    normalize = _add_sliding if settings.normalization == "sliding" else _add_utterance
    features = normalize(graph, settings, values, lengths, valid)
    return graph.add("Where", valid, features, graph.constant(0)), lengths


def _add_padding(graph: Graph, settings: LogMelSettings, waveforms: str) -> str:
    """Lengthen waveforms to one frame at least."""
    samples = graph.add("Shape", waveforms, start=1, end=2)
    missing = graph.add("Sub", graph.integers(settings.fft_samples), samples)
    missing = graph.add("Max", missing, graph.integers(0))
    pads = graph.add("Concat", graph.integers(0, 0, 0), missing, axis=0)
    return graph.add("Pad", waveforms, pads)


def _add_frame_counts(graph: Graph, settings: LogMelSettings, samples: str) -> str:
    """Count frames of a whole FFT each."""
    more = graph.integers(settings.hop_samples - settings.fft_samples)
    counted = graph.add("Max", graph.add("Add", samples, more), graph.integers(0))
    return graph.add("Div", counted, graph.integers(settings.hop_samples))


def _add_spectrum(graph: Graph, settings: LogMelSettings, waveforms: str, gain: float) -> str:
    """Add log-mel values before normalization: (B, N) -> (B, T, F)."""
    under, filters = settings.under_window, settings.mel_filters
    used = np.flatnonzero(filters.max(axis=1))
    end = under.stop - settings.fft_samples or np.iinfo(np.int64).max
    bounds = graph.integers(under.start), graph.integers(end)
    inner = graph.add("Slice", waveforms, *bounds, graph.integers(1))
    inner = graph.add("Unsqueeze", inner, graph.integers(1))
    kernels = [graph.constant(gain * part) for part in _fourier_kernels(settings, used)]
    parts = [graph.add("Conv", inner, kernel, strides=[settings.hop_samples]) for kernel in kernels]
    power = graph.add("Add", *(graph.add("Mul", part, part) for part in parts))
    power = graph.add("Transpose", power, perm=[0, 2, 1])
    mel = graph.add("MatMul", power, graph.constant(filters[used]))
    return graph.add("Log", graph.add("Max", mel, graph.constant(settings.amin)))


def _fourier_kernels(settings: LogMelSettings, used: npt.NDArray[np.int64]) -> list[Array]:
    """Give windowed cosines and sines (K, 1, samples of the window) of the frequencies in use."""
    size = settings.window_samples
    phases = 2 * np.pi / settings.fft_samples * np.outer(used, np.arange(size))
    kernels = []
    for wave in (np.cos(phases), np.sin(phases)):
        kernel = wave * settings.window.astype(np.float64)
        if settings.remove_dc_offset:
            kernel -= kernel.mean(axis=1, keepdims=True)
        kernels.append(kernel[:, None].astype(np.float32))
    return kernels


def _add_utterance(
    graph: Graph, settings: LogMelSettings, values: str, lengths: str, valid: str
) -> str:
    """Normalize by the mean and variance of each utterance's own frames."""
    if math.isfinite(settings.range_nats):
        loudest = graph.add("ReduceMax", values, axes=[1, 2])
        values = _add_limit(graph, settings, values, loudest)
    count = graph.add("Cast", graph.add("Max", lengths, graph.integers(1)), to=FLOAT32)
    count = graph.add("Unsqueeze", count, graph.integers(1, 2))
    mean = _add_mean(graph, values, valid, count)
    centered = graph.add("Sub", values, mean)
    variance = _add_mean(graph, graph.add("Mul", centered, centered), valid, count)
    return _add_scaling(graph, centered, graph.add("Sqrt", variance))


def _add_mean(graph: Graph, values: str, valid: str, count: str) -> str:
    kept = graph.add("Where", valid, values, graph.constant(0))
    return graph.add("Div", graph.add("ReduceSum", kept, graph.integers(1)), count)


def _add_sliding(
    graph: Graph, settings: LogMelSettings, values: str, lengths: str, valid: str
) -> str:
    """Normalize by the mean and variance of the window of each frame."""
    ends = _add_window_ends(graph, values, lengths)
    if math.isfinite(settings.range_nats):
        loudest = graph.add("ReduceMax", values, axes=[2], keepdims=0)
        loudest = _add_sliding_max(graph, loudest, ends)
        values = _add_limit(graph, settings, values, loudest)
    kept = graph.add("Where", valid, values, graph.constant(0))
    kept = graph.add("Cast", kept, to=FLOAT64)  # differences of long sums are to keep their digits
    starts = graph.add("Sub", ends, graph.integers(CMN_WINDOW))
    starts = graph.add("Max", starts, graph.integers(0))
    count = graph.add("Cast", graph.add("Sub", ends, starts), to=FLOAT64)
    count = graph.add("Unsqueeze", count, graph.integers(2))
    mean, square = (
        graph.add("Div", _add_window_sums(graph, summed, starts, ends), count)
        for summed in (kept, graph.add("Mul", kept, kept))
    )
    variance = graph.add("Sub", square, graph.add("Mul", mean, mean))
    variance = graph.add("Max", variance, graph.constant(0, np.float64))
    std = graph.add("Cast", graph.add("Sqrt", variance), to=FLOAT32)
    centered = graph.add("Sub", values, graph.add("Cast", mean, to=FLOAT32))
    return _add_scaling(graph, centered, std)


def _add_window_ends(graph: Graph, values: str, lengths: str) -> str:
    """Count the frames before the end of each frame's window: (B, T)."""
    seen = graph.add("Add", add_places(graph, values, axis=1), graph.integers(1))
    first = graph.add("Min", lengths, graph.integers(MIN_CMN_WINDOW))
    return graph.add("Max", seen, add_column(graph, first))


def _add_sliding_max(graph: Graph, values: str, ends: str) -> str:
    """Take the largest value in each frame's window: (B, T) -> (B, T, 1)."""
    past = graph.integers(0, CMN_WINDOW - 1, 0, 0)
    padded = graph.add("Pad", values, past, graph.constant(np.finfo(np.float32).min))
    padded = graph.add("Unsqueeze", padded, graph.integers(1))
    largest = graph.add("MaxPool", padded, kernel_shape=[CMN_WINDOW])
    largest = graph.add("Squeeze", largest, graph.integers(1))
    places = graph.add("Sub", ends, graph.integers(1))
    largest = graph.add("GatherElements", largest, places, axis=1)
    return graph.add("Unsqueeze", largest, graph.integers(2))


def _add_window_sums(graph: Graph, values: str, starts: str, ends: str) -> str:
    """Sum values (B, T, F) over each frame's window."""
    sums = graph.add("CumSum", values, graph.constant(1, np.int64))
    sums = graph.add("Pad", sums, graph.integers(0, 1, 0, 0, 0, 0))
    of_starts, of_ends = (
        graph.add("GatherND", sums, graph.add("Unsqueeze", places, graph.integers(2)), batch_dims=1)
        for places in (starts, ends)
    )
    return graph.add("Sub", of_ends, of_starts)


def _add_limit(graph: Graph, settings: LogMelSettings, values: str, loudest: str) -> str:
    """Raise values that lie too far below the loudest ones."""
    limit = graph.add("Sub", loudest, graph.constant(settings.range_nats))
    return graph.add("Max", values, limit)


def _add_scaling(graph: Graph, centered: str, std: str) -> str:
    """Divide by the standard deviation; an empty band keeps its small one."""
    return graph.add("Div", centered, graph.add("Max", std, graph.constant(EMPTY_STD)))
