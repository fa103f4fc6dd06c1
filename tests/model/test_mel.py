"""The window and the mel filters, beside those of torch and torchaudio."""

import numpy as np
import pytest
import torch
import torchaudio.functional

from asr.model.mel import LogMelSettings


@pytest.mark.parametrize(
    ("sample_rate", "mel_bins", "low_hz"),
    [(16000, 80, 20), (8000, 40, 20), (44100, 80, 0), (16000, 40, 1200), (8000, 1, 50)],
)  # fmt: skip
def test_window_and_filters_equal_torchs(sample_rate, mel_bins, low_hz):
    made = LogMelSettings(sample_rate, mel_bins, 25, 10, low_hz, False, 1e-9, None, "utterance")
    filters = torchaudio.functional.melscale_fbanks(
        made.fft_samples // 2 + 1, low_hz, sample_rate / 2, mel_bins, sample_rate,
        norm="slaney", mel_scale="slaney",
    ).numpy()  # fmt: skip
    assert made.mel_filters.shape == (made.fft_samples // 2 + 1, mel_bins)
    np.testing.assert_allclose(made.mel_filters, filters, rtol=0, atol=1e-5 * filters.max())
    window = torch.hann_window(made.window_samples).numpy()
    np.testing.assert_allclose(made.window, window, rtol=0, atol=1e-6)
