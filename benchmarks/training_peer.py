"""A model in the arrangement of deepspeech.pytorch, written from its description.

`training.py` compares our step with it: a linear spectrogram, two large convolutions, packed
bidirectional LSTMs whose directions are summed, and batch normalization between layers.
Source: Amodei et al., "Deep Speech 2", 2016, sections 3.1 to 3.5.

B batch, N samples, T spectrogram frames, U encoder frames, F bins, C channels, H hidden units,
V tokens.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CHANNELS = 32
FFT_SAMPLES, HOP_SAMPLES = 320, 160  # 161 bins, 20 ms windows and 10 ms hops at 16 kHz


class DeepSpeech(nn.Module):
    """Convolutions, recurrent layers and head; `spectrogram` computes the input of `forward`."""

    def __init__(self, layers: int, hidden_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hamming_window(FFT_SAMPLES), persistent=False)
        self.convolutions = nn.ModuleList([_convolution(1, 41, 2), _convolution(CHANNELS, 21, 1)])
        bins = (FFT_SAMPLES // 2 + 1 + 1) // 2  # each convolution halves them, rounding up
        bins = (bins + 1) // 2
        sizes = [CHANNELS * bins, *[hidden_size] * layers]
        self.recurrences = nn.ModuleList(
            nn.LSTM(i, o, bidirectional=True, batch_first=True) for i, o in pairwise(sizes)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden_size) for _ in range(layers))
        self.head = nn.Linear(hidden_size, vocabulary_size, bias=False)

    def spectrogram(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """log(1 + magnitude) of (B, N), with mean 0 and variance 1: (B, F, T) and lengths (B,)."""
        assert isinstance(self.window, Tensor)
        bins = torch.stft(
            waveforms, FFT_SAMPLES, HOP_SAMPLES, window=self.window,
            center=False, return_complex=True,
        )  # fmt: skip
        features = bins.abs().log1p()
        std, mean = torch.std_mean(features, dim=(1, 2), keepdim=True)
        return (features - mean) / std, (lengths - FFT_SAMPLES) // HOP_SAMPLES + 1

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrograms (B, F, T), the longest first -> log_probs (B, U, V) and lengths (B,)."""
        maps, lengths = features[:, None], (lengths + 1) // 2
        for convolution in self.convolutions:
            maps = _mask(convolution(maps), lengths)
        encoded = maps.flatten(1, 2).transpose(1, 2)
        for number, lstm in enumerate(self.recurrences):
            if number:
                encoded = self.norms[number - 1](encoded.transpose(1, 2)).transpose(1, 2)
            packed = pack_padded_sequence(encoded, lengths, batch_first=True)
            both, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
            ahead, back = both.chunk(2, dim=-1)
            encoded = ahead + back
        encoded = self.norms[-1](encoded.transpose(1, 2)).transpose(1, 2)
        return self.head(encoded).log_softmax(-1), lengths


def _convolution(inputs: int, height: int, time_stride: int) -> nn.Sequential:
    """Make a convolution of `height` bins by 11 frames that halves the bins; output in 0..20."""
    return nn.Sequential(
        nn.Conv2d(
            inputs, CHANNELS, (height, 11), stride=(2, time_stride), padding=(height // 2, 5)
        ),
        nn.BatchNorm2d(CHANNELS),
        nn.Hardtanh(0, 20),
    )


def _mask(maps: Tensor, lengths: Tensor) -> Tensor:
    """Zero the frames past each length: maps (B, C, F, U)."""
    valid = torch.arange(maps.shape[3]) < lengths[:, None]
    return maps * valid[:, None, None, :]
