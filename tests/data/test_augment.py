"""Augmentation of waveforms and features: amounts, bounds, and draws that repeat by key."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from asr.data.acoustics import add_noise, reverberate
from asr.data.augment import SpecAugment, WaveformAugment, generator, warp_mel

RATE = 16000


def waveform_augment(
    speeds: tuple[float, ...] = (1.0,), noise: float = 0.0, reverb: float = 0.0
) -> WaveformAugment:
    return WaveformAugment(
        speeds=speeds, noise_probability=noise, noise_snr_db=(5.0, 10.0),
        reverb_probability=reverb, reverb_rt60_s=(0.1, 0.3),
    )  # fmt: skip


def white_noise(samples: int = RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(1).standard_normal(samples).astype(np.float32)


def test_a_generator_repeats_for_the_same_key() -> None:
    assert generator(1, 2, "a", "s").random() == generator(1, 2, "a", "s").random()


def test_a_generator_differs_by_seed_epoch_utterance_and_stage() -> None:
    keys = [
        (1, 2, "a", "s"),
        (2, 2, "a", "s"),
        (1, 1, "a", "s"),
        (1, 2, "b", "s"),
        (1, 2, "a", "t"),
    ]

    assert len({generator(*key).random() for key in keys}) == len(keys)


@pytest.mark.parametrize("speed", [0.9, 1.1, 0.5])
def test_speed_divides_the_length_and_multiplies_the_pitch(speed: float) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)

    changed = waveform_augment(speeds=(speed,))(tone, RATE, np.random.default_rng(0))

    assert abs(len(changed) - RATE / speed) <= 1
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
    pitch_hz = spectrum.argmax() * RATE / len(changed)
    assert abs(pitch_hz - 1000 * speed) < 2


def test_every_speed_is_drawn() -> None:
    augment = waveform_augment(speeds=(0.9, 1.0, 1.1))

    lengths = {len(augment(white_noise(9900), RATE, np.random.default_rng(i))) for i in range(30)}

    assert lengths == {9000, 9900, 11000}


def test_probabilities_of_0_change_nothing() -> None:
    changed = waveform_augment()(white_noise(), RATE, np.random.default_rng(0))

    np.testing.assert_array_equal(changed, white_noise())


@pytest.mark.parametrize("kind", ["noise", "reverb"])
def test_a_probability_is_the_fraction_of_changed_utterances(kind: str) -> None:
    augment = waveform_augment(**{kind: 0.3})
    clean = white_noise(500)

    changed = [
        not np.array_equal(augment(clean, RATE, np.random.default_rng(i)), clean)
        for i in range(400)
    ]

    assert 0.2 < np.mean(changed) < 0.4


@pytest.mark.parametrize("kinds", [{"noise": 1.0}, {"reverb": 1.0}, {"noise": 1.0, "reverb": 1.0}])
def test_noise_and_reverberation_keep_length_type_and_finiteness(
    kinds: dict[str, float],
) -> None:
    for clean in (white_noise(), white_noise(1), np.zeros(800, np.float32)):
        changed = waveform_augment(**kinds)(clean, RATE, np.random.default_rng(0))

        assert changed.shape == clean.shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()


def test_signal_to_noise_ratios_cover_their_range() -> None:
    augment = waveform_augment(noise=1.0)
    clean = white_noise()

    ratios_db = []
    for i in range(20):
        added = augment(clean, RATE, np.random.default_rng(i)) - clean
        ratios_db.append(10 * np.log10(np.mean(clean**2) / np.mean(added**2)))

    assert min(ratios_db) > 4.99
    assert max(ratios_db) < 10.01
    assert max(ratios_db) - min(ratios_db) > 2


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_of_any_color_has_the_signal_to_noise_ratio(snr_db: float, slope: float) -> None:
    clean = white_noise()

    added = add_noise(clean, snr_db=snr_db, slope=slope, generator=np.random.default_rng(0)) - clean

    found_db = 10 * np.log10(np.mean(clean**2) / np.mean(added**2))
    assert found_db == pytest.approx(snr_db, abs=0.01)


def test_an_impulse_response_is_the_impulse_and_a_decay_of_60_db() -> None:
    impulse = np.zeros(RATE)
    impulse[0] = 1.0

    response = reverberate(
        impulse, RATE, decay_s=0.4, direct_to_reverberant_db=6.0,
        generator=np.random.default_rng(0),
    )  # fmt: skip

    tail = response[1:]
    assert response[0] == pytest.approx(1.0)
    assert np.sum(tail**2) == pytest.approx(10**-0.6)
    first, second = (np.mean(tail[i : i + 800] ** 2) for i in (0, 3200))  # 0.2 s, so 30 dB apart
    assert 10 * np.log10(first / second) == pytest.approx(30, abs=1.5)


def spec_augment(
    frequency_masks: int = 2, time_masks: int = 3, time_fraction: float = 0.5
) -> SpecAugment:
    return SpecAugment(
        vtlp=0, frequency_masks=frequency_masks, frequency_bins=4, time_masks=time_masks,
        time_frames=6, time_fraction=time_fraction,
    )  # fmt: skip


def generators(count: int, epoch: int = 0) -> list[np.random.Generator]:
    return [generator(0, epoch, f"utterance {i}", "spec") for i in range(count)]


def masked(augment: SpecAugment, lengths: Sequence[int], frames: int, epoch: int = 0) -> np.ndarray:
    """Mask features of ones (B, T, F), and mark the zeros."""
    features = torch.ones(len(lengths), frames, 16)
    return (augment(features, torch.tensor(lengths), generators(len(lengths), epoch)) == 0).numpy()


LENGTHS = [40, 40, 23, 7, 2, 1, 0]


def test_time_masks_stay_within_an_utterances_length_and_the_time_fraction() -> None:
    for epoch in range(30):
        mask = masked(spec_augment(frequency_masks=0), LENGTHS, 40, epoch).all(axis=2)
        for row, length in zip(mask, LENGTHS, strict=True):
            assert not row[length:].any()
            assert row.sum() <= min(0.5 * length, 3 * 6)


def test_frequency_masks_cover_all_frames_and_have_a_bounded_width() -> None:
    for epoch in range(30):
        mask = masked(spec_augment(time_masks=0), [20] * 4, 20, epoch)
        assert (mask == mask[:, :1]).all(), "a frequency mask covers all frames"
        assert (mask[:, 0].sum(axis=1) <= 2 * 4).all()


@pytest.mark.parametrize("kind", [{"frequency_masks": 1}, {"time_masks": 1}])
def test_one_mask_has_any_allowed_width_and_place(kind: dict[str, int]) -> None:
    augment = spec_augment(**{"frequency_masks": 0, "time_masks": 0, **kind})
    widest = 4 if "frequency_masks" in kind else 6
    axis = 1 if "frequency_masks" in kind else 2

    widths, touched = set(), np.zeros(16, dtype=bool)
    for epoch in range(300):
        row = masked(augment, [16], 16, epoch).all(axis=axis)[0]
        runs = np.diff(row.astype(int), prepend=0, append=0)
        assert (runs == 1).sum() <= 1
        widths.add(int(row.sum()))
        touched |= row

    assert widths == set(range(widest + 1))
    assert touched.all()


def test_a_mask_wider_than_the_features_is_cut_to_them() -> None:
    augment = SpecAugment(0, 1, 100, 1, 100, 1.0)

    changed = augment(torch.ones(2, 3, 2), torch.tensor([3, 1]), generators(2))

    assert changed.shape == (2, 3, 2)


def test_utterances_of_length_0_get_no_time_mask() -> None:
    features = torch.ones(2, 5, 16)

    changed = spec_augment(frequency_masks=0)(features, torch.tensor([0, 0]), generators(2))

    assert torch.equal(changed, features)


def test_masks_of_an_utterance_depend_on_neither_batch_nor_padding() -> None:
    lengths = torch.tensor([30, 20, 10])
    features = torch.ones(3, 30, 16)
    batched = spec_augment()(features, lengths, generators(3))

    for i in range(3):
        n = int(lengths[i])
        alone = spec_augment()(
            features[i : i + 1, :n], lengths[i : i + 1], generators(3)[i : i + 1]
        )
        assert torch.equal(alone[0], batched[i, :n])


def test_unmasked_values_and_the_input_stay_unchanged() -> None:
    features = torch.randn(2, 20, 16)
    before = features.clone()

    changed = spec_augment()(features, torch.tensor([20, 20]), generators(2))

    assert torch.equal(features, before)
    assert ((changed == features) | (changed == 0)).all()
    assert (changed == 0).any()


def test_each_bin_gets_the_content_of_its_stretched_place() -> None:
    ramp = torch.arange(80.0).expand(2, 3, 80)

    warped = warp_mel(ramp, [1.1, 0.9])

    bins = torch.arange(80.0)
    torch.testing.assert_close(warped[0, 1], (1.1 * bins).clamp(max=79), rtol=0, atol=1e-4)
    torch.testing.assert_close(warped[1, 2], 0.9 * bins, rtol=0, atol=1e-4)


def test_a_stretch_of_1_changes_nothing() -> None:
    features = torch.randn(1, 5, 80, generator=torch.Generator().manual_seed(0))

    assert torch.equal(warp_mel(features, [1.0]), features)


def test_each_utterance_and_epoch_draws_its_own_stretch() -> None:
    augment = SpecAugment(0.1, 0, 0, 0, 0, 0)
    ramp = torch.arange(80.0).expand(2, 1, 80)
    lengths = torch.tensor([1, 1])

    first, second = (augment(ramp, lengths, generators(2, epoch))[:, 0, 50] for epoch in (0, 1))

    places = torch.cat([first, second])
    assert len(places.unique()) == 4
    assert places.min() >= 45 and places.max() <= 55
