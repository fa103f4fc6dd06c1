"""Machine code that a wheel brings, so that neither numba nor llvmlite need be installed.

`runtime/compiled` compiles the native functions when its wheel is built, into a shared library that
lies beside this file. Its symbols name the sources and the types they were compiled from
(`asr.util.native`), so the library of another version has none that is asked for.
"""

import ctypes
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path

PATH = Path(__file__).with_name(f"native-{sysconfig.get_platform()}.so")


def find(symbol: str) -> Callable[[int], int] | None:
    """Find a function, from the address of its arguments' words to its result; None without it."""
    library = _open()
    function = getattr(library, symbol, None) if library is not None else None
    if function is not None:
        function.argtypes, function.restype = [ctypes.c_int64], ctypes.c_int64
    return function


@cache
def _open() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(PATH)) if PATH.exists() else None
    except OSError:  # it was built for another C library
        return None
