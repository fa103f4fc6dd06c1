"""Which frames of a padded batch are valid."""

import torch
from torch import Tensor


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """Mark the frames that are not padding: lengths (B,) -> bool (B, frames)."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]
