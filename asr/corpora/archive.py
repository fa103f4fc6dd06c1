"""Read and unpack a corpus's archive: only plain files, of bounded size, within one folder."""

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

#: An archive may unpack to `MOST_TIMES` its size or to `MOST_BYTES`: recordings compress little.
MOST_TIMES, MOST_BYTES = 10, 1 << 26
_BLOCK_BYTES = 1 << 16
#: The errors of a damaged archive. The first three are OSErrors without a fault of the disk: two
#: members can have one path.
_DAMAGED = (
    gzip.BadGzipFile, FileExistsError, NotADirectoryError,
    zlib.error, EOFError, tarfile.TarError, ValueError, OverflowError,
)  # fmt: skip


def check_md5(archive: Path, expected: str) -> None:
    """Refuse an archive whose MD5, in hexadecimal, is not the published one.

    Raises:
        UserError: the MD5 is another.
        OSError: the archive cannot be read.
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
        OSError: the archive cannot be read.
    """
    with _explain_damage(archive):
        return {path.as_posix(): file.read() for path, file in _files(archive)}


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzipped tar archive to a new `folder`, whole or not at all.

    Raises:
        UserError: the file is no archive, is cut short, unpacks to too much, or has a member that
            would land outside the folder or is neither a plain file nor a folder; or the folder
            cannot be written. No file is left behind then.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with _explain_damage(archive):
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
def _explain_damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{archive}: cannot be unpacked ({reason}); remove it and download it again"
        ) from error


def _files(archive: Path) -> Iterator[tuple[PureWindowsPath, IO[bytes]]]:
    """Give the names and contents of the files; read each before asking for the next.

    Links are refused, since one can lead outside even with a checked target (CVE-2025-4517).
    """
    with _BoundedGzip(archive) as content:
        with tarfile.open(fileobj=content, mode="r|", bufsize=_BLOCK_BYTES) as tar:
            for member in tqdm(tar, f"reading {archive.name}", unit="file", disable=None):
                path = PureWindowsPath(member.name)  # which knows both slashes, and drives
                if path.anchor or ".." in path.parts or "\0" in member.name:
                    raise _refusal(archive, member, "would land outside the folder")
                if member.isdir():
                    continue
                file = tar.extractfile(member) if member.isreg() and path.parts else None
                if file is None or member.issparse():
                    raise _refusal(archive, member, "is neither a plain file nor a folder")
                yield path, file
        # gzip's checksum is behind the end of tar, and is checked only when read
        while content.read(_BLOCK_BYTES):
            pass


def _refusal(archive: Path, member: tarfile.TarInfo, problem: str) -> UserError:
    name = printable(repr(member.name[:80]))
    return UserError(f"{archive}: refused, its member {name} {problem}; nothing of it is kept")


class _BoundedGzip(gzip.GzipFile):
    """Unpacks an archive up to a bound.

    Raises:
        UserError: the archive unpacks to more.
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
