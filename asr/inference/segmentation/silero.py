"""Speech found by silero-vad's network, with the weights from its package (an extra).

The package calls its scripted network for one frame after the other. Here the same weights are
run on a chunk at a time: all its frames go through the convolutions at once and then through the
LSTM, whose state the chunks hand on. The numbers are the same.

Shapes: N samples, T frames.
"""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from asr.audio import Waveform
from asr.inference.segmentation.chunks import Frames, framed, level_db, rechunk
from asr.util.errors import UserError

#: The sample rates it hears, and the name of the network for each.
_NETWORKS = {16000: "_model", 8000: "_model_8k"}
#: A frame is 32 ms, and the network sees 4 ms before it too.
_FRAMES_PER_S = 31.25
_CONTEXT_PER_FRAME = 8
CHUNK_FRAMES = 320
#: Strides of the four convolutions: what is left of a frame is one vector.
_STRIDES = (1, 2, 2, 1)
#: Speech begins above the one probability and goes on until it falls below the other.
_BEGINS, _ENDS = 0.5, 0.35
_FILE = "data/silero_vad.jit"


def silero_frames(blocks: Iterable[Waveform], sample_rate: int) -> Iterator[Frames]:
    """Decide for every 32 ms of a stream whether it is speech.

    Raises:
        UserError: as `load_network`.
    """
    network = load_network(sample_rate)
    frame_samples = round(sample_rate / _FRAMES_PER_S)
    before, on = np.zeros(frame_samples, np.float32), False
    for chunk in rechunk(blocks, CHUNK_FRAMES * frame_samples):
        frames = framed(chunk, frame_samples)
        speech = np.zeros(len(frames), np.bool_)
        for place, probability in enumerate(network.probabilities(frames, before)):
            on = probability >= (_ENDS if on else _BEGINS)
            speech[place] = on
        yield Frames(chunk, level_db(chunk, float(before[-1]), frame_samples), speech)
        before = frames[-1]


def load_network(sample_rate: int) -> "_Network":
    """Make the network for a sample rate, before it has heard anything.

    Raises:
        UserError: silero-vad is not installed, or hears no such sample rate.
    """
    if sample_rate not in _NETWORKS:
        raise UserError(
            f"vad: silero hears 8000 or 16000 Hz and this model {sample_rate} Hz; use --vad energy"
        )
    return _Network(_weights(_NETWORKS[sample_rate]))


@cache
def _weights(network: str) -> dict[str, Tensor]:
    found = find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise UserError("vad: silero-vad is not installed; pip install silero-vad")
    path = Path(found.submodule_search_locations[0]) / _FILE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would have everybody leave this format
            tensors = torch.jit.load(path).state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{path}: silero-vad cannot be read ({error}); pip install -U silero-vad"
        ) from error
    start = f"{network}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


class _Network:
    """The network and its state after the frames it has heard."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights
        width = weights["decoder.rnn.weight_hh"].shape[1]
        self._state = (torch.zeros(1, 1, width), torch.zeros(1, 1, width))

    @torch.inference_mode()
    def probabilities(self, frames: NDArray[np.float32], before: Waveform) -> list[float]:
        """Give the probability of speech in each frame (T, N), `before` (N,) preceding them."""
        context = frames.shape[1] // _CONTEXT_PER_FRAME
        earlier = np.concatenate([before[None], frames[:-1]])[:, -context:]
        heard = torch.from_numpy(np.concatenate([earlier, frames], axis=1))[:, None]
        lstm = [
            self._weights[f"decoder.rnn.{name}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        hidden, *state = torch.lstm(
            self._encode(heard, padding=context), self._state, lstm,
            has_biases=True, num_layers=1, dropout=0.0, train=False,
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        self._state = (state[0], state[1])
        out = F.conv1d(hidden.relu().mT, *self._layer("decoder.decoder.2"))
        return out.sigmoid().flatten().tolist()

    def _encode(self, heard: Tensor, padding: int) -> Tensor:
        """Map frames behind their context (T, 1, N) to a sequence of vectors (1, T, 128)."""
        basis = self._weights["stft.forward_basis_buffer"]
        fft_samples = basis.shape[2]
        heard = F.pad(heard, (0, padding), "reflect")
        spectrum = F.conv1d(heard, basis, stride=fft_samples // 2)
        real, imaginary = spectrum.split(fft_samples // 2 + 1, dim=1)
        maps = (real.square() + imaginary.square()).sqrt()
        for place, stride in enumerate(_STRIDES):
            layer = self._layer(f"encoder.{place}.reparam_conv")
            maps = F.conv1d(maps, *layer, stride=stride, padding=1).relu()
        return maps.squeeze(-1)[None]

    def _layer(self, name: str) -> tuple[Tensor, Tensor]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
