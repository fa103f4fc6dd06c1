import pytest
import torch
from random_models import noise, pad_with_garbage
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.encoders.blstm import BLSTM
from asr.encoders.directions import reorder_frames, reversal_index

INPUTS, HIDDEN = 6, 8
CASES = {
    "ragged": (9, 4, 1, 0, 7),
    "equal": (5, 5, 5),
    "one frame": (1, 1),
    "longest last": (2, 3, 11),
    "nothing": (0, 0),
}

ragged = pytest.mark.parametrize("lengths", CASES.values(), ids=CASES.keys())
needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def blstm() -> BLSTM:
    torch.manual_seed(0)
    return BLSTM(INPUTS, HIDDEN)


def utterances(lengths: tuple[int, ...]) -> list[Tensor]:
    return [noise(length, INPUTS, seed=i) for i, length in enumerate(lengths)]


def valid(outputs: Tensor, lengths: Tensor) -> Tensor:
    return torch.cat([row[:length] for row, length in zip(outputs, lengths, strict=True)])


def gradients(layer: BLSTM, features: Tensor, lengths: Tensor) -> list[Tensor | None]:
    """Differentiate a loss on valid frames by every parameter and by the input's valid frames."""
    layer.zero_grad()
    features = features.clone().requires_grad_()
    (valid(layer(features, lengths), lengths) ** 3).sum().backward()
    return [*(p.grad for p in layer.parameters()), valid(features.grad, lengths)]


@ragged
def test_a_batch_equals_batches_of_one(lengths: tuple[int, ...]) -> None:
    layer, sequences = blstm(), utterances(lengths)

    batch = layer(*pad_with_garbage(sequences))

    for row, sequence in zip(batch, sequences, strict=True):
        if len(sequence):
            alone = layer(sequence[None], torch.tensor([len(sequence)]))[0]
            torch.testing.assert_close(row[: len(sequence)], alone, rtol=1e-5, atol=1e-6)


def test_outputs_and_gradients_equal_those_of_nn_lstm() -> None:
    layer = blstm()
    features, sizes = pad_with_garbage(utterances((9, 4, 1, 7)))
    reference = nn.LSTM(INPUTS, HIDDEN, bidirectional=True, batch_first=True)
    reference.load_state_dict(layer.lstm.state_dict())
    packed = pack_padded_sequence(features, sizes, batch_first=True, enforce_sorted=False)
    expected = valid(pad_packed_sequence(reference(packed)[0], batch_first=True)[0], sizes)
    (expected**3).sum().backward()

    outputs = valid(layer(features, sizes), sizes)
    found = gradients(layer, features, sizes)[:-1]

    torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)
    wanted = [p.grad for p in reference.parameters()]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_no_gradient_reaches_the_padding() -> None:
    layer = blstm()
    features, sizes = pad_with_garbage(utterances((9, 4, 1)))
    features.requires_grad_()

    valid(layer(features, sizes), sizes).sum().backward()

    for row, length in zip(features.grad, sizes, strict=True):
        assert row[:length].any()
        assert not row[length:].any()


def test_forward_outputs_depend_on_the_past_and_backward_outputs_on_the_future() -> None:
    layer = blstm()
    features = noise(1, 6, INPUTS)
    changed = features.clone()
    changed[0, 3] += 1.0

    difference = (layer(changed, torch.tensor([6])) - layer(features, torch.tensor([6])))[0]

    ahead, back = difference.abs().sum(-1), difference[:, HIDDEN:].abs().sum(-1)
    assert (difference[:, :HIDDEN].abs().sum(-1) > 0).tolist() == [False] * 3 + [True] * 3
    assert (back > 0).tolist() == [True] * 4 + [False] * 2
    assert (ahead > 0).all()


@needs_a_gpu
def test_cuda_equals_the_cpu() -> None:
    layer = blstm()
    features, sizes = pad_with_garbage(utterances((9, 4, 1, 0, 7)))
    expected = valid(layer(features, sizes), sizes)

    found = valid(layer.cuda()(features.cuda(), sizes.cuda()).cpu(), sizes)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@needs_a_gpu
def test_cuda_keeps_its_precision_under_autocast() -> None:
    """Autocast to bfloat16 would run cuDNN's kernel in float16."""
    layer = blstm().cuda()
    features, sizes = (tensor.cuda() for tensor in pad_with_garbage(utterances((9, 4, 1))))
    features = features.bfloat16()
    expected = layer(features.float(), sizes)

    with torch.autocast("cuda", torch.bfloat16):
        found = layer(features, sizes)

    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_every_forget_gate_starts_with_a_bias_of_1_and_other_gates_with_0() -> None:
    lstm = blstm().lstm

    for suffix in ("l0", "l0_reverse"):
        total = getattr(lstm, f"bias_ih_{suffix}") + getattr(lstm, f"bias_hh_{suffix}")
        expected = torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(HIDDEN)
        assert torch.equal(total.detach(), expected)


@pytest.mark.parametrize("suffix", ["l0", "l0_reverse"])
def test_the_recurrent_matrix_of_every_gate_starts_orthogonal(suffix: str) -> None:
    gates = getattr(blstm().lstm, f"weight_hh_{suffix}").detach().split(HIDDEN)

    assert len(gates) == 4
    for gate in gates:
        torch.testing.assert_close(gate @ gate.T, torch.eye(HIDDEN), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("inputs", "hidden"), [(6, 8), (8, 8), (40, 32)])
def test_parameters_number_4_h_f_plus_h_plus_2h_a_direction(inputs: int, hidden: int) -> None:
    count = sum(parameter.numel() for parameter in BLSTM(inputs, hidden).parameters())

    assert count == 2 * 4 * (hidden * (inputs + hidden) + 2 * hidden)


def test_reversal_index_turns_each_sequence_within_its_length_and_undoes_itself() -> None:
    order = reversal_index(torch.tensor([3, 0, 4, 1]), 4)

    assert order.tolist() == [[2, 1, 0, 3], [0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 2, 3]]
    features = noise(4, 4, INPUTS)
    assert torch.equal(reorder_frames(reorder_frames(features, order), order), features)
