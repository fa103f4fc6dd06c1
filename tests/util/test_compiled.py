"""A cached function is used again for as long as all functions that it calls are unchanged."""

import errno
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from asr.util import compiled, native

CALLEE = "from asr.util.compiled import compiled\n@compiled\ndef value(x):\n    return x + {}\n"
CALLER = (
    "from asr.util.compiled import compiled\nfrom asr.lm.callee import value\n"
    "@compiled\ndef twice(x):\n    return 2 * value(x)\n"
)
USE = "from asr.decoding.caller import twice; print(twice(0), sum(twice.stats.cache_hits.values()))"


@pytest.fixture
def use(tmp_path: Path) -> Callable[..., str]:
    """Return a function that starts a process, which calls a compiled caller and its callee."""
    package = tmp_path / "asr"
    for room in (package, package / "lm", package / "decoding", package / "util"):
        room.mkdir()
        (room / "__init__.py").touch()
    for module in Path(compiled.__file__).parent.glob("*.py"):
        (package / "util" / module.name).write_text(module.read_text())
    (package / "decoding" / "caller.py").write_text(CALLER)

    def use_once(number: int, stderr: int = subprocess.PIPE) -> str:
        (package / "lm" / "callee.py").write_text(CALLEE.format(number))
        # -B: Python's own cache cannot tell apart two files of one second and one size.
        command = [sys.executable, "-B", "-c", USE]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            stdout=subprocess.PIPE, stderr=stderr, text=True, check=True,
        )  # fmt: skip
        assert not done.stderr
        return done.stdout.strip()

    return use_once


def test_a_change_of_a_callee_in_another_file_is_noticed(use: Callable[..., str]) -> None:
    """An update changes a callee; numba alone checks the caller's file only."""
    assert [use(1), use(1), use(2), use(2)] == ["2 0", "2 1", "4 0", "4 1"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="terminals of POSIX systems")
def test_a_terminal_is_told_once_that_functions_are_compiled(use: Callable[..., str]) -> None:
    ours, terminal = os.openpty()
    try:
        os.set_blocking(ours, False)
        use(1, terminal)
        assert os.read(ours, 1000).decode().split("\r\n") == [native.NOTICE, ""]
        use(1, terminal)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1000)
    finally:
        os.close(ours)
        os.close(terminal)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A process that has compiled nothing yet."""
    caches = (compiled._trusted_folders, compiled._warn_of_no_cache)
    monkeypatch.setattr(compiled.config, "CACHE_DIR", "")
    for one in caches:
        one.cache_clear()
    yield monkeypatch
    for one in caches:
        one.cache_clear()


def one_more(x):
    return x + 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX systems")
@pytest.mark.parametrize("by", ["NUMBA_CACHE_DIR", "ASR_CACHE"])
def test_nothing_is_unpickled_where_others_can_write(
    fresh: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    if by == "NUMBA_CACHE_DIR":
        fresh.setattr(compiled.config, by.removeprefix("NUMBA_"), str(tmp_path))
    else:
        fresh.setenv(by, str(tmp_path))
        fresh.setattr(os, "access", lambda *_: False)  # to the code's own folder
    tmp_path.chmod(0o777)
    with pytest.warns(UserWarning, match="every user can write to this folder"):
        function = compiled.compiled(one_more)
    assert function(1) == 2
    assert function.stats.cache_path is None
    tmp_path.chmod(0o755)
    assert str(tmp_path) in compiled.compiled(one_more).stats.cache_path


def test_a_folder_that_is_not_trusted_is_not_used(fresh: pytest.MonkeyPatch) -> None:
    """numba falls back to the user's cache folder where it cannot write beside the code."""
    fresh.setattr(compiled, "_trusted_folders", lambda: frozenset({Path("/elsewhere")}))
    with pytest.warns(UserWarning, match="compiled code cannot be kept"):
        assert compiled.compiled(one_more).stats.cache_path is None


def test_without_a_cache_folder_code_is_compiled_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    njit = compiled.njit

    def no_locator(cache: bool = False, **options: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(compiled, "njit", no_locator)
    compiled._warn_of_no_cache.cache_clear()

    with pytest.warns(UserWarning, match="NUMBA_CACHE_DIR") as noted:
        function = compiled.compiled(lambda x: x + 1)

    assert function(1) == 2
    assert len(noted) == 1


@pytest.mark.parametrize("write", [OSError(errno.ENOSPC, "full"), EOFError(), None])
def test_code_is_compiled_where_the_cache_folder_is_full_or_damaged(
    monkeypatch: pytest.MonkeyPatch, write: Exception | None
) -> None:
    """`None`: the cache is read and written without an error, and there is no warning."""

    def one_more(x: int) -> int:
        return x + 1

    monkeypatch.setattr(
        compiled, "_trusted_folders", lambda: frozenset({Path(__file__).parents[1]})
    )
    function = compiled.compiled(one_more)
    for action in ("load", "save"):
        monkeypatch.setattr(
            compiled.cache_file(function), action, Mock(side_effect=write, return_value=None)
        )
    compiled._warn_of_no_cache.cache_clear()

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        assert function(1) == 2
    assert len(noted) == (write is not None)
    assert all("NUMBA_CACHE_DIR" in str(one.message) for one in noted)
