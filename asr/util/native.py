"""Functions compiled once to machine code that a later process loads without numba.

`native` is for a function that Python calls, `njit_no_alloc` for one that compiled functions call.
numba compiles both. Importing it takes half a second and 70 MB, so only the first process does, and
keeps the machine code in the cache folder (`asr.util.array_cache`); a later process links the code
by llvmlite in a few milliseconds. `call_ahead` has the first process call functions early, and a
second process compile them. A wheel may bring the code instead (`asr.util.native_library`).

A native function takes arrays, numbers and named tuples of them. It writes its results to arrays
that it is given, allocates nothing and cannot raise: numba's run time, which code loaded without
numba lacks, is for allocating and raising. Its arguments come as one table of 64-bit words, the
address and the shape of each array and the value of each number, so no code that takes arguments
apart is compiled.

The calls of `njit_no_alloc` functions are inlined. A call that is not copies the fields of all its
arrays, and the beam search took 1.6 times as long with such calls. numba counts no references in
these functions; counting takes an atomic instruction for every array at each call. (One that
returned a new array would crash, not raise. Called from Python, as tests do, it runs uncompiled.)
"""

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import numpy as np

from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents
from asr.util.native_library import find
from asr.util.native_process import CompilerProcess
from asr.util.progress import print_beside
from asr.util.threads import count_cores

_PACKAGE = Path(__file__).parents[1]
_KIND = "machine code 1"
_COMPILERS = ("asr.util.native", "asr.util.compiled")
_OPTIONS = {
    "_nrt": False,
    "error_model": "numpy",  # that of Python raises where a divisor is 0
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
NOTICE = "compiling functions for their first use, about ten seconds"
_engines: list[Any] = []  # they own the code that was linked
_inlined: list[Callable[..., Any]] = []  # not yet known to numba
_lock = Lock()
_processes: list[CompilerProcess] = []  # one, while there is one


class Native:
    """A compiled function, made or loaded when it is first called with arguments of new types.

    Args:
        function: takes arrays in C order, numbers and named tuples of them, and returns an integer.
    """

    def __init__(self, function: Callable[..., int]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self._entries: dict[tuple, Callable[[int], int]] = {}
        self._last: tuple[Any, tuple, list[int]] | None = None

    @property
    def kinds(self) -> list[tuple]:
        """The kinds of arguments that the function was called with."""
        return list(self._entries)

    def __call__(self, *arguments: Any) -> int:
        """Run the compiled function, without Python's global lock.

        The first argument is taken apart once as long as it is the same tuple: that of a search has
        some forty arrays, and taking them apart takes longer than the shortest functions.
        """
        first, *others = arguments
        last = self._last
        if last is None or last[0] is not first:
            packed: list[int] = []
            last = first, _pack(first, packed), packed
            if isinstance(first, tuple):  # which nobody changes, unlike the content of its arrays
                self._last = last
        words = [*last[2]]
        kinds = last[1], *[_pack(argument, words) for argument in others]
        entry = self._entries.get(kinds)
        if entry is None:
            with _lock:
                entry = self._entries.get(kinds) or self._entries.setdefault(
                    kinds, _load(self.function, kinds)
                )
        table = np.array(words, np.int64)
        return entry(table.ctypes.data)


native = Native


def njit_no_alloc(function: Callable[..., Any]) -> Any:
    """Let compiled functions call a function that neither allocates nor returns a new array."""
    _inlined.append(function)
    if "asr.util.compiled" in sys.modules:
        register_inlined()
    return function


def register_inlined() -> None:
    """Tell numba of the functions that compiled functions call."""
    from numba.extending import register_jitable

    while _inlined:
        register_jitable(**_OPTIONS)(_inlined.pop())


@cache
def call_ahead(use: Callable[[], object]) -> None:
    """Call native functions in a thread, which compiles or loads what the caller needs later.

    Args:
        use: calls the functions with arguments of the types that they will have. It is called once
            in a process. Its errors are no matter: who needs the functions meets them again.
    """
    Thread(target=_call_ahead, args=(use,), daemon=True).start()


def _call_ahead(use: Callable[[], object]) -> None:
    is_python = sys.executable and not getattr(sys, "frozen", False)  # not a program that holds it
    if count_cores() > 1 and is_python:
        _processes.append(CompilerProcess())
    with suppress(Exception):
        use()
    with _lock:
        while _processes:
            _processes.pop().close()


@cache
def source_digest() -> bytes:
    """Digest the source files with compiled functions: those that import a module of compilers."""
    contents = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    names = [name.encode() for name in _COMPILERS]
    used = [one for one in contents if any(name in one for name in names)]
    return sha256(b"".join(sha256(one).digest() for one in used)).digest()


def _pack(value: Any, words: list[int]) -> tuple:
    """Append an argument's words, and return its kind, which says how to read them."""
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        words.append(value.ctypes.data)
        words.extend(value.shape)
        return value.dtype, value.ndim
    if isinstance(value, tuple):
        return type(value), *[_pack(one, words) for one in value]
    if isinstance(value, float):
        words.append(np.float64(value).view(np.int64).item())
        return (float,)
    words.append(int(value))
    return (bool if isinstance(value, bool | np.bool_) else int,)


def _load(function: Callable[..., int], kinds: tuple) -> Callable[[int], int]:
    """Find the machine code of a function for arguments of these kinds, compiled if need be."""
    symbol = name_symbol(function, kinds)
    return find(symbol) or _link(_load_or_compile(function, kinds, symbol), symbol)


def _load_or_compile(function: Callable[..., int], kinds: tuple, symbol: str) -> bytes:
    """Read the machine code for this computer from the cache folder, or compile it."""
    import llvmlite
    import llvmlite.binding as llvm

    host = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), llvmlite.__version__
    key = sha256(repr((symbol, host)).encode()).hexdigest()
    _, arrays = load_or_make(
        f"{key[:32]}.native",
        _KIND,
        lambda facts: facts["key"] == key,
        lambda: _compile(function, kinds, key),
    )
    return arrays["code"].tobytes()


def _compile(function: Callable[..., int], kinds: tuple, key: str) -> Contents:
    """Compile a function, if possible in a second process, and tell the user."""
    tell_of_compiling()
    code = None
    if _processes:
        code = _processes[0].compile(function.__module__, function.__qualname__, kinds)
    if code is None:
        code = compile_native(function, kinds, make_machine())
    return Contents({"key": key}, {"code": np.frombuffer(code, np.uint8)})


def compile_native(function: Callable[..., int], kinds: tuple, machine: Any) -> bytes:
    """Compile a function for arguments of these kinds, and for a machine, to an object file."""
    from asr.util.native_compiler import compile_function

    register_inlined()
    return compile_function(function, kinds, name_symbol(function, kinds), _OPTIONS, machine)


def name_symbol(function: Callable[..., int], kinds: tuple) -> str:
    """Name the machine code of a function for arguments of these kinds, and of these sources."""
    about = f"{function.__module__}.{function.__qualname__}{_describe(kinds)}"
    return f"native_{sha256(source_digest() + about.encode()).hexdigest()[:32]}"


def _describe(kinds: Any) -> str:
    """Describe kinds in a way that does not depend on the process."""
    if isinstance(kinds, tuple):
        return f"({', '.join(map(_describe, kinds))})"
    if isinstance(kinds, type):
        return kinds.__qualname__
    return repr((kinds.descr, kinds.itemsize)) if isinstance(kinds, np.dtype) else repr(kinds)


def make_machine() -> Any:
    """Describe this computer to LLVM."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def _link(code: bytes, symbol: str) -> Callable[[int], int]:
    """Bring machine code into this process, and return its function."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), make_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(engine.get_function_address(symbol))


@cache
def tell_of_compiling() -> None:
    """Say on a terminal, once, that functions are being compiled."""
    if sys.stderr.isatty():
        print_beside(NOTICE)
