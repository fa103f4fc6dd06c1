"""onnxruntime running an acoustic model's network.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, V tokens.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from asr.model.settings import ModelSettings
from asr.onnx.network import (
    FEATURES,
    LENGTHS,
    LOG_PROB_LENGTHS,
    LOG_PROBS,
    build_network,
    has_8_bit_form,
)
from asr.onnx.weights import Weights

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]


class OnnxEncoder:
    """A network ready to run.

    A call uses one thread, and several threads may call at the same time.

    Where the file has 8 bits, LSTM layers compute with 8 bits too, in about half of the time. These
    operators scale activations by the largest of the whole batch, so each utterance is then run
    by itself: its log-probabilities are the same to the last bit in any batch.

    Args:
        settings: of a model for which `asr.onnx.exports` holds.
        stored: weights by the names of a model file, see `asr.onnx.weights.Weights`.
        float32: compute with float32 throughout, whatever the file has.

    Attributes:
        in_8_bits: whether large products are computed with 8 bits.
    """

    def __init__(
        self,
        settings: ModelSettings,
        stored: Mapping[str, npt.NDArray[Any]],
        *,
        float32: bool = False,
    ) -> None:
        self.in_8_bits = not float32 and computes_in_8_bits(settings, stored)
        self._session = open_session(build_network(settings, stored, in_8_bits=self.in_8_bits))
        self._vocabulary_size = Weights(stored).vocabulary_size

    def run(self, features: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        """Compute log-probabilities of tokens.

        Args:
            features: (B, T, F), normalized; padding may hold anything finite.
            lengths: (B,), counts of valid frames.

        Returns:
            log_probs (B, U, V) and their lengths (B,).
        """
        if not self.in_8_bits or len(features) == 1:
            return self._run(features, lengths)
        found = [
            self._run(rows[None, : max(length, 1)], np.array([length], np.int64))
            for rows, length in zip(features, lengths, strict=True)
        ]
        frames = max((log_probs.shape[1] for log_probs, _ in found), default=0)
        joined = np.zeros((len(found), frames, self._vocabulary_size), np.float32)
        for row, (log_probs, _) in zip(joined, found, strict=True):
            row[: log_probs.shape[1]] = log_probs[0]
        return joined, np.array([count[0] for _, count in found], np.int64)

    def _run(self, features: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        given = {FEATURES: features, LENGTHS: lengths}
        log_probs, frames = self._session.run((LOG_PROBS, LOG_PROB_LENGTHS), given)
        return log_probs, frames


def computes_in_8_bits(settings: ModelSettings, stored: Mapping[str, npt.NDArray[Any]]) -> bool:
    """Whether a network that exports computes with 8 bits by default."""
    return has_8_bit_form(settings) and Weights(stored).in_8_bits


def open_session(network: bytes) -> onnxruntime.InferenceSession:
    """Make a network ready to run, on one thread a call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a pattern would be kept for every length ever seen
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
