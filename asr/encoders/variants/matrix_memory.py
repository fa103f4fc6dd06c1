"""The matrix memory of the mLSTM in chunkwise-parallel form.

Shapes: ... stands for directions, sequences and heads; T frames, C frames of a chunk, D units of
a head.
"""

from typing import NamedTuple

import torch
from torch import Tensor

#: Frames of a chunk. The outputs do not depend on it; 1 is the recurrence as it is written.
CHUNK = 64
#: Least divisor, as in the authors' code: a smaller |nᵀ q| is rounding error, and may be 0.
FLOOR = 1e-6


class Memory(NamedTuple):
    """The state carried from chunk to chunk, scaled by exp(-m).

    Attributes:
        values: (..., D, D), the matrix C.
        keys: (..., D), the normalizer n.
        m: (..., 1), the stabilizer.
    """

    values: Tensor
    keys: Tensor
    m: Tensor


def read_matrix_memory(
    query: Tensor, key: Tensor, value: Tensor, log_i: Tensor, log_f: Tensor, chunk: int = CHUNK
) -> Tensor:
    """Store every frame's value under its key, and query the memory (Beck 2024, eq. 19 to 27).

        C = f C' + i v kᵀ      n = f n' + i k      h = C q / max(|nᵀ q|, 1)

    Frames of a chunk are read by attention whose weights decay by the gates, frames before the
    chunk from the memory. Each frame has a stabilizer m, at least its greatest log weight. Outputs
    do not depend on m, unless |nᵀ q| is so small that `FLOOR` acts, and no gradient flows through
    m.

    Args:
        query: (..., T, D).
        key: (..., T, D), scaled by 1 / √D.
        value: (..., T, D).
        log_i: (..., T), logarithm of the input gate.
        log_f: (..., T), logarithm of the forget gate, at most 0.
        chunk: C.

    Returns:
        (..., T, D).
    """
    memory = Memory(
        query.new_zeros(*query.shape[:-2], query.shape[-1], query.shape[-1]),
        query.new_zeros(*query.shape[:-2], query.shape[-1]),
        query.new_full((*query.shape[:-2], 1), -torch.inf),
    )
    queries, keys, values = (t.split(chunk, -2) for t in (query, key, value))
    gates = (t.split(chunk, -1) for t in (log_i, log_f))
    outputs = []
    for q, k, v, i, f in zip(queries, keys, values, *gates, strict=True):
        output, memory = _read_chunk(q, k, v, i, f, memory)
        outputs.append(output)
    return torch.cat(outputs, -2)


def _read_chunk(
    query: Tensor, key: Tensor, value: Tensor, log_i: Tensor, log_f: Tensor, memory: Memory
) -> tuple[Tensor, Memory]:
    decay = log_f.cumsum(-1)  # log of the memory's remaining weight after each frame
    within = decay[..., :, None] - decay[..., None, :] + log_i[..., None, :]
    future = torch.ones_like(within, dtype=torch.bool).triu(1)
    within = within.masked_fill(future, -torch.inf)
    before = decay + memory.m
    m = torch.maximum(within.amax(-1), before).detach()
    weights = (query @ key.transpose(-1, -2)) * torch.exp(within - m[..., None])
    from_before = torch.exp(before - m)[..., None] * query
    read = weights @ value + from_before @ memory.values
    size = weights.sum(-1) + (from_before @ memory.keys[..., None]).squeeze(-1)
    divisor = torch.maximum(size.abs(), torch.exp(-m)).clamp(min=FLOOR)
    output = read / divisor[..., None]
    log_weights = decay[..., -1:] - decay + log_i
    return output, _write_chunk(key, value, log_weights, before[..., -1:], memory)


def _write_chunk(
    key: Tensor, value: Tensor, log_weights: Tensor, log_kept: Tensor, memory: Memory
) -> Memory:
    """Add a chunk, weighted by log_weights (..., C), to the memory, by log_kept (..., 1)."""
    m = torch.maximum(log_weights.amax(-1, keepdim=True), log_kept).detach()
    weighted = torch.exp(log_weights - m)[..., None] * key
    kept = torch.exp(log_kept - m)
    return Memory(
        kept[..., None] * memory.values + weighted.transpose(-1, -2) @ value,
        kept * memory.keys + weighted.sum(-2),
        m,
    )
