"""Whether an Ogg file, of Vorbis or Opus, still has all of its pages.

libsndfile passes over a lost page, and may then hear what follows it twice.

Source: RFC 3533, "The Ogg Encapsulation Format Version 0", 2003, section 6.
"""

import os
from pathlib import Path

_MARK, _HEADER_BYTES = b"OggS", 27


def has_all_pages(path: Path) -> bool:
    """Follow the pages from header to header, to see that none is missing, damaged or cut short.

    A stream that was never ended is as good, since not all who write them do.
    """
    length, at = path.stat().st_size, 0
    next_number: dict[bytes, int] = {}  # of each stream's next page
    with path.open("rb") as file:
        while at < length:
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES or not header.startswith(_MARK):
                return False
            stream, number = header[14:18], int.from_bytes(header[18:22], "little")
            if next_number.setdefault(stream, number) != number:
                return False
            next_number[stream] += 1
            body_bytes = sum(file.read(header[26]))
            at = file.seek(body_bytes, os.SEEK_CUR)
    return at == length
