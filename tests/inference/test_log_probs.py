"""Log-probabilities of a batch, and the policy for waveforms that are long."""

import math

import numpy as np
import pytest
import torch
from random_models import noise, random_model
from torch import Tensor

from asr.engine.torch_engine import TorchEngine
from asr.inference.log_probs import compute_log_probs

RATE = 16000
LENGTHS = np.array([9 * RATE, 25 * RATE + 77, 3 * RATE, 0])


@pytest.fixture
def waveforms() -> np.ndarray:
    return 0.1 * noise(len(LENGTHS), int(LENGTHS.max())).numpy()


@pytest.mark.parametrize("longest_s", [30.0, math.inf])
def test_waveforms_within_the_limit_go_through_at_once(waveforms, longest_s) -> None:
    model = random_model().eval()
    found = compute_log_probs(TorchEngine(model), waveforms, LENGTHS, longest_s)
    with torch.inference_mode():
        expected = model.log_probs(torch.from_numpy(waveforms), torch.from_numpy(LENGTHS))
    assert all(map(np.array_equal, found, expected))


def test_beside_a_longer_waveform_each_goes_through_by_itself(waveforms) -> None:
    engine = TorchEngine(random_model())
    log_probs, lengths = compute_log_probs(engine, waveforms, LENGTHS, longest_s=10.0)
    assert lengths.tolist() == [engine.output_frames(int(length)) for length in LENGTHS]
    assert log_probs.shape == (len(LENGTHS), int(lengths.max()), 9)
    for waveform, length, row, frames in zip(waveforms, LENGTHS, log_probs, lengths, strict=True):
        alone, _ = compute_log_probs(engine, waveform[None, :length], length[None], longest_s=10.0)
        assert np.array_equal(row[:frames], alone[0, :frames])


def test_windows_give_the_log_probs_of_the_whole(waveforms, monkeypatch) -> None:
    """Small random layers forget within the windows' overlap; features do not depend on them."""
    model = random_model().eval()
    monkeypatch.setattr(model.log_mel, "normalize", lambda features, _: (features + 9) / 2)
    for name, weight in model.named_parameters():
        if "lstm.bias" in name:  # forget gates start at a half
            weight.data.zero_()
    engine = TorchEngine(model)
    found, lengths = compute_log_probs(engine, waveforms[1:2], LENGTHS[1:2], longest_s=10.0)
    whole, expected = compute_log_probs(engine, waveforms[1:2], LENGTHS[1:2], math.inf)
    assert np.array_equal(lengths, expected)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("longest_s", [10.0, 30.0])
def test_a_batch_moves_to_the_device_of_the_model(waveforms, monkeypatch, longest_s) -> None:
    """The meta device stands for a GPU; it has shapes and no numbers, so the model is replaced."""
    model = random_model().eval()
    expected = compute_log_probs(TorchEngine(model), waveforms, LENGTHS, longest_s)
    seen = set()

    def log_probs(waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        seen.update([waveforms.device.type, lengths.device.type])
        samples = LENGTHS.tolist() if len(waveforms) > 1 else [waveforms.shape[1]]
        frames = model.output_frames(torch.tensor(samples))
        return torch.zeros(len(waveforms), int(frames.max()), 9), frames

    monkeypatch.setattr(model.to("meta"), "log_probs", log_probs)
    found = compute_log_probs(TorchEngine(model), waveforms, LENGTHS, longest_s)

    assert seen == {"meta"}
    assert [one.shape for one in found] == [one.shape for one in expected]
