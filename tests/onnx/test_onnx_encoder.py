"""The network in onnxruntime equals the network in torch, for every encoder that exports."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING, noise, pad_with_garbage

from asr.encoders import ENCODERS
from asr.model.ctc_model import CTCModel, ModelSettings
from asr.onnx import OnnxEncoder, build_network, exports

EXPORTED = {
    "blstm", "rnn", "gru", "peephole", "nig", "nfg", "nog", "niaf", "noaf", "cifg", "lstm1997",
}  # fmt: skip
LENGTHS = (60, 47, 1, 23)


def make_model(name: str = "blstm", factor: int = 2, **encoder: Any) -> CTCModel:
    """A model whose parameters, zero peepholes and biases included, are all random."""
    settings = ModelSettings(
        FEATURES, {**SUBSAMPLING, "factor": factor}, {**ENCODER, "name": name, **encoder}
    )
    model = CTCModel(settings, 9).eval()
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


def arrays(model: CTCModel) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def assert_close_to_torch(model: CTCModel, tolerance: float) -> None:
    """Compare log-probabilities of a batch padded with garbage."""
    sequences = [noise(length, 16, seed=length) for length in LENGTHS]
    with torch.inference_mode():
        expected, expected_lengths = model(*pad_with_garbage(sequences, 1e2))
    features, lengths = pad_with_garbage(sequences, 1e3)
    encoder = OnnxEncoder(model.settings, arrays(model))
    log_probs, log_prob_lengths = encoder.run(features.numpy(), lengths.numpy())
    assert log_probs.dtype == np.float32
    assert log_prob_lengths.tolist() == expected_lengths.tolist()
    for row, expected_row, length in zip(log_probs, expected, log_prob_lengths, strict=True):
        np.testing.assert_allclose(row[:length], expected_row[:length], atol=tolerance)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("name", sorted(EXPORTED))
def test_every_encoder_that_exports_equals_torch(name, bidirectional):
    assert_close_to_torch(make_model(name, bidirectional=bidirectional), 1e-5)


@pytest.mark.parametrize("factor", [3, 4, 6])
def test_every_subsampling_equals_torch(factor):
    assert_close_to_torch(make_model(factor=factor), 1e-5)


def test_what_onnx_cannot_express_does_not_export():
    for name in ENCODERS:
        settings = ModelSettings(FEATURES, SUBSAMPLING, {**ENCODER, "name": name})
        assert exports(settings) == (name in EXPORTED)
    for option in ({"projection": 4}, {"name": "peephole", "zoneout": 0.1}):
        assert not exports(ModelSettings(FEATURES, SUBSAMPLING, {**ENCODER, **option}))


def test_no_frames_are_no_frames():
    model = make_model()
    _, lengths = OnnxEncoder(model.settings, arrays(model)).run(
        np.zeros((2, 1, 16), np.float32), np.zeros(2, np.int64)
    )
    assert lengths.tolist() == [0, 0]


def test_the_file_is_what_onnx_specifies():
    checker = pytest.importorskip("onnx.checker", reason="needs the onnx package")
    model = make_model()
    checker.check_model(build_network(model.settings, arrays(model)), full_check=True)


def test_torch_is_not_imported():
    code = "import sys, asr.onnx; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name.partition(".")[0] for name in done.stdout.split()}
    assert "onnxruntime" in found
    assert not found & {"torch", "onnx", "scipy", "numba"}
