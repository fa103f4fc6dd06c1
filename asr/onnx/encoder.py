"""onnxruntime running an acoustic model's network.

Shapes: B batch, T feature frames, U encoder frames, F mel bins, V tokens.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnxruntime

from asr.onnx.network import FEATURES, LENGTHS, LOG_PROB_LENGTHS, LOG_PROBS, Settings, build_network


class OnnxEncoder:
    """A network ready to run, on one thread a call.

    Args:
        settings: of a model for which `asr.onnx.exports` holds.
        stored: weights by the names of a model file, see `asr.onnx.weights.Weights`.
    """

    def __init__(self, settings: Settings, stored: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._session = _open(build_network(settings, stored))

    def run(
        self, features: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Compute log-probabilities of tokens.

        Args:
            features: (B, T, F), normalised; padding may hold anything finite.
            lengths: (B,), counts of valid frames.

        Returns:
            log_probs (B, U, V) and their lengths (B,).
        """
        given = {FEATURES: features, LENGTHS: lengths}
        log_probs, frames = self._session.run((LOG_PROBS, LOG_PROB_LENGTHS), given)
        return log_probs, frames


def _open(network: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
