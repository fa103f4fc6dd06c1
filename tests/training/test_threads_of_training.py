"""Micro-batches at the same time, in turn, and in two processes are the same training."""

import functools

import pytest
import tiny
import torch
from test_distributed import fork_ranks

from asr.cli import main
from asr.training import gradients

USUAL = "trainer.micro_batches=null"


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# Some batches have fewer utterances than micro-batches.
@pytest.mark.parametrize("settings", [[USUAL], ["trainer.micro_batches=3", "data.batch_s=2"]])
def test_threads_change_no_bit(tones, tmp_path, threads, monkeypatch, settings):
    settings = [*settings, "trainer.epochs=2"]
    at_once, numbers = gradients.call_in_threads, []

    def call_in_threads(function, calls, workers, threads):
        numbers.append((workers, threads))
        return at_once(function, calls, workers, threads)

    monkeypatch.setattr(gradients, "call_in_threads", call_in_threads)
    assert main(tiny.arguments(tones, tmp_path / "one", *settings)) == 0
    assert not numbers
    assert main(tiny.arguments(tones, tmp_path / "two", *settings, "trainer.threads=2")) == 0
    assert set(numbers) == {(2, 1)}
    tiny.assert_same_run(tmp_path / "two", tmp_path / "one")


def test_two_processes_change_no_bit(tones, tmp_path):
    command = functools.partial(tiny.arguments, tones)
    assert main(command(tmp_path / "one", USUAL)) == 0
    statuses, said = fork_ranks(command(tmp_path / "two", USUAL), tmp_path)
    assert statuses == [0, 0], said
    tiny.assert_same_run(tmp_path / "two", tmp_path / "one")
