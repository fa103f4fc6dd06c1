"""A model run by onnxruntime on the CPU, without torch.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

import numpy as np

from asr.engine.engine import Counts, Engine, Floats, join_rows
from asr.engine.recomputing import EncoderStream
from asr.model.model_file import StoredModel
from asr.onnx import OnnxEncoder
from asr.onnx.chunk_encoder import OnnxChunkEncoder


class OnnxEngine(Engine):
    """Log-mel in NumPy, and the network in onnxruntime, one utterance at a time.

    So log-probabilities are the same to the last bit whatever stands beside an utterance in its
    batch. A call takes one thread, and several threads may call at once.

    Args:
        stored: a model for which `asr.onnx.exports` holds.
        float32: compute with float32 throughout; else with 8 bits where the file has them.
    """

    def __init__(self, stored: StoredModel, *, float32: bool = False) -> None:
        super().__init__(stored.settings, stored.statistics)
        self._encoder = OnnxEncoder(stored.settings, stored.stored, float32=float32)
        self._tokens = len(stored.tokenizer)
        self._stored, self._float32 = stored.stored, float32
        self._chunk_encoders: dict[tuple[int, int], OnnxChunkEncoder] = {}

    def open_stream(self, chunk: int, context: int) -> EncoderStream:
        """Begin a stream whose forward direction carries its state from chunk to chunk."""
        encoder = self._chunk_encoders.get((chunk, context))
        if encoder is None:
            encoder = OnnxChunkEncoder(
                self.settings,
                self._stored,
                chunk_frames=chunk,
                context_frames=context,
                float32=self._float32,
            )
            self._chunk_encoders[chunk, context] = encoder
        return encoder.open_stream()

    def _compute(self, waveforms: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        rows = [self._row(row[:length]) for row, length in zip(waveforms, lengths, strict=True)]
        if len(rows) == 1:
            return rows[0][None], np.array([len(rows[0])], np.int64)
        return join_rows(rows)

    def _row(self, waveform: Floats) -> Floats:
        """Compute the log_probs (U, V) of one waveform (N,)."""
        features = self.log_mel(waveform)
        if not len(features):
            return np.zeros((0, self._tokens), np.float32)
        log_probs, _ = self._encoder.run(features[None], np.array([len(features)], np.int64))
        return log_probs[0]
