"""The chunkwise form of the matrix memory, for chunks and gates of any size."""

import pytest
import torch
from random_models import noise
from torch import Tensor

from asr.encoders.variants.matrix_memory import read_matrix_memory

FRAMES, SIZE = 12, 3
LEAD = (2, 4)


def random_inputs(gates: float = 1.0) -> list[Tensor]:
    """Queries, keys, values and log gates of two sequences and four heads."""
    q, k, v = (noise(*LEAD, FRAMES, SIZE, seed=i).double() for i in range(3))
    i, f = (gates * noise(*LEAD, FRAMES, seed=3 + i).double() for i in range(2))
    return [q, k, v, i, torch.nn.functional.logsigmoid(f)]


@pytest.mark.parametrize("gates", [1.0, 300.0])
@pytest.mark.parametrize("chunk", [2, 3, 5, 11, 12, 100])
def test_every_chunk_size_equals_the_recurrence(chunk: int, gates: float) -> None:
    recurrent, chunked = ([t.requires_grad_() for t in random_inputs(gates)] for _ in range(2))

    expected = read_matrix_memory(*recurrent, chunk=1)
    found = read_matrix_memory(*chunked, chunk=chunk)

    assert expected.isfinite().all()
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)
    wanted, got = (
        torch.autograd.grad((output**2).sum(), inputs)
        for output, inputs in ((expected, recurrent), (found, chunked))
    )
    torch.testing.assert_close(got, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_gradients_equal_finite_differences(chunk: int) -> None:
    inputs = [t.requires_grad_() for t in random_inputs()]

    assert torch.autograd.gradcheck(
        lambda *inputs: read_matrix_memory(*inputs, chunk=chunk), inputs, fast_mode=True
    )


def test_gates_beyond_the_range_of_exp_are_stabilized() -> None:
    """A huge input gate leaves only its own frame; without a stabilizer exp(1000) is inf."""
    q, k, v, i, f = random_inputs()
    i[..., 6] = 1000.0

    found = read_matrix_memory(q, k, v, i, f)[..., 6, :]

    sign = torch.sign((q * k)[..., 6, :].sum(-1, keepdim=True))
    torch.testing.assert_close(found, sign * v[..., 6, :])


def test_a_query_of_zero_reads_zero() -> None:
    """After a huge input gate, exp(-m) is 0, and a query of 0, as in padding, would divide by 0."""
    inputs = random_inputs()
    q, _, _, i, _ = inputs
    i[..., 6] = 1000.0
    q[..., 8, :] = 0.0
    for given in inputs:
        given.requires_grad_()

    found = read_matrix_memory(*inputs)
    found[..., :8, :].sum().backward()  # as a loss does, which leaves out padding

    assert (found[..., 8, :] == 0).all()
    assert all(given.grad is not None and given.grad.isfinite().all() for given in inputs)
