"""Each benchmark runs to its last line with tiny settings; the figures mean nothing then."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, ROOT / "benchmarks" / script, "--quick", "--repeats", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_encoder() -> None:
    row = run("encoder.py").splitlines()[-1].split()
    assert row[:4] == ["quick,", "2", "x", "16"]
    assert float(row[-1]) < 1e-4  # the two sides agree


def test_training(tones: Path) -> None:
    printed = run("training.py", "--train", str(tones / "train.jsonl.gz"))
    parts = {line.split("  ")[0] for line in printed.splitlines()}
    # What is patched still exists and is called.
    assert parts >= {
        "the loop", "saving", "loading", "speed, noise", "log-mel", "SpecAugment", "forward",
        "loss", "backward", "update", "journal", "evaluation",
    }  # fmt: skip
    assert printed.splitlines()[-1].startswith("deepspeech/ours, bf16: ")
