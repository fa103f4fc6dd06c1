"""A model with any encoder can be saved, loaded and used to transcribe."""

from pathlib import Path

import pytest
import soundfile
import torch
from random_models import FEATURES, SUBSAMPLING, noise, random_tokenizer

import asr
from asr.encoders import ENCODERS
from asr.model.ctc_model import CTCModel
from asr.model.model_file import save_model
from asr.model.settings import ModelSettings


@pytest.mark.parametrize(
    ("name", "bidirectional", "projection"),
    [*((name, True, 0) for name in ENCODERS), ("blstm", True, 4), ("convlstm", False, 0)],
)
def test_a_saved_model_loads_and_transcribes(
    name: str, bidirectional: bool, projection: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    encoder = {
        "name": name, "layers": 2, "hidden_size": 128 if name == "convlstm" else 8, "dropout": 0.1,
        "bidirectional": bidirectional, "projection": projection, "variational_dropout": True,
        "weight_drop": 0.0, "zoneout": 0.0,
    }  # fmt: skip
    model = CTCModel(ModelSettings(FEATURES, SUBSAMPLING, encoder), 9).eval()
    torch.nn.init.normal_(model.head.weight, std=2.0)
    torch.nn.init.constant_(model.head.bias[:2], -100.0)  # neither blank nor space
    save_model(
        tmp_path / "m.safetensors", model.state_dict(), model.settings, random_tokenizer(), {}
    )
    soundfile.write(tmp_path / "a.wav", 0.1 * noise(16000).numpy(), 16000)

    recognizer = asr.load(tmp_path / "m.safetensors")

    waveforms, lengths = noise(2, 4000), torch.tensor([4000, 2500])
    assert torch.equal(
        recognizer.model.log_probs(waveforms, lengths)[0], model.log_probs(waveforms, lengths)[0]
    )
    assert recognizer.transcribe(tmp_path / "a.wav").text
