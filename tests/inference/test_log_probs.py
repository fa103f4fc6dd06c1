"""Log-probabilities of a batch, and the policy for waveforms that are long."""

import math

import pytest
import torch
from random_models import noise, random_model
from torch import Tensor

from asr.inference.log_probs import compute_log_probs

RATE = 16000
LENGTHS = torch.tensor([9 * RATE, 25 * RATE + 77, 3 * RATE, 0])


@pytest.fixture
def waveforms() -> torch.Tensor:
    return 0.1 * noise(len(LENGTHS), int(LENGTHS.max()))


@pytest.mark.parametrize("longest_s", [30.0, math.inf])
def test_waveforms_within_the_limit_go_through_at_once(waveforms, longest_s) -> None:
    model = random_model().eval()
    found = compute_log_probs(model, waveforms, LENGTHS, longest_s)
    with torch.inference_mode():
        expected = model.log_probs(waveforms, LENGTHS)
    assert all(map(torch.equal, found, expected))


def test_beside_a_longer_waveform_each_goes_through_by_itself(waveforms) -> None:
    model = random_model().eval()
    log_probs, lengths = compute_log_probs(model, waveforms, LENGTHS, longest_s=10.0)
    assert torch.equal(lengths, model.output_frames(LENGTHS))
    assert log_probs.shape == (len(LENGTHS), int(lengths.max()), 9)
    for waveform, length, row, frames in zip(waveforms, LENGTHS, log_probs, lengths, strict=True):
        alone, _ = compute_log_probs(model, waveform[None, :length], length[None], longest_s=10.0)
        assert torch.equal(row[:frames], alone[0, :frames])


def test_windows_give_the_log_probs_of_the_whole(waveforms, monkeypatch) -> None:
    """Small random layers forget within the windows' overlap; features do not depend on them."""
    model = random_model().eval()
    monkeypatch.setattr(model.log_mel, "normalize", lambda features, _: (features + 9) / 2)
    for name, weight in model.named_parameters():
        if "lstm.bias" in name:  # forget gates start at a half
            weight.data.zero_()
    found, lengths = compute_log_probs(model, waveforms[1:2], LENGTHS[1:2], longest_s=10.0)
    whole, expected = compute_log_probs(model, waveforms[1:2], LENGTHS[1:2], math.inf)
    assert torch.equal(lengths, expected)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("longest_s", [10.0, 30.0])
def test_a_batch_moves_to_the_device_of_the_model(waveforms, monkeypatch, longest_s) -> None:
    """The meta device stands for a GPU; it has shapes and no numbers, so the model is replaced."""
    model = random_model().eval()
    expected = compute_log_probs(model, waveforms, LENGTHS, longest_s)
    seen = set()

    def log_probs(waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        seen.update([waveforms.device.type, lengths.device.type])
        frames = LENGTHS if len(waveforms) > 1 else torch.tensor([waveforms.shape[1]])
        frames = model.output_frames(frames)
        return torch.zeros(len(waveforms), int(frames.max()), 9), frames

    monkeypatch.setattr(model.to("meta"), "log_probs", log_probs)
    found = compute_log_probs(model, waveforms, LENGTHS, longest_s)

    assert seen == {"meta"}
    assert [one.shape for one in found] == [one.shape for one in expected]
    assert {one.device.type for one in found} == {"cpu"}
