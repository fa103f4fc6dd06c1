"""The distributions of what transcribes, without PyTorch, from the files of the whole one."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import tiny

from asr import __version__

RUNTIME = tiny.ROOT / "runtime"
COMPILED = RUNTIME / "compiled"
COMPILERS = {"numba", "llvmlite"}
#: What training needs, and nothing that transcribes may.
TRAINING = {"torch", "torchaudio", "lhotse", "hydra-core", "librosa", "matplotlib", "tensorboard"}
MOST_MIB = {RUNTIME: 370, COMPILED: 200}
#: What `venv` installs itself, and bytecode, which `--no-compile` leaves to the first import.
BROUGHT = {"pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__"}


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def build(source: Path, folder: Path) -> Path:
    """Build a wheel, without a network."""
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(RUNTIME, tmp_path_factory.mktemp("wheel"))


def names_of(requirements: list[str]) -> set[str]:
    return {line.split(">")[0].split("=")[0] for line in requirements}


def test_all_distributions_require_the_same_versions():
    whole, runtime, compiled = project(tiny.ROOT), project(RUNTIME), project(COMPILED)
    assert {*compiled["dependencies"]} < {*runtime["dependencies"]} < {*whole["dependencies"]}
    needed = names_of(runtime["dependencies"])
    assert not needed & TRAINING
    assert names_of(compiled["dependencies"]) == needed - COMPILERS
    building = tomllib.loads((COMPILED / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {*building} < {*runtime["dependencies"], "hatchling"}
    assert compiled["optional-dependencies"] == runtime["optional-dependencies"]
    assert compiled["name"] == f"{whole['name']}-compiled"
    for key in ("requires-python", "license", "scripts"):
        assert compiled[key] == runtime[key] == whole[key]
    for extra, lines in runtime["optional-dependencies"].items():
        assert lines == whole["optional-dependencies"][extra]
    assert runtime["name"] == f"{whole['name']}-runtime"


def test_the_wheel_carries_the_package_and_the_default_model(wheel):
    assert wheel.name == f"asr_toolkit_runtime-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {path.relative_to(tiny.ROOT).as_posix() for path in (tiny.ROOT / "asr").rglob("*.py")}
    assert code <= names
    assert {"asr/models/en-small/model.safetensors", "asr/scoring/html_report.html"} <= names
    assert not [
        name for name in names
        if name.startswith("asr/models/an4") or "__pycache__" in name
        or not name.startswith(("asr/", "asr_toolkit_runtime-"))
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("source", [RUNTIME, COMPILED], ids=["runtime", "compiled"])
def test_an_environment_with_one_alone_transcribes(source, tones, tmp_path):
    """Some 150 MB are downloaded, unless pip has them."""
    if source == COMPILED and shutil.which("cc") is None:
        pytest.skip("linking needs a C compiler")
    wheel = build(source, tmp_path)
    if source == COMPILED:
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        assert wheel.name == f"asr_toolkit_compiled-{__version__}-py3-none-{platform}.whl"
    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"]
    done = subprocess.run([*install, wheel], capture_output=True, text=True)
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip("needs a package index")
    assert done.returncode == 0, done.stderr
    assert _mebibytes(tmp_path / "env") <= MOST_MIB[source]

    environment = {"ASR_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    for options in ([], ["--greedy"]):
        command = [python, "-m", "asr", "transcribe", str(tones / "test-00.wav"), *options]
        done = subprocess.run(  # not here, where a package asr lies beside
            command, capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{tones}/test-00.wav\t")


def _mebibytes(environment: Path) -> float:
    """Measure an environment as `du` does, without what `venv` brings, which need not stay."""
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    kept = [path for path in files if not BROUGHT & {*path.parts}]
    return sum(path.stat().st_blocks * 512 for path in kept) / 2**20
