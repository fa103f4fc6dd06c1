import pytest
import torch
from random_models import noise, pad_with_garbage

from asr.model.shapes import STRIDES
from asr.model.subsampling import ConvSubsampling
from asr.util.errors import UserError

MEL_BINS = 10
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 31)


def subsampling(factor: int, mel_bins: int = MEL_BINS) -> ConvSubsampling:
    torch.manual_seed(0)
    return ConvSubsampling(mel_bins=mel_bins, factor=factor, channels=4, output_size=8)


@pytest.mark.parametrize("factor", STRIDES)
def test_a_batch_equals_batches_of_one(factor: int) -> None:
    module = subsampling(factor)
    utterances = [noise(length, MEL_BINS, seed=length) for length in LENGTHS]

    batch, batch_lengths = module(*pad_with_garbage(utterances))

    for i, utterance in enumerate(utterances[1:], 1):
        alone, length = module(utterance[None], torch.tensor([len(utterance)]))
        assert batch_lengths[i] == length == alone.shape[1]
        torch.testing.assert_close(batch[i, :length], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factor", STRIDES)
def test_garbage_in_the_padding_changes_no_gradient(factor: int) -> None:
    module = subsampling(factor)
    utterances = [noise(length, MEL_BINS, seed=length) for length in LENGTHS]

    gradients = []
    for garbage in (0.0, 1e3):
        module.zero_grad()
        outputs, lengths = module(*pad_with_garbage(utterances, garbage))
        sum(row[:n].square().sum() for row, n in zip(outputs, lengths, strict=True)).backward()
        gradients.append([parameter.grad for parameter in module.parameters()])

    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("factor", STRIDES)
def test_output_lengths_equal_those_of_forward(factor: int) -> None:
    module = subsampling(factor)

    for frames in range(1, 30):
        outputs, lengths = module(noise(1, frames, MEL_BINS), torch.tensor([frames]))
        stated = module.output_lengths(torch.tensor([frames]))
        assert stated.tolist() == lengths.tolist() == [outputs.shape[1]]
    assert module.output_lengths(torch.tensor([0])).tolist() == [0]


@pytest.mark.parametrize("factor", STRIDES)
def test_a_factor_is_the_ratio_of_frames(factor: int) -> None:
    assert subsampling(factor).output_lengths(torch.tensor(1200)) == 1200 // factor


@pytest.mark.parametrize("mel_bins", [16, 17, 18, 19])
def test_any_number_of_mel_bins_fits(mel_bins: int) -> None:
    outputs, _ = subsampling(4, mel_bins)(noise(1, 9, mel_bins), torch.tensor([9]))

    assert outputs.shape == (1, 3, 8)


def test_an_unknown_factor_is_refused_with_the_choices() -> None:
    with pytest.raises(UserError, match="unknown factor 5; choose one of 2, 3, 4, 6"):
        subsampling(5)


def test_an_encoder_of_maps_gets_every_bin_projected_by_itself() -> None:
    torch.manual_seed(0)
    module = ConvSubsampling(mel_bins=20, factor=2, channels=4, output_size=15, keep_bins=5)
    features, lengths = noise(1, 6, 20), torch.tensor([6])
    changed = features.clone()
    changed[:, :, :4] += 1.0

    moved = (module(changed, lengths)[0] - module(features, lengths)[0]).unflatten(2, (5, 3))

    assert (moved.abs().sum((0, 1, 3)) > 0).tolist() == [True, True, False, False, False]


def test_an_encoder_with_another_number_of_bins_is_refused() -> None:
    with pytest.raises(UserError, match=r"maps of 4 bins, and subsampling makes 5 .*by 5/4"):
        ConvSubsampling(mel_bins=20, factor=2, channels=4, output_size=16, keep_bins=4)
