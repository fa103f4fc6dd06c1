"""Layers on PyTorch's own recurrent kernels, exact under padding and fast on a CPU.

Shapes: G directions, 2 or 1, B batch, T frames, F inputs, H hidden units of one direction.
"""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asr.encoders.concurrent import run_concurrently
from asr.encoders.directions import join_directions, list_directions
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_

# cuDNN asks for all weights in one block of memory, and copies one direction's at each call.
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")

CPU_HAS_BFLOAT16 = torch.backends.cpu.get_cpu_capability() == "AVX512"


class LibraryLayer(RecurrentLayer):
    """One layer of `nn.LSTM`, `nn.GRU` or `nn.RNN`.

    Each direction runs on the padded batch, the backward one on sequences reversed within their
    own length. With packed sequences PyTorch leaves a CPU's fast kernels for a loop over time
    steps; they were slower on an H100 too.

    Each gate's recurrent matrix starts orthogonal, and every bias at 0.

    Attributes:
        part: name of the submodule that holds the weights, and so part of their name in a file.
        module, kernel: PyTorch's class, and the function behind it.
        states: how many state vectors the layer carries, 2 for the LSTM's (h, c).
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

        Autocast is off wherever the kernel has no sound bfloat16. To cuDNN's kernels autocast
        gives float16 even when bfloat16 is asked for, and small gradients vanish in float16 unless
        the loss is scaled up. oneDNN's LSTM refuses bfloat16 on a CPU without AVX-512.
        """
        weights, kind = self._weights(), features.device.type
        if kind == "cpu" and CPU_HAS_BFLOAT16:
            return self._run_directions(features, lengths, weights)
        with torch.autocast(kind, enabled=False):
            return self._run_directions(features.to(weights[0].dtype), lengths, weights)

    def _run_directions(self, features: Tensor, lengths: Tensor, weights: list[Tensor]) -> Tensor:
        order = self.backward_order(lengths, features.shape[1])
        count = len(weights) // self.directions
        calls = [
            (sequences, *weights[count * number : count * (number + 1)])
            for number, sequences in enumerate(list_directions(features, order))
        ]
        return join_directions(torch.stack(run_concurrently(self._run_direction, calls)), order)

    def _run_direction(self, features: Tensor, *weights: Tensor) -> Tensor:
        output, *_ = self.kernel(
            features, self._initial_state(features), weights,
            has_biases=True, num_layers=1, dropout=0.0, train=self.training,
            bidirectional=False, batch_first=True,
        )  # fmt: skip
        return output

    def _initial_state(self, features: Tensor) -> Tensor | tuple[Tensor, ...]:
        sizes = (self.projection or self.hidden_size, self.hidden_size)[: self.states]
        zeros = tuple(features.new_zeros(1, len(features), size) for size in sizes)
        return zeros if self.states > 1 else zeros[0]

    def _weights(self) -> list[Tensor]:
        """List the kernel's matrices and biases, the forward direction's first."""
        named = self.get_submodule(self.part).named_parameters()
        return [self.drop_weights(p) if "weight_hh" in name else p for name, p in named]
