"""Whether an MP3 states its length, and whether another one follows in the file.

People join MP3s with `cat`. Most MP3s begin with a frame named Xing or Info that states the bytes
of one recording, and libsndfile stops after them.

Source: the Xing frame as LAME and FFmpeg write it: its name; four bytes of flags; then, if flagged,
the number of frames and the number of bytes, four bytes each, big-endian.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import IO

_TAG, _TAG_HEADER_BYTES = b"ID3", 10
_OLD_TAG, _OLD_TAG_BYTES = b"TAG", 128  # ID3v1 and APE tags follow the audio
_APE_TAG, _APE_HEADER_BYTES, _APE_LENGTH = b"APETAGEX", 32, slice(12, 16)
_NAMES = (b"Xing", b"Info")
_NAME_WITHIN = 64  # bytes of the frame's start
_HAS_FRAMES, _HAS_BYTES = 1, 2
_LARGEST_FRAME_BYTES = 1441
_OF_MPG123 = re.compile(rb"$|Note: |Warning: (Xing|Encountered|Real sample|Big change)|.*libmpg123")
_MOST_MESSAGES = 1 << 20
_ONE_AT_A_TIME = RLock()


def begins_as_mp3(path: Path) -> bool:
    """Tell whether a file begins with a tag or with a frame of MPEG audio."""
    with path.open("rb") as file:
        start = file.read(3)
    return start == _TAG or (start[:1] == b"\xff" and start[1:2] >= b"\xe0")


def mp3_states_length(path: Path) -> bool:
    """Tell whether the first frame states the length; if not, libsndfile estimates it."""
    with path.open("rb") as file:
        return _stated_end(file) is not None


def mp3_is_joined(path: Path) -> bool:
    """Tell whether more than tags follows the stated end, such as another recording."""
    with path.open("rb") as file:
        at = _stated_end(file)
        if at is None:
            return False
        while True:
            file.seek(at)
            header = file.read(_APE_HEADER_BYTES)
            if header.startswith(_OLD_TAG):
                at += _OLD_TAG_BYTES
            elif header.startswith(_APE_TAG):
                at += _APE_HEADER_BYTES + int.from_bytes(header[_APE_LENGTH], "little")
            else:
                break
    return header.startswith(_TAG) or path.stat().st_size - at > _LARGEST_FRAME_BYTES


def _stated_end(file: IO[bytes]) -> int | None:
    """Position in the file where the audio ends by its first frame; None if that states none."""
    start = skip_tag(file.read(_TAG_HEADER_BYTES))
    file.seek(start)
    stated = _stated_bytes(file.read(2 * _NAME_WITHIN))
    return None if stated is None else start + stated


def skip_tag(header: bytes) -> int:
    """Position of the first frame, after any ID3v2 tag, whose length has seven bits a byte."""
    if not header.startswith(_TAG) or len(header) < _TAG_HEADER_BYTES:
        return 0
    length = 0
    for byte in header[6:]:
        length = length << 7 | byte & 0x7F
    return _TAG_HEADER_BYTES + length


def _stated_bytes(frame: bytes) -> int | None:
    """Number of bytes that the first frame states, its own included; None if it states none."""
    at = max(frame.find(name, 0, _NAME_WITHIN) for name in _NAMES)
    if at < 0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if not flags & _HAS_BYTES:
        return None
    place = at + 8 + 4 * (flags & _HAS_FRAMES)
    return int.from_bytes(frame[place : place + 4], "big")


@contextmanager
def without_mpg123_messages(wanted: bool) -> Iterator[None]:
    """Leave out, where wanted, what libmpg123 in libsndfile prints about the tags of sound MP3s.

    It prints to the process's standard error, not to Python's. What others print there meanwhile is
    kept, and printed afterwards.
    """
    if not wanted or not hasattr(os, "memfd_create"):
        yield
        return
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # standard error is closed
            yield
            return
        caught = os.memfd_create("messages")
        os.dup2(caught, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            _print_others(caught)
            os.close(caught)


def _print_others(caught: int) -> None:
    """Print what is not libmpg123's."""
    text = os.pread(caught, _MOST_MESSAGES, 0)
    others = b"".join(one for one in text.splitlines(True) if not _OF_MPG123.match(one.strip()))
    with suppress(OSError):
        os.write(2, others)
