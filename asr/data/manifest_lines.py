"""The lines of a cut manifest, which may be gzipped."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from typing import IO

from asr.data.cut_schema import CutError
from asr.util.text_files import MAX_RATIO, UNPACKED_BYTES

#: The most bytes of a line; an hour's transcript has a tenth as many.
_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"


def read_lines(file: io.BufferedReader) -> Iterator[bytes]:
    """Give the lines of an open manifest.

    Raises:
        CutError: the file is damaged, or unpacks to more than a manifest does.
        OSError: the file cannot be read.
    """
    left = max(UNPACKED_BYTES, MAX_RATIO * file.seek(0, os.SEEK_END))
    file.seek(0)
    packed = file.peek(len(_GZIP)).startswith(_GZIP)
    with gzip.open(file) if packed else file as lines:
        while line := _read_line(lines):
            left -= len(line)
            if len(line) > _LONGEST_LINE:
                raise CutError(f"a line of more than {_LONGEST_LINE} bytes, expected fewer")
            if left < 0:
                most = f"{MAX_RATIO} times its size"
                raise CutError(f"the file unpacks to more than {most}, as no manifest does")
            yield line


def _read_line(file: IO[bytes] | gzip.GzipFile) -> bytes:
    """Read a line, or the first `_LONGEST_LINE` + 1 bytes of a longer one.

    Raises:
        CutError: the packed file is damaged.
    """
    try:
        return file.readline(_LONGEST_LINE + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CutError(f"not a line of a cut manifest ({error})") from error
