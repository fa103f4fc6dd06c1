"""A full disk ends a run in one sentence, which says what stands and what room is wanted."""

import errno
import io
import os
from pathlib import Path

import pytest
import tiny

from asr.cli import main
from asr.training.metric_logger import MetricLogger
from asr.training.room import room_explained
from asr.util.errors import UserError
from asr.util.files import write_text


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
    goes_on = "goes on from the last state" if written else "begins anew: none was saved"
    assert said.rstrip().endswith(f"the same command {goes_on} ({tmp_path / 'run' / 'state.pt'})")
    assert not list((tmp_path / "run").glob(".*partial*"))
    assert main(command) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


def test_a_state_too_large_for_the_disk_is_not_torchs_to_word(tones, tmp_path, monkeypatch, capsys):
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


def test_notes_that_do_not_fit_say_so_too(tones, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(MetricLogger, "epoch", full)
    assert main(tiny.arguments(tones, tmp_path / "run")) == 1
    said = capsys.readouterr().err
    assert f"asr: {tmp_path}/run: No space left on device; make room, then try again: the" in said
    assert "goes on from the last state" in said


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
    with pytest.raises(UserError, match=r"give another path$"), room_explained(tmp_path):
        write_text(tmp_path / "file" / "a", "")
    with pytest.raises(FileNotFoundError), room_explained(tmp_path):
        (tmp_path / "nothing").read_text()
