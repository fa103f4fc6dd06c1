"""Convert recordings that libsndfile cannot read to flac, in which training can seek."""

import hashlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import TracebackType

import soundfile

from asr.audio.opening import open_recording
from asr.audio.selection import Selection
from asr.util.files import write_atomically

#: The folder of converted recordings, within the output folder.
CONVERTED = "converted"


class Converter:
    """Converts recordings to 16-bit flac of their own or the nearest rate, with one channel.

    Args:
        folder: receives the flacs; without one a temporary folder does, which is made for the
            first and removed when the context ends.
        selection: the channel and the track that are converted, by default a mix of all channels.

    Attributes:
        folder: that folder; None before a temporary one is made.
        temporary: whether it is a temporary one.
        made: the flacs, as paths without links.
    """

    def __init__(self, folder: Path | None = None, selection: Selection | None = None) -> None:
        self.folder, self.temporary = folder, folder is None
        self.selection = replace(selection or Selection(), strict=True)
        self.made: set[str] = set()
        self._kept, self._lock = ExitStack(), Lock()

    def __enter__(self) -> "Converter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.close()

    def to_flac(self, path: Path) -> Path:
        """Convert a recording.

        The flac's name depends on the path, size and time of `path`, and on what is selected of
        it, so that a recording is converted once.

        Raises:
            AudioError: no library here reads the recording, or it is damaged or cut short.
            SelectionError: the recording has not the channel or the track.
            UserError: the folder cannot be written to.
        """
        # first, so that its errors are raised each time
        with open_recording(path, self.selection) as recording:
            ((_, channel),) = recording.select_channels()
            flac_path = self._folder() / self._name(path)
            self.made.add(str(flac_path.resolve()))
            if flac_path.is_file():
                return flac_path
            rate = _flac_rate(recording.sample_rate)
            with (
                write_atomically(flac_path) as file,
                soundfile.SoundFile(file, "w", rate, 1, "PCM_16", format="FLAC") as flac,
            ):
                for waveform in recording.waveform(channel, rate):
                    flac.write(waveform)
        return flac_path

    def _folder(self) -> Path:
        with self._lock:
            if self.folder is not None:
                return self.folder
            self.folder = Path(self._kept.enter_context(TemporaryDirectory(prefix="asr-")))
            return self.folder

    def _name(self, path: Path) -> str:
        state = path.stat()
        version = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
        if self.selection != Selection(strict=True):
            version += f" {self.selection}"
        return f"{path.stem[:40]}-{hashlib.sha256(version.encode()).hexdigest()[:16]}.flac"


def _flac_rate(sample_rate: int) -> int:
    """Give the nearest rate that flac can have: up to 65535 Hz, or ten times such a number."""
    return sample_rate if sample_rate < 1 << 16 else min(sample_rate // 10, (1 << 16) - 1) * 10
