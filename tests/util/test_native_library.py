"""Machine code that a wheel brings is used without a compiler where it is of these sources."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asr.util import native_library
from asr.util.native import name_symbol, native

BUILDER = Path(__file__).parents[2] / "runtime" / "machine_code.py"
USE = """
import sys
from pathlib import Path

sys.modules["numba"] = sys.modules["llvmlite"] = None  # neither can be imported
from asr.util import native_library

native_library.PATH = Path(sys.argv[1])
import numpy as np
from test_native_library import halved

array = np.array([3.5, 0.5])
print(halved(array), *array)
"""


@native
def halved(array):
    for place in range(len(array)):
        array[place] /= 2.0
    return len(array)


def kind() -> tuple:
    """The kind of the argument in this file's tests."""
    return ((np.dtype(np.float64), 1),)


def use(library: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", USE, str(library)]
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("linking needs a C compiler")
    path = tmp_path_factory.mktemp("library") / "native.so"
    halved(np.zeros(1))
    runpy.run_path(str(BUILDER))["make_library"]([halved], path)
    return path


def test_its_functions_need_no_compiler(library: Path) -> None:
    done = use(library)
    assert (done.stderr, done.stdout) == ("", "2 1.75 0.25\n")


def test_without_a_linker_it_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, str(BUILDER), str(tmp_path / "native.so")]
    done = subprocess.run(
        command, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (
        1, "cc: no such program; install a C compiler, or `pip install ./runtime`\n",
    )  # fmt: skip


def test_a_library_that_lacks_the_function_leaves_it_to_the_compiler(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damaged.so").write_bytes(b"\x7fELF")
    for path in (tmp_path / "missing.so", tmp_path / "damaged.so"):
        assert "import of llvmlite halted" in use(path).stderr
    monkeypatch.setattr(native_library, "PATH", library)
    native_library._open.cache_clear()
    try:
        assert native_library.find(name_symbol(halved.function, kind())) is not None
        assert native_library.find(name_symbol(halved.function, (*kind(), *kind()))) is None
    finally:
        native_library._open.cache_clear()
