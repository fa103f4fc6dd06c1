"""Signals that come while the network computes."""

import subprocess
import sys

import pytest
import tiny

# Signals every half millisecond, all through the training of an LSTM, and in a process of its own:
# in this one pytest has enabled faulthandler.
STRUCK = """
import signal
import torch
from asr.cli.streams import make_usable
from asr.training.interrupt import StopRequested

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


@pytest.mark.parametrize("closed", ["", "2>&-"])
def test_signals_leave_the_memory_of_an_lstm_alone(closed):
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, STRUCK],
        cwd=tiny.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
