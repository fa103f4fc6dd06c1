"""A package installed from the wheel works alone, from any folder."""

import os
import subprocess
import sys
import zipfile

import pytest
import tiny


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel, without a network."""
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=tiny.ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    return path


def run(installed, folder, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-P", "-m", "asr", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_the_wheel_carries_settings_recipes_and_models(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("conf", "recipes"):
        files = {
            f"asr/{path.relative_to(tiny.ROOT).as_posix()}"
            for path in (tiny.ROOT / folder).rglob("*.yaml")
        }
        assert files
        assert files <= names
    models = {
        path.relative_to(tiny.ROOT).as_posix()
        for path in (tiny.ROOT / "asr" / "models").glob("*/*")
    }
    assert {f"asr/models/{name}/model.safetensors" for name in ("an4", "en-small")} <= models
    assert models <= names
    assert {"asr/training/trainer.py", "asr/scoring/html_report.html"} <= names
    assert not [name for name in names if name.startswith(("tests", "conf/", "recipes/", "data"))]


def test_the_wheel_works_from_an_empty_folder(wheel, tmp_path):
    installed = tmp_path / "site (one), a=b"  # characters of Hydra's grammar
    zipfile.ZipFile(wheel).extractall(installed)
    empty = tmp_path / "empty"
    empty.mkdir()

    script = "import asr, asr.util.paths as paths; print(asr.__file__, paths.CONF)"
    where = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=empty, env=os.environ | {"PYTHONPATH": str(installed)}, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.split("\n")[0] == f"{installed}/asr/__init__.py {installed}/asr/conf"

    shown = run(installed, empty, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "transcribe" in shown.stdout

    shown = run(installed, empty, "train", "an4/small", "encoder=blstm", "--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    assert "recipe: an4/small" in shown.stdout
    assert "name: blstm" in shown.stdout
    assert not list(empty.iterdir())
