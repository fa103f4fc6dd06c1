"""The part that all encoders share: normalization, residuals and dropout around the layers.

Shapes: B batch, T frames, H width of the stack.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer
from asr.encoders.library import LibraryLayer
from asr.encoders.lookahead import Lookahead
from asr.encoders.windows import Windows
from asr.util.errors import UserError
from asr.util.random_masks import dropout


class RecurrentStack(nn.Module):
    """Recurrent layers with pre-normalization and residuals: x <- x + dropout(layer(norm(x))).

    Dropout acts on connections between layers, never on recurrent ones (Zaremba 2014).

    With a right context, a bidirectional stack is trained as it encodes streams, in `Windows`; in
    evaluation mode it reads whole utterances. A stack of one direction has a `Lookahead` behind its
    last layer.

    Args:
        kinds: classes of the recurrent layers, taken in turn from the first layer on.
        layers: number of layers.
        hidden_size: units of one direction.
        dropout: probability, 0..1.
        bidirectional, projection: see `RecurrentLayer`.
        variational_dropout: drop a unit in all frames of an utterance or in none (Gal & Ghahramani
            2016), instead of frame by frame.
        chunk: frames of a chunk of `Windows`.
        right_context: frames that are read behind a chunk, or behind each frame by a stack of one
            direction; None for all of an utterance, and for none.
        options: weight_drop and zoneout, see `RecurrentLayer`.

    Raises:
        UserError: a right context for layers that cannot be trained in windows.

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
        chunk: int = 1,
        right_context: int | None = None,
        **options: float,
    ) -> None:
        super().__init__()
        in_windows = bidirectional and right_context is not None
        if in_windows and not all(issubclass(kind, LibraryLayer) for kind in kinds):
            raise UserError(
                f"encoder.right_context_ms: {kinds[0].__name__} layers with a backward direction "
                "read whole utterances; set it to null, or encoder.bidirectional=false"
            )
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
        self._window: tuple[int, int] | None = None
        self.lookahead: Lookahead | None = None
        if right_context is not None and bidirectional:
            self._window = (chunk, right_context)
        elif right_context is not None:
            self.lookahead = Lookahead(self.output_size, right_context)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode: features (B, T, H), lengths (B,) -> (B, T, H) and the same lengths."""
        if self._window is not None and self.training:
            windows = Windows(lengths, features.shape[1], *self._window)
            return self.last_norm(self._encode_windows(features, windows)), lengths
        for norm, layer in zip(self.norms, self.layers, strict=True):
            features = features + self.dropout(layer(norm(features), lengths))
        features = self.last_norm(features)
        if self.lookahead is not None:
            features = self.lookahead(features, lengths)
        return features, lengths

    def _encode_windows(self, features: Tensor, windows: Windows) -> Tensor:
        """Run the layers in windows: features (B, T, H) -> (B, T, H)."""
        found = windows.cut(features)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            assert isinstance(layer, LibraryLayer)
            outputs = layer.forward_windows(norm(found), windows)
            found = found + self.dropout(outputs.flatten(1, 2)).view_as(found)
        return windows.join(found)


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
