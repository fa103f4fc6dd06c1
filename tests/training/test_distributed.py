"""Two processes on one CPU are one; one that fails stops both."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import safetensors.torch
import soundfile
import tiny
import torch

from asr.cli import main
from asr.training import trainer
from asr.training.distributed import DistributedContext, close_group, dist, open_distributed
from asr.util.errors import UserError

FAULT = "asr: cut train-07: 1 samples are NaN or infinite; export the recording again"


def torchrun(arguments: list[str], folder) -> subprocess.CompletedProcess:
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "asr"]
    return subprocess.run(
        [sys.executable, "-m", *launch, *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tiny.ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )


def fork_ranks(arguments: list[str], folder, ranks: int = 2) -> tuple[list[int], list[str]]:
    """Start ranks as torchrun does, without its imports; return statuses and standard errors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    for rank in range(ranks):
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        enter = functools.partial(os.environ.update, place)
        processes.append(tiny.start(arguments, folder / f"rank{rank}", enter))
    statuses = [tiny.wait(process) for process in processes]
    return statuses, [(folder / f"rank{rank}").read_text() for rank in range(ranks)]


# The batch bound leaves some batches one utterance: there the second process only keeps step.
SETTINGS = [*tiny.STILL, "data.batch_s=2", "trainer.epochs=2"]


@pytest.fixture
def alone(tones, tmp_path):
    """The run of one process."""
    assert main(tiny.arguments(tones, tmp_path / "one", *SETTINGS)) == 0
    return tmp_path / "one"


def assert_equal_runs(one, two) -> None:
    weights = [safetensors.torch.load_file(run / "last.safetensors") for run in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], rtol=1e-3, atol=1e-4)
    rows = [
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (one, two)
    ]
    for lone, shared in zip(*rows, strict=True):
        for key in ("loss", "dev_loss", "dev_wer", "dev_cer", "lr", "norm"):
            assert shared[key] == pytest.approx(lone[key], rel=1e-3), key


def test_two_processes_equal_one(tones, alone, tmp_path):
    statuses, said = fork_ranks(tiny.arguments(tones, tmp_path / "two", *SETTINGS), tmp_path)
    assert statuses == [0, 0], said
    assert "processes: 2" in said[0]
    assert "parameters" not in said[1]  # one process speaks
    assert_equal_runs(alone, tmp_path / "two")


@pytest.mark.slow
def test_three_processes_with_uneven_micro_batches_equal_one(tones, alone, tmp_path):
    """Some have two micro-batches, some one, some only an utterance of weight 0."""
    command = tiny.arguments(tones, tmp_path / "three", *SETTINGS, "trainer.micro_batches=2")
    statuses, said = fork_ranks(command, tmp_path, ranks=3)
    assert statuses == [0, 0, 0], said
    assert_equal_runs(alone, tmp_path / "three")


def test_two_processes_resume_what_one_began(tones, alone, tmp_path):
    """They stop together in the middle of an epoch, and its loss is counted whole."""
    begun = tmp_path / "two"
    command = tiny.arguments(tones, begun, *SETTINGS)
    assert (
        tiny.wait(tiny.start(command, tmp_path / "err", functools.partial(stop_in_step, 5))) == 130
    )
    statuses, said = fork_ranks(command, tmp_path)
    assert statuses == [0, 0], said
    assert_equal_runs(alone, begun)


def test_a_signal_to_one_process_saves_and_stops_both(tones, alone, tmp_path, monkeypatch):
    command = tiny.arguments(tones, tmp_path / "two", *SETTINGS)
    monkeypatch.setattr(tiny, "start", functools.partial(start_stopping, tiny.start))
    statuses, said = fork_ranks(command, tmp_path)
    assert statuses == [130, 130], said
    monkeypatch.undo()
    assert main(command) == 0
    assert_equal_runs(alone, tmp_path / "two")


def test_two_processes_resume_to_the_very_bits(tones, tmp_path, monkeypatch):
    """With dropout and augmentation, of which each process draws its own."""
    settings = ["data.batch_s=2", "trainer.epochs=2"]
    statuses, said = fork_ranks(tiny.arguments(tones, tmp_path / "whole", *settings), tmp_path)
    assert statuses == [0, 0], said
    command = tiny.arguments(tones, tmp_path / "broken", *settings)
    with monkeypatch.context() as patch:
        patch.setattr(tiny, "start", functools.partial(start_stopping, tiny.start))
        statuses, said = fork_ranks(command, tmp_path)
        assert statuses == [130, 130], said
    statuses, said = fork_ranks(command, tmp_path)
    assert statuses == [0, 0], said
    tiny.assert_same_run(tmp_path / "broken", tmp_path / "whole")


def test_processes_that_find_different_states_are_refused(tones, tmp_path, monkeypatch):
    """Each machine had a run folder of its own: only the main process's has the state."""
    command = tiny.arguments(tones, tmp_path / "run", *SETTINGS)
    assert main([*command, "trainer.epochs=1"]) == 0
    monkeypatch.setattr(tiny, "start", functools.partial(start_forgetting, tiny.start))
    statuses, said = fork_ranks(command, tmp_path)
    assert statuses == [1, 1], said
    assert "asr: " + f"{tmp_path}/run: processes found different states of this run" in said[0]


def test_processes_with_other_settings_are_refused(tones, tmp_path, monkeypatch):
    """The command is typed on each machine; where the machine keeps its files is its own matter."""
    monkeypatch.setattr(tiny, "start", functools.partial(start_differing, tiny.start))
    statuses, said = fork_ranks(tiny.arguments(tones, tmp_path / "run", *SETTINGS), tmp_path)
    assert statuses == [1, 1], said
    assert "data.batch_s is 2.0 in process 0, 3.0 in process 1; trainer.epochs is 2" in said[0]
    assert "workers" not in said[0]


def start_differing(start, command, stderr, before):
    """Start a process; rank 1 has other settings."""
    others = ["data.batch_s=3", "trainer.epochs=9", "trainer.workers=1"]
    return start([*command, *(others if stderr.name == "rank1" else [])], stderr, before)


def start_forgetting(start, command, stderr, before):
    """Start a process; rank 1 finds no state."""

    def enter():
        before()
        if os.environ["RANK"] == "1":
            trainer.load_state = lambda *_: None

    return start(command, stderr, enter)


def start_stopping(start, command, stderr, before):
    """Start a process; rank 1, and that one alone, is stopped in its fifth step."""

    def enter():
        before()
        if os.environ["RANK"] == "1":
            stop_in_step(5)

    return start(command, stderr, enter)


def stop_in_step(step: int) -> None:
    """Have Ctrl-C come in the middle of a step of this process."""
    original, steps = torch.Tensor.backward, 0

    def backward(self: torch.Tensor) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGINT)
        original(self)

    torch.Tensor.backward = backward  # type: ignore[method-assign]


@pytest.mark.slow
def test_torchrun_equals_one_process(tones, alone, tmp_path):
    done = torchrun(tiny.arguments(tones, tmp_path / "two", *SETTINGS), tmp_path)
    assert done.returncode == 0, done.stderr
    assert_equal_runs(alone, tmp_path / "two")


@pytest.mark.slow
def test_torchrun_sweeps(tones, tmp_path):
    """A second group of processes would wait for ever on the store that the first left behind."""
    settings = [s for s in tiny.arguments(tones, tmp_path, *SETTINGS) if "run_dir" not in s]
    done = torchrun([*settings, "seed=1,2", "-m", f"run_dir={tmp_path}/run-${{seed}}"], tmp_path)
    assert done.returncode == 0, done.stderr
    for seed in (1, 2):
        assert len((tmp_path / f"run-{seed}" / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.fixture
def one_bad(tmp_path):
    """A corpus with one recording that only one of two processes will load."""
    corpus = tiny.write_corpus(tmp_path)
    samples = soundfile.read(corpus / "train-07.wav")[0]
    samples[100] = float("nan")
    soundfile.write(corpus / "train-07.wav", samples, tiny.RATE, subtype="FLOAT")
    return corpus


def errors_in(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("asr: ")]


def test_a_process_that_fails_says_why_and_the_other_does_not_wait(one_bad, tmp_path):
    command = tiny.arguments(one_bad, tmp_path / "run", "augment=none")
    statuses, said = fork_ranks(command, tmp_path)
    assert 1 in statuses
    assert 0 not in statuses
    assert errors_in("".join(said)) == [FAULT]


@pytest.mark.slow
def test_a_process_that_fails_stops_all_of_torchrun(one_bad, tmp_path):
    done = torchrun(tiny.arguments(one_bad, tmp_path / "run", "augment=none"), tmp_path)
    assert done.returncode != 0
    assert errors_in(done.stderr) == [FAULT]


def test_alone_there_is_nothing_to_gather():
    context = DistributedContext(0, 1, torch.device("cpu"))
    model = torch.nn.Linear(1, 1)
    assert context.replicate(model) is model
    assert context.gather("x") == ["x"]
    assert context.any(True)
    assert not context.any(False)
    assert context.is_main
    assert not DistributedContext(1, 2, torch.device("cpu")).is_main


def test_a_device_that_is_not_here_is_refused_with_the_settings_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        pytest.raises(UserError, match=r"^trainer\.device: .* no CUDA device here"),
        open_distributed("cuda"),
    ):
        pass
    with open_distributed("auto") as context:
        assert context.device.type == "cpu"


def test_more_processes_than_devices_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match=r"at most 2, .* number 3; start"), open_distributed("auto"):
        pass


def test_a_process_that_fails_does_not_wait_for_the_others_to_leave(monkeypatch):
    """NCCL's farewell waits for everyone; gloo's, which the other tests have, does not."""
    farewells = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: farewells.append("bye"))
    with pytest.raises(UserError, match="broken"), open_distributed("cpu"):
        raise UserError("broken")
    assert not farewells
    with open_distributed("cpu"):
        pass
    assert not farewells  # a sweep's next job needs the group
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    close_group()
    assert farewells == ["bye"]
