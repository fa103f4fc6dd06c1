"""How late the words of a stream come, and how many that were shown change.

The clock is simulated: a packet of samples arrives when its last sample was spoken, and what it
brings is shown when the computing that it causes, measured, is done.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from asr.audio import Waveform
from asr.inference.streaming.stream import Event, Partial, Stream
from asr.transcript import Segment

#: Seconds of the packets that a microphone brings.
PACKET_S = 0.1


@dataclass
class Latency:
    """Measurements, which add up over streams.

    Attributes:
        partial_s: of each final word, from its end to when it was first shown at its place.
        final_s: of each segment, from the end of its last word to when the segment was shown.
        shown: words that partial texts showed at a place where another one stood, or none; the
            last word of each partial text, which may be unfinished, is not counted.
        changed: of these, how many were later replaced or taken back.
        audio_s: seconds of audio.
        computed_s: seconds of computing.
    """

    partial_s: list[float] = field(default_factory=list)
    final_s: list[float] = field(default_factory=list)
    shown: int = 0
    changed: int = 0
    audio_s: float = 0.0
    computed_s: float = 0.0

    @property
    def changed_fraction(self) -> float:
        """The fraction of shown words that changed."""
        return self.changed / max(self.shown, 1)

    @property
    def real_time_factor(self) -> float:
        """Seconds of audio that a second of computing transcribes."""
        return self.audio_s / max(self.computed_s, 1e-9)

    def to_dict(self) -> dict[str, float | None]:
        """Give the numbers as JSON data, None for the latency of no words."""
        numbers: dict[str, float | None] = {}
        for name, values in (("partial", self.partial_s), ("final", self.final_s)):
            numbers[f"{name}_latency_mean_s"] = float(np.mean(values)) if values else None
            numbers[f"{name}_latency_95_s"] = float(np.percentile(values, 95)) if values else None
        return numbers | {
            "changed_fraction": self.changed_fraction,
            "real_time_factor": self.real_time_factor,
        }


def run_timed(stream: Stream, samples: Waveform, rate: int, latency: Latency) -> list[Segment]:
    """Send samples (N,) through a stream in packets; adds to `latency`, and gives the segments."""
    segments: list[Segment] = []
    shown: dict[int, tuple[str, float]] = {}  # by place: the word, and when it was first there
    for event, now_s in _timed(stream, samples, rate, latency):
        words = event.committed + event.tentative if isinstance(event, Partial) else event.words
        texts = [word if isinstance(word, str) else word.text for word in words]
        is_final = isinstance(event, Segment)
        _compare(shown, texts, now_s, is_final, latency)
        if isinstance(event, Segment):
            segments.append(event)
            latency.final_s.append(now_s - event.words[-1].end_s)
            latency.partial_s += [
                shown[place][1] - word.end_s for place, word in enumerate(event.words)
            ]
            shown = {}
    return segments


def _timed(
    stream: Stream, samples: Waveform, rate: int, latency: Latency
) -> Iterator[tuple[Event, float]]:
    """Yield each event of a stream, and when it is shown on the simulated clock."""
    length, now_s = max(1, round(PACKET_S * rate)), 0.0
    for first in range(0, len(samples) + 1, length):
        packet = samples[first : first + length]
        last = first + length > len(samples)
        start = time.process_time()
        events = stream.accept(packet) + (stream.finish() if last else [])
        taken_s = time.process_time() - start
        now_s = max(now_s, min(first + length, len(samples)) / rate) + taken_s
        latency.computed_s += taken_s
        for event in events:
            yield event, now_s
    latency.audio_s += len(samples) / rate


def _compare(
    shown: dict[int, tuple[str, float]],
    texts: Sequence[str],
    now_s: float,
    is_final: bool,
    latency: Latency,
) -> None:
    """Take the words of an event in place of those shown before."""
    counted = len(texts) if is_final else len(texts) - 1
    for place in [place for place in shown if place >= len(texts)]:
        del shown[place]
        latency.changed += 1
    for place, text in enumerate(texts):
        before = shown.get(place)
        if before is not None and before[0] == text:
            continue
        if before is not None:
            latency.changed += 1
        if place < counted:
            shown[place] = text, now_s
            latency.shown += not is_final
        else:
            shown.pop(place, None)
