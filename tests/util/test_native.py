"""Native functions get their arguments as Python gave them, and are kept for later processes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from asr.util import native as module
from asr.util.native import native, njit_no_alloc
from asr.util.native_process import CompilerProcess

RECORD = np.dtype([("short", "i4"), ("long", "f8")], align=True)
USE = """
import sys
from test_native import Inner, Outer, values, RECORD, np
print(values(Outer(Inner(np.ones((2, 3), np.float32), 1.0), True), np.zeros(1, RECORD), 1))
print("numba" in sys.modules)
"""


class Inner(NamedTuple):
    array: np.ndarray
    number: float


class Outer(NamedTuple):
    inner: Inner
    flag: bool


@njit_no_alloc
def last_of(inner):
    return inner.array[-1, -1] + inner.array.shape[1]


@native
def values(outer, record, whole):
    record[0].short = last_of(outer.inner) + whole
    record[0].long = outer.inner.number if outer.flag else np.exp(outer.inner.array[0, 0])
    return whole + 1


@native
def raises(array):
    if array[0] > 0:
        raise ValueError("odd")
    return 0


@native
def doubled(array):
    for place in range(len(array)):
        array[place] *= 2.0
    return len(array)


@pytest.mark.parametrize("flag", [False, True])
def test_arguments_arrive(flag: bool) -> None:
    array, record = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(1, RECORD)
    array.flags.writeable = False
    assert values(Outer(Inner(array, -0.5), flag), record, 2**40) == 2**40 + 1
    assert values(Outer(Inner(array, -0.5), flag), record, 7) == 8
    assert record[0].tolist() == (5 + 3 + 7, -0.5 if flag else 1.0)


def test_other_types_are_compiled_anew() -> None:
    record = np.zeros(1, RECORD)
    for kind in (np.float32, np.int16):
        values(Outer(Inner(np.full((1, 1), 3, kind), 0.0), True), record, 0)
        assert record[0]["short"] == 4


def test_numba_has_the_private_parts_that_are_replaced() -> None:
    """Where it had others, functions would be compiled all the same, and it would take longer."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.registry import cpu_target

    from asr.util.native_compiler import _Part, _parts_unfinished

    replaced = {name for name, value in vars(_Part).items() if callable(value)}
    assert replaced == {"_optimize_final_module", "_finalize_final_module"}
    assert replaced <= set(dir(JITCodeLibrary))
    codegen = cpu_target.target_context.codegen()
    with _parts_unfinished():
        assert isinstance(codegen.create_library("a part"), _Part)
    assert type(codegen.create_library("a whole")) is JITCodeLibrary


def test_what_needs_numba_at_run_time_is_refused() -> None:
    """A process that loaded such code without numba would end without a message."""
    with pytest.raises(AssertionError, match="needs more than the C library"):
        raises(np.zeros(1, np.int64))


def test_a_later_process_needs_no_numba(tmp_path: Path) -> None:
    environment = os.environ | {
        "ASR_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, "-c", USE]
    found = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert found == ["2\nTrue\n", "2\nFalse\n"]


def test_a_second_process_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called ahead is compiled elsewhere, and gives the results it would give here."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    made = []

    class Process(CompilerProcess):
        def compile(self, *request: object) -> bytes | None:
            made.append(super().compile(*request))
            return made[-1]

    monkeypatch.setattr(module, "CompilerProcess", Process)
    monkeypatch.setattr(module, "count_cores", lambda: 2)
    monkeypatch.setattr(module, "load_or_make", lambda _name, _kind, _is_current, make: make())
    array = np.array([3.5, 0.5])
    ended = []

    def use() -> None:
        ended.append(doubled(array))
        raise ValueError("which is no matter")

    module._call_ahead(use)
    assert ended == [2] and array.tolist() == [7.0, 1.0]
    assert [type(one) for one in made] == [bytes]
    assert not module._processes


@pytest.mark.parametrize("why", ["one core", "no Python", "frozen"])
def test_no_second_process(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "count_cores", lambda: 1 if why == "one core" else 2)
    monkeypatch.setattr(sys, "executable", "" if why == "no Python" else sys.executable)
    monkeypatch.setattr(sys, "frozen", why == "frozen", raising=False)
    monkeypatch.setattr(module, "CompilerProcess", lambda: pytest.fail("a process was started"))
    called = []
    module._call_ahead(lambda: called.append(why))
    assert called == [why]


def test_a_process_that_fails_gives_nothing() -> None:
    process = CompilerProcess()
    assert process.compile("no.such.module", "nothing", ()) is None
    assert process.compile("no.such.module", "nothing", ()) is None
    process.close()


def test_a_changed_source_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = module.source_digest()
    monkeypatch.setattr(module.Path, "read_bytes", lambda _: b"asr.util.native changed")
    module.source_digest.cache_clear()
    try:
        assert module.source_digest() != digest
    finally:
        module.source_digest.cache_clear()
