"""What every recurrent encoder shares: normalisation, residuals and dropout around its layers.

Shapes: B batch, T frames, H width of the stack.
"""

from torch import Tensor, nn

from asr.encoders.layer import RecurrentLayer


class RecurrentStack(nn.Module):
    """Pre-normalised residual layers: x <- x + dropout(recurrence(norm(x))).

    Dropout touches the connections between layers and never the recurrent ones (Zaremba 2014).

    Args:
        layer: class of the recurrent layers.
        layers: how many.
        hidden_size: units of one direction.
        dropout: probability, 0..1.

    Attributes:
        output_size: width H of the stack's input and output, that of one layer's output.
    """

    def __init__(
        self,
        layer: type[RecurrentLayer],
        *,
        layers: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.output_size = layer.directions * hidden_size
        self.layers = nn.ModuleList(layer(self.output_size, hidden_size) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(self.output_size) for _ in range(layers))
        self.last_norm = nn.LayerNorm(self.output_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encode: features (B, T, H), lengths (B,) -> (B, T, H) and the same lengths."""
        for norm, layer in zip(self.norms, self.layers, strict=True):
            features = features + self.dropout(layer(norm(features), lengths))
        return self.last_norm(features), lengths
