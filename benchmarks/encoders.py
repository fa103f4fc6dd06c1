"""One training step of every encoder on the CPU, one thread, at AN4's lengths.

Times are CPU seconds, on which other work on the machine has less effect than on wall time. The
lengths imitate a batch of 45 s in two augmented views, in frames of 30 ms. The stacks are 3 x 256;
convlstm's is 3 x 640, 32 channels in each of 20 bins.
"""

import argparse
import time

import torch
from timing import machine_line, print_row
from torch import Tensor

from asr.encoders import ENCODERS, RecurrentStack
from asr.training.process import keep_freed_memory

FRAME_S = 0.03
HEADER = ("encoder", "parameters", "step, CPU s", "audio s per CPU s", "of blstm's")
WIDTHS = (10, 10, 11, 17, 10)


def step_s(stack: RecurrentStack, features: Tensor, lengths: Tensor, repeats: int) -> float:
    """Time forward and backward pass: the fastest of `repeats` steps after a warm-up."""
    seconds = []
    for _ in range(repeats + 1):
        stack.zero_grad()
        start = time.process_time()
        stack(features, lengths)[0].sum().backward()
        seconds.append(time.process_time() - start)
    return min(seconds[1:])


def main() -> None:
    """Time every encoder and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="steps an encoder")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    size, batch, frames = (8, 2, 5) if arguments.quick else (256, 32, 93)
    lengths = torch.linspace(frames, 0.85 * frames, batch).long()
    speeds: dict[str, float] = {}
    print(f"{machine_line()}\n")
    print_row(HEADER, WIDTHS)
    for name, kinds in ENCODERS.items():
        torch.manual_seed(0)
        hidden = (32 if arguments.quick else 640) if name == "convlstm" else size
        stack = RecurrentStack(kinds, layers=3, hidden_size=hidden, dropout=0.0)
        features = torch.randn(batch, frames, stack.output_size)
        seconds = step_s(stack, features, lengths, arguments.repeats)
        speeds[name] = float(lengths.sum()) * FRAME_S / seconds
        count = sum(parameter.numel() for parameter in stack.parameters())
        of_blstm = f"{speeds[name] / speeds['blstm']:.2f}"
        cells = [name, f"{count:,}", f"{seconds:.2f}", f"{speeds[name]:.0f}", of_blstm]
        print_row(cells, WIDTHS)


if __name__ == "__main__":
    main()
