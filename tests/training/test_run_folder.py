"""A run folder takes one training at a time, and a full disk ends a run in one sentence."""

import errno
import io
import os
import signal
from pathlib import Path

import pytest
import tiny
import torch

from asr.cli import main
from asr.training import run_folder
from asr.training.distributed import DistributedContext
from asr.training.metric_logger import MetricLogger
from asr.training.run_folder import explain_full_disk
from asr.util.errors import UserError
from asr.util.files import write_text


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
        "wait for it, stop it, or choose another folder"
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

    monkeypatch.setattr(run_folder, "_lock", no_locks)
    assert main(tiny.arguments(tones, tmp_path, "trainer.epochs=1")) == 0
    assert "cannot be locked ([Errno" in (tmp_path / "train.log").read_text()


def test_only_the_main_process_locks(tmp_path):
    with run_folder.lock_run_folder(tmp_path, DistributedContext(1, 2, torch.device("cpu"))):
        assert not list(tmp_path.iterdir())


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("written", [0, 4])
def test_a_run_goes_on_from_where_the_disk_was_full(
    tones, tones_run, tmp_path, monkeypatch, capsys, written
):
    """Whichever of its files it was."""
    command = tiny.arguments(tones, tmp_path / "run")
    fsync, left = os.fsync, [None] * written
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: (left.pop(), fsync(file)) if left else full())
        assert main(command) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "cannot be written: No space left on device" in said
    assert "make room for 0.0" in said
    goes_on = "resumes from the last state" if written else "begins anew: none was saved"
    assert said.rstrip().endswith(f"the same command {goes_on} ({tmp_path / 'run' / 'state.pt'})")
    assert not list((tmp_path / "run").glob(".*partial*"))
    assert main(command) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


def test_a_state_too_large_for_the_disk_is_reported_as_such(tones, tmp_path, monkeypatch, capsys):
    """Its writer, at the end of a file that could not be written, raises a RuntimeError."""
    opened = Path.open

    def open_full(path: Path, *args, **kwargs):
        file = opened(path, *args, **kwargs)
        if ".state.pt.partial" not in path.name:
            return file
        file.close()
        return Full()

    class Full(io.BytesIO):
        write = full

    monkeypatch.setattr(Path, "open", open_full)
    assert main(tiny.arguments(tones, tmp_path / "run")) == 1
    said = capsys.readouterr().err
    assert "state.pt: cannot be written: No space left on device; make room for 0.07 MB" in said


def test_metrics_that_do_not_fit_on_the_disk_are_reported_too(tones, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(MetricLogger, "epoch", full)
    assert main(tiny.arguments(tones, tmp_path / "run")) == 1
    said = capsys.readouterr().err
    assert f"asr: {tmp_path}/run: No space left on device; make room, then try again: the" in said
    assert "resumes from the last state" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no such device")
def test_a_log_that_does_not_fit_prints_no_traceback(tones, tmp_path, capsys):
    (tmp_path / "train.log").symlink_to("/dev/full")
    assert main(tiny.arguments(tones, tmp_path, "trainer.epochs=1")) == 0
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "Logging error" not in said
    assert "best epoch 1 of 1" in said


def test_other_errors_pass(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"give another path$"), explain_full_disk(tmp_path):
        write_text(tmp_path / "file" / "a", "")
    with pytest.raises(FileNotFoundError), explain_full_disk(tmp_path):
        (tmp_path / "nothing").read_text()
