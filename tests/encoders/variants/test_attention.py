"""Layers without a recurrence or without a loop, in one direction and over long sequences."""

import numpy as np
import pytest
import reference_blocks
import torch
from paper_notation import whole
from random_models import noise

from asr.encoders import ENCODERS, RecurrentLayer, RecurrentStack
from asr.encoders.variants.attention import SelfAttention, rotate, visible_frames
from asr.encoders.variants.conformer import ConvolutionModule
from asr.encoders.variants.s4d import S4D, convolve
from asr.util.errors import UserError


def random_layer(kind: type[RecurrentLayer]) -> RecurrentLayer:
    torch.manual_seed(0)
    layer = kind(8, 8, bidirectional=False).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


@pytest.mark.parametrize(
    ("kind", "paper"),
    [
        (SelfAttention, reference_blocks.attention),
        (ConvolutionModule, reference_blocks.convolution_module),
    ],
)
def test_one_direction_reads_this_frame_and_those_before(kind, paper) -> None:
    layer, sequence = random_layer(kind), noise(35, 8).double()

    found = layer(sequence[None], torch.tensor([35]))[0].detach().numpy()

    expected = paper(sequence.numpy(), whole(layer), causal=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_rotated_products_depend_on_the_distance_alone() -> None:
    q, k = (rotate(noise(1, 6, seed=seed).double().repeat(9, 1)) for seed in (0, 1))

    products = q @ k.T

    for distance in range(-8, 9):
        same = products.diagonal(distance)
        torch.testing.assert_close(same, same[:1].expand_as(same))
    assert products[0].unique().numel() == 9


def test_padding_is_read_by_nobody_but_itself() -> None:
    visible = visible_frames(torch.tensor([2, 0]), 3, causal=False)

    assert visible.int().tolist() == [
        [[1, 1, 0], [1, 1, 0], [1, 1, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    ]  # fmt: skip


def test_heads_need_pairs_of_units() -> None:
    with pytest.raises(
        UserError, match=r"encoder\.hidden_size: expected a multiple of 4.* found 6"
    ):
        SelfAttention(12, 6)
    with pytest.raises(
        UserError, match=r"encoder\.hidden_size: expected a multiple of 8.* found 12"
    ):
        SelfAttention(12, 12, bidirectional=False)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 16, 17, 37])
def test_the_response_of_any_length_is_that_of_powers(frames: int) -> None:
    layer = random_layer(S4D)

    found = layer.response(frames)

    a = torch.complex(-layer.log_decay.exp(), layer.frequency).view(8, -1)
    output = torch.view_as_complex(layer.output.view(8, -1, 2))
    power = torch.exp(layer.log_step.exp()[:, None, None] * a[..., None] * torch.arange(frames))
    start = (output * (torch.exp(layer.log_step.exp()[:, None] * a) - 1) / a)[..., None]
    torch.testing.assert_close(found, 2 * (start * power).sum(1).real)


def test_a_convolution_wraps_nothing_around() -> None:
    signals, response = noise(2, 7).double(), noise(2, 7, seed=1).double()

    found = convolve(signals, response)

    expected = [
        np.convolve(one, other)[:7]
        for one, other in zip(signals.numpy(), response.numpy(), strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_s4d_starts_as_the_paper_says() -> None:
    torch.manual_seed(0)
    layer = S4D(50, 25)

    a = torch.complex(-layer.log_decay.exp(), layer.frequency).view(100, -1)
    expected = torch.complex(torch.full((32,), -0.5), torch.pi * torch.arange(32.0))
    torch.testing.assert_close(a, expected.expand_as(a))
    steps = layer.log_step.exp()
    assert 0.001 <= steps.min() < 0.003 and 0.04 < steps.max() <= 0.1
    assert 0.9 < torch.view_as_complex(layer.output.view(-1, 2)).abs().square().mean() < 1.1


@pytest.mark.parametrize("name", ["transformer", "conformer", "s4d"])
def test_a_long_sequence_keeps_outputs_and_gradients_finite(name: str) -> None:
    torch.manual_seed(0)
    kinds = ENCODERS[name]
    stack = RecurrentStack(kinds, layers=len(kinds), hidden_size=8, dropout=0.0)

    outputs, _ = stack(noise(1, 1500, 16), torch.tensor([1500]))
    outputs.square().mean().backward()

    assert outputs.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in stack.parameters())
