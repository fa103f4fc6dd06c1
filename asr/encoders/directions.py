"""The directions as one batch: the backward one hears each sequence reversed within its length.

Padding then comes after every valid frame in each, where it cannot change them.

Shapes: G directions, 2 or 1, B batch, T frames, F inputs, H hidden units of one direction,
O outputs of a projection.
"""

import torch
from torch import Tensor


def reversal(lengths: Tensor, frames: int) -> Tensor:
    """Index (B, T) that reverses each sequence within its length; it is its own inverse."""
    time = torch.arange(frames, device=lengths.device).expand(len(lengths), -1)
    last = lengths[:, None] - 1
    return torch.where(time <= last, last - time, time)


def take_frames(features: Tensor, order: Tensor) -> Tensor:
    """Pick frames in another order: features (B, T, F), order (B, T) -> (B, T, F)."""
    return features.gather(1, order[:, :, None].expand(-1, -1, features.shape[2]))


def for_each_direction(features: Tensor, order: Tensor | None) -> list[Tensor]:
    """Give sequences (B, T, F) as each of the G directions hears them."""
    return [features] if order is None else [features, take_frames(features, order)]


def stack_directions(features: Tensor, order: Tensor | None) -> Tensor:
    """Stack sequences (B, T, F) as each direction hears them: (G, B, T, F)."""
    return torch.stack(for_each_direction(features, order))


def join_directions(outputs: Tensor, order: Tensor | None) -> Tensor:
    """Join what the directions (G, B, T, H) said of each frame: (B, T, G * H)."""
    if order is None:
        return outputs[0]
    return torch.cat([outputs[0], take_frames(outputs[1], order)], dim=-1)


def directed_linear(
    features: Tensor, weight: Tensor, bias: Tensor | None = None, blocks: int = 1
) -> Tensor:
    """Project each direction by its own matrix.

    Args:
        features: (G, B, T, F).
        weight: (G * O, F / blocks), an output a row, those of the forward direction first.
        bias: (G * O,).
        blocks: of the block-diagonal matrix; each joins its share of inputs and outputs.

    Returns:
        (G, B, T, O).
    """
    directions, batch, frames, _ = features.shape
    shares = features.flatten(1, 2).unflatten(-1, (blocks, -1)).transpose(1, 2).flatten(0, 1)
    matrices = weight.view(directions * blocks, -1, weight.shape[1]).transpose(1, 2)
    if bias is None:
        outputs = shares.bmm(matrices)
    else:
        outputs = torch.baddbmm(bias.view(directions * blocks, 1, -1), shares, matrices)
    outputs = outputs.unflatten(0, (directions, blocks)).transpose(1, 2).flatten(2)
    return outputs.unflatten(1, (batch, frames))
