"""The denominator of CTC-CRF against the sum, written out, over every path."""

import math
from itertools import groupby, product

import pytest
import torch
from torch import Tensor

from asr.model.ctc_model import ctc_loss
from asr.training.denominator import Denominator, token_trigram
from asr.util.errors import UserError

TEXTS = [[1, 2, 3, 3], [2, 2], [1], []]
LENGTHS = torch.tensor([6, 3, 1, 0])


@pytest.fixture
def trigram() -> Tensor:
    return token_trigram(TEXTS, 4).double()


@pytest.fixture
def log_probs() -> Tensor:
    noise = torch.randn(4, 6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return (2 * noise).log_softmax(-1)


def every_path(log_probs: Tensor, trigram: Tensor) -> float:
    """Sum p(path | audio) P(text of the path) over all paths of (U, V)."""
    total = 0.0
    for path in product(range(4), repeat=len(log_probs)):
        text = [token for token, _ in groupby(path) if token]
        likely = math.exp(sum(log_probs[frame, token] for frame, token in enumerate(path)))
        total += likely * math.exp(log_prob(text, trigram))
    return total


def log_prob(text: list[int], trigram: Tensor) -> float:
    padded = [0, 0, *text, 0]
    return sum(
        math.log(trigram[first, second, third])
        for first, second, third in zip(padded, padded[1:], padded[2:], strict=False)
    )


def test_log_z_is_the_sum_over_every_path(trigram: Tensor, log_probs: Tensor) -> None:
    found = Denominator(trigram)(log_probs, LENGTHS)

    for i, length in enumerate(LENGTHS):
        expected = every_path(log_probs[i, :length], trigram)
        assert float(found[i].exp()) == pytest.approx(expected, rel=1e-9)


def test_gradients_are_those_of_finite_differences(trigram: Tensor, log_probs: Tensor) -> None:
    log_probs.requires_grad_()

    assert torch.autograd.gradcheck(lambda x: Denominator(trigram)(x, LENGTHS), log_probs)


def test_no_text_is_likelier_than_all_of_them(trigram: Tensor, log_probs: Tensor) -> None:
    text = torch.tensor([[1, 2, 3, 3]])
    alone = -ctc_loss(log_probs[:1], LENGTHS[:1], text, torch.tensor([4]))

    log_z = Denominator(trigram)(log_probs[:1], LENGTHS[:1])

    assert float(alone) + log_prob([1, 2, 3, 3], trigram) < float(log_z) < 0


def test_hundreds_of_frames_neither_vanish_nor_overflow(trigram: Tensor) -> None:
    sure = (40 * torch.randn(1, 700, 4, generator=torch.Generator().manual_seed(2))).log_softmax(-1)
    sure.requires_grad_()

    log_z = Denominator(trigram.float())(sure, torch.tensor([700]))
    log_z.sum().backward()

    assert log_z.isfinite().all() and sure.grad is not None
    # Each frame holds one token or the blank: the gradient is how likely.
    torch.testing.assert_close(sure.grad.sum(-1), torch.ones(1, 700), rtol=1e-3, atol=0)


def test_a_trigram_is_of_the_texts_and_sums_to_1() -> None:
    trigram = token_trigram(TEXTS, 4)

    torch.testing.assert_close(trigram.sum(-1), torch.ones(4, 4))
    assert trigram.min() > 0
    assert trigram[2, 3].argmax() == 3
    # By hand: after 1 come 2 and the end, once each; 2 is 3 of 11, over 4 kinds.
    unigram = (3 + 4 * 0.25) / (11 + 4)
    bigram = (1 + 2 * unigram) / (2 + 2)
    assert trigram[0, 1, 2] == pytest.approx((1 + 2 * bigram) / (2 + 2))


def test_too_many_tokens_are_refused() -> None:
    with pytest.raises(UserError, match=r"objective.denominator: expected at most 128 tokens"):
        token_trigram([], 500)
