"""The training of an LSTM language model: batches, resuming, and the model it writes."""

import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from asr.cli import main
from asr.lm.neural.subwords import SENTENCE_END, learn_subwords
from asr.lm.sentences import read_sentences
from asr.training import run_folder
from asr.training.neural_lm import batches, train
from asr.training.neural_lm.batches import Sentences
from asr.training.neural_lm.network import IGNORED
from asr.util.paths import LM_NAME

SMALL = ["--kind", "lstm", "--subwords", "30", "--hidden-size", "8"]


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sentences of a few words, one of which is longer than the gradient reaches."""
    monkeypatch.setattr(batches, "BATCH_SUBWORDS", 64)
    monkeypatch.setattr(batches, "LONGEST", 16)
    draw = np.random.default_rng(2)
    words = ["the", "cat", "hat", "sat", "a"]
    lines = [" ".join(words[i] for i in draw.integers(0, 5, size)) for size in range(1, 9)] * 6
    file = tmp_path / "text.txt"
    file.write_text("\n".join([*lines, " ".join(words * 5)]) + "\n")
    return file


def test_an_epoch_has_every_sentence_once(text: Path) -> None:
    ids, _ = learn_subwords(tokens := read_sentences(text), 30).encode_text(tokens)
    sentences = Sentences(ids)
    plan = sentences.plan(1, 1)
    found = []
    for batch in plan:
        inputs, targets = (tensor.numpy() for tensor in sentences.collate(batch))
        assert inputs.size <= 64
        for before, after in zip(inputs.T, targets.T, strict=True):
            length = np.count_nonzero(after != IGNORED)
            assert before[0] == SENTENCE_END
            assert (before[1:length] == after[: length - 1]).all()
            found.append(after[:length].tolist())
    whole = np.split(ids, np.flatnonzero(ids == SENTENCE_END) + 1)[:-1]
    parts = [one[first : first + 16].tolist() for one in whole for first in range(0, len(one), 16)]
    assert sorted(found) == sorted(parts)
    assert len(parts) > len(whole)


def test_batches_depend_on_seed_and_epoch_alone(text: Path) -> None:
    ids, _ = learn_subwords(tokens := read_sentences(text), 30).encode_text(tokens)
    one, same, other, later = (
        [batch.tolist() for batch in Sentences(ids).plan(seed, epoch)]
        for seed, epoch in ((1, 1), (1, 1), (2, 1), (1, 2))
    )
    assert one == same
    assert one != other
    assert one != later


def test_a_stopped_training_gives_the_bits_of_a_whole_one(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = ["lm", "train", str(text), *SMALL, "--epochs", "2", "--output"]
    assert main([*command, str(whole)]) == 0
    assert "perplexity a word, while training" in capsys.readouterr().out

    step, steps = train._Trainer._step, []

    def stop_sometimes(self: object, *arguments: object) -> tuple[float, int]:
        steps.append(1)
        if len(steps) in (3, 7):
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train._Trainer, "_step", stop_sometimes)
    for _ in range(2):
        assert main([*command, str(parts)]) == 130
        assert not (parts / LM_NAME).exists()
        assert "the same command goes on from here" in capsys.readouterr().err
    assert main([*command, str(parts)]) == 0
    assert (parts / LM_NAME).read_bytes() == (whole / LM_NAME).read_bytes()
    done = len(steps)
    assert main([*command, str(parts)]) == 0  # nothing is left to do
    assert len(steps) == done


def test_training_lowers_the_perplexity_and_another_run_is_refused(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "AVERAGE_DECAY", 0.5)
    monkeypatch.setattr(train, "PEAK_RATE", 0.03)
    run = tmp_path / "run"
    command = ["lm", "train", str(text), *SMALL, "--epochs", "12", "--output", str(run)]
    assert main(command) == 0
    capsys.readouterr()
    assert main(["lm", "info", str(run / LM_NAME), str(text)]) == 0
    shown = capsys.readouterr().out
    perplexity = float(shown.split("perplexity ")[1].split(",")[0])
    assert "LSTM of 8 units" in shown
    assert 4 < perplexity < 9  # five words and the end, and the lengths tell no more
    assert main([*command, "--seed", "2"]) == 1
    assert "run with other settings: seed is 1 there, 2 here" in capsys.readouterr().err


def test_a_folder_in_use_is_refused(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lock(_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "locked")

    monkeypatch.setattr(run_folder, "_lock", lock)
    assert main(["lm", "train", str(text), *SMALL, "--output", str(tmp_path)]) == 1
    assert "another process trains in this folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--kind", "lstm", "--order", "3"], "--order: of --kind ngram"),
        (["--hidden-size", "8"], "--hidden-size: of --kind lstm"),
        (["--kind", "lstm", "--unit", "char"], "--unit char"),
        ([*SMALL, "--hidden-size", "0"], "hidden size"),
        ([*SMALL, "--epochs", "0"], "epochs"),
        ([*SMALL, "--seed", "-1"], "seed: expected 0 or more, found -1"),
        ([*SMALL, "--subwords", "3"], "subwords: expected 9 or more"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    text: Path, tmp_path: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lm", "train", str(text), *flags, "--output", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
