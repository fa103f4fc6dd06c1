"""Layers on PyTorch's own recurrent kernels, exact under padding and fast on a CPU.

Shapes: G directions, 2 or 1, B batch, T frames, F inputs, H hidden units of one direction, C chunks
and W frames of a window.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asr.encoders.concurrent import run_concurrently
from asr.encoders.directions import (
    join_directions,
    list_directions,
    reorder_frames,
    reversal_index,
)
from asr.encoders.layer import RecurrentLayer
from asr.encoders.start import orthogonal_
from asr.encoders.windows import Windows

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
        weights = self._weights()
        with self._sound_precision(features, weights) as features:
            return self._run_directions(features, lengths, weights)

    def forward_windows(self, features: Tensor, windows: Windows) -> Tensor:
        """Run both directions on windows of utterances: (B, C, W, F) -> (B, C, W, output_size)."""
        weights = self._weights()
        count = len(weights) // 2
        with self._sound_precision(features, weights) as features:
            ahead = self._run_chunks(features, windows.chunk, weights[:count])
            rows = features.flatten(0, 1)
            order = reversal_index(windows.lengths.flatten(), features.shape[2])
            back, *_ = self._run(reorder_frames(rows, order), weights[count:])
            return torch.cat([ahead, reorder_frames(back, order).view_as(ahead)], dim=-1)

    def _run_chunks(self, features: Tensor, chunk: int, weights: Sequence[Tensor]) -> Tensor:
        """Run the forward direction, whose state goes from chunk to chunk, and into each context.

        Args:
            features: windows (B, C, W, F), of which the first frames are the chunk.
            chunk: how many these are.
            weights: of the direction.
        """
        chunks, found, after = features[:, :, :chunk], [], []
        states: Sequence[Tensor] = ()
        for number in range(features.shape[1]):
            outputs, *states = self._run(chunks[:, number], weights, states)
            found.append(outputs)
            after.append(states)
        of_chunks = torch.stack(found, 1)
        if chunk == features.shape[2]:
            return of_chunks
        # a state is (1, B, H), and the contexts are rows (B C) of one batch
        states = [torch.stack(state, 2).flatten(1, 2) for state in zip(*after, strict=True)]
        contexts, *_ = self._run(features[:, :, chunk:].flatten(0, 1), weights, states)
        return torch.cat([of_chunks, contexts.unflatten(0, features.shape[:2])], dim=2)

    @contextmanager
    def _sound_precision(self, features: Tensor, weights: Sequence[Tensor]) -> Iterator[Tensor]:
        """Give features of the kernel's type, with autocast off as `forward` tells."""
        kind = features.device.type
        if kind == "cpu" and CPU_HAS_BFLOAT16:
            yield features
            return
        with torch.autocast(kind, enabled=False):
            yield features.to(weights[0].dtype)

    def _run_directions(self, features: Tensor, lengths: Tensor, weights: list[Tensor]) -> Tensor:
        order = self.backward_order(lengths, features.shape[1])
        count = len(weights) // self.directions
        calls = [
            (sequences, *weights[count * number : count * (number + 1)])
            for number, sequences in enumerate(list_directions(features, order))
        ]
        return join_directions(torch.stack(run_concurrently(self._run_direction, calls)), order)

    def _run_direction(self, features: Tensor, *weights: Tensor) -> Tensor:
        return self._run(features, weights)[0]

    def _run(
        self, features: Tensor, weights: Sequence[Tensor], states: Sequence[Tensor] = ()
    ) -> tuple[Tensor, ...]:
        """Run one direction on (B, T, F) from states (1, B, H): (B, T, H), and the states after."""
        given = tuple(states) or self._initial_states(features)
        return tuple(
            self.kernel(
                features, given if self.states > 1 else given[0], list(weights),
                has_biases=True, num_layers=1, dropout=0.0, train=self.training,
                bidirectional=False, batch_first=True,
            )
        )  # fmt: skip

    def _initial_states(self, features: Tensor) -> tuple[Tensor, ...]:
        sizes = (self.projection or self.hidden_size, self.hidden_size)[: self.states]
        return tuple(features.new_zeros(1, len(features), size) for size in sizes)

    def _weights(self) -> list[Tensor]:
        """List the kernel's matrices and biases, the forward direction's first."""
        named = self.get_submodule(self.part).named_parameters()
        return [self.drop_weights(p) if "weight_hh" in name else p for name, p in named]
