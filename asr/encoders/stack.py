"""The part that all encoders share: normalization, residuals and dropout around the layers.

Shapes: B batch, T frames, H width of the stack.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer
from asr.util.random_masks import dropout


class RecurrentStack(nn.Module):
    """Recurrent layers with pre-normalization and residuals: x <- x + dropout(layer(norm(x))).

    Dropout acts on connections between layers, never on recurrent ones (Zaremba 2014).

    Args:
        kinds: classes of the recurrent layers, taken in turn from the first layer on.
        layers: number of layers.
        hidden_size: units of one direction.
        dropout: probability, 0..1.
        bidirectional, projection: see `RecurrentLayer`.
        variational_dropout: drop a unit in all frames of an utterance or in none (Gal & Ghahramani
            2016), instead of frame by frame.
        options: weight_drop and zoneout, see `RecurrentLayer`.

    Attributes:
        output_size: width H of the stack's input and output, and of each layer's output.
        bins: frequency bins of its input and output, if these are maps, else None.
    """

    def __init__(
        self,
        kinds: Sequence[type[RecurrentLayer]],
        *,
        layers: int,
        hidden_size: int,
        dropout: float,
        bidirectional: bool = True,
        projection: int = 0,
        variational_dropout: bool = False,
        **options: float,
    ) -> None:
        super().__init__()
        self.output_size = (2 if bidirectional else 1) * (projection or hidden_size)
        self.layers = nn.ModuleList(
            kinds[i % len(kinds)](
                self.output_size,
                hidden_size,
                bidirectional=bidirectional,
                projection=projection,
                **options,
            )
            for i in range(layers)
        )
        self.bins: int | None = next((layer.bins for layer in self.layers), None)  # type: ignore[assignment]
        self.norms = nn.ModuleList(nn.LayerNorm(self.output_size) for _ in range(layers))
        self.last_norm = nn.LayerNorm(self.output_size)
        self.dropout = VariationalDropout(dropout) if variational_dropout else Dropout(dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode: features (B, T, H), lengths (B,) -> (B, T, H) and the same lengths."""
        for norm, layer in zip(self.norms, self.layers, strict=True):
            features = features + self.dropout(layer(norm(features), lengths))
        return self.last_norm(features), lengths


class Dropout(nn.Dropout):
    """Dropout whose masks `asr.util.random_masks` draws."""

    def forward(self, features: Tensor) -> Tensor:
        """Drop units of features (B, T, H)."""
        return dropout(features, self.p, self.training)


class VariationalDropout(nn.Dropout):
    """Dropout with one mask for all frames of an utterance."""

    def forward(self, features: Tensor) -> Tensor:
        """Drop units of features (B, T, H)."""
        mask = features.new_ones(len(features), 1, features.shape[2])
        return features * dropout(mask, self.p, self.training)
