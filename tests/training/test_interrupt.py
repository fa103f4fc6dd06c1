"""Signals that come while the network computes."""

import subprocess
import sys

import tiny

# Signals every half millisecond, all through the training of an LSTM, and in a process of its own:
# in this one pytest has enabled faulthandler.
STRUCK = """
import signal
import torch
from asr.training.interrupt import StopRequested

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
