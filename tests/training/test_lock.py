"""Two trainings in one folder: the second is refused, and a death leaves nothing in the way."""

import errno
import os
import signal

import tiny
import torch

from asr.cli import main
from asr.training import lock
from asr.training.distributed import DistributedContext


def test_a_second_training_is_refused_until_the_first_has_died(tones, tmp_path, capsys):
    """The loader's workers, which are forked, outlive the first by seconds."""
    run_dir = tmp_path / "run"
    endless = tiny.arguments(tones, run_dir, "trainer.epochs=100000", "trainer.workers=2")
    first = tiny.start(endless, tmp_path / "err")
    tiny.wait_for(run_dir / "state.pt", first)
    os.kill(first, signal.SIGSTOP)  # it holds the folder, and writes nothing meanwhile
    os.waitpid(first, os.WUNTRACED)
    before = {path.name: path.read_bytes() for path in run_dir.iterdir()}

    assert main(tiny.arguments(tones, run_dir)) == 1

    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"asr: {run_dir}: another process trains in this folder; "
        "wait for it, stop it, or choose another run_dir"
    ]
    assert {path.name: path.read_bytes() for path in run_dir.iterdir()} == before
    os.kill(first, signal.SIGKILL)
    assert tiny.wait(first) == -signal.SIGKILL
    assert main(tiny.arguments(tones, run_dir, "trainer.epochs=1")) == 0


def test_a_training_that_has_ended_leaves_the_folder_free(tones, tmp_path):
    """In a sweep, one process trains many times."""
    for epochs in (1, 2):
        assert main(tiny.arguments(tones, tmp_path, f"trainer.epochs={epochs}")) == 0
        attempt = tiny.start(tiny.arguments(tones, tmp_path, "trainer.epochs=1"), tmp_path / "err")
        assert tiny.wait(attempt) == 0, (tmp_path / "err").read_text()


def test_where_nothing_can_be_locked_one_trains_without(tones, tmp_path, monkeypatch):
    def no_locks(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock", no_locks)
    assert main(tiny.arguments(tones, tmp_path, "trainer.epochs=1")) == 0
    assert "cannot be locked ([Errno" in (tmp_path / "train.log").read_text()


def test_only_the_main_process_locks(tmp_path):
    with lock.sole_training(tmp_path, DistributedContext(1, 2, torch.device("cpu"))):
        assert not list(tmp_path.iterdir())
