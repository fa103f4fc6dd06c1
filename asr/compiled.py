"""How functions are compiled, and when what was compiled before may be used again.

`compiled` is numba's `njit`, cached on disk after the first use, running without the interpreter's
lock.

`borrowing` is the same for a function that neither allocates nor returns an array. Left alone,
numba counts a reference to every array of every argument at each call, an atomic instruction each
time; the search makes hundreds of calls a frame with two dozen arrays among their arguments, and
spent two thirds of its time on it. A function that only reads and writes arrays its caller holds
needs no count. (One that returned such an array would hand out a reference nobody counted: a
crash, not an error.)

What is on disk holds a function together with all that it calls, and numba uses it as long as the
function's own file is the same. After an update it would go on with callees of the version before.
So here it is used as long as every file with compiled functions is the same.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

_PACKAGE = Path(__file__).parent


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function when it is first called, or take what was compiled before."""
    try:
        dispatcher = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # how numba says that it found no folder to write to
        _warn_of_no_cache()
        return njit(nogil=True, **options)(function)
    with suppress(AttributeError):  # a numba that keeps its stamp elsewhere: as good as it is
        dispatcher._cache._cache_file._source_stamp = _stamp()
        dispatcher._cache._guard_against_spurious_io_errors = _done_without
    return dispatcher


def borrowing(function: Callable[..., Any]) -> Any:
    """Compile a function that neither allocates nor returns an array."""
    return compiled(function, _nrt=False)


@cache
def _stamp() -> bytes:
    """Digest the files with compiled functions: those that name this one."""
    contents = [path.read_bytes() for path in sorted(_PACKAGE.glob("*/*.py"))]
    name = __name__.encode()
    return sha256(b"".join(sha256(one).digest() for one in contents if name in one)).digest()


@contextmanager
def _done_without() -> Iterator[None]:
    """Go on without what is on disk where it cannot be read, or nothing more be written."""
    try:
        yield
    except Exception:  # the system's, or whatever a damaged file makes of pickle
        _warn_of_no_cache()


@cache
def _warn_of_no_cache() -> None:
    warnings.warn(
        "no folder for compiled code can be written, so that every start compiles it again; "
        "set NUMBA_CACHE_DIR to one that can, and has room",
        stacklevel=3,
    )
