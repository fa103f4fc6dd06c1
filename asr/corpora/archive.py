"""Read and unpack the archive of a corpus: plain files alone, within bounds, nothing outside."""

import gzip
import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import IO

from tqdm import tqdm

from asr.corpora.download import unwritable
from asr.util.errors import UserError
from asr.util.printable import printable

#: An archive may unpack to so many times its size, or to so many bytes: recordings hardly shrink.
MOST_TIMES, MOST_BYTES = 10, 1 << 26
_BLOCK_BYTES = 1 << 16
#: What a damaged archive raises. The first three are OSErrors, and no fault of the disk: two
#: members can have one place in the new folder.
_DAMAGED = (
    gzip.BadGzipFile, FileExistsError, NotADirectoryError,
    zlib.error, EOFError, tarfile.TarError, ValueError, OverflowError,
)  # fmt: skip


def check_md5(archive: Path, expected: str) -> None:
    """Refuse an archive that is not the one its publisher names.

    Raises:
        UserError: it has another MD5, in hexadecimal.
        OSError: it cannot be read.
    """
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != expected:
        raise UserError(
            f"{archive}: not what its publisher offers, its MD5 is {found}, expected {expected}; "
            "remove it and prepare again"
        )


def read_files(archive: Path) -> dict[str, bytes]:
    """Read the files of a small archive into memory, by their names within it.

    Raises:
        UserError: as `unpack`.
        OSError: it cannot be read.
    """
    with _damage_named(archive):
        return {path.as_posix(): file.read() for path, file in _files(archive)}


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzipped tar archive to a new `folder`, whole or not at all.

    Raises:
        UserError: it is no archive, is cut short, unpacks to too much, or has a member that would
            land outside the folder or is neither a plain file nor a folder; the folder cannot be
            written. Nothing is left behind then.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with _damage_named(archive):
            for path, file in _files(archive):
                target = partial.joinpath(*path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as copy:
                    shutil.copyfileobj(file, copy)
        partial.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        said = str(error).partition("\n")[0]
        raise UserError(
            f"{archive}: cannot be unpacked ({said}); remove it and download it again"
        ) from error


def _files(archive: Path) -> Iterator[tuple[PureWindowsPath, IO[bytes]]]:
    """Give the names and contents of the files, each to be read before the next is asked for.

    A link is never made: it can lead outside however its target is checked (CVE-2025-4517).
    """
    with _BoundedGzip(archive) as content:
        with tarfile.open(fileobj=content, mode="r|", bufsize=_BLOCK_BYTES) as tar:
            for member in tqdm(tar, f"reading {archive.name}", unit="file", disable=None):
                path = PureWindowsPath(member.name)  # which knows both slashes, and drives
                if path.anchor or ".." in path.parts or "\0" in member.name:
                    raise _refused(archive, member, "would land outside the folder")
                if member.isdir():
                    continue
                file = tar.extractfile(member) if member.isreg() and path.parts else None
                if file is None or member.issparse():
                    raise _refused(archive, member, "is neither a plain file nor a folder")
                yield path, file
        # tar's end comes before gzip's checksum, which is only compared when it is read
        while content.read(_BLOCK_BYTES):
            pass


def _refused(archive: Path, member: tarfile.TarInfo, why: str) -> UserError:
    name = printable(repr(member.name[:80]))
    return UserError(f"{archive}: refused, its member {name} {why}; nothing of it is kept")


class _BoundedGzip(gzip.GzipFile):
    """Unpacks an archive as long as it is no more than may be.

    Raises:
        UserError: it is more.
    """

    def __init__(self, archive: Path) -> None:
        super().__init__(archive, "rb")
        self._archive = archive
        self._left = max(MOST_BYTES, MOST_TIMES * archive.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size)
        self._left -= len(block)
        if self._left < 0:
            raise UserError(
                f"{self._archive}: refused, it unpacks to more than {MOST_TIMES} times its size; "
                "nothing of it is kept"
            )
        return block
