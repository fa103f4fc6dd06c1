"""Freed memory is kept: it comes back without the system's help. Missing memory is explained."""

import subprocess
import sys

import pytest
import tiny
import torch

from asr.cli import main
from asr.model.ctc_model import CTCModel

COUNT_FAULTS = """
import resource, sys
import numpy as np
from asr.training.memory import keep_freed_memory
kept = keep_freed_memory() if "keep" in sys.argv else None
np.ones(8_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(8_000_000)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def problems(*arguments: str) -> tuple[str, int]:
    command = [sys.executable, "-c", COUNT_FAULTS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, count = done.stdout.split()
    return kept, int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_pages_are_asked_for_once():
    kept, count = problems("keep")
    if kept == "False":
        pytest.skip("this C library has no mallopt")
    assert count < problems()[1] / 4


def test_a_full_device_is_explained(tones, tmp_path, capsys, monkeypatch):
    def forward(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(CTCModel, "forward", forward)
    assert main(tiny.arguments(tones, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "asr: epoch 1, batch 1: the device has no memory left for this batch" in said
    assert "Traceback" not in said
