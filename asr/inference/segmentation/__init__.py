"""A long recording, cut at its pauses into segments that a model transcribes one by one.

    blocks of samples -> chunks of one length -> level and speech of every frame -> segments

`segments` is the way in. Every step is a pure function of the samples: chunks have one length,
whatever blocks the samples arrive in. One segment and three chunks are in memory at a time.
`batching` pads segments to batches; `windows` is how alignment splits a recording.

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

#: Names of the speech detectors.
DETECTORS = ("energy", "silero")
#: A recording up to this length is one segment; no segment is longer.
LONGEST_S = 30.0


def check_detector(detector: str, sample_rate: int) -> None:
    """Refuse a speech detector that cannot be used.

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
    """Cut a stream of mono blocks (N,) into segments of speech.

    Raises:
        UserError: as `check_detector`.
    """
    check_detector(detector, sample_rate)
    longest = round(LONGEST_S * sample_rate)
    arriving, first, samples = iter(blocks), list[Waveform](), 0
    for block in arriving:
        first.append(block)
        samples += len(block)
        if samples > longest:
            break
    else:
        yield AudioSegment(0, np.concatenate([np.zeros(0, np.float32), *first]))
        return
    yield from _cut_at_pauses(chain(first, arriving), sample_rate, detector)


def _cut_at_pauses(
    blocks: Iterable[Waveform], sample_rate: int, detector: str
) -> Iterator[AudioSegment]:
    if detector == "silero":
        from asr.inference.segmentation.silero import silero_frames as frames_of
    else:
        frames_of = energy_frames
    yield from cut(frames_of(blocks, sample_rate), sample_rate, LONGEST_S)
