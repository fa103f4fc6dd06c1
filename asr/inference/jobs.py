"""Files to batches of segments, in which order they are transcribed, and when a file is complete.

The segments of a long recording share batches; short recordings share batches by length.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from asr.audio import Waveform
from asr.audio.opening import open_channels
from asr.audio.selection import Selection
from asr.inference.segmentation import segments
from asr.inference.segmentation.batching import SegmentBatch, groups
from asr.transcript import Segment, Transcript
from asr.util.errors import UserError, contain_errors

#: Seconds of audio that may be read while a short recording waits for others of its length. The
#: transcripts of that audio wait too, and are what a stop would lose.
_WAITING_S = 1200.0


class Channel:
    """One channel of a recording: a stream of blocks, and the segments transcribed so far.

    `start_s` is where in the recording the stream begins.

    Attributes:
        segments: in the order in which they were transcribed.
        failure: the error that one of its segments met.
    """

    def __init__(
        self,
        blocks: Iterable[Waveform],
        sample_rate: int,
        vad: str,
        name: str | None = None,
        start_s: float = 0.0,
    ) -> None:
        self._blocks, self._sample_rate, self._vad, self._name = blocks, sample_rate, vad, name
        self._start = self._samples = round(start_s * sample_rate)
        self.segments: list[Segment] = []
        self.failure: Exception | None = None

    def groups(self, rows: int) -> Iterator[list[SegmentBatch]]:
        """Yield groups of batches of `rows`; a group is one stretch of time."""
        found = segments(self._counted(), self._sample_rate, self._vad)
        return groups((replace(one, start=self._start + one.start) for one in found), rows)

    @property
    def duration_s(self) -> float:
        """Seconds of the recording up to where it is read."""
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


@dataclass
class _OpenBatch:
    """A batch that recordings of one padded length fill.

    Attributes:
        owners: the channel of each of its segments.
        since: samples that had been read when its first segment came.
    """

    batch: SegmentBatch
    owners: list[Channel]
    since: int

    def join(self, batch: SegmentBatch, owners: Sequence[Channel]) -> None:
        """Take the segments of another batch of this shape."""
        self.batch = replace(self.batch, segments=[*self.batch.segments, *batch.segments])
        self.owners += owners


class _Waiting:
    """Short recordings that wait for others of their length, and files that wait for them.

    A batch leaves as soon as it is full, so that fewer recordings wait for each padded length than
    a batch has rows, however many the files are and in whatever order.

    Args:
        longest: samples that may be read while a recording waits.
    """

    def __init__(self, longest: float) -> None:
        self._longest, self._read = longest, 0
        self._open: dict[int, _OpenBatch] = {}  # by padded length
        self._files: deque[File] = deque()

    def add(self, batch: SegmentBatch, channel: Channel) -> Iterator[Job]:
        """Keep a batch that has room, and yield what is full or has waited too long."""
        owners = [channel] * len(batch.segments)
        self._read += batch.samples * len(owners)
        if not batch.has_room:
            yield batch, owners
        elif batch.samples in self._open:
            self._open[batch.samples].join(batch, owners)
        else:
            self._open[batch.samples] = _OpenBatch(batch, owners, self._read)
        for samples, one in list(self._open.items()):
            if not one.batch.has_room or self._read - one.since > self._longest:
                yield self._close(samples)
        yield from self._complete_files()

    def end(self, file: File) -> Iterator[Job]:
        """Yield a file that is read, unless a batch of it or of an earlier file waits."""
        self._files.append(file)
        yield from self._complete_files()

    def flush(self) -> Iterator[Job]:
        """Yield all that waits, long batches first, so that several workers end together."""
        for samples in sorted(self._open, reverse=True):
            yield self._close(samples)
        yield from self._complete_files()

    def _close(self, samples: int) -> Job:
        closed = self._open.pop(samples)
        return closed.batch, closed.owners

    def _complete_files(self) -> Iterator[Job]:
        waiting = {owner for one in self._open.values() for owner in one.owners}
        while self._files and waiting.isdisjoint(self._files[0].channels):
            yield self._files.popleft()


def find_jobs(
    paths: Iterable[str | Path],
    selection: Selection,
    sample_rate: int,
    vad: str,
    rows: int,
    on_open: Callable[[float], object],
) -> Iterator[Job]:
    """Read files: their batches, and each file, in the order given, after its last batch.

    Args:
        paths: audio files.
        selection: which part of each file is read.
        sample_rate: of the model, Hz.
        vad: one of `asr.inference.segmentation.DETECTORS`.
        rows: of a batch, see `asr.engine.engine.Engine`.
        on_open: is called with the seconds of each channel that is opened, 0 where its file
            does not state them.
    """
    waiting = _Waiting(_WAITING_S * sample_rate)
    for path in paths:
        file = File(path)
        try:
            with contain_errors(str(path)):
                for name, number, recording in open_channels(path, selection):
                    on_open(recording.duration_s or 0.0)
                    blocks = recording.waveform(number, sample_rate)
                    opened = Channel(blocks, sample_rate, vad, name, selection.start_s)
                    file.channels.append(opened)
                    for batch in chain.from_iterable(opened.groups(rows)):
                        yield from waiting.add(batch, opened)
        except UserError as error:
            file.error = error
        yield from waiting.end(file)
    yield from waiting.flush()


def sort_segments(segments: Iterable[Segment]) -> list[Segment]:
    """Sort segments by time, and leave those without words out."""
    return sorted((found for found in segments if found.words), key=lambda found: found.start_s)
