"""The device that a model computes on."""

import torch
from torch import nn

from asr.util.errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(device: str, setting: str = "device") -> torch.device:
    """Find a device.

    Args:
        device: one of `DEVICES`; ``auto`` is CUDA where torch finds a CUDA device, else the CPU.
        setting: the name of the user's setting, which an error starts with.

    Raises:
        UserError: an unknown device, or no CUDA device for ``cuda``.
    """
    if device not in DEVICES:
        raise UserError(f"{setting}: expected one of {', '.join(DEVICES)}, found {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(f"{setting}: cuda was asked for, but torch finds no CUDA device here")
    return torch.device("cuda" if torch.cuda.is_available() and device != "cpu" else "cpu")


def find_device(model: nn.Module) -> torch.device:
    """Find the device that a model's parameters are on."""
    return next(model.parameters()).device
