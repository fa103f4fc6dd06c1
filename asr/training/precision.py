"""The number format of a training step's matrix products."""

import torch

from asr.util.errors import UserError

_TYPES = {"32": torch.float32, "bf16": torch.bfloat16}
AUTO = "auto"


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Give the type that a recipe's `trainer.precision` names on a device.

    Args:
        name: 32, bf16, or auto for bf16 where the device computes it fast.
        device: to train on.

    Raises:
        UserError: an unknown name.
    """
    if name == AUTO:
        return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    if name not in _TYPES:
        raise UserError(f"trainer.precision: expected 32, bf16 or auto, found {name!r}")
    return _TYPES[name]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether the device has instructions for products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16"))
