"""Signals during a step, freed memory that is kept, and missing memory that is explained."""

import subprocess
import sys

import pytest
import tiny
import torch

from asr.cli import main
from asr.model.ctc_model import CTCModel

# Signals every half millisecond, all through the training of an LSTM, and in processes of their
# own, since pytest has enabled faulthandler in this one. The second has a closed standard error.
STRUCK = """
import os, signal, sys
import torch
from asr.cli.messages import make_usable
from asr.training.process import StopRequested

if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    os.close(2)
    sys.stderr = None  # as Python starts then
make_usable()
torch.set_num_threads(1)
layer, features = torch.nn.LSTM(64, 64, batch_first=True), torch.randn(16, 40, 64)
with StopRequested() as stop:
    signal.signal(signal.SIGALRM, stop._note)
    signal.setitimer(signal.ITIMER_REAL, 5e-4, 5e-4)
    for _ in range(30):
        layer(features)[0].sum().backward()
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert stop.requested
"""


def test_signals_leave_the_memory_of_an_lstm_alone():
    done = subprocess.run(
        [sys.executable, "-c", STRUCK], cwd=tiny.ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


COUNT_FAULTS = """
import resource
import numpy as np
from asr.training.process import keep_freed_memory

def count():
    np.ones(5_000_000)  # more than the 32 MB that glibc may keep by itself
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.ones(5_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(count(), keep_freed_memory(), count())
"""


RETURN_MEMORY = """
import numpy as np
from asr.training.process import keep_freed_memory, return_freed_memory

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 // 2**20

print(keep_freed_memory())
blocks = [np.ones(1_000_000) for _ in range(20)]
last = np.ones(1_000_000)  # what lies before it cannot be cut off the heap's end
del blocks
print(resident_mb(), return_freed_memory(), resident_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's count of pages")
def test_freed_memory_between_used_blocks_is_returned():
    command = [sys.executable, "-c", RETURN_MEMORY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, before, _, after = done.stdout.split()
    if kept == "False":
        pytest.skip("this C library has no mallopt")
    assert int(after) < int(before) - 100


@pytest.mark.skipif(sys.platform != "linux", reason="counts the page faults of Linux")
def test_pages_are_asked_for_once():
    command = [sys.executable, "-c", COUNT_FAULTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, kept, after = done.stdout.split()
    if kept == "False":
        pytest.skip("this C library has no mallopt")
    assert int(after) < int(before) / 4


def test_a_full_device_is_explained(tones, tmp_path, capsys, monkeypatch):
    def forward(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(CTCModel, "forward", forward)
    assert main(tiny.arguments(tones, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "asr: epoch 1, batch 1: the device has no memory left for this batch" in said
    assert "Traceback" not in said
