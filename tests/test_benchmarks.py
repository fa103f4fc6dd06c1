"""Each benchmark runs to its end with tiny settings, whose figures mean nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asr.encoders import ENCODERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
QUICK = ("--quick", "--repeats", "1")


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, ROOT / "benchmarks" / script]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_encoder() -> None:
    row = run("encoder.py", *QUICK).splitlines()[-1].split()
    assert row[:4] == ["quick,", "2", "x", "16"]
    assert float(row[-1]) < 1e-4  # the two sides agree


def test_training(tones: Path) -> None:
    printed = run("training.py", *QUICK, "--train", str(tones / "train.jsonl.gz"))
    parts = {line.split("  ")[0] for line in printed.splitlines()}
    # The functions that the benchmark patches still exist and are called.
    assert parts >= {
        "the loop", "saving", "loading", "speed, noise", "log-mel", "SpecAugment", "forward",
        "loss", "backward", "update", "metrics", "evaluation",
    }  # fmt: skip
    assert printed.splitlines()[-1].startswith("deepspeech/ours, bf16: ")


def test_training_of_two_checkouts(tones: Path) -> None:
    train = str(tones / "train.jsonl.gz")
    printed = run("training.py", *QUICK, "--train", train, "--before", str(ROOT)).splitlines()
    assert [row.split()[0] for row in printed[-4:-2]] == ["before", "after"]
    assert all(float(row.split()[1]) > 0 for row in printed[-4:-2])
    assert printed[-1].startswith("before/after, wall s: ")


def test_scale() -> None:
    printed = run("scale.py", "--quick")
    rows = {line.split("  ")[0].split(":")[0] for line in printed.splitlines()}
    assert rows >= {
        "200 utterances, 1 hours", "read and check", "find problems", "dataset", "plan an epoch",
        "start", "kept", "most at once", "each worker's",
    }  # fmt: skip


def test_word_times(tones: Path, tones_run: Path) -> None:
    manifest = str(tones / "test.jsonl.gz")
    printed = run("word_times.py", "--model", str(tones_run), "--manifest", manifest)
    assert printed.splitlines()[0].endswith(" of 8 words recognized, frames of 30 ms")


def test_streaming(tones: Path, tones_run: Path, tmp_path: Path) -> None:
    files = (str(tones / "test.jsonl.gz"), "--model", str(tones_run))
    sizes = ("--name", "tones", "--sizes", "200/100", "500/0")
    results, picture = tmp_path / "results.json", tmp_path / "streaming.png"
    output = ("--results", str(results), "--output", str(picture))
    rows = run("streaming.py", *files, *sizes, *output).splitlines()
    assert [row.split(" | ")[0] for row in rows[-2:]] == ["200/100", "500/0"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_streaming_costs(tones: Path, tones_run: Path) -> None:
    printed = run("streaming_costs.py", str(tones / "test.jsonl.gz"), "--model", str(tones_run))
    names = [row[:42].strip() for row in printed.splitlines()]
    assert names[0] == "offline" and "endpoints" in names and len(names) == 8


def test_transcribe(tones: Path, tones_run: Path) -> None:
    files = ("--model", str(tones_run), "--manifest", str(tones / "test.jsonl.gz"))
    printed = run("transcribe.py", *QUICK, *files, "--long-hours", "1")
    rows = {line.split("  ")[0] for line in printed.splitlines()}
    assert rows >= {
        "decode audio", "finding speech", "features", "encoder", "decoding", "together",
        "ours, 1 core", "ours, 2 cores", "a call for each", "one call",
    }  # fmt: skip
    assert "\npeak memory " in printed
    assert printed.splitlines()[-1].endswith(" % utterance by utterance")


def test_transcribing_by_the_command_line(tones: Path, tones_run: Path) -> None:
    files = ("--model", str(tones_run), "--manifest", str(tones / "test.jsonl.gz"))
    sides = ("--commands", "1", "--before", str(ROOT))
    rows = [line.split() for line in run("transcribe.py", *QUICK, *files, *sides).splitlines()]
    (before,), (after,) = ([row for row in rows if row[:1] == [n]] for n in ("before", "after"))
    assert before[-2:] == after[-2:]  # the word error rates


def test_cold_start(tones: Path, tones_run: Path) -> None:
    arguments = (str(tones / "test-00.wav"), "--model", str(tones_run), "--repeats", "1")
    printed = run("cold_start.py", *arguments, "--before", str(ROOT))
    for name in ("first start, before", "warm start, after", "before / after, warm"):
        assert printed.count(f"\n{name}") == 2
    assert printed.splitlines()[-1].startswith("text: ")


def test_encoders() -> None:
    rows = run("encoders.py", *QUICK).splitlines()[-len(ENCODERS) :]
    assert {row.split()[0] for row in rows} == {*ENCODERS}
    assert all(float(row.split()[-1]) > 0 for row in rows)


def test_serve(tones: Path, tones_run: Path) -> None:
    files = [str(tones / f"test-0{number}.wav") for number in range(2)]
    printed = run("serve.py", *files, "--model", str(tones_run), "--clients", "4")
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith("| ")]
    assert all(row[-2:] == ["0", "0 |"] for row in rows if row[-1] not in ("wrong |", "--- |"))
    assert "8 of 8 live sessions got their last words; ended with 0" in printed
