"""A model run by torch: any encoder, on any device.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from asr.engine.engine import Counts, Engine, Floats
from asr.engine.recomputing import LEFT_S, EncoderStream, RecomputingStream
from asr.model.ctc_model import CTCModel
from asr.model.device import find_device


class TorchEngine(Engine):
    """A model of torch, which is put into evaluation mode.

    The last bits of its sums depend on the shape of a batch.

    Args:
        model: on any device.
    """

    #: On one core, twice as fast as one segment by one.
    rows = 4

    def __init__(self, model: CTCModel) -> None:
        super().__init__(model.settings, model.statistics)
        self.model = model.eval()
        self.on_gpu = find_device(model).type == "cuda"

    def open_stream(self, chunk: int, context: int) -> EncoderStream:
        """Begin a stream that encodes each chunk with the seconds before it."""
        return RecomputingStream(
            self._encode,
            self.settings.subsampling["factor"],
            round(LEFT_S / self.frame_s),
            chunk,
            context,
            (self.log_mel.settings.mel_bins, self.model.head.out_features),
        )

    @torch.inference_mode()
    def _encode(self, features: Floats) -> Floats:
        """Encode features (T, F) of one utterance: (U, V)."""
        device = find_device(self.model)
        lengths = torch.tensor([len(features)], device=device)
        log_probs, _ = self.model(torch.from_numpy(features)[None].to(device), lengths)
        found: Floats = log_probs[0].cpu().numpy()
        return found

    @torch.inference_mode()
    def _compute(self, waveforms: Floats, lengths: Counts) -> tuple[Floats, Counts]:
        device = find_device(self.model)
        log_probs, frames = self.model.log_probs(
            torch.from_numpy(np.ascontiguousarray(waveforms)).to(device),
            torch.from_numpy(lengths).to(device),
        )
        return log_probs.cpu().numpy(), frames.cpu().numpy()

    @contextmanager
    def one_thread_a_call(self) -> Iterator[None]:
        """Give torch one thread; sums are then equal on any number of cores."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
