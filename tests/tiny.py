"""A corpus of tones and a model of two thousand parameters, for trainings of about a second."""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import safetensors.torch
import soundfile
import torch
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment

from asr.cli import main

ROOT = Path(__file__).parents[1]
RATE = 8000
WORDS = ("ab", "ba", "a")

# With every kind of augmentation and dropout, since resuming must reproduce all of them.
MODEL = [
    "data.batch_s=3",
    "features.sample_rate=8000",
    "features.mel_bins=20",
    "subsampling.channels=4",
    "encoder.layers=1",
    "encoder.hidden_size=8",
    "augment.noise_probability=0.5",
    "augment.reverb_probability=0.5",
    "trainer.epochs=3",
    "trainer.micro_batches=1",
    "trainer.save_every_steps=2",
    "trainer.device=cpu",
    "trainer.threads=1",
    "trainer.tensorboard=false",
]
# Without randomness but in the order of batches.
STILL = [
    "augment=none",
    "augment.noise_probability=0",
    "augment.reverb_probability=0",
    "encoder.dropout=0",
]


def write_corpus(folder: Path) -> Path:
    """Write train.jsonl.gz (12 utterances), dev.jsonl.gz and test.jsonl.gz (4 each)."""
    for seed, (name, count) in enumerate([("train", 12), ("dev", 4), ("test", 4)]):
        rng = np.random.default_rng(seed)
        cuts = [_utterance(folder, f"{name}-{i:02d}", rng) for i in range(count)]
        CutSet.from_cuts(cuts).to_file(folder / f"{name}.jsonl.gz")
    return folder


def _utterance(folder: Path, name: str, rng: np.random.Generator) -> MonoCut:
    time_s = np.arange(int(RATE * rng.uniform(0.6, 1.2))) / RATE
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(200, 3000) * time_s)
    soundfile.write(folder / f"{name}.wav", tone + 0.1 * rng.standard_normal(len(tone)), RATE)
    return cut(folder / f"{name}.wav", " ".join(rng.choice(WORDS, 2)))


def cut(path: Path, text: str) -> MonoCut:
    """Make the cut of a whole recording."""
    recording = Recording.from_file(path)
    supervision = SupervisionSegment(path.stem, recording.id, 0, recording.duration, text=text)
    return MonoCut(path.stem, 0, recording.duration, 0, [supervision], recording=recording)


def damaged_cut(path: Path, kind: str) -> MonoCut:
    """Make the cut of a recording of two seconds, then damage the recording.

    Args:
        path: the recording, a wav file.
        kind: "nan", "cut short", "text" (in place of audio) or "missing".
    """
    soundfile.write(path, np.full(2 * RATE, 0.1), RATE, subtype="FLOAT")
    whole = cut(path, "a")
    if kind == "nan":
        soundfile.write(path, np.full(2 * RATE, np.nan), RATE, subtype="FLOAT")
    elif kind == "cut short":
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "text":
        path.write_text("hello")
    else:
        path.unlink()
    return whole


def arguments(corpus: Path, run_dir: Path, *overrides: str) -> list[str]:
    """Give the command line that trains on `corpus` in `run_dir`."""
    data = [f"data.{name}={corpus}/{name}.jsonl.gz" for name in ("train", "dev")]
    return ["train", "own", *data, *MODEL, f"run_dir={run_dir}", *overrides]


def start(command: list[str], stderr: Path, before: Callable[[], None] | None = None) -> int:
    """Start `asr COMMAND` in a new process, which inherits the imported torch.

    Args:
        command: the command line.
        stderr: the file for the output of the process.
        before: called first in the new process, for example to make it fail at some point.

    Returns:
        The process's id.
    """
    import torch._dynamo  # noqa: F401 (the first optimizer imports it, for seconds)

    import asr.training.recipe  # noqa: F401

    child = os.fork()
    if child == 0:
        _run(command, stderr, before)
    return child


def _run(command: list[str], stderr: Path, before: Callable[[], None] | None) -> NoReturn:
    status = 99
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout = sys.stderr = stderr.open("a", buffering=1)
        if before:
            before()
        status = main(command)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait(process: int, at_most_s: float = 120) -> int:
    """Wait for a process to end; returns its exit status, negative for the signal that ended it."""
    end = time.monotonic() + at_most_s
    while time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    raise TimeoutError(f"the process went on for more than {at_most_s} s")


def wait_for(path: Path, process: int, at_most_s: float = 120) -> None:
    """Wait until a process has written a file."""
    end = time.monotonic() + at_most_s
    while not path.exists():
        assert os.waitpid(process, os.WNOHANG) == (0, 0), "the process ended without this file"
        assert time.monotonic() < end, f"no {path} after {at_most_s} s"
        time.sleep(0.02)


def saved_tensors(run_dir: Path) -> dict[str, torch.Tensor]:
    """Collect the final tensors of a run: of both models, and of the training state."""
    found = {}
    for name in ("model", "last"):
        tensors = safetensors.torch.load_file(run_dir / f"{name}.safetensors")
        found |= {f"{name}/{key}": tensor for key, tensor in tensors.items()}
    state = torch.load(run_dir / "state.pt", weights_only=True)["parts"]
    for name in ("model", "average"):
        found |= {f"state/{name}/{key}": tensor for key, tensor in state[name].items()}
    for number, moments in state["optimizer"]["state"].items():
        found |= {f"optimizer/{number}/{key}": tensor for key, tensor in moments.items()}
    return found


def metrics(run_dir: Path) -> list[dict]:
    """Read a run's metrics of its epochs, without times."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k not in ("speed", "elapsed_s", "waited")}
        for line in lines
    ]


def assert_same_run(run_dir: Path, whole: Path) -> None:
    """Assert that a run equals an uninterrupted one bit for bit."""
    found, expected = saved_tensors(run_dir), saved_tensors(whole)
    assert found.keys() == expected.keys()
    different = [name for name in found if not torch.equal(found[name], expected[name])]
    assert not different
    assert metrics(run_dir) == metrics(whole)
    assert metrics(run_dir)
    assert not list(run_dir.glob(".*partial*"))
