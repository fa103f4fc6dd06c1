"""Whether an Ogg file of Vorbis or Opus has all its pages, and whether it is one recording.

libsndfile skips a lost page, and may then decode the audio after it twice. Of several recordings in
one file it decodes the first.

Source: RFC 3533, "The Ogg Encapsulation Format Version 0", 2003, sections 4 and 6.
"""

import os
from pathlib import Path
from typing import NamedTuple

_MARK, _HEADER_BYTES = b"OggS", 27
_BEGINS = 0x02  # the flag of a stream's first page


class Pages(NamedTuple):
    """The state of a file's pages.

    Attributes:
        complete: no page is missing, damaged or cut short, save that the last page of a stream
            may be missing, since some programs leave it out.
        joined: a stream begins after the data of another.
    """

    complete: bool
    joined: bool


def check_pages(path: Path) -> Pages:
    """Read the page headers of an Ogg file, one after the other."""
    length, at = path.stat().st_size, 0
    next_number: dict[bytes, int] = {}  # the number of each stream's next page
    joined = has_data = False
    with path.open("rb") as file:
        while at < length:
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES or not header.startswith(_MARK):
                return Pages(False, joined)
            begins = bool(header[5] & _BEGINS)
            joined = joined or (begins and has_data)
            has_data = not begins
            stream, number = header[14:18], int.from_bytes(header[18:22], "little")
            if begins:
                next_number[stream] = number  # a joined copy has streams of the same names
            if next_number.setdefault(stream, number) != number:
                return Pages(False, joined)
            next_number[stream] += 1
            body_bytes = sum(file.read(header[26]))
            at = file.seek(body_bytes, os.SEEK_CUR)
    return Pages(at == length, joined)
