"""The acoustic model: log-mel, subsampling, recurrent encoder and CTC head; and its loss.

Shapes: B batch, N samples, T feature frames, U encoder frames, F mel bins, V tokens,
L target length.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders import ENCODERS, RecurrentStack
from asr.model.features import LogMel
from asr.model.settings import ModelSettings
from asr.model.shapes import CHUNK_MS, count_frames, frame_s, right_context
from asr.model.statistics import FeatureStatistics
from asr.model.subsampling import ConvSubsampling
from asr.model.tree_subsampling import TreeSubsampling
from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError

#: Short name in a recipe -> what shortens the frame sequence.
SUBSAMPLINGS: dict[str, type[ConvSubsampling] | type[TreeSubsampling]] = {
    "conv": ConvSubsampling,
    "tree_lstm": TreeSubsampling,
}


class CTCModel(nn.Module):
    """Features to log-probabilities of tokens, blank included.

    Args:
        settings: keywords of the model's parts.
        vocabulary_size: V.

    Attributes:
        log_mel: waveforms to features; not in `forward`, since training masks the features.
        frame_s: seconds from one encoder frame to the next.
        statistics: of the training speech's features, if they were measured.

    Raises:
        UserError: an unknown encoder or subsampling, or a setting that a part refuses.
    """

    def __init__(self, settings: ModelSettings, vocabulary_size: int) -> None:
        super().__init__()
        encoder = dict(settings.encoder)
        name = encoder.pop("name", None)
        if name not in ENCODERS:
            raise UserError(
                f"encoder.name: unknown encoder {name!r}; choose one of {', '.join(ENCODERS)}"
            )
        subsampling: dict[str, Any] = dict(settings.subsampling)
        join = subsampling.pop("name", None)
        if join not in SUBSAMPLINGS:
            raise UserError(
                f"subsampling.name: unknown subsampling {join!r}; "
                f"choose one of {', '.join(SUBSAMPLINGS)}"
            )
        self.settings = settings
        self.log_mel = LogMel(**settings.features)  # type: ignore[arg-type]
        del encoder["right_context_ms"]
        self.encoder = RecurrentStack(
            ENCODERS[str(name)],
            chunk=max(1, count_frames(settings, CHUNK_MS)),
            right_context=right_context(settings),
            **encoder,
        )
        self.subsampling = SUBSAMPLINGS[join](
            mel_bins=self.log_mel.mel_bins,
            output_size=self.encoder.output_size,
            keep_bins=self.encoder.bins,
            **subsampling,
        )
        self.head = nn.Linear(self.encoder.output_size, vocabulary_size)
        self.frame_s = frame_s(settings)
        self.statistics: FeatureStatistics | None = None

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, F) and lengths (B,) -> log_probs (B, U, V), float32, and lengths (B,)."""
        encoded, lengths = self.subsampling(features, lengths)
        encoded, lengths = self.encoder(encoded, lengths)
        return self.head(encoded).float().log_softmax(-1), lengths

    def log_probs(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (B, N) and lengths in samples (B,) -> log_probs and lengths, as `forward`."""
        log_probs, lengths = self(*self.log_mel(waveforms, lengths))
        return log_probs, lengths

    def output_frames(self, samples: Tensor) -> Tensor:
        """Count encoder frames U for utterances' lengths in samples."""
        return self.subsampling.output_lengths(self.log_mel.frames(samples))

    def parameter_table(self) -> str:
        """Tabulate the parameters of each part and layer, and the total."""
        parts = {
            "subsampling": self.subsampling,
            **{f"encoder.{i}": layer for i, layer in enumerate(self.encoder.layers)},
            "head": self.head,
        }
        if self.encoder.lookahead is not None:
            parts["lookahead"] = self.encoder.lookahead
        counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
        total = sum(p.numel() for p in self.parameters())
        counts |= {"norms": total - sum(counts.values()), "total": total}
        return "\n".join(f"{name:<14}{count:>12,}" for name, count in counts.items())


def ctc_loss(
    log_probs: Tensor, log_prob_lengths: Tensor, targets: Tensor, target_lengths: Tensor
) -> Tensor:
    """Compute -log p(target | audio) of each utterance, in nats (Graves 2006, eq. 8).

    Args:
        log_probs: (B, U, V).
        log_prob_lengths: (B,).
        targets: (B, L) token ids; the padding may hold any value.
        target_lengths: (B,).

    Returns:
        (B,); infinite where an utterance has fewer frames than `asr.decoding.tokens.frames_needed`.
    """
    return F.ctc_loss(
        log_probs.transpose(0, 1), targets, log_prob_lengths, target_lengths,
        blank=BLANK_ID, reduction="none",
    )  # fmt: skip
