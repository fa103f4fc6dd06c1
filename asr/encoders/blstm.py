"""Bidirectional LSTM, exact under padding and fast on a CPU.

Shapes: B batch, T frames, F inputs, H hidden units of one direction.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.encoders.layer import RecurrentLayer


class BLSTM(RecurrentLayer):
    """One bidirectional LSTM layer with three gates and no peepholes (Gers 2000; Graves 2005).

    Equation by equation it is ``nn.LSTM(bidirectional=True)`` on packed sequences. On a CPU,
    packing leaves the oneDNN kernel for a loop over time steps, so there each direction runs on
    the padded batch instead, the backward one on sequences that are each reversed within their
    own length: padding then comes after every valid frame, where it cannot change them.

    Parameters: 4 (H (F + H) + 2 H) a direction; the textbook's single bias vector is two here,
    as in every library.
    """

    directions = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.lstm = nn.LSTM(input_size, hidden_size, bidirectional=True, batch_first=True)
        self._initialise(hidden_size)

    @torch.no_grad()
    def _initialise(self, hidden_size: int) -> None:
        """Orthogonal recurrent weights, and a forget-gate bias of 1 (Jozefowicz 2015)."""
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.split(hidden_size):
                    nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            else:
                parameter.zero_()
                if name.startswith("bias_ih"):  # gates lie in the order input, forget, cell, output
                    parameter[hidden_size : 2 * hidden_size] = 1.0

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run both directions: features (B, T, F), lengths (B,) -> (B, T, 2H)."""
        return (self.packed if features.is_cuda else self.padded)(features, lengths)

    def packed(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run cuDNN on packed sequences; a length of 0 is run as 1, its output being padding."""
        packed = pack_padded_sequence(
            features, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        output, _ = self.lstm(packed)
        return pad_packed_sequence(output, batch_first=True, total_length=features.shape[1])[0]

    def padded(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction over the padded batch, the backward one on reversed sequences."""
        weights: list[Tensor] = list(self.lstm.parameters())
        forward_weights, backward_weights = weights[:4], weights[4:]
        order = reversal(lengths, features.shape[1])
        ahead = self._one_direction(features, forward_weights)
        back = self._one_direction(take_frames(features, order), backward_weights)
        return torch.cat([ahead, take_frames(back, order)], dim=-1)

    def _one_direction(self, features: Tensor, weights: list[Tensor]) -> Tensor:
        zeros = features.new_zeros(1, features.shape[0], self.lstm.hidden_size)
        output, _, _ = torch.lstm(
            features, (zeros, zeros), weights,
            has_biases=True, num_layers=1, dropout=0.0, train=self.training,
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        return output


def reversal(lengths: Tensor, frames: int) -> Tensor:
    """Index (B, T) that reverses each sequence within its length; it is its own inverse."""
    time = torch.arange(frames, device=lengths.device).expand(len(lengths), -1)
    last = lengths[:, None] - 1
    return torch.where(time <= last, last - time, time)


def take_frames(features: Tensor, order: Tensor) -> Tensor:
    """Pick frames in another order: features (B, T, F), order (B, T) -> (B, T, F)."""
    return features.gather(1, order[:, :, None].expand(-1, -1, features.shape[2]))
