"""An LSTM that predicts each next subword of a sentence.

Shapes: T subwords of a sentence with its end, B sentences, H hidden units, V ids of subwords.

Source: Mikolov et al., "Recurrent neural network based language model", 2010; Sundermeyer et al.,
"LSTM neural networks for language modeling", 2012; the shared embedding of input and output is of
Press & Wolf, "Using the output embedding to improve language models", 2017.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: The target of places past the end of a sentence.
IGNORED = -100


class LSTMLanguageModel(nn.Module):
    """One LSTM layer between an embedding and its transpose. Parameters: V (H + 1) + 8 H (H + 1).

    Args:
        vocabulary_size: V.
        hidden_size: H, also of the embedding.
    """

    def __init__(self, vocabulary_size: int, hidden_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, hidden_size)
        self.lstm = nn.LSTM(hidden_size, hidden_size)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        nn.init.normal_(self.embedding.weight, std=hidden_size**-0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute logits of what follows each subword: (T, B) int64 -> (T, B, V)."""
        outputs, _ = self.lstm(self.embedding(inputs))
        return F.linear(outputs, self.embedding.weight, self.bias)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Sum the negative natural log-probabilities of targets (T, B), `IGNORED` ones left out."""
        logits = self(inputs).flatten(0, 1)
        return F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")
