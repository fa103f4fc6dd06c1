"""Download a file with a progress bar; interrupted downloads are resumed."""

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from asr.util.errors import DISK_FULL, UserError

ATTEMPTS = 5
RETRIED = (408, 429)  # timeout and too many requests; statuses of 500 and more are retried too
PAUSE_S = 1.0  # doubles from attempt to attempt
TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 16


class _CutError(Exception):
    """The connection ended before the file's end; another attempt may continue."""


def download(url: str, target: Path) -> None:
    """Download `url` to `target`; an existing `target` is kept.

    Received bytes are kept in ``TARGET.part``, and the server's ETag or date of that version in
    ``TARGET.part.mark``. A later attempt, or a later call, asks for the rest if the version is
    unchanged (RFC 9110, If-Range), and begins anew otherwise.

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
            if error.code < 500 and error.code not in RETRIED:
                raise UserError(f"{url}: the server answers {error}; check the address") from error
            problem = error
        except (OSError, http.client.HTTPException, _CutError) as error:
            if getattr(error, "errno", None) in DISK_FULL:
                raise unwritable(target, error) from error
            problem = error
        else:
            part.replace(target)
            _mark(part).unlink(missing_ok=True)
            return
    raise UserError(
        f"{url}: could not be downloaded in {ATTEMPTS} attempts ({problem})",
        remedy="continue_download",
    )


def unwritable(path: Path, error: Exception) -> UserError:
    """Make the error for a `path` that cannot be written."""
    return UserError(
        f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}",
        remedy="make_room",
    )


def _mark(part: Path) -> Path:
    return part.with_name(f"{part.name}.mark")


def _fetch(url: str, part: Path) -> None:
    """Request the bytes that `part` lacks, and append them."""
    request = urllib.request.Request(url, headers={"User-Agent": "asr"})
    mark = _mark(part).read_text(encoding="utf-8") if _mark(part).exists() else ""
    if part.exists() and mark:
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", mark)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # complete, or of another version: begin anew
            raise _CutError("the server has no rest of the partial file") from error
        raise
    with response:
        have = _offset(response, part)
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        # a weak ETag does not promise equal bytes, and is not allowed in If-Range
        _mark(part).write_text("" if mark.startswith("W/") else mark, encoding="utf-8")
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _append(response, part, have, total)
    if total is not None and part.stat().st_size != total:
        raise _CutError(f"{part.stat().st_size} of {total} bytes arrived")


def _offset(response: http.client.HTTPResponse, part: Path) -> int:
    """Give the offset in `part` at which the response's bytes begin."""
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
