"""A part of a file, as a file of its own for libsndfile, and which parts a file has.

People join recordings with `cat`, and libsndfile reads the first alone. Programs write wav files
whose sizes are wrong. In both cases the file is read as one or several parts.
"""

import io
import mmap
from dataclasses import dataclass
from pathlib import Path

from asr.audio.ogg import check_pages
from asr.audio.riff import Samples, find_waves

#: A flac file begins so: its mark, then the header of a block of 34 bytes.
_FLAC = b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22"


@dataclass(frozen=True)
class Part:
    """One recording in a file.

    Attributes:
        start: its first byte.
        end: the byte after its last.
        samples: their format, where the header cannot be used; the part holds samples alone.
    """

    start: int
    end: int
    samples: Samples | None = None


class Section(io.RawIOBase):
    """The bytes from `start` to `end` of a file, for reading."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        self._file = path.open("rb")
        self._start, self._length, self._at = start, end - start, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place, counted from the start, from here, or from the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Give the place, from the start of the section."""
        return self._at

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        """Fill a buffer with what the section still has."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._length - self._at))
        self._file.seek(self._start + self._at)
        got = self._file.readinto(view[:wanted])
        self._at += got
        return got

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def find_parts(path: Path) -> list[Part]:
    """Find the parts of a file that libsndfile would not find; none where it reads the file whole.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        mark = file.read(4)
    if mark == b"OggS":
        starts = check_pages(path).starts
        return _between(starts, path.stat().st_size)
    if mark == b"fLaC":
        return _between(_flac_starts(path), path.stat().st_size)
    if mark in (b"RIFF", b"RIFX"):
        return [Part(*wave) for wave in find_waves(path)]
    return []


def _between(starts: list[int], end: int) -> list[Part]:
    if len(starts) < 2:
        return []
    return [Part(*pair) for pair in zip(starts, [*starts[1:], end], strict=True)]


def _flac_starts(path: Path) -> list[int]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = []
        for mark in _FLAC:
            at = data.find(mark)
            while at >= 0:
                found.append(at)
                at = data.find(mark, at + 1)
    return sorted(found)
