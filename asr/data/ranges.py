"""Parts of files, on disks and on web servers.

A web server must answer requests for ranges of bytes (RFC 9110, section 14), as nginx, Apache and
object stores do.
"""

import io
import os
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from asr.util.errors import UserError
from asr.util.paths import is_url

if TYPE_CHECKING:
    import urllib3

ATTEMPTS = 5
PAUSE_S = 1.0  # before the third attempt; doubles from attempt to attempt
TIMEOUT_S = 30.0
RETRIED = (408, 429, 500, 502, 503, 504)
#: Connections to a server that one process keeps.
CONNECTIONS = 8
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_TOTAL = re.compile(r"bytes 0-0/(\d+)")


def read_range(place: str, start: int, count: int) -> bytes:
    """Read `count` bytes of a file from the byte `start` on.

    Args:
        place: the path of a file, or its address on a web server.
        start: from 0.
        count: at least 1.

    Raises:
        UserError: the file ends before, or the server does not give the bytes.
        OSError: the path cannot be read.
    """
    if is_url(place):
        data = _request(place, start, count, whole=True).data
    else:
        with Path(place).open("rb") as file:
            file.seek(start)
            data = file.read(count)
    if len(data) != count:
        raise UserError(
            f"{place}: found {len(data)} of {count} bytes from byte {start} on; the file was "
            "changed or cut short, so make it again"
        )
    return data


def open_file(place: str, buffer_bytes: int) -> io.BufferedReader:
    """Open a file, which may be on a web server, for reading in any order.

    Args:
        place: the path of a file, or its address on a web server.
        buffer_bytes: how much is read, or asked for, at a time.

    Raises:
        UserError: the server does not give the file, or no parts of it.
        OSError: the path cannot be read.
    """
    raw = _WebFile(place) if is_url(place) else io.FileIO(place)
    return io.BufferedReader(raw, buffer_bytes)


def web_size(url: str) -> int | None:
    """Ask a web server for the bytes of a file; None where it has no such file.

    Raises:
        UserError: the server cannot be reached, refuses, or gives no parts of files.
    """
    response = _request(url, 0, 1, whole=False)
    found = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
    if found or response.status in _MISSING:
        response.drain_conn()  # so that the connection is kept
        return int(found[1]) if found else None
    response.close()
    raise UserError(
        f"{url}: the server gives no parts of files, which reading single utterances needs; "
        "serve the folder with nginx, Apache or an object store"
    )


class _WebFile(io.RawIOBase):
    """A file on a web server, each read of which is a request."""

    def __init__(self, url: str) -> None:
        size = web_size(url)
        if size is None:
            raise UserError(f"{url}: the server has no such file; check the address")
        self.url, self.size, self.place = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place}.get(whence, self.size)
        return self.place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(0, min(len(buffer), self.size - self.place))
        if count:
            buffer[:count] = read_range(self.url, self.place, count)
        self.place += count
        return count


def _request(url: str, start: int, count: int, *, whole: bool) -> "urllib3.BaseHTTPResponse":
    """Ask for a range; what can pass is asked for again, after longer and longer pauses.

    Args:
        url: of the file.
        start: the first byte.
        count: how many bytes.
        whole: whether to read the answer, which must be the range, or to open it.

    Raises:
        UserError: the server cannot be reached, refuses, or stops before the end.
    """
    import urllib3

    headers = {
        "Range": f"bytes={start}-{start + count - 1}",
        "Accept-Encoding": "identity",
        "User-Agent": "asr",
    }
    retries = urllib3.Retry(ATTEMPTS - 1, backoff_factor=PAUSE_S, status_forcelist=RETRIED)
    try:
        response = _connections(os.getpid()).request(
            "GET", url, headers=headers, retries=retries, preload_content=whole, timeout=TIMEOUT_S
        )
    except urllib3.exceptions.HTTPError as error:
        reason = str(getattr(error, "reason", None) or error).rpartition(": ")[2]
        raise UserError(
            f"{url}: cannot be read in {ATTEMPTS} attempts ({reason}); look after the server or "
            "the network, then give the same command again"
        ) from error
    allowed = {HTTPStatus.PARTIAL_CONTENT} if whole else {HTTPStatus.OK, *_MISSING}
    if response.status not in allowed | {HTTPStatus.PARTIAL_CONTENT}:
        response.close()
        raise UserError(
            f"{url}: the server answers {response.status} {response.reason or ''}".rstrip()
            + "; check the address, and what the server lets be read"
        )
    return response


@cache
def _connections(_process: int) -> "urllib3.PoolManager":
    """Make the connections of a process, since forked ones must not share them."""
    import urllib3

    return urllib3.PoolManager(maxsize=CONNECTIONS)
