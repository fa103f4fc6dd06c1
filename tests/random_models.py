"""Small models with random weights, and batches with noise as padding.

Shapes: B batch, T frames, F width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from asr.model.ctc_model import CTCModel
from asr.model.settings import ModelSettings
from asr.text.tokenizer import BLANK, CharTokenizer

FEATURES: dict[str, int | float | str | None] = {
    "sample_rate": 16000,
    "mel_bins": 16,
    "window_ms": 16.0,
    "hop_ms": 10.0,
    "low_hz": 20.0,
    "remove_dc_offset": False,
    "amin": 1e-9,
    "top_db": None,
    "normalization": "utterance",
}
SUBSAMPLING: dict[str, int | str] = {"name": "conv", "factor": 2, "channels": 4}
ENCODER: dict[str, int | float | str | None] = {
    "name": "blstm",
    "layers": 2,
    "hidden_size": 8,
    "dropout": 0.1,
    "bidirectional": True,
    "right_context_ms": None,
    "projection": 0,
    "variational_dropout": False,
    "weight_drop": 0.0,
    "zoneout": 0.0,
}


def random_tokenizer() -> CharTokenizer:
    """Tokens of seven letters and a space."""
    return CharTokenizer([BLANK, *" abcdefg"], "lower")


def random_model(
    normalization: str = "utterance", factor: int = 2, vocabulary_size: int = 9
) -> CTCModel:
    """A seeded model in evaluation mode whose outputs are far from uniform."""
    torch.manual_seed(0)
    settings = ModelSettings(
        {**FEATURES, "normalization": normalization}, {**SUBSAMPLING, "factor": factor}, ENCODER
    )
    model = CTCModel(settings, vocabulary_size)
    torch.nn.init.normal_(model.head.weight, std=2.0)
    return model.eval()


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Seeded normal noise."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pad_with_garbage(sequences: Sequence[Tensor], size: float = 1e3) -> tuple[Tensor, Tensor]:
    """Batch sequences (T,) or (T, F), padded with large noise to beyond the longest sequence."""
    longest = max(len(sequence) for sequence in sequences) + 7
    batch = size * noise(len(sequences), longest, *sequences[0].shape[1:], seed=99)
    for row, sequence in zip(batch, sequences, strict=True):
        row[: len(sequence)] = sequence
    return batch, torch.tensor([len(sequence) for sequence in sequences])
