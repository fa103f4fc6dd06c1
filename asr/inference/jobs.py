"""Files to batches: which pieces are heard together, and when a file has been heard.

A long recording's pieces are heard with each other, a short recording with others of like length.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from asr.audio import Waveform
from asr.audio.recording import Recording, open_recording
from asr.inference.segmentation import segments
from asr.inference.segmentation.batching import SegmentBatch, group_by_length, groups
from asr.transcript import Segment, Transcript
from asr.util.errors import UserError, contain_errors

#: Short recordings of so many seconds wait for each other, so that some are of like length.
_WAITING_S = 600.0


class Channel:
    """One channel of a recording as it goes by: its pieces, what was heard, its duration."""

    def __init__(
        self, blocks: Iterable[Waveform], sample_rate: int, vad: str, name: str | None = None
    ) -> None:
        self._blocks, self._sample_rate, self._vad, self._name = blocks, sample_rate, vad, name
        self._samples = 0
        self.segments: list[Segment] = []
        self.failure: Exception | None = None

    def groups(self) -> Iterator[list[SegmentBatch]]:
        """Yield batches of pieces, those of one stretch of time together."""
        return groups(segments(self._counted(), self._sample_rate, self._vad))

    @property
    def duration_s(self) -> float:
        """How long it is, as far as it has gone by."""
        return self._samples / self._sample_rate

    def transcript(self) -> Transcript:
        """Put together what was heard, once all has gone by, or raise what kept it from that."""
        if self.failure is not None:
            raise self.failure
        return Transcript(tuple(in_time(self.segments)), self.duration_s, self._name)

    def _counted(self) -> Iterator[Waveform]:
        for block in self._blocks:
            self._samples += len(block)
            yield block


@dataclass
class File:
    """A file, its channels and, where it cannot be transcribed, why."""

    path: str | Path
    channels: list[Channel] = field(default_factory=list)
    error: UserError | None = None

    def result(self) -> list[Transcript] | UserError:
        """Give a transcript for each channel or, where anything went wrong, what."""
        if self.error is not None:
            return self.error
        try:
            with contain_errors(str(self.path)):
                return [one.transcript() for one in self.channels]
        except UserError as error:
            return error

    def unspoken_s(self) -> float:
        """How much of it has gone by and was no speech."""
        heard = chain.from_iterable(channel.segments for channel in self.channels)
        spoken_s = sum(segment.end_s - segment.start_s for segment in heard)
        return sum(channel.duration_s for channel in self.channels) - spoken_s


#: What is done in order: batches with the channel of each piece, and files that are complete.
Job = tuple[SegmentBatch, Sequence[Channel]] | File


class _Waiting:
    """Short recordings that wait for others of like length, and the files that wait for them."""

    def __init__(self) -> None:
        self.alone: list[tuple[SegmentBatch, Channel]] = []
        self.files: list[File] = []
        self.samples = 0

    def pass_on(self, batch: SegmentBatch, channel: Channel) -> Iterator[Job]:
        """Keep a batch with room in it; before any other, which is a long recording's, make way."""
        if batch.has_room:
            self.alone.append((batch, channel))
            self.samples += batch.samples
            return
        yield from self.flush()
        yield batch, [channel] * len(batch.segments)

    def flush(self) -> Iterator[Job]:
        """Give all that waits."""
        for places in group_by_length([batch for batch, _ in self.alone]):
            batches, channels = zip(*(self.alone[place] for place in places), strict=True)
            joint = [segment for batch in batches for segment in batch.segments]
            yield replace(batches[0], segments=joint), channels
        yield from self.files
        self.alone, self.files, self.samples = [], [], 0


def find_jobs(
    paths: Iterable[str | Path],
    channel: str,
    sample_rate: int,
    vad: str,
    opened: Callable[[float], object],
) -> Iterator[Job]:
    """Read files: batches to hear and, after the last batch of its own, each file, in order.

    Args:
        paths: audio files.
        channel: one of `asr.audio.recording.CHANNELS`.
        sample_rate: of the model, Hz.
        vad: one of `asr.inference.segmentation.DETECTORS`.
        opened: is told how many seconds each channel has, as far as its file states it.
    """
    waiting = _Waiting()
    for path in paths:
        file = File(path)
        try:
            with contain_errors(str(path)):
                for name, number, recording in _channels(path, channel):
                    opened(recording.duration_s or 0.0)
                    heard = Channel(recording.waveform(number, sample_rate), sample_rate, vad, name)
                    file.channels.append(heard)
                    for batch in chain.from_iterable(heard.groups()):
                        yield from waiting.pass_on(batch, heard)
        except UserError as error:
            file.error = error
        waiting.files.append(file)
        if not waiting.alone or waiting.samples > _WAITING_S * sample_rate:
            yield from waiting.flush()
    yield from waiting.flush()


def _channels(path: str | Path, channel: str) -> Iterator[tuple[str | None, int | None, Recording]]:
    """Open a file for each of its channels that are asked for, since not all can be rewound."""
    with open_recording(path) as recording:
        first, *others = recording.select_channels(channel)
        yield *first, recording
    for other in others:
        with open_recording(path) as recording:
            yield *other, recording


def in_time(segments: Iterable[Segment]) -> list[Segment]:
    """Put segments in order, those without words left out."""
    return sorted((found for found in segments if found.words), key=lambda found: found.start_s)
