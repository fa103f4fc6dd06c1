"""Speech detection with silero-vad: the ONNX network of its package (an extra), by onnxruntime.

The package itself is not imported, since that imports torch.

Shapes: N samples, T frames.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.segmentation.chunks import Frames, frame_levels_db, rechunk, split_frames
from asr.util.errors import UserError

#: Hz; the network was trained on these.
_SAMPLE_RATES = (8000, 16000)
#: A frame is 32 ms, and the network reads the 4 ms before the frame too.
_FRAMES_PER_S = 31.25
_CONTEXT_PER_FRAME = 8
CHUNK_FRAMES = 320
_STATE_SHAPE = (2, 1, 128)  # hidden and cell state of the LSTM, of a batch of one
#: Speech begins above the one probability and goes on until it falls below the other.
_BEGINS, _ENDS = 0.5, 0.35
_FILE = "data/silero_vad.onnx"
_ERRORS_ONLY = 3  # onnxruntime's third severity: its warnings are about the file's unused weights


def silero_frames(blocks: Iterable[Waveform], sample_rate: int) -> Iterator[Frames]:
    """Decide for every 32 ms of a stream whether it is speech.

    Raises:
        UserError: as `load_network`.
    """
    network = load_network(sample_rate)
    frame_samples = round(sample_rate / _FRAMES_PER_S)
    before, on = np.zeros(frame_samples, np.float32), False
    for chunk in rechunk(blocks, CHUNK_FRAMES * frame_samples):
        frames = split_frames(chunk, frame_samples)
        speech = np.zeros(len(frames), np.bool_)
        for place, probability in enumerate(network.probabilities(frames, before)):
            on = probability >= (_ENDS if on else _BEGINS)
            speech[place] = on
        yield Frames(chunk, frame_levels_db(chunk, float(before[-1]), frame_samples), speech)
        before = frames[-1]


def load_network(sample_rate: int) -> "_Network":
    """Open the network for a sample rate, in the state it has before any frame.

    Raises:
        UserError: silero-vad is not installed or damaged, or not made for this sample rate.
    """
    if sample_rate not in _SAMPLE_RATES:
        raise UserError(
            f"vad: silero takes 8000 or 16000 Hz and this model {sample_rate} Hz",
            remedy="energy_detector",
        )
    return _Network(_open_session(), sample_rate)


@cache
def _open_session() -> onnxruntime.InferenceSession:
    found = find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise UserError("vad: silero-vad is not installed; pip install silero-vad")
    path = Path(found.submodule_search_locations[0]) / _FILE
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        content = path.read_bytes()
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own have no base but this
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{path}: silero-vad cannot be read ({reason}); pip install -U silero-vad"
        ) from error


class _Network:
    """The network, and the state that its LSTM has after the frames so far."""

    def __init__(self, session: onnxruntime.InferenceSession, sample_rate: int) -> None:
        self._session = session
        self._sample_rate = np.array(sample_rate)
        self._state = np.zeros(_STATE_SHAPE, np.float32)

    def probabilities(self, frames: NDArray[np.float32], before: Waveform) -> list[float]:
        """Give the probability of speech in each frame (T, N), `before` (N,) preceding them."""
        context = frames.shape[1] // _CONTEXT_PER_FRAME
        earlier = np.concatenate([before[None], frames[:-1]])[:, -context:]
        found = []
        for frame in np.concatenate([earlier, frames], axis=1):
            inputs = {"input": frame[None], "state": self._state, "sr": self._sample_rate}
            probability, self._state = self._session.run(("output", "stateN"), inputs)
            found.append(float(probability[0, 0]))
        return found
