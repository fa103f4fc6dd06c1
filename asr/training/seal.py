"""A digest at the end of a file that torch saves.

It is a zip archive, and torch looks at none of its checksums. What stands behind an archive as its
comment is left alone by whatever reads it, torch too.
"""

import hashlib
from io import BytesIO

_MARK = b"sha256 "
_COMMENT = len(_MARK) + hashlib.sha256().digest_size * 2
_LENGTH = 2  # bytes that say how long the comment is; they end an archive that has none


def seal(archive: BytesIO) -> None:
    """Append to an archive without a comment one that holds the digest of all before it."""
    comment = _comment(archive.getbuffer()[:-_LENGTH])
    archive.seek(-_LENGTH, 2)
    archive.write(comment)


def is_sealed(content: bytes) -> bool | None:
    """Tell whether a file is what was sealed; None: it was not, or its end is damaged or gone."""
    end = _LENGTH + _COMMENT
    if not content[-_COMMENT:].startswith(_MARK):
        return None
    return content[-end:] == _comment(memoryview(content)[:-end])


def _comment(archive: memoryview) -> bytes:
    """Make the comment, with its length before it, of an archive up to there."""
    comment = _MARK + hashlib.sha256(archive).hexdigest().encode()
    return len(comment).to_bytes(_LENGTH, "little") + comment
