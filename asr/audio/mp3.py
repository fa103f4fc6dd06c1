"""Whether an MP3 goes on behind the end that its own first frame states.

People join MP3s with `cat`. The first frame of most, named Xing or Info, states the bytes of its
own part, and libsndfile stops there.

Source: the layout of that frame as LAME and FFmpeg write it: its name, four bytes of flags, then,
as these tell, the number of frames and of bytes, each of four bytes, the highest first.
"""

from pathlib import Path

_TAG, _TAG_HEADER_BYTES = b"ID3", 10
_OLD_TAG, _OLD_TAG_BYTES = b"TAG", 128  # of ID3v1, behind the sound
_NAMES = (b"Xing", b"Info")
_NAME_WITHIN = 64  # bytes of the frame's start
_HAS_FRAMES, _HAS_BYTES = 1, 2
_LARGEST_FRAME_BYTES = 1441


def mp3_goes_on(path: Path) -> bool:
    """Tell whether more sound, or the tag of more, stands behind the end that is stated."""
    with path.open("rb") as file:
        start = _behind_tag(file.read(_TAG_HEADER_BYTES))
        file.seek(start)
        stated = _stated_bytes(file.read(2 * _NAME_WITHIN))
        if stated is None:
            return False
        file.seek(start + stated)
        rest = file.read(_OLD_TAG_BYTES + 2 * _LARGEST_FRAME_BYTES)
    if rest.startswith(_OLD_TAG):
        rest = rest[_OLD_TAG_BYTES:]
    sound = len(rest) > _LARGEST_FRAME_BYTES and rest[0] == 0xFF and rest[1] >= 0xE0
    return sound or rest.startswith(_TAG)


def _behind_tag(header: bytes) -> int:
    """Where the first frame is: behind an ID3v2 tag, whose length has seven bits a byte."""
    if not header.startswith(_TAG) or len(header) < _TAG_HEADER_BYTES:
        return 0
    length = 0
    for byte in header[6:]:
        length = length << 7 | byte & 0x7F
    return _TAG_HEADER_BYTES + length


def _stated_bytes(frame: bytes) -> int | None:
    """How many bytes the first frame counts, its own among them; None where it counts none."""
    at = max(frame.find(name, 0, _NAME_WITHIN) for name in _NAMES)
    if at < 0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if not flags & _HAS_BYTES:
        return None
    place = at + 8 + 4 * (flags & _HAS_FRAMES)
    return int.from_bytes(frame[place : place + 4], "big")
