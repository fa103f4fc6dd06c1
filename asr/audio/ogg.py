"""Whether an Ogg file, of Vorbis or Opus, still has all of its pages, and is one recording.

libsndfile passes over a lost page, and may then hear what follows it twice; of recordings that were
joined, one file behind the other, it hears the first.

Source: RFC 3533, "The Ogg Encapsulation Format Version 0", 2003, sections 4 and 6.
"""

import os
from pathlib import Path
from typing import NamedTuple

_MARK, _HEADER_BYTES = b"OggS", 27
_BEGINS = 0x02  # the flag of a stream's first page


class Pages(NamedTuple):
    """What the pages of a file tell.

    Attributes:
        complete: none is missing, damaged or cut short. The page that ends a stream may be
            missing: some programs leave it out.
        joined: a stream begins behind the data of another.
    """

    complete: bool
    joined: bool


def follow_pages(path: Path) -> Pages:
    """Go through an Ogg file from page header to page header."""
    length, at = path.stat().st_size, 0
    next_number: dict[bytes, int] = {}  # of each stream's next page
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
                next_number[stream] = number  # a copy of a file has its streams' names as well
            if next_number.setdefault(stream, number) != number:
                return Pages(False, joined)
            next_number[stream] += 1
            body_bytes = sum(file.read(header[26]))
            at = file.seek(body_bytes, os.SEEK_CUR)
    return Pages(at == length, joined)
