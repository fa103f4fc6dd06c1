"""Audio files read from their start to their end, whatever they lack.

Shapes: N samples, C channels.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr.audio.libsndfile import (
    NO_LENGTH,
    DamagedError,
    decode,
    is_complete,
    open_sound,
    stated_frames,
)
from asr.audio.mixing import fit_channels
from asr.audio.mp3 import mp3_is_joined, mp3_states_length
from asr.audio.ogg import check_pages
from asr.audio.samples import AudioError, Reporter, check_header, check_length
from asr.audio.sections import Part, find_parts


class Reader:
    """A file that is read from its start to its end; see `open_reader`.

    Attributes:
        sample_rate: of the first recording in the file, Hz; the others are resampled to it.
        channels: C, of the first recording.
        duration_s: as the headers state; None if they state none.
        doubt: why another library may read more of the file; None if it would not.
        damage: what the file lacks, as can be told before it is decoded; None if nothing.
    """

    def __init__(self, path: Path, files: list[soundfile.SoundFile]) -> None:
        self._path, self._files, self._begun = path, files, False
        first = files[0]
        self.doubt = _doubt(files, path)
        incomplete = first.format == "OGG" and not check_pages(path).complete
        self.damage = "pages of it are missing or damaged" if incomplete else None
        self.sample_rate, self.channels = first.samplerate, first.channels
        check_header(path, self.sample_rate, self.channels)
        known = all(0 < one.frames < NO_LENGTH for one in files)
        self.duration_s = sum(one.frames / one.samplerate for one in files) if known else None

    def require_complete(self) -> None:
        """Refuse an MP3 that is damaged, or shorter than it states; of others `blocks` tells.

        Raises:
            AudioError: it is damaged.
        """
        first = self._files[0]
        if first.format == "MP3" and self.doubt is None and not is_complete(first):
            detail = f"{self._path}: is damaged, or ends before its header says it does"
            raise AudioError("unreadable audio", detail, "copy or convert the file again")

    def blocks(self, frames: int, report: Reporter) -> Iterator[npt.NDArray[np.float32]]:
        """Decode from the start in blocks (N, C) of about `frames` samples a channel.

        Raises:
            DamagedError: it cannot be decoded further.
            AudioError: no samples, or cut short and `report` is strict.
        """
        total_s = stated_s = 0.0
        for one in self._files:
            if self._begun:
                one.seek(0)
            alike = (one.samplerate, one.channels) == (self.sample_rate, self.channels)
            blocks = decode(one, self._path, frames)
            for block in blocks if alike else self._convert(blocks, one.samplerate):
                total_s += len(block) / self.sample_rate
                yield block
            stated_s += stated_frames(one, self._path) / one.samplerate
        self._begun = True
        tolerance_s = _tolerance_s(self._files[0])
        if self._files[0].format == "MP3" and 0 < total_s < stated_s - tolerance_s:
            detail = f"{self._path}: damaged audio"  # libsndfile gives up where PyAV goes on
            raise DamagedError("unreadable audio", detail, "copy or convert it again")
        check_length(report, total_s, stated_s, tolerance_s)

    def _convert(
        self, blocks: Iterator[npt.NDArray[np.float32]], rate: int
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Give a recording of other rate or channels those of the first one."""
        resampler = soxr.ResampleStream(rate, self.sample_rate, self.channels, dtype="float32")
        for block in blocks:
            yield resampler.resample_chunk(np.ascontiguousarray(fit_channels(block, self.channels)))
        last = resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)
        if len(last):
            yield last


@contextmanager
def open_reader(path: Path, start: int | None = None) -> Iterator[Reader]:
    """Open a file to read it from its start, or its byte `start`, to its end, whatever it lacks.

    Raises:
        UnknownFormatError: libsndfile cannot read it.
        AudioError: as `check_header`.
    """
    with ExitStack() as stack:
        parts: list[Part | None]
        if start is None:
            parts = [*find_parts(path)] or [None]
        else:
            parts = [Part(start, path.stat().st_size)]
        files = [stack.enter_context(open_sound(path, part)) for part in parts]
        yield Reader(path, files)


def _doubt(files: list[soundfile.SoundFile], path: Path) -> str | None:
    """Tell why libsndfile may not read all of a file."""
    first = files[0]
    if first.format == "MP3" and mp3_is_joined(path):
        return "several recordings joined, of which only the first is read"
    if first.format == "MP3" and not mp3_states_length(path):
        return "its header states no length"
    if first.frames == 0:
        return "its header states no samples"
    if any(one.frames == NO_LENGTH for one in files):
        return "its header states no length"
    if first.subtype == "MPEG_LAYER_III" and first.format != "MP3":
        return "its length is not known"
    return None


def _tolerance_s(audio: soundfile.SoundFile) -> float:
    """How much of a recording may be missing unsaid: the delay of a coder that is not undone."""
    return {"MP3": 0.01, "OGG": 0.02}.get(audio.format, 1e-6)
