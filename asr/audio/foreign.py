"""What a file is that bears the name of a recording and is none."""

from contextlib import suppress
from pathlib import Path

#: The first bytes of a file, in lower case: what it is, and what to do.
_BEGINNINGS = {
    b"version https://git-lfs": ("a pointer of Git LFS", "fetch the recording by `git lfs pull`"),
    b"<!doctype": ("a web page", "download the recording again"),
    b"<html": ("a web page", "download the recording again"),
    b"\x1f\x8b": ("packed by gzip", "unpack it"),
    b"pk\x03\x04": ("a ZIP archive", "unpack it"),
}
_MOST_BYTES = 64


def name_foreign(path: Path, reason: str) -> tuple[str, str]:
    """Say why a file cannot be read as audio, and what to do; `reason` is a library's."""
    start = b"?"
    with suppress(OSError), path.open("rb") as file:
        start = file.read(_MOST_BYTES).lower()
    if not start:
        return "an empty file", "copy or record it again"
    known = (told for mark, told in _BEGINNINGS.items() if start.startswith(mark))
    return next(known, (reason, "convert it to wav or flac"))
