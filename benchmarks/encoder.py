"""One training step of our BLSTM on the CPU against `nn.LSTM` on packed sequences.

Both models have equal weights; their outputs and gradients are compared first. The column "most"
is the ratio that a step of matrix products alone would reach, at the rate of one large product
measured in the same rounds: an upper bound for float32 on this machine.

B batch, T encoder frames, F inputs, H hidden units of one direction.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from timing import interleave, machine_line, matrix_product, print_row, ratio
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.encoders import BLSTM
from asr.training.process import keep_freed_memory

BATCH = 16
HEADER = (
    "speech, layers x units",
    "frames",
    "packed",
    "ours",
    "bf16",
    "packed/ours",
    "most",
    "packed/bf16",
    "difference",
)
WIDTHS = (22, 6, 7, 7, 7, 19, 6, 19, 10)
PRODUCT = 2048  # rows of the large product
TOLERANCE = 1e-4  # float32 sums in another order, over hundreds of frames


@dataclass(frozen=True)
class Case:
    """One shape of model and speech.

    Attributes:
        speech: corpus whose durations the batch imitates.
        layers, hidden_size: of the stack, whose input is as wide as a layer's output, 2H.
        shortest_s, longest_s: bounds between which the batch's durations are spread evenly.
        frame_ms: step between encoder frames.
    """

    speech: str
    layers: int
    hidden_size: int
    shortest_s: float
    longest_s: float
    frame_ms: int

    def lengths(self, batch: int) -> Tensor:
        """Frames of each utterance (B,), longest first."""
        durations_s = torch.linspace(self.longest_s, self.shortest_s, batch)
        return (durations_s * 1000 / self.frame_ms).long()

    def flop(self, lengths: Tensor) -> float:
        """Count a step's operations in matrix products over valid frames, backward as 2 forward."""
        weights = self.layers * 2 * 4 * self.hidden_size * (2 * self.hidden_size + self.hidden_size)
        return 3 * 2.0 * weights * int(lengths.sum())


# A bucket of AN4, whose utterances are 2.7 s long on average; and LibriSpeech's longest buckets.
AN4, LIBRISPEECH = ("AN4", 2.4, 3.0), ("LibriSpeech", 12.0, 16.0)
CASES = [
    Case(name, layers, hidden_size, shortest_s, longest_s, frame_ms)
    for layers, hidden_size in ((4, 320), (5, 512))
    for (name, shortest_s, longest_s), frame_ms in ((AN4, 40), (AN4, 20), (LIBRISPEECH, 40))
]
QUICK = [Case("quick", 2, 16, 0.4, 0.8, 40)]


class Ours(nn.Module):
    """A stack of our layers, without normalization, residuals and dropout."""

    def __init__(self, layers: int, hidden_size: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(BLSTM(2 * hidden_size, hidden_size) for _ in range(layers))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Encode: (B, T, 2H), (B,) -> (B, T, 2H)."""
        for layer in self.layers:
            features = layer(features, lengths)
        return features


class Packed(nn.Module):
    """The usual PyTorch code: one `nn.LSTM` over packed sequences, with our layers' weights."""

    def __init__(self, ours: Ours, layers: int, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            2 * hidden_size, hidden_size, num_layers=layers, bidirectional=True, batch_first=True
        )
        with torch.no_grad():
            for own, copied in zip(self.lstm.parameters(), ours.parameters(), strict=True):
                own.copy_(copied)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Encode: (B, T, 2H), (B,) -> (B, T, 2H)."""
        packed = pack_padded_sequence(features, lengths, batch_first=True)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]


def measure(case: Case, repeats: int, limit_s: float) -> list[str]:
    """Compare the two models' results, time a step of each, and return a row of the table."""
    torch.manual_seed(0)
    ours = Ours(case.layers, case.hidden_size)
    packed = Packed(ours, case.layers, case.hidden_size)
    lengths = case.lengths(BATCH)
    features = torch.randn(BATCH, int(lengths.max()), 2 * case.hidden_size)
    valid = (torch.arange(features.shape[1]) < lengths[:, None])[:, :, None]
    wanted = torch.randn_like(features) * valid  # the loss's gradient, 0 on padding

    def step(model: nn.Module, bf16: bool = False) -> Callable[[], Tensor]:
        def run() -> Tensor:
            model.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                output = model(features, lengths)
            output.backward(wanted.to(output.dtype))
            return output.detach() * valid

        return run

    difference = largest_difference(step(ours), ours, step(packed), packed)
    assert difference < TOLERANCE, f"{case}: the two sides differ by {difference}"
    step(ours, bf16=True)()  # a warm-up; the comparison has run the others
    product = matrix_product(PRODUCT, torch.float32)
    product()
    steps = {"packed": step(packed), "ours": step(ours), "bf16": step(ours, bf16=True)}
    seconds = interleave(steps | {"product": product}, repeats, limit_s)
    floor_s = case.flop(lengths) / (2 * PRODUCT**3) * min(seconds["product"])
    return [
        f"{case.speech}, {case.layers} x {case.hidden_size}",
        str(int(lengths.max())),
        *(f"{median(seconds[name]):.3f}" for name in steps),
        ratio(seconds, "packed", "ours"),
        f"{median(seconds['packed']) / floor_s:.2f}",
        ratio(seconds, "packed", "bf16"),
        f"{difference:.0e}",
    ]


def largest_difference(
    our_step: Callable[[], Tensor], ours: Ours, packed_step: Callable[[], Tensor], packed: Packed
) -> float:
    """Compare outputs (absolute) and gradients (relative to each parameter's greatest one)."""
    differences = [float((our_step() - packed_step()).abs().max())]
    for own, other in zip(ours.parameters(), packed.parameters(), strict=True):
        assert own.grad is not None and other.grad is not None
        differences.append(float((own.grad - other.grad).abs().max() / other.grad.abs().max()))
    return max(differences)


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, help="CPU threads; by default torch's choice")
    parser.add_argument("--repeats", type=int, default=5, help="most rounds a case")
    parser.add_argument("--limit", type=float, default=20.0, metavar="SECONDS", help="for a case")
    parser.add_argument("--quick", action="store_true", help="one tiny case, to see that it runs")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as training does
    print(machine_line())
    print(f"seconds a training step (forward + backward), batch {BATCH}, medians\n", flush=True)
    print_row(HEADER, WIDTHS)
    for case in QUICK if arguments.quick else CASES:
        print_row(measure(case, arguments.repeats, arguments.limit), WIDTHS)


if __name__ == "__main__":
    main()
