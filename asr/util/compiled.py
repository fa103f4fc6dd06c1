"""How functions are compiled, and when what was compiled before may be used again.

`compiled` is numba's `njit`, cached on disk after the first use, running without the interpreter's
lock.

`njit_no_alloc` is the same for a function that neither allocates nor returns an array. Left alone,
numba counts a reference to every array of every argument at each call, an atomic instruction each
time; the search makes hundreds of calls a frame with two dozen arrays among their arguments, and
spent two thirds of its time on it. A function that only reads and writes arrays its caller holds
needs no count. (One that returned such an array would hand out a reference nobody counted: a
crash, not an error.)

numba unpickles what it finds on disk, which can run anything. So only two places are used: beside
the code, where whoever can write could change the code itself, and a folder that nobody else can
write to (`asr.util.cache_folder`).

What is on disk holds a function together with all that it calls, and numba uses it as long as the
function's own file is the same. After an update it would go on with callees of the version before.
So here it is used as long as every file with compiled functions is the same.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from numba import njit

from asr.util.cache_folder import UnsafeFolderError, cache_folder, private_folder

_PACKAGE = Path(__file__).parents[1]
config: Any = numba.config  # whose settings come from the environment, unseen by type checkers


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function when it is first called, or take what was compiled before."""
    try:
        trusted = _trusted_folders()
        dispatcher = njit(cache=True, nogil=True, **options)(function)
        if trusted.isdisjoint(Path(dispatcher.stats.cache_path).parents):
            raise RuntimeError("numba took another folder than it was to")
    except (OSError, RuntimeError) as error:  # RuntimeError: numba found no folder to write to
        _warn_of_no_cache(
            str(error) if isinstance(error, UnsafeFolderError) else "no folder can be written"
        )
        return njit(nogil=True, **options)(function)
    with suppress(AttributeError):  # a numba that keeps its stamp elsewhere: as good as it is
        dispatcher._cache._cache_file._source_stamp = _stamp()
        dispatcher._cache._guard_against_spurious_io_errors = _done_without
    return dispatcher


def njit_no_alloc(function: Callable[..., Any]) -> Any:
    """Compile a function that neither allocates nor returns an array."""
    return compiled(function, _nrt=False)


@cache
def _trusted_folders() -> frozenset[Path]:
    """Say what compiled code may lie below, and send numba there: other packages' goes there too.

    Raises:
        UnsafeFolderError: others could write to NUMBA_CACHE_DIR, or to our own folder.
        OSError, RuntimeError: there is no folder that can be written.
    """
    if config.CACHE_DIR:
        folder = private_folder(Path(config.CACHE_DIR))
    elif os.access(_PACKAGE, os.W_OK):
        return frozenset({_PACKAGE})
    else:
        folder = cache_folder() / "numba"
    config.CACHE_DIR = str(folder)
    return frozenset({_PACKAGE, folder})


@cache
def _stamp() -> bytes:
    """Digest the files with compiled functions: those that name this one."""
    contents = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    name = __name__.encode()
    return sha256(b"".join(sha256(one).digest() for one in contents if name in one)).digest()


@contextmanager
def _done_without() -> Iterator[None]:
    """Go on without what is on disk where it cannot be read, or nothing more be written."""
    try:
        yield
    except Exception:  # the system's, or whatever a damaged file makes of pickle
        _warn_of_no_cache("its files cannot be read or written")


@cache
def _warn_of_no_cache(reason: str) -> None:
    warnings.warn(
        f"compiled code cannot be kept ({reason}), so that every start compiles it again; set "
        "NUMBA_CACHE_DIR to a folder of your own with room",
        stacklevel=3,
    )
