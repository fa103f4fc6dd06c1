"""Fetch an archive and unpack it: progress shown, cut downloads resumed, nothing lands outside."""

import gzip
import http.client
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from asr.errors import DISK_FULL, UserError

ATTEMPTS = 5
LATER = (408, 429)  # what servers answer that are slow or asked too much; of 500 and more, all do
PAUSE_S = 1.0  # doubles from attempt to attempt
TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 16
#: What a damaged archive raises: the first is an OSError, and no fault of the disk.
#: KeyError: a hard link to a member that is not there.
_DAMAGED = (gzip.BadGzipFile, zlib.error, EOFError, tarfile.TarError, KeyError)


class _CutError(Exception):
    """The connection ended before the file did; another attempt may continue it."""


def download(url: str, target: Path) -> None:
    """Fetch `url` to `target`; a `target` that is there already is kept.

    What has arrived is kept in ``TARGET.part`` with the server's mark of that version in
    ``TARGET.part.mark``. A later attempt, or a later call, asks for the rest on condition that
    the mark still holds (RFC 9110, If-Range), and begins anew where it does not.

    Raises:
        UserError: the server refuses, cannot be reached or keeps cutting the connection; or the
            disk is full.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    problem: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            _fetch(url, part)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in LATER:
                raise UserError(f"{url}: the server answers {error}; check the address") from error
            problem = error
        except (OSError, http.client.HTTPException, _CutError) as error:
            if getattr(error, "errno", None) in DISK_FULL:
                raise _unwritable(target, error) from error
            problem = error
        else:
            part.replace(target)
            _mark(part).unlink(missing_ok=True)
            return
    raise UserError(
        f"{url}: could not be downloaded in {ATTEMPTS} attempts ({problem}); the same command "
        f"continues it, or fetch it by other means and give its folder as --source"
    )


def _unwritable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}; make room or "
        f"give another --output, and the same command goes on"
    )


def _mark(part: Path) -> Path:
    return part.with_name(f"{part.name}.mark")


def _fetch(url: str, part: Path) -> None:
    """Ask for what is missing from `part` and append it."""
    request = urllib.request.Request(url, headers={"User-Agent": "asr"})
    mark = _mark(part).read_text() if _mark(part).exists() else ""
    if part.exists() and mark:
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", mark)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # complete already, or of another version: begin anew
            raise _CutError("the server has no rest of the partial file") from error
        raise
    with response:
        have = _offset(response, part)
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        # a weak mark promises the same meaning, not the same bytes, and may not ask for a range
        _mark(part).write_text("" if mark.startswith("W/") else mark)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _append(response, part, have, total)
    if total is not None and part.stat().st_size != total:
        raise _CutError(f"{part.stat().st_size} of {total} bytes arrived")


def _offset(response: http.client.HTTPResponse, part: Path) -> int:
    """Give the place in `part` where the answer's bytes belong."""
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    have = part.stat().st_size
    stated = response.headers.get("Content-Range", "")
    if not stated.startswith(f"bytes {have}-"):
        part.unlink()
        raise _CutError(f"asked for bytes from {have}, the server sent {stated!r}")
    return have


def _append(response: http.client.HTTPResponse, part: Path, have: int, total: int | None) -> None:
    name = part.name.removesuffix(".part")
    with (
        part.open("r+b" if have else "wb") as file,
        tqdm(
            desc=name, initial=have, total=total, unit="B", unit_scale=True, disable=None
        ) as progress,
    ):
        file.seek(have)
        while block := response.read(BLOCK_BYTES):
            file.write(block)
            progress.update(len(block))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar archive to a new `folder`, whole or not at all.

    Raises:
        UserError: it is no archive, is cut short, or has a member that would land outside the
            folder or is no plain file, folder or link within it; the folder cannot be written.
            Nothing is left behind then.
    """
    if not hasattr(tarfile, "data_filter"):
        raise UserError(
            f"{archive}: this Python cannot unpack it safely (PEP 706); use Python 3.11.4 or later"
        )
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _unpack_tar(archive, partial)
        partial.rename(folder)
    except tarfile.FilterError as error:
        raise UserError(f"{archive}: refused, it is hostile: {error}") from error
    except _DAMAGED as error:
        said = str(error).partition("\n")[0]
        raise UserError(
            f"{archive}: cannot be unpacked ({said}); remove it and download it again"
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tqdm(tar, f"unpacking {archive.name}", unit="file", disable=None):
            _refuse_outside(archive, member.name)
            tar.extract(member, folder, filter="data")
        # tar's end comes before gzip's checksum, which is only compared when it is read
        while tar.fileobj and tar.fileobj.read(BLOCK_BYTES):
            pass


def _refuse_outside(archive: Path, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"{archive}: refused, its member {name!r} would land outside the folder")
