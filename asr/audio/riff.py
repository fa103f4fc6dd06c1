"""Wav files whose sizes are wrong, or that are several in one file.

A recorder that did not finish a file states no samples. A file of more than 4 GiB states what
remains of its size beyond. Some programs do not pad chunks of odd size, and others join files.

Source: Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO

_WRAP = 1 << 32
#: What follows the samples of a wrapped file is less than this.
_TAIL_BYTES = 64 << 20
#: Chunks before the samples are few, and less than so many bytes.
_HEADER_BYTES = 16 << 20
#: What precedes a wav is looked through so far.
_MOST_BEFORE = 64 << 10
#: A file with at least this many bytes behind an empty data chunk is an unfinished one.
_LEAST_BYTES = 64
#: Coding and bits of a sample -> libsndfile's name.
_SUBTYPES = {
    (1, 8): "PCM_U8", (1, 16): "PCM_16", (1, 24): "PCM_24", (1, 32): "PCM_32",
    (3, 32): "FLOAT", (3, 64): "DOUBLE", (6, 8): "ALAW", (7, 8): "ULAW",
}  # fmt: skip
_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True)
class Samples:
    """The format of samples without a header: Hz, C, and libsndfile's name of the coding."""

    sample_rate: int
    channels: int
    subtype: str


@dataclass(frozen=True)
class _Wave:
    """What a header states: its first byte, and where the samples begin and end."""

    start: int
    samples: Samples | None
    data: int
    size: int
    repaired: bool  # an odd chunk before the samples is not padded


def find_waves(path: Path) -> list[tuple[int, int, Samples | None]]:
    """Find start, end and format of each recording, where libsndfile would not read all; else [].

    A format is given where the start and the end are those of samples, without the header.
    """
    with path.open("rb") as file:
        length = file.seek(0, 2)
        waves = list(_waves(file, length))
    found: list[tuple[int, int, Samples | None]] = []
    sound = True
    for wave, following in zip_longest(waves, waves[1:]):
        limit = following.start if following else length
        end = _real_end(wave, limit)
        sound = sound and end is None and not wave.repaired
        if (end is not None or wave.repaired) and wave.samples:
            stop = end if end is not None else min(limit, wave.data + wave.size)
            found.append((wave.data, stop, wave.samples))
        else:
            found.append((wave.start, limit, None))
    return [] if sound and len(waves) < 2 else found


def find_late_start(path: Path) -> int | None:
    """Find the first byte of a wav that something precedes, as an answer of HTTP; else None."""
    with path.open("rb") as file:
        head = file.read(_MOST_BEFORE)
    at = head.find(b"RIFF")
    return at if at > 0 and head[at + 8 : at + 12] == b"WAVE" else None


def _real_end(wave: _Wave, limit: int) -> int | None:
    """Find the end of samples whose stated size is certainly wrong; None if it may be right."""
    behind = limit - wave.data - wave.size
    if wave.size == 0 and behind >= _LEAST_BYTES:
        return limit
    if behind >= _WRAP - _TAIL_BYTES:
        real = wave.data + wave.size + behind // _WRAP * _WRAP
        return real if behind >= _WRAP else limit
    return None


def _waves(file: IO[bytes], length: int) -> Iterator[_Wave]:
    """Read the headers of recordings, each of which follows the chunks of the one before."""
    start = 0
    while start < length:
        wave = _read_header(file, start, length)
        if wave is None:
            return
        yield wave
        following = _next_riff(file, wave, length)
        if following is None:
            return
        start = following


def _next_riff(file: IO[bytes], wave: _Wave, length: int) -> int | None:
    """Find the recording after the chunks that follow the samples."""
    at = wave.data + wave.size
    while at + 8 <= length:
        for place in (at, at + 1):  # an odd size may be padded or not
            file.seek(place)
            name, size = struct.unpack("<4sI", (file.read(8) + bytes(8))[:8])
            if name == b"RIFF":
                return place
            if name.isalnum() or name in (b"LIST", b"bext", b"fmt "):
                at = place + 8 + size
                break
        else:
            return None
    return None


def _read_header(file: IO[bytes], start: int, length: int) -> _Wave | None:
    """Read chunks up to the samples; None where this is no wav, or one of another kind."""
    file.seek(start)
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    at, samples, repaired = start + 12, None, False
    while at + 8 <= min(length, start + _HEADER_BYTES):
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            return _Wave(start, samples, at + 8, size, repaired)
        if name == b"fmt ":
            samples = _read_format(file.read(min(size, 40)))
        end = at + 8 + size
        at = end + size % 2
        if size % 2:
            file.seek(end)
            if file.read(4) in (b"data", b"fmt "):
                at, repaired = end, True
    return None


def _read_format(chunk: bytes) -> Samples | None:
    if len(chunk) < 16:
        return None
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if coding == _EXTENSIBLE and len(chunk) >= 26:
        coding = struct.unpack_from("<H", chunk, 24)[0]
    subtype = _SUBTYPES.get((coding, bits))
    return None if subtype is None or not channels or not rate else Samples(rate, channels, subtype)
