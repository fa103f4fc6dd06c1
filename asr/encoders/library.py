"""Layers that PyTorch's own kernels run, exact under padding and fast on a CPU.

Shapes: G directions, 2 or 1, B batch, T frames, F inputs, H hidden units of one direction.
"""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asr.encoders.concurrent import run_concurrently
from asr.encoders.directions import for_each_direction, join_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_

# cuDNN would have both directions' weights in one piece, and copies those of one at each call.
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")

CPU_HAS_BFLOAT16 = torch.backends.cpu.get_cpu_capability() == "AVX512"


class LibraryLayer(RecurrentLayer):
    """One layer of `nn.LSTM`, `nn.GRU` or `nn.RNN`.

    Each direction runs on the padded batch, the backward one on sequences that are each reversed
    within their own length. Packed sequences would leave a CPU's fast kernels for a loop over time
    steps, and were slower on an H100 too.

    Every recurrent matrix starts orthogonal, one a gate, and every bias at 0.

    Attributes:
        part: name of the module that holds the weights, under which model files keep them.
        module, kernel: PyTorch's class, and the function it runs.
        states: how many vectors a unit carries, 2 for the LSTM's (h, c).
    """

    options = frozenset({"weight_drop"})
    part: ClassVar[str]
    module: ClassVar[type[nn.RNNBase]]
    kernel: ClassVar[Callable[..., Any]]
    states: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__(input_size, hidden_size, **options)
        module: Any = self.module
        projected = {"proj_size": self.projection} if self.projection else {}
        both = self.directions == 2
        self.add_module(
            self.part,
            module(input_size, hidden_size, bidirectional=both, batch_first=True, **projected),
        )
        self._initialize()

    @torch.no_grad()
    def _initialize(self) -> None:
        for name, parameter in self.named_parameters():
            if "weight_hh" in name:
                for gate in parameter.split(self.hidden_size):
                    orthogonal_(gate)
            elif "weight" in name:
                nn.init.xavier_uniform_(parameter)
            else:
                parameter.zero_()

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Run each direction: features (B, T, F), lengths (B,) -> (B, T, output_size).

        Autocast is left where the kernels have no sound bfloat16: to cuDNN's it gives float16,
        whatever its own type, in which small gradients vanish unless the loss is scaled up, and
        oneDNN's LSTM refuses it on a CPU without AVX-512.
        """
        weights, kind = self._weights(), features.device.type
        if kind == "cpu" and CPU_HAS_BFLOAT16:
            return self._each_direction(features, lengths, weights)
        with torch.autocast(kind, enabled=False):
            return self._each_direction(features.to(weights[0].dtype), lengths, weights)

    def _each_direction(self, features: Tensor, lengths: Tensor, weights: list[Tensor]) -> Tensor:
        order = self.order(lengths, features.shape[1])
        each = len(weights) // self.directions
        parts = [
            (heard, *weights[each * number : each * (number + 1)])
            for number, heard in enumerate(for_each_direction(features, order))
        ]
        return join_directions(torch.stack(run_concurrently(self._one_direction, parts)), order)

    def _one_direction(self, features: Tensor, *weights: Tensor) -> Tensor:
        output, *_ = self.kernel(
            features, self._zeros(features), weights,
            has_biases=True, num_layers=1, dropout=0.0, train=self.training,
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        return output

    def _zeros(self, features: Tensor) -> Tensor | tuple[Tensor, ...]:
        sizes = (self.projection or self.hidden_size, self.hidden_size)[: self.states]
        zeros = tuple(features.new_zeros(1, len(features), size) for size in sizes)
        return zeros if self.states > 1 else zeros[0]

    def _weights(self) -> list[Tensor]:
        """Matrices and biases as the kernel takes them, those of the forward direction first."""
        named = self.get_submodule(self.part).named_parameters()
        return [self.drop(p) if "weight_hh" in name else p for name, p in named]
