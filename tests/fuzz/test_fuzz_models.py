"""Whatever a model file says, it is refused, or transcribes as any model does."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from cases import generator, run
from mutations import DEEP, NUMBERS, dumped, mutated_bytes, mutated_json, one_of
from random_models import random_model
from safetensors import safe_open
from safetensors.torch import save
from worker import Worker

from asr.model.model_file import save_model
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK, SPACE

KEY = "asr"
#: Settings that are of the right type, and of a size that no model has.
LARGE = {
    "features": {
        "mel_bins": 10**9, "hop_ms": 0.0625, "window_ms": 1e9, "low_hz": float("nan"),
        "sample_rate": 10**9, "top_db": 1e-300,
    },
    "subsampling": {"channels": 10**6, "factor": 2**40},
    "encoder": {"layers": 10**9, "hidden_size": 12_000, "projection": 10**6, "dropout": 1e400},
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A folder with a recording, a model that spells and one of phones."""
    folder = tmp_path_factory.mktemp("good")
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    soundfile.write(folder / "a.wav", noise, 16000)
    (folder / "letters.safetensors").write_bytes(model.read_bytes())
    network = random_model(vocabulary_size=6)
    tokens = [BLANK, SPACE, "A", "B", "C", "D"]
    tokenizer = PhoneTokenizer(tokens, "lower", {"abba": ["A B A"], "a": ["A"]})
    path = folder / "phones.safetensors"
    save_model(path, network.state_dict(), network.settings, tokenizer, {})
    return folder


def large(rng: np.random.Generator, told: dict[str, Any]) -> dict[str, Any]:
    """Change one setting, the tokens or the lexicon to what would take all memory."""
    kind = rng.integers(8)
    if kind == 0 and "lexicon" in told:
        words = {f"w{number}": ["A B"] for number in range(2000)}
        return told | {"lexicon": words | {"long": ["A " * 250_000]}}
    if kind == 1:
        return told | {"tokens": told["tokens"] + [f"x{number}" for number in range(200_000)]}
    group = one_of(rng, list(LARGE))
    key = one_of(rng, list(LARGE[group]))
    return told | {group: told[group] | {key: LARGE[group][key]}}


def other_tensors(
    rng: np.random.Generator, tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Exchange a tensor for one of another shape or type, or that grows when it is restored."""
    name = one_of(rng, list(tensors))
    tensor = tensors[name]
    match rng.integers(6):
        case 0:
            scales = torch.ones(60_000)
            return tensors | {
                name: torch.ones(1, 60_000, dtype=torch.int8),
                f"{name}:scale": scales,
            }
        case 1:
            return tensors | {
                name: torch.full_like(tensor, one_of(rng, (torch.nan, torch.inf, 3e38)))
            }
        case 2:
            return tensors | {name: tensor.to(one_of(rng, (torch.int8, torch.bool, torch.float64)))}
        case 3:
            return tensors | {name: tensor.reshape(-1), "more": tensor.clone()}
        case 4:
            return {other: tensors[other] for other in tensors if other != name}
        case _:
            return tensors | {name: tensor * one_of(rng, (1e30, -1e10, 0.0))}


def write(path: Path, source: Path, rng: np.random.Generator) -> None:
    """Write a model anew with something wrong in it."""
    with safe_open(source, framework="pt") as opened:
        told = json.loads(opened.metadata()[KEY]) | {"format": 1}  # which has no digest
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    told.pop("sha256", None)
    text = dumped(told)
    match rng.integers(8):
        case 0 | 1 | 2:
            text = dumped(mutated_json(rng, told, (*NUMBERS, DEEP)))
        case 3 | 4:
            text = dumped(large(rng, told))
        case 5 | 6:
            tensors = other_tensors(rng, tensors)
        case _:
            path.write_bytes(mutated_bytes(rng, source.read_bytes()))
            return
    path.write_bytes(save(tensors, {KEY: text.decode()}))


def transcribe(folder: Path, good: Path, number: int) -> None:
    rng = generator("model", number)
    path = folder / "model.safetensors"
    write(path, good / one_of(rng, ("letters.safetensors", "phones.safetensors")), rng)
    printed = run("transcribe", good / "a.wav", "--model", path)
    assert len(printed.out.splitlines()) == 1 - printed.status, printed
    assert not printed.status or re.search(f"{path}|the model's", printed.err), printed


@pytest.mark.numbered(400, 4)
def test_models(worker: Worker, good: Path, number: int) -> None:
    worker.run(transcribe, good, number)
