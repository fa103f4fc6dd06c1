"""Which device a name means here."""

import pytest
import torch

from asr.model.device import choose_device, find_device
from asr.util.errors import UserError


def test_auto_takes_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for available, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        assert choose_device("auto") == torch.device(expected)
        assert choose_device("cpu") == torch.device("cpu")


def test_cuda_without_a_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"^device: cuda was asked for, but torch finds no CUDA"):
        choose_device("cuda")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:1"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(UserError, match=r"^x\.device: expected one of auto, cpu, cuda, found"):
        choose_device(device, "x.device")


def test_the_device_of_a_model_is_that_of_its_parameters() -> None:
    assert find_device(torch.nn.Linear(1, 1, device="meta")) == torch.device("meta")
