"""Speech detection by level alone: frames louder than the background around them.

Shapes: T frames.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.inference.segmentation.chunks import Frames, frame_levels_db, rechunk

FRAME_S = 0.02
#: A frame is compared with the frames of its own chunk and of the two chunks beside it.
CHUNK_FRAMES = 500
#: Percentiles of the levels around a frame that count as background and as voice.
_BACKGROUND, _VOICE = 10, 95
#: The threshold lies at least so far above the background ...
_RISE_DB = 4.0
#: ... and at least this fraction of the way from the background to the voice.
_FRACTION = 0.2
#: The background is taken to lie at most so far below the voice.
_RANGE_DB = 45.0
#: Steady sound above this level may be speech in noise or music, and counts as speech. Most voices
#: of AN4 and LibriSpeech lie above it, the background noise of all their recordings far below.
_LOUD_DB = -36.0


def energy_frames(blocks: Iterable[Waveform], sample_rate: int) -> Iterator[Frames]:
    """Decide for every 20 ms of a stream whether it is speech."""
    frame_samples = round(FRAME_S * sample_rate)
    around: list[tuple[Waveform, NDArray[np.float64]]] = []
    before = 0.0
    for chunk in rechunk(blocks, CHUNK_FRAMES * frame_samples):
        around.append((chunk, frame_levels_db(chunk, before, frame_samples)))
        before = float(chunk[-1])
        if len(around) > 1:
            yield _decide(around, -2)
        around = around[-2:]
    if around:
        yield _decide(around, -1)


def _decide(around: list[tuple[Waveform, NDArray[np.float64]]], place: int) -> Frames:
    samples, level = around[place]
    surrounding = np.concatenate([level for _, level in around])
    return Frames(samples, level, level > threshold_db(surrounding))


def threshold_db(level: NDArray[np.float64]) -> float:
    """Choose the threshold between background and voice from the levels (T,) around a frame."""
    background, voice = np.percentile(level, (_BACKGROUND, _VOICE))
    if voice - background < _RISE_DB and background > _LOUD_DB:
        return -np.inf
    background = max(background, voice - _RANGE_DB)
    return float(background + max(_RISE_DB, _FRACTION * (voice - background)))
