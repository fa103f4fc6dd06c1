"""Chunks of an utterance, each with its right context: what an encoder reads of a stream at a time.

The forward direction of a layer carries its state from chunk to chunk, and the backward one starts
at the end of each window (latency-controlled BLSTM: Zhang 2016, "Highway long short-term memory
RNNs for distant speech recognition"). `asr.onnx.chunk_network` computes the same of a stream.

Shapes: B batch, T frames, C chunks, W frames of a window, which is a chunk and its right context,
H width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


class Windows:
    """The windows of a padded batch. The context of one is also in the windows that follow.

    Args:
        lengths: (B,) valid frames.
        frames: T.
        chunk: frames of a chunk, at least 1.
        context: later frames that its window has.

    Attributes:
        lengths: (B, C) valid frames of each window; 0 past the end of an utterance.
        chunk: frames of a chunk.
    """

    def __init__(self, lengths: Tensor, frames: int, chunk: int, context: int) -> None:
        self.chunk, self._size, self._frames = chunk, chunk + context, frames
        self._count = -(-frames // chunk)
        starts = chunk * torch.arange(self._count, device=lengths.device)
        self.lengths = (lengths[:, None] - starts).clamp(0, self._size)

    def cut(self, features: Tensor) -> Tensor:
        """Cut features (B, T, H) into windows (B, C, W, H); frames past the last one are 0."""
        missing = (self._count - 1) * self.chunk + self._size - self._frames
        padded = F.pad(features, (0, 0, 0, missing))
        return padded.unfold(1, self._size, self.chunk).transpose(2, 3)

    def join(self, windows: Tensor) -> Tensor:
        """Join the chunks of windows (B, C, W, H) to features (B, T, H)."""
        return windows[:, :, : self.chunk].flatten(1, 2)[:, : self._frames]
