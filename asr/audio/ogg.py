"""Whether an Ogg file of Vorbis or Opus has all its pages, and whether it is one recording.

libsndfile skips a lost page, and may then decode the audio after it twice. Of several recordings in
one file it decodes the first.

Source: RFC 3533, "The Ogg Encapsulation Format Version 0", 2003, sections 4 and 6.
"""

import os
from pathlib import Path
from typing import NamedTuple

_MARK, _HEADER_BYTES = b"OggS", 27
#: The first page of a recording ends before this many samples; that of a part of a broadcast later.
_NEAR_START = 48_000 * 20
_BEGINS, _ENDS = 0x02, 0x04  # the flags of a stream's first and of its last page


class Pages(NamedTuple):
    """The state of a file's pages.

    Attributes:
        complete: no page is missing, damaged or cut short, save that the last page of a stream
            may be missing, since some programs leave it out.
        end: the position of the last page in samples; None if several streams have ends, or the
            first page does not begin near 0, as in a part of a broadcast.
        starts: where a recording begins: the first page, and each beginning after data.
    """

    complete: bool
    starts: list[int]
    end: int | None = None

    @property
    def joined(self) -> bool:
        """Whether a stream begins after the data of another."""
        return len(self.starts) > 1


def check_pages(path: Path) -> Pages:
    """Read the page headers of an Ogg file, one after the other."""
    length, at = path.stat().st_size, 0
    next_number: dict[bytes, int] = {}  # the number of each stream's next page
    starts, has_data, ended = [0], False, False
    positions: list[int] = []
    with path.open("rb") as file:
        while at < length:
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES or not header.startswith(_MARK):
                return Pages(
                    ended, starts, _end(positions, starts)
                )  # tags and zeros may follow the last page
            begins, ended = bool(header[5] & _BEGINS), bool(header[5] & _ENDS)
            if begins and has_data:
                starts.append(at)
            has_data = not begins
            stream, number = header[14:18], int.from_bytes(header[18:22], "little")
            if begins:
                next_number[stream] = number  # a joined copy has streams of the same names
            if next_number.setdefault(stream, number) != number:
                return Pages(False, starts)
            next_number[stream] += 1
            positions += _position(header)
            body_bytes = sum(file.read(header[26]))
            at = file.seek(body_bytes, os.SEEK_CUR)
    return Pages(at == length, starts, _end(positions, starts))


def _position(header: bytes) -> list[int]:
    """Give the position that a page ends at, if it ends a packet of audio."""
    position = int.from_bytes(header[6:14], "little", signed=True)
    return [position] if position > 0 else []


def _end(positions: list[int], starts: list[int]) -> int | None:
    if not positions or len(starts) > 1 or positions[0] > _NEAR_START:
        return None
    return positions[-1]


def opus_delay(path: Path) -> int:
    """Read how many samples at 48 kHz an Opus stream begins before its start; RFC 7845, 5.1."""
    with path.open("rb") as file:
        start = file.read(512)
    at = start.find(b"OpusHead")
    return int.from_bytes(start[at + 10 : at + 12], "little") if at >= 0 else 0
