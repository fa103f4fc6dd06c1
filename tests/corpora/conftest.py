"""Recordings to prepare: short files of noise, and AN4."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

WriteAudio = Callable[..., Path]


@pytest.fixture
def write_audio() -> WriteAudio:
    """Write seeded noise to a path, in the format that its suffix names, and give the path."""

    def write(path: Path, seconds: float = 0.5, rate: int = 16000, channels: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).standard_normal((round(seconds * rate), channels))
        opus = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
        soundfile.write(path, 0.1 * noise, rate, **opus)
        return path

    return write


@pytest.fixture(scope="session")
def an4_folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AN4 as published."""
    folder = tmp_path_factory.mktemp("corpora")
    unpack = shared / "corpora" / "unpack.py"
    subprocess.run([sys.executable, unpack, folder, "--only", "an4"], check=True)
    return folder / "an4"
