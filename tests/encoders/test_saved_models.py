"""A model with any encoder can be saved, loaded and used to transcribe."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING, noise, random_tokenizer

import asr
from asr.encoders import ENCODERS
from asr.engine.onnx_engine import OnnxEngine
from asr.engine.torch_engine import TorchEngine
from asr.model.ctc_model import CTCModel
from asr.model.model_file import save_model
from asr.model.settings import ModelSettings
from asr.onnx import exports


@pytest.mark.parametrize(
    ("name", "bidirectional", "projection"),
    [*((name, True, 0) for name in ENCODERS), ("blstm", True, 4), ("convlstm", False, 0)],
)
def test_a_saved_model_loads_and_transcribes(
    name: str, bidirectional: bool, projection: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    encoder = ENCODER | {
        "name": name, "layers": max(2, len(ENCODERS[name])),
        "hidden_size": 128 if name == "convlstm" else 8, "dropout": 0.1,
        "bidirectional": bidirectional, "projection": projection, "variational_dropout": True,
    }  # fmt: skip
    model = CTCModel(ModelSettings(FEATURES, SUBSAMPLING, encoder), 9).eval()
    torch.nn.init.normal_(model.head.weight, std=2.0)
    torch.nn.init.constant_(model.head.bias[:2], -100.0)  # neither blank nor space
    save_model(
        tmp_path / "m.safetensors", model.state_dict(), model.settings, random_tokenizer(), {}
    )
    soundfile.write(tmp_path / "a.wav", 0.1 * noise(16000).numpy(), 16000)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recognizer = asr.load(tmp_path / "m.safetensors")

    assert isinstance(recognizer.engine, OnnxEngine) == exports(model.settings)
    told = [one for one in caught if f"{name} encoders with these settings need torch" in str(one)]
    assert bool(told) != exports(model.settings)
    arrays = noise(2, 4000).numpy(), np.array([4000, 2500])
    (found, lengths), (expected, _) = (
        engine.log_probs(*arrays) for engine in (recognizer.engine, TorchEngine(model))
    )
    for row, other, length in zip(found, expected, lengths, strict=True):
        np.testing.assert_allclose(row[:length], other[:length], rtol=0, atol=1e-4)
    assert recognizer.transcribe(tmp_path / "a.wav").text
