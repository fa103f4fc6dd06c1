from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from random_models import noise, pad_with_garbage

from asr.model.features import (
    LogMel,
    frame_mask,
    sliding_max,
    sliding_statistics,
)
from asr.model.mel import CMN_WINDOW, MIN_CMN_WINDOW, NORMALIZATIONS
from asr.util.errors import UserError

#: Just above the rounding noise of 16-bit samples.
AMIN = 1e-9


def log_mel(
    sample_rate: int = 16000,
    mel_bins: int = 16,
    normalization: str = "utterance",
    top_db: float | None = None,
    remove_dc_offset: bool = False,
    amin: float = AMIN,
) -> LogMel:
    return LogMel(
        sample_rate=sample_rate, mel_bins=mel_bins, window_ms=25, hop_ms=10, low_hz=20,
        remove_dc_offset=remove_dc_offset, amin=amin, top_db=top_db,
        normalization=normalization,
    )  # fmt: skip


def voice(samples: int, sample_rate: int) -> torch.Tensor:
    """Harmonics that rise and fade over a little noise: loud and quiet bins, as in speech."""
    time_s = torch.arange(samples) / sample_rate
    phase = 2 * torch.pi * torch.cumsum(120 + 40 * torch.sin(6 * time_s), 0) / sample_rate
    harmonics = sum(torch.sin(k * phase) / k for k in range(1, 12))
    return 0.2 * harmonics * torch.exp(-time_s) + 1e-3 * noise(samples)


def white(samples: int, sample_rate: int) -> torch.Tensor:
    return 0.1 * noise(samples)


@pytest.mark.parametrize(("signal", "tolerance"), [(white, 1e-4), (voice, 5e-3)])
@pytest.mark.parametrize(("sample_rate", "mel_bins"), [(8000, 16), (8000, 40), (16000, 80)])
@pytest.mark.parametrize("frames", [1, 2, 7, 200])
def test_unnormalized_values_equal_librosas(
    frames: int,
    sample_rate: int,
    mel_bins: int,
    signal: Callable[[int, int], torch.Tensor],
    tolerance: float,
) -> None:
    module = log_mel(sample_rate, mel_bins)
    samples = module.fft_samples + (frames - 1) * module.hop_samples + 5
    waveform = signal(samples, sample_rate)

    values = module.log_mel(waveform[None])[0].numpy()

    power = librosa.feature.melspectrogram(
        y=waveform.numpy(), sr=sample_rate, n_fft=module.fft_samples,
        hop_length=module.hop_samples, win_length=module.window_samples, window="hann",
        center=False, power=2.0, n_mels=mel_bins, fmin=20, fmax=sample_rate / 2, htk=False,
        norm="slaney",
    ).T  # fmt: skip
    assert values.shape == power.shape == (frames, mel_bins)
    expected = np.log(np.maximum(power, AMIN))
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


def test_the_mean_removed_is_that_of_the_samples_under_the_window() -> None:
    module = log_mel(remove_dc_offset=True)
    waveform = voice(4000, 16000) + torch.linspace(-0.3, 0.5, 4000)

    values = module.log_mel(waveform[None])[0]

    for i, value in enumerate(values):
        frame = waveform[160 * i :][:512]
        frame = frame - frame[56:456].mean()
        power = librosa.feature.melspectrogram(
            y=frame.numpy(), sr=16000, n_fft=512, hop_length=160, win_length=400, center=False,
            n_mels=16, fmin=20,
        )[:, 0]  # fmt: skip
        np.testing.assert_allclose(value, np.log(power), rtol=0, atol=5e-3)


@pytest.mark.parametrize("normalization", ["utterance", "sliding"])
@pytest.mark.parametrize("top_db", [None, 60])
def test_an_offset_of_the_recording_makes_no_difference(
    top_db: float | None, normalization: str
) -> None:
    waveform, length = voice(24000, 16000), torch.tensor([24000])

    def difference(remove_dc_offset: bool) -> float:
        module = log_mel(
            mel_bins=40, normalization=normalization, top_db=top_db,
            remove_dc_offset=remove_dc_offset,
        )  # fmt: skip
        features, _ = module(waveform[None], length)
        offset, _ = module(waveform[None] + 0.2, length)
        return float((features - offset).abs().max())

    assert difference(remove_dc_offset=True) < 5e-3
    assert difference(remove_dc_offset=False) > 0.5


@pytest.mark.parametrize("normalization", ["utterance", "sliding"])
@pytest.mark.parametrize("level_db", [-150, -75, 60])
def test_the_level_of_the_recording_makes_no_difference(
    level_db: float, normalization: str
) -> None:
    """Of float samples: those of 16 bits are rounded."""
    module = log_mel(mel_bins=80, normalization=normalization, top_db=60, amin=1e-30)
    spoken = torch.cat([voice(24000, 16000), torch.zeros(8000)])
    waveforms = torch.stack([spoken, 10 ** (level_db / 20) * spoken])

    features, _ = module(waveforms, torch.tensor([32000, 32000]))

    torch.testing.assert_close(features[1], features[0], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("sample_rate", "fft_samples"), [(8000, 256), (16000, 512), (44100, 2048)])
def test_the_fft_takes_the_power_of_two_that_holds_the_window(
    sample_rate: int, fft_samples: int
) -> None:
    assert log_mel(sample_rate).fft_samples == fft_samples


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (1, 0), (511, 0), (512, 1), (671, 1), (672, 2), (16000, 97)]
)
def test_frames_are_those_that_fit_whole(samples: int, frames: int) -> None:
    module = log_mel()

    features, lengths = module(noise(1, samples), torch.tensor([samples]))

    assert module.frames(torch.tensor([samples])).item() == lengths.item() == frames
    assert features.shape[1] == max(frames, 1)  # a batch of nothing keeps one frame of padding


def test_digital_silence_is_finite_and_lies_at_amin() -> None:
    module = log_mel()

    values = module.log_mel(torch.zeros(1, 4000))

    torch.testing.assert_close(values, torch.full_like(values, AMIN).log())
    features, _ = module(torch.zeros(1, 4000), torch.tensor([4000]))
    assert features.abs().max() < 0.1


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("settings", [{}, {"top_db": 20, "remove_dc_offset": True, "amin": 1e-30}])
@pytest.mark.parametrize("garbage", [1e3, 1e30])
@pytest.mark.parametrize(
    "samples", [(9000, 4000, 700, 512, 511, 1, 0), (3000, 3000, 3000), (0, 0), (5000,)]
)
def test_a_batch_equals_batches_of_one(
    samples: tuple[int, ...], garbage: float, settings: dict[str, Any], normalization: str
) -> None:
    module = log_mel(normalization=normalization, **settings)
    waveforms = [0.1 * noise(count, seed=i) for i, count in enumerate(samples)]

    batch, batch_lengths = module(*pad_with_garbage(waveforms, garbage))

    for i, waveform in enumerate(waveforms):
        alone, length = module(waveform[None], torch.tensor([len(waveform)]))
        assert batch_lengths[i] == length
        torch.testing.assert_close(batch[i, :length], alone[0, :length], rtol=1e-5, atol=1e-5)
        assert not batch[i, length:].any(), "features are zero past each length"


def test_silence_in_a_batch_equals_silence_alone() -> None:
    module = log_mel()
    waveforms = [torch.zeros(8000), noise(70000)]

    batch, lengths = module(*pad_with_garbage(waveforms))

    alone, _ = module(waveforms[0][None], torch.tensor([8000]))
    torch.testing.assert_close(batch[:1, : lengths[0]], alone, rtol=0, atol=1e-2)


def test_utterance_normalization_gives_each_bin_mean_0_and_variance_1() -> None:
    waveforms = [torch.cat([voice(n, 16000), 0.01 * voice(n, 16000)]) for n in (9000, 5000)]

    features, lengths = log_mel()(*pad_with_garbage(waveforms))

    for row, length in zip(features, lengths, strict=True):
        valid = row[:length]
        torch.testing.assert_close(valid.mean(0), torch.zeros(16), rtol=0, atol=1e-4)
        torch.testing.assert_close(valid.std(0, correction=0), torch.ones(16), rtol=1e-4, atol=0)


def test_sliding_statistics_are_of_the_frames_up_to_each() -> None:
    lengths = torch.tensor([CMN_WINDOW + 250, MIN_CMN_WINDOW + 50, MIN_CMN_WINDOW - 40, 1, 0])
    values = 3 * noise(5, CMN_WINDOW + 251, 2) - 20

    mean, std = sliding_statistics(values, lengths)
    largest = sliding_max(values[:, :, 0], lengths)

    for i, length in enumerate(lengths.tolist()):
        for t in range(length):
            end = max(t + 1, min(MIN_CMN_WINDOW, length))
            window = values[i, max(0, end - CMN_WINDOW) : end]
            torch.testing.assert_close(mean[i, t], window.mean(0), rtol=0, atol=1e-4)
            torch.testing.assert_close(std[i, t], window.std(0, correction=0), rtol=0, atol=1e-4)
            assert largest[i, t] == window[:, 0].max()


def test_what_follows_changes_no_sliding_feature_after_the_first_window() -> None:
    module = log_mel(normalization="sliding", top_db=20)
    frames = MIN_CMN_WINDOW + 20
    start = voice(module.fft_samples + (frames - 1) * module.hop_samples, 16000)
    longer = torch.cat([start, 5 * noise(16000)])

    features, _ = module(longer[None], torch.tensor([len(longer)]))
    expected, lengths = module(start[None], torch.tensor([len(start)]))

    assert lengths.item() == frames
    torch.testing.assert_close(features[:, :frames], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("top_db", [None, 60])
def test_an_empty_band_stays_empty(top_db: float | None) -> None:
    """An MP3's upper band has a rounding error here and there, which is not to become a shout."""
    telephone = librosa.resample(voice(24000, 8000).numpy(), orig_sr=8000, target_sr=16000)
    rounded = torch.from_numpy(np.round(0.2 * telephone * 2**15) / 2**15).float()
    module = log_mel(mel_bins=40, top_db=top_db)

    features, _ = module(rounded[None], torch.tensor([len(rounded)]))

    centers_hz = module.mel_filters.argmax(0) * 16000 / module.fft_samples
    assert features[0, :, centers_hz > 4500].abs().max() < 2
    assert features[0, :, centers_hz < 3000].std(0).min() > 0.7


def test_what_lies_below_the_dynamic_range_is_raised_to_its_edge() -> None:
    module = log_mel(top_db=30)
    loud = voice(8000, 16000)
    waveforms = [torch.cat([loud, torch.zeros(8000)]), 0.01 * loud]
    batch, samples = pad_with_garbage(waveforms)
    lengths = module.frames(samples)
    features = module.log_mel(batch)

    features = module.limit_range(features, lengths)

    for row, length, waveform in zip(features, lengths, waveforms, strict=True):
        values = module.log_mel(waveform[None])[0]
        edge = values.max() - 3 * np.log(10)
        assert (values < edge).any()
        torch.testing.assert_close(row[:length], values.clamp(min=edge))


def test_constants_are_not_stored_with_the_model() -> None:
    assert not log_mel().state_dict()


def test_an_unknown_normalization_is_refused_with_the_choices() -> None:
    choices = "utterance, sliding"
    with pytest.raises(UserError, match=f"unknown kind 'speaker'; choose one of {choices}"):
        log_mel(normalization="speaker")


def test_frame_mask_marks_what_is_not_padding() -> None:
    mask = frame_mask(torch.tensor([0, 1, 3]), 3)

    assert mask.int().tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    "change", [{"mel_bins": 0}, {"hop_ms": 0}, {"window_ms": 0.01}, {"sample_rate": 0}]
)
def test_settings_that_leave_no_bin_window_or_hop_are_refused(change: dict[str, float]) -> None:
    settings = {
        "sample_rate": 16000, "mel_bins": 16, "window_ms": 25, "hop_ms": 10, "low_hz": 20,
        "remove_dc_offset": False, "amin": AMIN, "top_db": None,
        "normalization": "utterance",
    }  # fmt: skip

    with pytest.raises(UserError, match="expected at least one mel bin"):
        LogMel(**{**settings, **change})


def test_a_lower_edge_above_the_highest_frequency_is_refused() -> None:
    """Every filter would be zero, and every feature the same constant."""
    with pytest.raises(UserError, match=r"low_hz: expected .* 4000 Hz, found 9000"):
        LogMel(
            sample_rate=8000, mel_bins=16, window_ms=25, hop_ms=10, low_hz=9000,
            remove_dc_offset=False, amin=AMIN, top_db=None, normalization="utterance",
        )  # fmt: skip


@pytest.mark.parametrize("amin", [0, -1, 1e-39, float("inf"), float("nan")])
def test_a_power_that_has_no_finite_logarithm_is_refused(amin: float) -> None:
    with pytest.raises(UserError, match=rf"features.amin: expected 1.2e-38 or more.*{amin:g}"):
        log_mel(amin=amin)
