"""Damaged files end in no crash, traceback or hang, and good files are transcribed."""

import math
from pathlib import Path

import damaged_audio
import pytest
from random_models import random_model, random_tokenizer

from asr.audio.selection import Selection
from asr.cli import main
from asr.engine.torch_engine import TorchEngine
from asr.inference.recognizer import Recognizer
from asr.model.model_file import save_model
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_and_good_ones_transcribed(tmp_path: Path, count: int) -> None:
    made = damaged_audio.write(tmp_path, count)
    recognizer = Recognizer(TorchEngine(random_model()), random_tokenizer())

    results = dict(recognizer.transcribe_files([one.path for one in made], Selection(strict=True)))

    assert len(results) == count
    for one in made:
        result = results[one.path]
        if isinstance(result, UserError):
            assert one.good is not True, f"{one.path.name} is good: {result}"
            assert str(result).startswith(f"{one.path}: ") and "\n" not in str(result)
        else:
            assert one.good is not False, f"{one.path.name} was transcribed"
            (transcript,) = result
            assert all(math.isfinite(word.confidence) for word in transcript.words)
    refused = sum(isinstance(result, UserError) for result in results.values())
    assert count / 10 < refused < count / 2


def test_the_command_line_names_each_bad_file_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = damaged_audio.write(tmp_path, 24, seed=1)
    model = random_model()
    save_model(tmp_path / MODEL_NAME, model.state_dict(), model.settings, random_tokenizer(), {})

    status = main(
        ["transcribe", *[str(m.path) for m in made], "--model", str(tmp_path), "--strict"]
    )

    printed = capfd.readouterr()
    transcribed = [line.split("\t")[0] for line in printed.out.splitlines()]
    complaints = [
        line for line in printed.err.splitlines() if not line.startswith("asr: warning: ")
    ]
    assert status == 1
    assert complaints[-1] == f"asr: {len(made) - len(transcribed)} of {len(made)} files failed"
    assert len(transcribed) + len(complaints) - 1 == len(made)
    assert {str(one.path) for one in made if one.good} <= set(transcribed)
