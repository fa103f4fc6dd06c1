"""Directions computed concurrently: equal outputs and gradients, under the caller's modes."""

import threading
import weakref
from collections.abc import Iterator

import pytest
import torch
from random_models import noise
from torch import Tensor

from asr.encoders import ENCODERS
from asr.encoders.concurrent import run_concurrently
from asr.encoders.layer import RecurrentLayer

FEATURES = noise(3, 12, 6)
LENGTHS = torch.tensor([12, 7, 1])


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def product(features: Tensor, weight: Tensor) -> Tensor:
    return (features @ weight).tanh()


def layer(name: str, **options: float) -> RecurrentLayer:
    torch.manual_seed(0)
    return ENCODERS[name][0](6, 5, **options)


def outputs_and_gradients(recurrent: RecurrentLayer, threads: int) -> list[Tensor]:
    torch.set_num_threads(threads)
    features = FEATURES.clone().requires_grad_()
    torch.manual_seed(1)
    outputs = recurrent(features, LENGTHS)
    wanted = [features, *recurrent.parameters()]
    return [outputs, *torch.autograd.grad((outputs * noise(*outputs.shape)).sum(), wanted)]


@pytest.mark.parametrize("name", ["blstm", "gru", "rnn"])
@pytest.mark.parametrize("options", [{}, {"weight_drop": 0.5}])
def test_a_layer_is_the_same_on_one_thread_and_on_two(name: str, options: dict[str, float]) -> None:
    recurrent = layer(name, **options).train()

    pairs = zip(*(outputs_and_gradients(recurrent, n) for n in (1, 2)), strict=True)

    for alone, joint in pairs:
        torch.testing.assert_close(alone, joint, atol=1e-6, rtol=1e-5)


def test_a_projected_layer_is_the_same_on_one_thread_and_on_two() -> None:
    recurrent = layer("blstm", projection=3)

    for alone, joint in zip(*(outputs_and_gradients(recurrent, n) for n in (1, 2)), strict=True):
        torch.testing.assert_close(alone, joint, atol=1e-6, rtol=1e-5)


def test_each_call_has_a_thread_of_its_own() -> None:
    threads: list[tuple[int, int]] = []
    met = threading.Barrier(2, timeout=10)

    def meet(features: Tensor) -> Tensor:
        met.wait()  # breaks unless both calls are running
        threads.append((threading.get_ident(), torch.get_num_threads()))
        return features.exp()

    first, second = noise(4).requires_grad_(), noise(4, seed=1).requires_grad_()
    found = run_concurrently(meet, [(first,), (second,)])

    torch.testing.assert_close(found, [first.exp(), second.exp()])
    assert len({ident for ident, _ in threads} | {threading.get_ident()}) == 3
    assert [count for _, count in threads] == [1, 1]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_tensor_that_requires_no_gradient_gets_none(frozen: int) -> None:
    calls = [[noise(2, 3, seed=s), noise(3, 3, seed=s + 5)] for s in (0, 1)]
    for arguments in calls:
        arguments[1 - frozen].requires_grad_()

    torch.stack(run_concurrently(product, calls)).sum().backward()

    for arguments in calls:
        expected = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in arguments]
        product(*expected).sum().backward()
        assert arguments[frozen].grad is None
        torch.testing.assert_close(arguments[1 - frozen].grad, expected[1 - frozen].grad)


def test_calls_run_under_the_callers_modes() -> None:
    seen = []

    def look(features: Tensor) -> Tensor:
        modes = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
        seen.append((*modes, torch.is_autocast_enabled("cpu")))
        return features @ features

    calls = [(noise(4, 4),), (noise(4, 4, seed=1),)]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert all(found.dtype == torch.bfloat16 for found in run_concurrently(look, calls))
    with torch.no_grad():
        run_concurrently(look, calls)
    run_concurrently(look, calls)

    assert (
        seen == [(True, False, True)] * 2 + [(False, False, False)] * 2 + [(False, True, False)] * 2
    )


def test_an_error_in_one_call_reaches_the_caller() -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        run_concurrently(product, [(noise(2, 3), noise(3, 3)), (noise(2, 3), noise(2, 3))])


def test_weights_that_change_before_the_backward_pass_are_noticed() -> None:
    weights = [noise(3, 3, seed=s).requires_grad_() for s in (0, 1)]
    features = noise(2, 3).requires_grad_()
    total = torch.stack(run_concurrently(product, [(features, weight) for weight in weights])).sum()
    with torch.no_grad():
        weights[1].add_(1)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_the_backward_pass_frees_what_the_graph_holds() -> None:
    kept: list[weakref.ref[Tensor]] = []

    def remember(features: Tensor) -> Tensor:
        squared = features * features  # exp keeps its result
        output = squared.exp()
        kept.append(weakref.ref(output))
        return output

    calls = [(noise(4, seed=s).requires_grad_(),) for s in (0, 1)]
    total = torch.stack(run_concurrently(remember, calls)).sum()
    total.backward(retain_graph=True)
    first = calls[0][0].grad.clone()
    total.backward()

    torch.testing.assert_close(calls[0][0].grad, 2 * first)
    assert not any(reference() is not None for reference in kept)
    with pytest.raises(RuntimeError, match="a second time"):
        total.backward()
