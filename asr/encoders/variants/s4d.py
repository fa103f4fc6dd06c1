"""A diagonal state space model: a linear recurrence, computed as a convolution with its response.

Shapes: G directions, B batch, T frames, F inputs, H hidden units of one direction, N complex states
of an input.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from asr.encoders.directions import join_directions, project_directions, stack_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.variants.cell_layer import zero_padding

STATES = 32  # complex, whose conjugates are 32 more
STEPS = (0.001, 0.1)


class S4D(RecurrentLayer):
    """A diagonal state space layer (Gu, Gupta, Goel & Ré 2022, "On the Parameterization ...").

    Each input u is a signal of its own, with N complex states x, which zero-order hold makes a
    recurrence over frames of length Δ:

        x_t = exp(Δ A) x_{t-1} + (exp(Δ A) - 1) / A u_t            A = -exp(α) + j ω
        y_t = 2 Re(Cᵀ x_t) + D u_t

    As a function of u, y is a convolution, computed by FFT. Inputs are mixed behind it:

        (a, g) = W gelu(y) + b            H units each
        output = a ⊙ σ(g)

    A starts as in S4D-Lin, -1/2 + j π n, Δ between 0.001 and 0.1, C and D normal. The authors train
    α, ω and Δ with a smaller learning rate; here all parameters have one rate, and these no weight
    decay.

    Parameters: F (4 N + 2) + 2 H (F + 1) a direction, N = 32.
    """

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        signals = self.directions * input_size
        low, high = map(math.log, STEPS)
        self.log_step = nn.Parameter(torch.empty(signals).uniform_(low, high))
        # Vectors, since the optimizers' weight decay is for matrices.
        self.log_decay = nn.Parameter(torch.full((signals * STATES,), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(STATES).repeat(signals).float())
        self.output = nn.Parameter(math.sqrt(0.5) * torch.randn(signals * STATES * 2))
        self.skip = nn.Parameter(torch.randn(signals))
        self.mix = nn.Parameter(torch.empty(self.directions * 2 * hidden_size, input_size))
        self.mix_bias = nn.Parameter(torch.zeros(self.directions * 2 * hidden_size))
        nn.init.xavier_uniform_(self.mix)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, G * H)."""
        order = self.backward_order(lengths, features.shape[1])
        signals = stack_directions(zero_padding(features, lengths), order)
        with torch.autocast(signals.device.type, enabled=False):
            signals = signals.to(torch.promote_types(signals.dtype, torch.float32))
            skipped = self.skip.view(self.directions, 1, 1, -1) * signals
            response = self.response(signals.shape[2]).unflatten(0, (self.directions, 1, -1))
            filtered = convolve(signals.transpose(2, 3), response).transpose(2, 3) + skipped
        mixed = project_directions(F.gelu(filtered), self.mix, self.mix_bias)
        return join_directions(F.glu(mixed), order)

    def response(self, frames: int) -> Tensor:
        """Compute the response to an impulse, 2 Re(Cᵀ exp(Δ A)^t (exp(Δ A) - 1) / A): (G F, T).

        A power of the state is a product of two, exp(Δ A)^(a S) exp(Δ A)^b with S about √T, so that
        no tensor has states and frames.
        """
        a = torch.complex(-self.log_decay.exp(), self.frequency).view(-1, STATES)
        step_a = self.log_step.exp()[:, None] * a
        output = torch.view_as_complex(self.output.view(-1, STATES, 2))
        weight = 2 * output * (step_a.exp() - 1) / a
        side = math.isqrt(max(frames - 1, 0)) + 1
        time = torch.arange(side, device=a.device)
        fine, coarse = ((step_a[..., None] * (time * step)).exp() for step in (1, side))
        powers = (weight[..., None] * coarse).transpose(1, 2) @ fine
        return powers.real.flatten(1)[:, :frames]


def convolve(signals: Tensor, response: Tensor) -> Tensor:
    """Convolve signals (..., T) with responses (..., T), with zeros before the first frame."""
    frames = signals.shape[-1]
    spectrum = torch.fft.rfft(signals, 2 * frames) * torch.fft.rfft(response, 2 * frames)
    return torch.fft.irfft(spectrum, 2 * frames)[..., :frames]
