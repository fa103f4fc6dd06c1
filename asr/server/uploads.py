"""Recordings that clients send, as files of ours while they are transcribed.

A client's name of a file is never a path: of it, only a known suffix is kept.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from asr.audio.suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES


@asynccontextmanager
async def stored(upload: UploadFile) -> AsyncIterator[Path]:
    """Keep an upload in a file of a folder of its own, which only we can read, while it is used."""
    with tempfile.TemporaryDirectory(prefix="asr-") as folder:
        path = Path(folder, f"upload{_suffix(upload.filename)}")
        await run_in_threadpool(_copy, upload, path)
        yield path


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)


def _suffix(name: str | None) -> str:
    """Keep a suffix that tells a format, for messages; none else."""
    suffix = PurePosixPath(name or "").suffix.lower()
    return suffix if suffix in (*AUDIO_SUFFIXES, *MEDIA_SUFFIXES) else ""
