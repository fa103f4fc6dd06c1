"""The examples of CONTRIBUTING.md are added to a copy of the package, and their commands run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
from pages import ROOT, blocks, commands

PAGE = ROOT / "CONTRIBUTING.md"
#: Runs the commands of its standard input, one a line, in one process; writes a segment as LRC.
RUN = """
import sys
from asr.cli import main
from asr.formats import FORMATS
from asr.transcript import Segment, Transcript

failed = sum(main(line.split()) for line in sys.stdin)
print(FORMATS["lrc"]([Transcript((Segment(61.504, 62.0, "hello", ()),), 70.0)], None))
sys.exit(failed)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Copy the package, without its models, and apply the page's blocks to the copy."""
    for name in ("asr", "conf", "recipes"):
        leave_out = shutil.ignore_patterns("__pycache__", "*.png", "*.gz", "*.safetensors")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave_out)
    for block in blocks(PAGE):
        if block.language == "python":
            path = tmp_path / block.text.splitlines()[0].removeprefix("# ")
            assert not path.exists()
            path.write_text(block.text)
        elif block.language == "diff":
            apply(block.text, tmp_path)
    return tmp_path


def apply(diff: str, root: Path) -> None:
    """Add a diff's lines: an import before the first import of asr, others behind their context."""
    path = root / re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE)[0]
    lines, context = path.read_text().splitlines(), None
    for line in diff.splitlines()[2:]:
        if line[0] == " ":
            context = line[1:]
            assert context in lines, f"{path.name}: {context}"
        elif context is None:
            lines.insert(next(i for i, one in enumerate(lines) if "from asr" in one[:8]), line[1:])
        else:
            lines.insert(lines.index(context) + 1, line[1:])
    path.write_text("\n".join(lines) + "\n")


def test_examples_work(package: Path, tones: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "waves_yesno").mkdir()
    for number in range(16):
        name = "_".join(f"{number:04b}")
        noise = 0.1 * rng.standard_normal(tiny.RATE)
        soundfile.write(tmp_path / "waves_yesno" / f"{name}.wav", noise, tiny.RATE)
    shutil.copy(tones / "test-00.wav", tmp_path / "a.wav")
    data = [f"data.{name}={tones}/{name}.jsonl.gz" for name in ("train", "dev")]
    quick = " ".join([*data, *tiny.MODEL, "trainer.epochs=1"])
    lines = [
        " ".join(command.verb) + (f" {quick}" if command.verb[0] == "train" else "")
        for command in commands(PAGE)
        if command.verb and command.block.mark == "example"
    ]
    assert len(lines) == 3
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN],
        cwd=tmp_path, input="\n".join(lines), capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "best epoch 1 of 1" in done.stderr  # JANET was trained
    assert "train  " in done.stdout  # Yesno was prepared
    assert "[01:01.50]hello\n" in done.stdout
