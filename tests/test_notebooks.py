"""Every notebook runs from a fresh kernel, and is committed with its pictures."""

import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import soundfile
from nbclient import NotebookClient
from random_models import random_model, random_tokenizer

from asr.model.model_file import save_model

#: The largest committed notebook.
MOST_BYTES = 400_000
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the notebooks look at a random model and a second of a rising tone, at 8 kHz."""
    model, tokenizer = random_model(), random_tokenizer()
    save_model(tmp_path / "model.safetensors", model.state_dict(), model.settings, tokenizer, {})
    time_s = np.arange(8000) / 8000
    tone = 0.3 * np.sin(2 * np.pi * (300 + 1000 * time_s) * time_s)
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(tone))
    soundfile.write(tmp_path / "tone.wav", tone + noise, 8000)
    (tmp_path / "tone.txt").write_text("A Bad Cab.\n")
    monkeypatch.setenv("ASR_TOUR_MODEL", str(tmp_path / "model.safetensors"))
    monkeypatch.setenv("ASR_TOUR_AUDIO", str(tmp_path / "tone.wav"))
    monkeypatch.setenv("ASR_VANISHING_STEPS", "2")
    monkeypatch.setenv("ASR_LENGTHS_MOST_S", "2")
    run = {"seed": 1, "parameters": 1, "epochs": 1, "minutes": 1.0}
    encoder_comparison = {
        "runs": [
            {"encoder": name, "dev_wer": wer, "test_wer": wer, **run}
            for name, wer in (("gru", 0.2), ("blstm", 0.1))
        ],
        "missing": [{"encoder": "rnn", "seed": 1, "epoch": 0}],
        "speeds": [
            {"encoder": name, "trains_at": 9.0, "real_time_factor": 0.1}
            for name in ("gru", "blstm")
        ],
    }
    (tmp_path / "results.json").write_text(json.dumps(encoder_comparison))
    monkeypatch.setenv("ASR_COMPARISON_RESULTS", str(tmp_path / "results.json"))


#: One notebook is quick enough; each starts a kernel, which imports torch and matplotlib.
RUN = [
    pytest.param(path, id=path.stem, marks=[] if path.stem == "tour" else [pytest.mark.slow])
    for path in NOTEBOOKS
]


@pytest.mark.parametrize("path", RUN)
def test_notebook_runs(path: Path, example: None) -> None:
    execute(path)


@pytest.mark.slow
def test_the_comparison_says_when_it_has_no_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASR_COMPARISON_RESULTS", str(tmp_path / "results.json"))
    (path,) = (path for path in NOTEBOOKS if path.stem == "encoder_comparison")
    outputs = execute(path)
    assert printed(outputs).startswith("No results yet")
    assert not any("image/png" in output.get("data", {}) for output in outputs)


def execute(path: Path) -> list[Any]:
    """Run a notebook, which may not print to stderr; give its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute(cwd=str(path.parent))  # raises with the cell and its traceback
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert "".join(output.text for output in outputs if output.get("name") == "stderr") == ""
    return outputs


def printed(outputs: list[Any]) -> str:
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_with_its_pictures(path: Path) -> None:
    assert path.stat().st_size <= MOST_BYTES
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any("/home/" in text or "/tmp/" in text for text in map(str, outputs))
    assert "".join(output.text for output in outputs if output.get("name") == "stderr") == ""


def code_cells(notebook: nbformat.NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
