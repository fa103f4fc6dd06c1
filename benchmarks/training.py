"""The time of a training epoch, part by part, and the speed of one step.

Three questions: how much of an epoch is spent outside the model; how near the step comes to the
rate of a plain matrix product; how long a step in deepspeech.pytorch's arrangement takes. With
`--before` a fourth instead: what another checkout's epoch costs.

B batch, N samples, U encoder frames, V tokens, L target length.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from before_after import compare_checkouts
from epoch_clock import Clock, time_epoch
from timing import interleave, machine_line, matrix_product, print_row, ratio
from torch import Tensor, nn
from training_peer import DeepSpeech

from asr.model.ctc_model import CTCModel, ctc_loss
from asr.training.optimizer import make_optimizer

BATCH, TOKENS_A_SECOND = 16, 8  # about what a batch of the AN4 recipe holds
PRODUCT = 2048  # rows of the plain matrix product
SHORTEST = 0.8  # shortest utterance of a batch, as a fraction of the longest
MODEL_PARTS = ("forward", "loss", "backward", "update")
APART = ("evaluation",)
TINY = (
    "encoder.layers=1",
    "encoder.hidden_size=16",
    "subsampling.channels=2",
    "trainer.tensorboard=false",
)


def main() -> None:
    """Measure an epoch and the steps, and print both."""
    arguments = parse_arguments()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a benchmark of the CPU
    torch.manual_seed(0)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(machine_line(), flush=True)
    overrides = [
        f"data.train={arguments.train}",
        f"data.dev={arguments.train.parent}/dev.jsonl.gz",
        "trainer.epochs=1",
        *(TINY if arguments.quick else ()),
    ]
    if arguments.before:
        command = ["train", arguments.recipe, *overrides]
        compare_checkouts(arguments.before, command, arguments.repeats)
        return
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        # In one thread, each part follows the other.
        alone = (f"run_dir={folder}/run", "trainer.threads=1")
        clock, model = time_epoch(arguments.recipe, [*overrides, *alone])
    torch.set_num_threads(threads)
    print_epoch(clock, arguments.recipe)
    batch, product = (2, 64) if arguments.quick else (BATCH, PRODUCT)
    for layers, hidden_size in [(1, 16)] if arguments.quick else [(3, 320), (5, 512)]:
        encoder = {**model.settings.encoder, "layers": layers, "hidden_size": hidden_size}
        settings = replace(model.settings, encoder=encoder)
        ours = CTCModel(settings, model.head.out_features)
        peer = DeepSpeech(layers, hidden_size, model.head.out_features)
        samples = lengths(batch, arguments.longest, ours.log_mel.sample_rate)
        of = f"{batch} utterances of up to {arguments.longest:g} s"
        print(f"\na step at {layers} x {hidden_size}, {of}, medians\n")
        compare_steps(ours, peer, samples, product, arguments.repeats)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="an4")
    parser.add_argument(
        "--train", type=Path, default=Path("data/an4-cuts/train.jsonl.gz"), metavar="MANIFEST",
        help="dev.jsonl.gz beside it is evaluated",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="CPU threads; by default torch's choice")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of steps")
    parser.add_argument(
        "--longest", type=float, default=3.0, metavar="S",
        help="seconds of a batch's longest utterance: 3, as in AN4; LibriSpeech's have 16",
    )  # fmt: skip
    parser.add_argument(
        "--before", type=Path, metavar="CHECKOUT",
        help="only compare a whole epoch, the start included, with that of another checkout",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="tiny models, to see that it runs")
    return parser.parse_args()


def print_epoch(clock: Clock, recipe: str) -> None:
    """Print the parts of an epoch, and the percentage spent outside the model."""
    epoch_s = sum(s for part, s in clock.cpu_s.items() if part not in APART)
    widths = (14, 8, 7, 7)
    print(f"\nan epoch of {recipe} in one thread, without evaluation\n")
    print_row(("part", "CPU s", "share", "wall s"), widths)
    for part, seconds in sorted(clock.cpu_s.items(), key=lambda item: -item[1]):
        share = "" if part in APART else f"{100 * seconds / epoch_s:.1f} %"
        print_row((part, f"{seconds:.2f}", share, f"{clock.wall_s[part]:.2f}"), widths)
    outside_s = epoch_s - sum(clock.cpu_s[part] for part in MODEL_PARTS)
    print(f"outside forward, loss, backward and update: {100 * outside_s / epoch_s:.1f} %")


def lengths(batch_size: int, longest_s: float, sample_rate: int) -> Tensor:
    """Spread lengths (B,) in samples evenly from the longest to the shortest."""
    return (torch.linspace(1, SHORTEST, batch_size) * longest_s * sample_rate).long()


def compare_steps(
    ours: CTCModel, peer: DeepSpeech, samples: Tensor, product: int, repeats: int
) -> None:
    """Time our step, the peer's and plain matrix products in turn, and print them.

    Args:
        ours: our model.
        peer: the other model, of the same width and depth.
        samples: (B,) lengths of the utterances.
        product: rows of the square matrices of the plain product.
        repeats: rounds.
    """
    batch_size = len(samples)
    tokens = int(TOKENS_A_SECOND * int(samples.min()) / ours.log_mel.sample_rate)
    batch = (
        torch.randn(batch_size, int(samples.max())),
        samples,
        torch.randint(1, ours.head.out_features, (batch_size, tokens)),
        torch.full((batch_size,), tokens),
    )
    steps = {
        "ours": training_step(ours.log_mel, ours, batch),
        "ours, bf16": training_step(ours.log_mel, ours, batch, bf16=True),
        "deepspeech": training_step(peer.spectrogram, peer, batch),
        "product": matrix_product(product, torch.float32),
        "product, bf16": matrix_product(product, torch.bfloat16),
    }
    for step in steps.values():
        step()
    seconds = interleave(steps, repeats)
    ours_gflop = 3 * 2 * multiply_adds(ours, samples) / 1e9  # backward is twice forward
    gflop = {"ours": ours_gflop, "ours, bf16": ours_gflop}
    gflop |= dict.fromkeys(("product", "product, bf16"), 2 * product**3 / 1e9)
    parameters = {"ours": count(ours), "ours, bf16": count(ours), "deepspeech": count(peer)}
    widths = (14, 11, 8, 8)
    print_row(("", "parameters", "seconds", "GFLOP/s"), widths)
    for name in steps:
        rate = f"{gflop[name] / median(seconds[name]):.0f}" if name in gflop else ""
        number = f"{parameters[name]:,}" if name in parameters else ""
        print_row((name, number, f"{median(seconds[name]):.3f}", rate), widths)
    print(f"deepspeech/ours: {ratio(seconds, 'deepspeech', 'ours')}")
    print(f"deepspeech/ours, bf16: {ratio(seconds, 'deepspeech', 'ours, bf16')}", flush=True)


def training_step(
    extract: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    model: nn.Module,
    batch: tuple[Tensor, Tensor, Tensor, Tensor],
    bf16: bool = False,
) -> Callable[[], None]:
    """Make a step: from waveforms (B, N), through `extract`, to an update of the weights."""
    optimizer = make_optimizer(model, name="adamw", lr=1e-4, weight_decay=1e-2, betas=(0.9, 0.98))
    waveforms, samples, targets, target_lengths = batch

    def step() -> None:
        features, lengths = extract(waveforms, samples)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            log_probs, lengths = model(features, lengths)
        ctc_loss(log_probs, lengths, targets, target_lengths).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def multiply_adds(model: CTCModel, samples: Tensor) -> int:
    """Count multiply-adds of a forward pass over utterances of `samples` (B,), without padding.

    Counted are the convolutions, the projection, the recurrent layers' matrices and the head.
    """
    lengths, bins, total = model.log_mel.frames(samples), model.log_mel.mel_bins, 0
    subsampling = model.subsampling
    for convolution, stride in zip(subsampling.convolutions, subsampling.strides, strict=True):
        lengths, bins = (lengths + stride - 1) // stride, (bins + 1) // 2
        weights = sum(p.numel() for p in convolution.parameters() if p.ndim == 4)
        total += int(lengths.sum()) * bins * weights
    per_frame = sum(
        parameter.numel()
        for part in (subsampling.projection, model.encoder.layers, model.head)
        for parameter in part.parameters()
        if parameter.ndim == 2
    )
    return total + int(lengths.sum()) * per_frame


def count(model: nn.Module) -> int:
    """Count a model's parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    main()
