"""A long recording cut into pieces that a model hears at once, at pauses.

    samples -> chunks of one length -> level and speech of every frame -> pieces

Every step is a pure function of the samples: the chunks are cut on a grid of their own, whatever
blocks the samples arrive in. What lies in memory at a time is one piece and three chunks.

Shapes: N samples.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from asr.audio import Waveform
from asr.inference.segmentation.cutting import AudioSegment, cut
from asr.inference.segmentation.energy import energy_frames
from asr.util.errors import UserError

__all__ = ["DETECTORS", "LONGEST_S", "AudioSegment", "check_detector", "segments"]

#: Ways to find speech.
DETECTORS = ("energy", "silero")
#: What is no longer is transcribed whole, as `asr evaluate` does; no piece is longer.
LONGEST_S = 30.0


def check_detector(detector: str, sample_rate: int) -> None:
    """Refuse a detector of speech that cannot be used.

    Raises:
        UserError: unknown, not installed, or not made for this sample rate.
    """
    if detector not in DETECTORS:
        raise UserError(f"vad: unknown {detector!r}; choose one of {', '.join(DETECTORS)}")
    if detector == "silero":
        from asr.inference.segmentation.silero import load_network

        load_network(sample_rate)


def segments(
    blocks: Iterable[Waveform], sample_rate: int, detector: str = "energy"
) -> Iterator[AudioSegment]:
    """Cut a stream of mono blocks (N,) into pieces of speech.

    Raises:
        UserError: as `check_detector`.
    """
    check_detector(detector, sample_rate)
    longest = round(LONGEST_S * sample_rate)
    arriving, first, held = iter(blocks), list[Waveform](), 0
    for block in arriving:
        first.append(block)
        held += len(block)
        if held > longest:
            break
    else:
        yield AudioSegment(0, np.concatenate([np.zeros(0, np.float32), *first]))
        return
    yield from _speech(chain(first, arriving), sample_rate, detector)


def _speech(blocks: Iterable[Waveform], sample_rate: int, detector: str) -> Iterator[AudioSegment]:
    if detector == "silero":
        from asr.inference.segmentation.silero import silero_frames as frames_of
    else:
        frames_of = energy_frames
    yield from cut(frames_of(blocks, sample_rate), sample_rate, LONGEST_S)
