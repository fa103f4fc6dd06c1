"""Encoders of limited right context: in training as in streams, whatever stands beside them."""

import pytest
import torch
from random_models import noise
from torch import Tensor

from asr.encoders import ENCODERS, RecurrentStack
from asr.encoders.lookahead import Lookahead
from asr.encoders.windows import Windows
from asr.util.errors import UserError

CHUNK, CONTEXT = 4, 3


def make_stack(name: str = "blstm", **options: object) -> RecurrentStack:
    torch.manual_seed(0)
    settings = {"layers": 2, "hidden_size": 5, "dropout": 0.0, "chunk": CHUNK} | options
    stack = RecurrentStack(ENCODERS[name], right_context=CONTEXT, **settings)
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return stack.double()


def naive(stack: RecurrentStack, frames: Tensor) -> Tensor:
    """Encode chunk by chunk with PyTorch's modules: frames (T, H) -> (T, H)."""
    states: list = [None] * len(stack.layers)
    found = []
    for first in range(0, len(frames), CHUNK):
        window = frames[first : first + CHUNK + CONTEXT]
        for number, (norm, layer) in enumerate(zip(stack.norms, stack.layers, strict=True)):
            forward, backward = one_way(layer, ""), one_way(layer, "_reverse")
            inputs = norm(window)
            ahead, states_after = forward(inputs[:CHUNK], states[number])
            rest = ahead[:0]
            if len(inputs) > CHUNK:
                rest, _ = forward(inputs[CHUNK:], states_after)
            back, _ = backward(inputs.flip(0))
            states[number] = states_after
            window = window + torch.cat([torch.cat([ahead, rest]), back.flip(0)], dim=1)
        found.append(stack.last_norm(window[:CHUNK]))
    return torch.cat(found)


def one_way(layer: torch.nn.Module, end: str) -> torch.nn.Module:
    """A module of PyTorch with the weights of one direction."""
    both = layer.get_submodule(layer.part)
    one = layer.module(layer.input_size, layer.hidden_size).double()
    one.load_state_dict({name: getattr(both, name + end) for name in one.state_dict()})
    return one


@pytest.mark.parametrize("name", ["blstm", "gru"])
def test_training_computes_each_chunk_as_if_alone(name: str) -> None:
    stack = make_stack(name)
    lengths = torch.tensor([13, 8, 4, 1])
    frames = noise(4, 13, 10).double()
    found, _ = stack(frames, lengths)
    for row, one, length in zip(found, frames, lengths, strict=True):
        torch.testing.assert_close(row[:length], naive(stack, one[:length]))


def test_a_batch_equals_batches_of_one_with_their_gradients() -> None:
    stack = make_stack()
    lengths = torch.tensor([13, 6, 1])
    frames = noise(3, 17, 10).double().requires_grad_()
    weights = noise(3, 17, 10, seed=1).double()
    weights *= (torch.arange(17) < lengths[:, None])[:, :, None]
    (stack(frames, lengths)[0] * weights).sum().backward()
    for number, length in enumerate(lengths):
        alone = frames[number : number + 1, :length].detach().requires_grad_()
        (stack(alone, lengths[number : number + 1])[0] * weights[number, :length]).sum().backward()
        torch.testing.assert_close(frames.grad[number, :length], alone.grad[0])
        assert not frames.grad[number, length:].any()


def test_evaluation_reads_whole_utterances() -> None:
    stack = make_stack()
    frames, lengths = noise(1, 20, 10).double(), torch.tensor([20])
    limited, _ = stack(frames, lengths)
    whole, _ = stack.eval()(frames, lengths)
    stack.train()._window = None
    torch.testing.assert_close(whole, stack(frames, lengths)[0])
    assert (limited - whole).abs().max() > 1e-3


def test_all_of_the_rest_as_context_is_the_whole() -> None:
    stack = make_stack()
    stack._window = (CHUNK, 20)
    frames, lengths = noise(2, 20, 10).double(), torch.tensor([20, 11])
    limited, _ = stack(frames, lengths)
    whole, _ = stack.eval()(frames, lengths)
    for row, other, length in zip(limited, whole, lengths, strict=True):
        torch.testing.assert_close(row[:length], other[:length])


def test_a_lookahead_sums_its_own_next_frames() -> None:
    layer = Lookahead(3, 2)
    frames, lengths = noise(2, 6, 3), torch.tensor([6, 4])
    torch.testing.assert_close(layer(frames, lengths)[0], frames[0])
    torch.nn.init.normal_(layer.weight)
    found = layer(frames, lengths)
    for row, length in enumerate(lengths):
        for time in range(length):
            taps = min(3, length - time)
            expected = (layer.weight[:, 0, :taps].T * frames[row, time : time + taps]).sum(0)
            torch.testing.assert_close(found[row, time], expected)


def test_windows_overlap_by_their_context() -> None:
    windows = Windows(torch.tensor([7, 2]), 7, CHUNK, CONTEXT)
    frames = torch.arange(14.0).view(2, 7, 1)
    cut = windows.cut(frames)[..., 0]
    assert cut[0].tolist() == [[0, 1, 2, 3, 4, 5, 6], [4, 5, 6, 0, 0, 0, 0]]
    assert windows.lengths.tolist() == [[7, 3], [2, 0]]
    torch.testing.assert_close(windows.join(cut[..., None]), frames)


def test_other_layers_refuse_a_right_context() -> None:
    with pytest.raises(UserError, match=r"encoder.right_context_ms: .*bidirectional=false"):
        make_stack("peephole")
    assert make_stack("peephole", bidirectional=False).lookahead is not None
