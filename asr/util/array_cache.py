"""Arrays that take long to make, kept in the user's cache folder.

A cache file is trusted only if its folder can be written by its owner alone
(`asr.util.cache_folder`), its checksum is right, it is of this version's kind
(`asr.util.array_file`), and its facts name what it would be made from now. Otherwise it is made
anew. Without a folder that can be written, nothing is kept. Files take `LIMIT_BYTES` at most; those
used longest ago are removed first.
"""

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from asr.util.array_file import Contents, DamagedError, read_arrays, write_arrays
from asr.util.cache_folder import ARRAYS, UnsafeFolderError, make_cache_folder
from asr.util.files import remove_partials
from asr.util.progress import print_beside

#: What all files together may take; one larger than that is kept alone.
LIMIT_BYTES = 2_000_000_000
_NOTICE = "preparing lexicon and language model for their first use"
_IDLE_S = 60.0  # a partial file unchanged for so long has lost its writer


def load_or_make(
    name: str,
    kind: str,
    is_current: Callable[[dict[str, Any]], bool],
    make: Callable[[], Contents],
) -> Contents:
    """Map a cache file, which is made where none is valid.

    Args:
        name: of the file in the cache folder, which the pattern `ARRAYS` must match.
        kind: what the arrays are, and the version of their layout.
        is_current: tells by a file's facts whether `make` would return its arrays now.
        make: makes the contents. Its errors are raised, and nothing is kept.

    Warns:
        UserWarning: the file was damaged, or others could write to its folder.
    """
    file = _find(name)
    if file is None:
        _tell_of_making()
        return make()
    try:
        contents = read_arrays(file, kind)
        if is_current(contents.facts):
            _mark_used(file)
            return contents
    except DamagedError as error:
        warnings.warn(f"{file}: {error}; it is made anew", stacklevel=2)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is no file of this kind
    _tell_of_making()
    contents = make()
    with suppress(OSError):  # the file cannot be written
        write_arrays(file, kind, *contents)
        _remove_oldest(file)
    return contents


@cache
def _tell_of_making() -> None:
    """Tell the user, on a terminal, what the first start waits for."""
    if sys.stderr.isatty():
        print_beside(_NOTICE)


def _mark_used(file: Path) -> None:
    with suppress(OSError):  # the file belongs to root, or the system is read-only
        os.utime(file)


def _remove_oldest(written: Path) -> None:
    """Remove files, those used longest ago first, until all take `LIMIT_BYTES` at most."""
    stats = {}
    for file in {*written.parent.glob(ARRAYS)} - {written}:
        with suppress(FileNotFoundError):  # another process removes files too
            stats[file] = file.lstat()
    total = written.stat().st_size
    for file in sorted(stats, key=lambda file: stats[file].st_mtime_ns, reverse=True):
        total += stats[file].st_size
        if total > LIMIT_BYTES:
            file.unlink(missing_ok=True)


def _find(name: str) -> Path | None:
    """Path of a cache file, existing or not; None where there can be none."""
    try:
        folder = make_cache_folder()
    except UnsafeFolderError as error:
        warnings.warn(
            f"{error}, so nothing is kept there and each start takes longer; set ASR_CACHE to "
            "a folder of your own",
            stacklevel=1,  # one place for all callers, so that Python shows the warning once
        )
        return None
    except (OSError, RuntimeError):  # no home folder, as in containers, or one without access
        return None
    with suppress(OSError):
        remove_partials(folder, _IDLE_S)
    return folder / name
