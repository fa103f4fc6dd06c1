"""Files to batches of segments, in which order they are transcribed, and when a file is complete.

The segments of a long recording share batches; short recordings share batches by length.
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

#: Seconds of short recordings that wait for one another, so that some are of similar length.
_WAITING_S = 600.0


class Channel:
    """One channel of a recording: a stream of blocks, and the segments transcribed so far.

    Attributes:
        segments: in the order in which they were transcribed.
        failure: the error that one of its segments met.
    """

    def __init__(
        self, blocks: Iterable[Waveform], sample_rate: int, vad: str, name: str | None = None
    ) -> None:
        self._blocks, self._sample_rate, self._vad, self._name = blocks, sample_rate, vad, name
        self._samples = 0
        self.segments: list[Segment] = []
        self.failure: Exception | None = None

    def groups(self) -> Iterator[list[SegmentBatch]]:
        """Yield groups of batches; a group is one stretch of time."""
        return groups(segments(self._counted(), self._sample_rate, self._vad))

    @property
    def duration_s(self) -> float:
        """Seconds read so far."""
        return self._samples / self._sample_rate

    def transcript(self) -> Transcript:
        """Join the segments, once all are transcribed, or raise the failure."""
        if self.failure is not None:
            raise self.failure
        return Transcript(tuple(sort_segments(self.segments)), self.duration_s, self._name)

    def _counted(self) -> Iterator[Waveform]:
        for block in self._blocks:
            self._samples += len(block)
            yield block


@dataclass
class File:
    """A file, its channels and, where it cannot be transcribed, the error."""

    path: str | Path
    channels: list[Channel] = field(default_factory=list)
    error: UserError | None = None

    def result(self) -> list[Transcript] | UserError:
        """Give a transcript for each channel, or the error that the file met."""
        if self.error is not None:
            return self.error
        try:
            with contain_errors(str(self.path)):
                return [one.transcript() for one in self.channels]
        except UserError as error:
            return error

    def non_speech_s(self) -> float:
        """Seconds, of all channels, outside the segments."""
        found = chain.from_iterable(channel.segments for channel in self.channels)
        spoken_s = sum(segment.end_s - segment.start_s for segment in found)
        return sum(channel.duration_s for channel in self.channels) - spoken_s


#: Work in order: a batch with the channel of each of its segments, or a file that is complete.
Job = tuple[SegmentBatch, Sequence[Channel]] | File


class _Waiting:
    """Short recordings that wait for others of similar length, and the files they belong to."""

    def __init__(self) -> None:
        self.alone: list[tuple[SegmentBatch, Channel]] = []
        self.files: list[File] = []
        self.samples = 0

    def add(self, batch: SegmentBatch, channel: Channel) -> Iterator[Job]:
        """Keep a batch that has room; flush before a full one, which is a long recording's."""
        if batch.has_room:
            self.alone.append((batch, channel))
            self.samples += batch.samples
            return
        yield from self.flush()
        yield batch, [channel] * len(batch.segments)

    def flush(self) -> Iterator[Job]:
        """Yield all that waits."""
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
    on_open: Callable[[float], object],
) -> Iterator[Job]:
    """Read files: their batches, and each file after its last batch, in order.

    Args:
        paths: audio files.
        channel: one of `asr.audio.recording.CHANNELS`.
        sample_rate: of the model, Hz.
        vad: one of `asr.inference.segmentation.DETECTORS`.
        on_open: is called with the seconds of each channel that is opened, 0 where its file
            does not state them.
    """
    waiting = _Waiting()
    for path in paths:
        file = File(path)
        try:
            with contain_errors(str(path)):
                for name, number, recording in _channels(path, channel):
                    on_open(recording.duration_s or 0.0)
                    blocks = recording.waveform(number, sample_rate)
                    opened = Channel(blocks, sample_rate, vad, name)
                    file.channels.append(opened)
                    for batch in chain.from_iterable(opened.groups()):
                        yield from waiting.add(batch, opened)
        except UserError as error:
            file.error = error
        waiting.files.append(file)
        if not waiting.alone or waiting.samples > _WAITING_S * sample_rate:
            yield from waiting.flush()
    yield from waiting.flush()


def _channels(path: str | Path, channel: str) -> Iterator[tuple[str | None, int | None, Recording]]:
    """Open a file once for each channel that is wanted, since not all files can be rewound."""
    with open_recording(path) as recording:
        first, *others = recording.select_channels(channel)
        yield *first, recording
    for other in others:
        with open_recording(path) as recording:
            yield *other, recording


def sort_segments(segments: Iterable[Segment]) -> list[Segment]:
    """Sort segments by time, and leave those without words out."""
    return sorted((found for found in segments if found.words), key=lambda found: found.start_s)
