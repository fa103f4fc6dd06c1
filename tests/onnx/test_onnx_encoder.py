"""The network in onnxruntime equals the network in torch, for every encoder that exports."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from exported_models import arrays, in_8_bits, make_model
from random_models import ENCODER, FEATURES, SUBSAMPLING, noise, pad_with_garbage

from asr.encoders import ENCODERS
from asr.model.ctc_model import CTCModel
from asr.model.quantize import quantize, restore
from asr.model.settings import ModelSettings
from asr.onnx import OnnxEncoder, build_network, exports

EXPORTED = {
    "blstm", "rnn", "gru", "peephole", "nig", "nfg", "nog", "niaf", "noaf", "cifg", "lstm1997",
}  # fmt: skip
LENGTHS = (60, 47, 1, 23)


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


def test_a_convolution_over_the_right_context_equals_torch():
    assert_close_to_torch(make_model(bidirectional=False, right_context_ms=60), 1e-5)


@pytest.mark.parametrize("factor", [3, 4, 6])
def test_every_subsampling_equals_torch(factor):
    assert_close_to_torch(make_model(factor=factor), 1e-5)


@pytest.mark.parametrize("name", sorted(EXPORTED - {"gru", "rnn"}))
def test_eight_bits_are_near_float32(name):
    model, batch = make_model(name), pad_with_garbage([noise(n, 16, seed=n) for n in LENGTHS])
    features, lengths = (tensor.numpy() for tensor in batch)
    weights = in_8_bits(model)
    eight, full = (OnnxEncoder(model.settings, weights, float32=full) for full in (False, True))
    assert (eight.in_8_bits, full.in_8_bits) == (True, False)
    (log_probs, counts), (expected, expected_counts) = (
        encoder.run(features, lengths) for encoder in (eight, full)
    )
    assert counts.tolist() == expected_counts.tolist()
    difference = [
        np.abs(np.exp(row[:count]) - np.exp(expected_row[:count])).max()
        for row, expected_row, count in zip(log_probs, expected, counts, strict=True)
    ]
    assert 0 < max(difference) < 0.01


@pytest.mark.parametrize("name", ["gru", "rnn"])
def test_layers_without_an_eight_bit_form_run_in_float32(name):
    model = make_model(name)
    assert not OnnxEncoder(model.settings, in_8_bits(model)).in_8_bits


def test_a_file_of_sixteen_bits_runs_in_float32():
    model = make_model()
    half = quantize(arrays(model), 16)
    encoder = OnnxEncoder(model.settings, half)
    features, lengths = noise(1, 60, 16).numpy(), np.array([60])
    expected, _ = OnnxEncoder(model.settings, restore(half)).run(features, lengths)
    assert np.array_equal(encoder.run(features, lengths)[0], expected)
    assert not encoder.in_8_bits


def test_the_rest_of_a_batch_changes_no_bit():
    model = make_model()
    encoder = OnnxEncoder(model.settings, in_8_bits(model))
    features, lengths = pad_with_garbage([noise(n, 16, seed=n) for n in (*LENGTHS, 0)], 1e3)
    log_probs, counts = encoder.run(features.numpy(), lengths.numpy())
    assert counts.tolist() == [30, 24, 1, 12, 0]
    for row, sequence, length, count in zip(log_probs, features, lengths, counts, strict=True):
        alone, _ = encoder.run(sequence[None, : max(length, 1)].numpy(), length[None].numpy())
        assert np.array_equal(alone[0, :count], row[:count])


def test_threads_share_an_encoder():
    model = make_model()
    encoder = OnnxEncoder(model.settings, in_8_bits(model))
    utterances = [noise(1, 20 + n, 16, seed=n).numpy() for n in range(20)]

    def run(features: np.ndarray) -> np.ndarray:
        return encoder.run(features, np.array([features.shape[1]]))[0]

    with ThreadPoolExecutor(2) as pool:
        for found, features in zip(pool.map(run, utterances), utterances, strict=True):
            assert np.array_equal(found, run(features))


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
    for name in EXPORTED:
        model = make_model(name)
        checker.check_model(build_network(model.settings, arrays(model)), full_check=True)


def test_torch_is_not_imported():
    code = "import sys, asr.onnx.export, asr.onnx.chunk_encoder; print(*sys.modules)"
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
