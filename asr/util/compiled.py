"""How functions are compiled, and when code compiled earlier may be used again.

`compiled` is numba's `njit`, cached on disk after the first use, running without the interpreter's
lock. It is for functions that train language models and read their files, which have numba compile
what they allocate; what every transcription needs is `native` (`asr.util.native`) instead, which a
later process loads without numba.

numba unpickles the files of its cache, which can run anything. So only two places are used: beside
the code, where whoever can write could change the code itself, and a folder that nobody else can
write to (`asr.util.cache_folder`).

A cached file holds a function together with all functions that it calls, and numba uses the file
for as long as the function's own source is unchanged. After an update a function would therefore
call the functions of the version before. So a cached file is used for as long as every source file
with compiled functions is unchanged.

This is the only file that touches private parts of numba. If a release changes them:

- `_cache._cache_file._source_stamp`, the key of a cached file: functions of an older version are
  called after an update, until the cache is deleted.
- `_cache._guard_against_spurious_io_errors`, which wraps reading and writing: a damaged or full
  cache folder raises.

`tests/util/test_compiled.py` fails in each of these cases.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.event import Event, Listener, register

from asr.util.cache_folder import UnsafeFolderError, make_cache_folder, make_private_folder
from asr.util.native import register_inlined, source_digest, tell_of_compiling

_PACKAGE = Path(__file__).parents[1]
config: Any = numba.config  # its attributes come from the environment: type checkers see none


class _CompileListener(Listener):
    """Notices that one of our functions is being compiled, not loaded."""

    def on_start(self, event: Event) -> None:
        """Tell the user."""
        if event.data["dispatcher"].py_func.__module__.startswith(f"{_PACKAGE.name}."):
            tell_of_compiling()

    def on_end(self, event: Event) -> None:
        """Do nothing."""


register("numba:compile", _CompileListener())
register_inlined()


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, or load it from the cache."""
    try:
        trusted = _trusted_folders()
        dispatcher: Any = njit(cache=True, nogil=True)(function)
        if trusted.isdisjoint(Path(dispatcher.stats.cache_path).parents):
            raise RuntimeError("numba chose a cache folder outside the trusted ones")
    except (OSError, RuntimeError) as error:  # RuntimeError: numba found no folder to write to
        _warn_of_no_cache(
            str(error) if isinstance(error, UnsafeFolderError) else "no folder can be written"
        )
        return njit(nogil=True)(function)
    with suppress(AttributeError):
        dispatcher._cache._guard_against_spurious_io_errors = _tolerate_errors
        cache_file(dispatcher)._source_stamp = source_digest()
    return dispatcher


def cache_file(dispatcher: Any) -> Any:
    """Return numba's object that loads and saves a function's cached file."""
    return dispatcher._cache._cache_file


@cache
def _trusted_folders() -> frozenset[Path]:
    """Return the folders whose files may be unpickled, and direct numba's whole cache there.

    Raises:
        UnsafeFolderError: others could write to NUMBA_CACHE_DIR, or to our own folder.
        OSError, RuntimeError: there is no folder that can be written.
    """
    if config.CACHE_DIR:
        folder = make_private_folder(Path(config.CACHE_DIR))
    elif os.access(_PACKAGE, os.W_OK):
        return frozenset({_PACKAGE})
    else:
        folder = make_cache_folder() / "numba"
    config.CACHE_DIR = str(folder)
    return frozenset({_PACKAGE, folder})


@contextmanager
def _tolerate_errors() -> Iterator[None]:
    """Warn, and compile again, where the cache cannot be read or written."""
    try:
        yield
    except Exception:  # from the system, or anything that unpickling a damaged file raises
        _warn_of_no_cache("its files cannot be read or written")


@cache
def _warn_of_no_cache(reason: str) -> None:
    warnings.warn(
        f"compiled code cannot be kept ({reason}), so that every start compiles it again; set "
        "NUMBA_CACHE_DIR to a folder of your own with room",
        stacklevel=3,
    )
