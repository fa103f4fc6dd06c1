"""A run that is killed and started again ends as if nothing had happened."""

import errno
import functools
import os
import random
import select
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
import tiny
import torch

from asr.cli import main
from asr.training import trainer
from asr.util import files

WRITES = 12  # at least, in a run of three epochs: states, last and best models


@pytest.fixture
def chance() -> random.Random:
    """Draw other moments in every run of the tests, and show of a failed one which."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"random.Random({seed})")
    return random.Random(seed)


def die_in_write(number: int, moment: str):
    """Make the process kill itself at a moment of its `number`th write, counted from 0."""

    def before() -> None:
        written = 0
        original = Path.replace

        def replace(self: Path, target: Path) -> Path:
            nonlocal written
            if written == number and moment == "half written":
                self.write_bytes(self.read_bytes()[: self.stat().st_size // 2])
            if written == number and moment != "moved":
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(self, target)
            if written == number:
                os.kill(os.getpid(), signal.SIGKILL)
            written += 1
            return result

        Path.replace = replace  # type: ignore[method-assign]

    return before


def die_in_step(number: int):
    """Make the process kill itself in its `number`th backward pass."""

    def before() -> None:
        steps = 0
        original = torch.Tensor.backward

        def backward(self: torch.Tensor) -> None:
            nonlocal steps
            original(self)
            steps += 1
            if steps == number:
                os.kill(os.getpid(), signal.SIGKILL)

        torch.Tensor.backward = backward  # type: ignore[method-assign]

    return before


def kill_and_resume(command: list[str], stderr: Path, deaths: list) -> None:
    """Die at each place in turn, though later ones may come after the run's end; then finish."""
    statuses = [tiny.wait(tiny.start(command, stderr, death)) for death in deaths]
    assert statuses[0] == -signal.SIGKILL, stderr.read_text()
    assert set(statuses) <= {-signal.SIGKILL, 0}, stderr.read_text()
    assert tiny.wait(tiny.start(command, stderr)) == 0, stderr.read_text()


def test_the_uninterrupted_run_is_the_same_with_loader_workers(tones, tones_run, tmp_path):
    command = tiny.arguments(tones, tmp_path / "run", "trainer.workers=2")
    assert tiny.wait(tiny.start(command, tmp_path / "err")) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


@pytest.mark.parametrize(("workers", "times"), [(0, 2), (2, 1)])
def test_killed_in_steps(tones, tones_run, tmp_path, chance, workers, times):
    command = tiny.arguments(tones, tmp_path / "run", f"trainer.workers={workers}")
    deaths = [die_in_step(chance.randint(1, 7)) for _ in range(times)]
    kill_and_resume(command, tmp_path / "err", deaths)
    tiny.assert_same_run(tmp_path / "run", tones_run)


def test_workers_end_with_a_killed_trainer(tones, tmp_path):
    command = tiny.arguments(tones, tmp_path / "run", "trainer.workers=2", "trainer.epochs=1000")
    alive, held = os.pipe()  # until the last process that holds it has ended
    process = tiny.start(command, tmp_path / "err", die_in_step(8))
    os.close(held)
    assert tiny.wait(process) == -signal.SIGKILL
    assert select.select([alive], [], [], 60)[0], "a worker goes on"
    assert os.read(alive, 1) == b""
    os.close(alive)


@pytest.mark.parametrize("moment", ["half written", "not moved", "moved"])
def test_killed_in_writes(tones, tones_run, tmp_path, chance, moment):
    command = tiny.arguments(tones, tmp_path / "run")
    kill_and_resume(
        command, tmp_path / "err", [die_in_write(chance.randint(0, WRITES - 1), moment)]
    )
    tiny.assert_same_run(tmp_path / "run", tones_run)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["half written", "not moved", "moved"])
@pytest.mark.parametrize("number", range(WRITES))
def test_killed_in_every_write(tones, tones_run, tmp_path, number, moment):
    command = tiny.arguments(tones, tmp_path / "run")
    kill_and_resume(command, tmp_path / "err", [die_in_write(number, moment)])
    tiny.assert_same_run(tmp_path / "run", tones_run)


def kill_at_random(
    tones: Path, whole: Path, folder: Path, chance: random.Random, workers: int, kills: int
) -> None:
    run_dir = folder / "run"
    command = tiny.arguments(tones, run_dir, f"trainer.workers={workers}")
    for _ in range(kills):
        process = tiny.start(command, folder / "err")
        delay_s = chance.uniform(0, 1.5)
        time.sleep(delay_s)
        os.kill(process, signal.SIGKILL)
        assert tiny.wait(process) in (-signal.SIGKILL, 0)
    assert tiny.wait(tiny.start(command, folder / "err")) == 0, (folder / "err").read_text()
    tiny.assert_same_run(run_dir, whole)


def test_killed_at_a_random_moment(tones, tones_run, tmp_path, chance):
    kill_at_random(tones, tones_run, tmp_path, chance, workers=2, kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2] * 10)
def test_killed_at_many_random_moments(tones, tones_run, tmp_path, chance, workers):
    kill_at_random(tones, tones_run, tmp_path, chance, workers, kills=4)


def test_stopped_while_dev_is_scored(tones, tones_run, tmp_path, monkeypatch):
    """The epoch that was trained is kept, however long scoring takes."""
    command = tiny.arguments(tones, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "score_dev", Mock(side_effect=KeyboardInterrupt))
        assert main(command) == 130
    progress = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["progress"]
    assert progress["epoch"] == 0 and progress["batch"] > 0
    assert main(command) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


def test_killed_between_the_metrics_and_the_state(tones, tones_run, tmp_path, monkeypatch):
    """The epoch is in metrics.jsonl then, but not in the state: it must not stand there twice."""

    class DeathError(Exception):
        pass

    def save_state(run_dir, progress, parts, fingerprint):
        if progress.epoch == 2:
            raise DeathError
        files_save(run_dir, progress, parts, fingerprint)

    files_save = trainer.save_state
    monkeypatch.setattr(trainer, "save_state", save_state)
    with pytest.raises(DeathError):
        main(tiny.arguments(tones, tmp_path))
    assert [m["epoch"] for m in tiny.metrics(tmp_path)] == [1, 2]
    monkeypatch.undo()
    assert main(tiny.arguments(tones, tmp_path)) == 0
    tiny.assert_same_run(tmp_path, tones_run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_first(tones, tones_run, tmp_path, number):
    stop_and_resume(tones, tones_run, tmp_path, number, saved=5)
    assert "asr: stopped; the same command goes on from here" in (tmp_path / "err").read_text()


def test_sigterm_may_come_twice(tones, tones_run, tmp_path):
    """`timeout` sends it to the process and then to the group that the process is in."""
    stop_and_resume(tones, tones_run, tmp_path, signal.SIGTERM, times=2, saved=5)


def test_a_second_ctrl_c_does_not_wait_for_the_step(tones, tones_run, tmp_path):
    stop_and_resume(tones, tones_run, tmp_path, signal.SIGINT, times=2, saved=4)


def stop_and_resume(tones, tones_run, tmp_path, number, saved, times=1):
    """Signal a run in its fifth step, which save_every_steps=2 does not save by itself."""
    command = tiny.arguments(tones, tmp_path / "run")
    signalled = functools.partial(signal_in_step, number, 5, times=times)
    assert tiny.wait(tiny.start(command, tmp_path / "err", signalled)) == 130
    progress = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["progress"]
    assert progress["step"] == saved
    assert main(command) == 0
    tiny.assert_same_run(tmp_path / "run", tones_run)


def signal_in_step(number: int, step: int, times: int = 1) -> None:
    """Send this process a signal in the middle of a step."""
    original, steps = torch.Tensor.backward, 0

    def backward(self: torch.Tensor) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            for _ in range(times):
                os.kill(os.getpid(), number)
        original(self)

    torch.Tensor.backward = backward  # type: ignore[method-assign]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_saves_first_too(tones, tmp_path, chance, number):
    """Ctrl-C in a terminal and a cluster's scancel reach the loader's workers as well."""
    run_dir = tmp_path / "run"
    command = tiny.arguments(tones, run_dir, "trainer.workers=2", "trainer.epochs=1000")
    process = tiny.start(command, tmp_path / "err", os.setpgrp)
    tiny.wait_for(run_dir / "state.pt", process)
    time.sleep(chance.uniform(0, 0.3))
    os.killpg(process, number)
    assert tiny.wait(process) == 130, (tmp_path / "err").read_text()
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_a_signal_does_not_end_a_worker_that_is_starting(tones, tones_run, tmp_path):
    command = tiny.arguments(tones, tmp_path / "run", "trainer.workers=1")
    process = tiny.start(command, tmp_path / "err", sigterm_in_worker_start)
    assert tiny.wait(process) == 0, (tmp_path / "err").read_text()
    tiny.assert_same_run(tmp_path / "run", tones_run)


def sigterm_in_worker_start() -> None:
    """Send each worker SIGTERM once torch has its own handler there, which ends the process."""
    from torch.utils.data._utils import signal_handling

    from asr.data import loading

    loading.WORKER_GRACE_S = 100
    original = signal_handling._set_worker_signal_handlers

    def set_handlers() -> None:
        original()
        os.kill(os.getpid(), signal.SIGTERM)

    signal_handling._set_worker_signal_handlers = set_handlers


def test_a_finished_run_has_nothing_left(tones, tones_run, capsys):
    before = (tones_run / "model.safetensors").stat().st_mtime_ns
    assert main(tiny.arguments(tones, tones_run)) == 0
    assert "nothing left to train" in capsys.readouterr().err
    assert (tones_run / "model.safetensors").stat().st_mtime_ns == before
    assert [m["epoch"] for m in tiny.metrics(tones_run)] == [1, 2, 3]


def test_resuming_may_change_length_and_machine(tones, tmp_path):
    assert main(tiny.arguments(tones, tmp_path, "trainer.epochs=1")) == 0
    changed = ("trainer.epochs=2", "trainer.save_every_steps=7", "trainer.device=auto")
    logging = ("trainer.tensorboard=true", "trainer.patience_epochs=9")
    fitting = ("trainer.micro_batches=2",)
    for name in ("train", "dev"):
        (tmp_path / f"{name}.jsonl.gz").write_bytes((tones / f"{name}.jsonl.gz").read_bytes())
    moved = (f"data.train={tmp_path}/train.jsonl.gz", f"data.dev={tmp_path}/dev.jsonl.gz")
    assert main(tiny.arguments(tones, tmp_path, *changed, *logging, *fitting, *moved)) == 0
    assert [m["epoch"] for m in tiny.metrics(tmp_path)] == [1, 2]
    assert list((tmp_path / "events").iterdir())


def test_resuming_refuses_other_settings_and_names_each(tones, tones_run, capsys):
    other = ("seed=7", "encoder.dropout=0.5", "augment.speeds=[1.0]", "data.batch_s=2")
    before = sorted(path.stat().st_mtime_ns for path in tones_run.glob("*.safetensors"))
    assert main(tiny.arguments(tones, tones_run, *other)) == 1
    said = capsys.readouterr().err
    for difference in (
        "seed is 1 there, 7 here",
        "encoder.dropout is 0.2 there, 0.5 here",
        "augment.speeds is [0.9, 1.0, 1.1] there, [1.0] here",
        "data.batch_s is 3.0 there, 2.0 here",
    ):
        assert difference in said
    assert "trainer.epochs" not in said
    assert sorted(path.stat().st_mtime_ns for path in tones_run.glob("*.safetensors")) == before


def test_resuming_refuses_other_data(tones, tmp_path, capsys):
    corpus = tiny.write_corpus(tmp_path)
    run_dir = tmp_path / "run"
    assert main(tiny.arguments(corpus, run_dir, "trainer.epochs=1")) == 0
    (corpus / "test.jsonl.gz").replace(corpus / "train.jsonl.gz")
    assert main(tiny.arguments(corpus, run_dir, "trainer.epochs=2")) == 1
    said = capsys.readouterr().err
    assert "the training utterances is '12 with checksum" in said
    assert "'4 with checksum" in said


def test_a_state_that_may_be_sound_is_not_to_be_deleted(tones, tmp_path, capsys, monkeypatch):
    command = tiny.arguments(tones, tmp_path, "trainer.epochs=1")
    assert main(command) == 0
    torch.save({"format": 99, "of": "another kind"}, tmp_path / "state.pt")
    capsys.readouterr()
    assert main(command) == 1
    assert "of format 99, expected at most 2; resume with the newer" in capsys.readouterr().err

    def stale(*_, **__):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(torch, "load", stale)
    assert main(command) == 1
    assert "state.pt: cannot be read: Stale file handle; mend that" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04 cut short"])
def test_a_damaged_state_is_named(tones, tmp_path, capsys, content):
    (tmp_path / "state.pt").write_bytes(content)
    assert main(tiny.arguments(tones, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "state.pt: not a readable training state" in said
    assert "delete it" in said
    assert "Traceback" not in said


def test_partial_files_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".state.pt.partial123").write_text("half")
    (tmp_path / "state.pt").write_text("whole")
    files.remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
