"""Sequences as each direction of a layer reads them: the backward one from the end.

Each sequence is reversed within its own length, so that padding follows the valid frames in both
directions, where it cannot change them.

Shapes: G directions, 2 or 1, B batch, T frames, F inputs, H hidden units of one direction,
O outputs of a projection.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def reversal_index(lengths: Tensor, frames: int) -> Tensor:
    """Index (B, T) that reverses each sequence within its length; it is its own inverse."""
    time = torch.arange(frames, device=lengths.device).expand(len(lengths), -1)
    last = lengths[:, None] - 1
    return torch.where(time <= last, last - time, time)


def reorder_frames(features: Tensor, order: Tensor) -> Tensor:
    """Put frames in the order of a `reversal_index`: features (B, T, F), order (B, T)."""
    starts = torch.arange(len(order), device=order.device)[:, None] * order.shape[1]
    return _Reorder.apply(features, (order + starts).flatten())


class _Reorder(torch.autograd.Function):
    """Copies frames whole, in both directions; autograd's gradient adds number by number."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return _take_rows(features, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors  # their own inverse
        return _take_rows(gradient, rows), None


def _take_rows(features: Tensor, rows: Tensor) -> Tensor:
    return features.flatten(0, 1).index_select(0, rows).view_as(features)


def list_directions(features: Tensor, order: Tensor | None) -> list[Tensor]:
    """List sequences (B, T, F) as each of the G directions reads them.

    Args:
        features: (B, T, F).
        order: `reversal_index`, or None for the forward direction alone.
    """
    return [features] if order is None else [features, reorder_frames(features, order)]


def stack_directions(features: Tensor, order: Tensor | None) -> Tensor:
    """Stack sequences (B, T, F) as each direction reads them: (G, B, T, F)."""
    return torch.stack(list_directions(features, order))


def join_directions(outputs: Tensor, order: Tensor | None) -> Tensor:
    """Join the directions' outputs (G, B, T, H), frame by frame: (B, T, G * H)."""
    if order is None:
        return outputs[0]
    return torch.cat([outputs[0], reorder_frames(outputs[1], order)], dim=-1)


def project_directions(
    features: Tensor, weight: Tensor, bias: Tensor | None = None, blocks: int = 1
) -> Tensor:
    """Project each direction by its own matrix.

    Args:
        features: (G, B, T, F).
        weight: (G * O, F / blocks), one row an output, the forward direction's first.
        bias: (G * O,).
        blocks: of the block-diagonal matrix; each maps its group of inputs to a group of outputs.

    Returns:
        (G, B, T, O).
    """
    directions, batch, frames, _ = features.shape
    groups = features.flatten(1, 2).unflatten(-1, (blocks, -1)).transpose(1, 2).flatten(0, 1)
    matrices = weight.view(directions * blocks, -1, weight.shape[1]).transpose(1, 2)
    if bias is None:
        outputs = groups.bmm(matrices)
    else:
        outputs = torch.baddbmm(bias.view(directions * blocks, 1, -1), groups, matrices)
    outputs = outputs.unflatten(0, (directions, blocks)).transpose(1, 2).flatten(2)
    return outputs.unflatten(1, (batch, frames))
