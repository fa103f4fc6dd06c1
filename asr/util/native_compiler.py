"""The compiler behind `asr.util.native`: a function in Python becomes an object file.

numba optimizes each function that a compiled function calls, copies it into its callers, and makes
machine code of it before and after. Here all of these functions end up in one, which is optimized
once, so `_parts_unfinished` has numba leave out what would be thrown away: a fifth of the time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

#: What machine code may call: all else needs numba at run time, or is not in every process.
_CALLABLE = {"exp", "log", "log1p", "pow", "memcpy", "memmove", "memset"}
_WORD = ir.IntType(64)


@global_compiler_lock
def compile_function(
    function: Callable[..., int],
    kinds: tuple,
    symbol: str,
    options: Mapping[str, Any],
    machine: Any,
) -> bytes:
    """Compile a function of arguments of these kinds; see `asr.util.native`.

    Returns:
        An object file for this computer, with a function of this name from the address of the
        arguments' words to the result, both int64.
    """
    inner = njit(**options)(function)
    take_apart = _make_reader([_type_of(kind) for kind in kinds])

    def entry(address):  # type: ignore[no-untyped-def]
        return inner(*take_apart(address))

    kept = {name: options[name] for name in ("_nrt", "error_model")}
    with _little_optimized(), _parts_unfinished():
        compiler: Any = CFunc(entry, ((types.int64,), types.int64), {}, kept)
        compiled = compiler._compile_uncached()
        compiled.library.finalize()
    module = llvm.parse_assembly(compiled.library.get_llvm_str())
    name = compiled.fndesc.llvm_cfunc_wrapper_name
    _optimize(module, name, machine)
    module.get_function(name).name = symbol
    return bytes(machine.emit_object(module))


def _type_of(kind: tuple) -> types.Type:
    """The type that numba knows a kind of argument by."""
    if isinstance(kind[0], np.dtype):
        return types.Array(from_dtype(kind[0]), kind[1], "C")
    if kind[0] in (int, float, bool):
        return {int: types.int64, float: types.float64, bool: types.boolean}[kind[0]]
    return types.NamedTuple([_type_of(one) for one in kind[1:]], kind[0])


def _make_reader(wanted: list[types.Type]) -> Any:
    """Make a function for compiled code that reads arguments of these types from their words."""
    result = types.BaseTuple.from_types(wanted)

    @intrinsic
    def read(_typing: Any, _address: types.Type) -> Any:
        def write_code(context: Any, builder: ir.IRBuilder, _signature: Any, given: Any) -> Any:
            table = builder.inttoptr(given[0], _WORD.as_pointer())
            words = _words(builder, table)
            return _read(context, builder, result, words)

        return result(types.int64), write_code

    return read


def _words(builder: ir.IRBuilder, table: ir.Value) -> Iterator[ir.Value]:
    at = 0
    while True:
        yield builder.load(builder.gep(table, [ir.Constant(_WORD, at)]))
        at += 1


def _read(context: Any, builder: ir.IRBuilder, kind: Any, words: Iterator[ir.Value]) -> Any:
    """Read one argument from the next words."""
    if isinstance(kind, types.BaseTuple):
        parts = [_read(context, builder, one, words) for one in kind.types]  # type: ignore[attr-defined]
        return context.make_tuple(builder, kind, parts)
    word = next(words)
    if isinstance(kind, types.Array):
        return _read_array(context, builder, kind, word, words)
    if isinstance(kind, types.Float):
        return builder.bitcast(word, ir.DoubleType())
    if isinstance(kind, types.Boolean):
        return builder.icmp_unsigned("!=", word, ir.Constant(_WORD, 0))
    return word


def _read_array(
    context: Any, builder: ir.IRBuilder, kind: types.Array, address: Any, words: Iterator[ir.Value]
) -> Any:
    array = context.make_array(kind)(context, builder)
    shape = [next(words) for _ in range(kind.ndim)]
    item_bytes = context.get_constant(types.intp, context.get_abi_sizeof(array.data.type.pointee))
    strides = [item_bytes]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=shape,
        strides=strides,
        itemsize=item_bytes,
        meminfo=None,
    )
    return array._getvalue()


@contextmanager
def _little_optimized() -> Iterator[None]:
    """Have numba optimize little, since it optimizes each function again in all of its callers."""
    config: Any = numba.config
    before, config.OPT = config.OPT, 1
    try:
        yield
    finally:
        config.OPT = before


class _Part(JITCodeLibrary):
    """The code of one function as numba keeps it, to be copied into its callers and no more."""

    def _optimize_final_module(self) -> None:
        """Leave the module as its functions came."""

    def _finalize_final_module(self) -> None:
        """Make no machine code."""
        self._finalize_dynamic_globals()
        self._finalized = True


@contextmanager
def _parts_unfinished() -> Iterator[None]:
    """Have numba make no machine code, which nobody would call: see `_Part`."""
    context: Any = cpu_target.target_context
    codegen = context.codegen()
    codegen._library_class = _Part  # shadows the attribute of its class
    # numba knows a function by the built-in that Python would call; each needs one of its own.
    context.get_executable = lambda library, *_: [library].append
    try:
        yield
    finally:
        del codegen._library_class, context.get_executable


def _optimize(module: Any, name: str, machine: Any) -> None:
    """Optimize a function, drop those that were inlined, and check that no call is left."""
    for one in module.functions:
        if not one.is_declaration and one.name != name:
            one.linkage = "internal"
    for one in module.global_variables:
        if not one.is_declaration:
            one.linkage = "internal"
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    called = {one.name for one in module.functions if one.is_declaration}
    foreign = {one for one in called if not one.startswith("llvm.")} - _CALLABLE
    assert not foreign, f"machine code that needs more than the C library: {sorted(foreign)}"
