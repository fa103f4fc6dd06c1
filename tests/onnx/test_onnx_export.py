"""Exported networks read waveforms and need nothing but their folder."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from exported_models import arrays, in_8_bits, make_model
from random_models import noise, pad_with_garbage, random_tokenizer

from asr.cli import main
from asr.model.ctc_model import CTCModel
from asr.model.model_file import StoredModel, read_model, save_model
from asr.onnx.export import export_onnx
from asr.onnx.waveform_network import build_sherpa_network, build_waveform_network
from asr.util.errors import UserError

WAVEFORMS = [0.1 * noise(samples, seed=samples) for samples in (9000, 6000, 300, 100)]
FEATURES = [
    {},
    {"top_db": 20.0, "remove_dc_offset": True, "window_ms": 20.0},
    {"normalization": "sliding"},
    {"normalization": "sliding", "top_db": 20.0},
]


def run(network: bytes | Path, **inputs: torch.Tensor) -> list[np.ndarray]:
    content = network if isinstance(network, bytes) else network.read_bytes()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})


def stored(model: CTCModel, folder: Path) -> StoredModel:
    save_model(folder / "m.safetensors", model.state_dict(), model.settings, random_tokenizer(), {})
    return read_model(folder / "m.safetensors")


@pytest.mark.parametrize("features", FEATURES)
def test_a_network_of_waveforms_equals_torch(features):
    model = make_model(features=features)
    waveforms, lengths = pad_with_garbage(WAVEFORMS)
    with torch.inference_mode():
        expected, expected_counts = model.log_probs(waveforms, lengths)
    network = build_waveform_network(model.settings, arrays(model), in_8_bits=False)
    log_probs, counts = run(network, waveforms=waveforms, lengths=lengths)
    assert counts.tolist() == expected_counts.tolist()
    assert counts[-1] == 0
    for row, expected_row, count in zip(log_probs, expected, counts, strict=True):
        np.testing.assert_allclose(row[:count], expected_row[:count], atol=2e-3)


def test_long_recordings_slide_as_in_torch():
    """Windows of 6 s move on only in longer recordings."""
    model = make_model(features={"normalization": "sliding", "top_db": 20.0})
    waveform = 0.1 * noise(1, 130_000) * torch.linspace(0.1, 1, 130_000)
    with torch.inference_mode():
        expected, _ = model.log_probs(waveform, torch.tensor([130_000]))
    network = build_waveform_network(model.settings, arrays(model), in_8_bits=False)
    log_probs, _ = run(network, waveforms=waveform, lengths=torch.tensor([130_000]))
    np.testing.assert_allclose(log_probs, expected, atol=2e-3)


@pytest.mark.parametrize(("factor", "times"), [(2, 1), (4, 2), (3, None)])
def test_sherpa_gets_a_frame_each_20_ms(factor, times):
    model = make_model(factor=factor)
    waveform = WAVEFORMS[0]
    scaled = ((waveform - waveform.mean()) / waveform.std(correction=0))[None]
    with torch.inference_mode():
        expected, _ = model.log_probs(0.05 * scaled, torch.tensor([len(waveform)]))
    network = build_sherpa_network(model.settings, arrays(model), in_8_bits=False)
    (log_probs,) = run(network, waveforms=scaled)
    if times is None:  # frames of 30 ms are there twice, once, twice, once
        places = np.arange(-(-expected.shape[1] * 3 // 2)) * 2 // 3
    else:
        places = np.arange(times * expected.shape[1]) // times
    np.testing.assert_allclose(log_probs[0], expected[0][places], atol=2e-3)


@pytest.mark.parametrize("bits", [8, 32])
def test_the_card_tells_how_to_get_the_text(bits, tmp_path, monkeypatch, capsys):
    model = make_model()
    torch.nn.init.normal_(model.head.weight, std=2.0)
    stored(model, tmp_path)
    command = ["export", str(tmp_path / "m.safetensors"), "--format", "onnx"]
    assert main([*command, "--bits", str(bits), "--output", str(tmp_path / "out")]) == 0
    soundfile.write(tmp_path / "out" / "a.wav", WAVEFORMS[0].numpy(), 16000, subtype="FLOAT")
    capsys.readouterr()
    monkeypatch.chdir(tmp_path / "out")
    card = Path("README.md").read_text()
    exec(card.split("```python\n")[1].split("```")[0], {})

    with torch.inference_mode():
        log_probs, _ = model.log_probs(WAVEFORMS[0][None], torch.tensor([9000]))
    best = torch.unique_consecutive(log_probs[0].argmax(-1))
    text = "".join(random_tokenizer().tokens[token] for token in best if token)
    assert capsys.readouterr().out == f"{' '.join(text.split())}\n"
    assert len(text) > 5
    settings = json.loads(Path("settings.json").read_text())
    assert settings["tokens"] == random_tokenizer().tokens
    assert settings["frame_s"] == 0.02
    assert Path("tokens.txt").read_text().startswith("<blk> 0\n▁ 1\na 2\n")


def test_eight_bits_of_a_float_model_are_those_of_its_smaller_file(tmp_path):
    model = make_model()
    file = export_onnx(stored(model, tmp_path), tmp_path, "onnx", 8)
    network = build_waveform_network(model.settings, in_8_bits(model), in_8_bits=True)
    assert file.read_bytes() == network


@pytest.mark.parametrize(
    ("change", "format_", "bits", "message"),
    [
        ({"projection": 4}, "onnx", 32, "ONNX has no blstm layers with these settings"),
        ({"name": "gru"}, "onnx", 8, "computes gru layers with 32 bits alone"),
        ({"features": {"hop_ms": 8.0}}, "sherpa-onnx", 8, "one each 16 ms"),
        ({"features": {"sample_rate": 8000}}, "sherpa-onnx", 8, "gives 16000 Hz"),
    ],
)
def test_what_a_format_cannot_have_is_refused(change, format_, bits, message, tmp_path):
    model = stored(make_model(**change), tmp_path)
    with pytest.raises(UserError, match=message):
        export_onnx(model, tmp_path / "out", format_, bits)
    assert not (tmp_path / "out").exists()


def test_phones_are_not_for_sherpa(tmp_path):
    with pytest.raises(UserError, match="its tokens are phones"):
        export_onnx(read_model("an4"), tmp_path, "sherpa-onnx", 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["an4", "--format", "onnx"], "takes one model, found 2"),
        (["--format", "sherpa-onnx", "--bits", "16"], "takes --bits 8 or --bits 32, found 16"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(options, message, tmp_path, capsys):
    assert main(["export", "an4", *options, "--output", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
