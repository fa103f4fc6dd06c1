"""Speed of transcribing long recordings, by stage and in all, and the memory it needs.

    python benchmarks/transcribe.py --model MODEL [--minutes 20] [--peers PYTHON]
    python benchmarks/transcribe.py --model MODEL --long-hours 3     # memory and WER besides
    python benchmarks/transcribe.py --model MODEL --commands 2000 [--before CHECKOUT]

The recording is joined from a manifest's cuts, with pauses and noise. Stages are timed in CPU
seconds on one core, whole runs by the clock and in CPU seconds on one core and on two. With
--commands, only the command line is measured: `asr transcribe` of so many seconds of the manifest's
recordings in random order on two cores, the start included, beside another checkout; with --peers,
the first of them by pocketsphinx and sherpa-onnx on one core. The encoder's floor is the time that
its multiply-adds, without padding, would take at the rate of one large matrix product, which is
measured in the same run.

B batch, N samples, U encoder frames, V tokens.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
import torch
from commands import Side, Spent, make_sides
from long_recording import Utterance, read_manifest, write_long
from rapidfuzz.distance import Levenshtein
from recording_peers import print_peers, run_peer
from timing import count_cores, machine_line, print_row, processor_line
from training import PRODUCT, matrix_product, multiply_adds

import asr
from asr.audio.opening import open_recording, read_audio
from asr.inference.recognizer import Recognizer
from asr.inference.segmentation import AudioSegment, segments
from asr.model.model_file import load_model

WIDTHS = (34, 10, 12)
SHORT_S = 180.0
Item = TypeVar("Item")


def main() -> None:
    """Make the recording, measure, and print."""
    arguments = parse_arguments()
    if arguments.commands:
        print(processor_line(), flush=True)
        print_commands(arguments)
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(machine_line(), flush=True)
    recognizer = asr.load(arguments.model, arguments.decoding, arguments.vad)
    seconds = 40.0 if arguments.quick else 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        utterances = write_long(arguments.manifest, path, seconds)
        print_stages(recognizer, path, arguments)
        print_speeds(recognizer, path, utterances, arguments)
        print_short(recognizer, arguments)
        if arguments.long_hours:
            print_long(recognizer, Path(folder), arguments)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--decoding", type=Path, help="decoding.yaml; greedy without it")
    parser.add_argument("--manifest", type=Path, default=Path("data/an4-cuts/test.jsonl.gz"))
    parser.add_argument("--vad", default="energy")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--long-hours", type=float, help="compare memory and WER at this length")
    parser.add_argument("--peers", type=Path, help="a Python that has pocketsphinx")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; the fastest counts")
    parser.add_argument("--commands", type=float, metavar="SECONDS", help="of asr transcribe")
    parser.add_argument("--before", type=Path, help="a checkout, or the Python of an environment")
    parser.add_argument("--quick", action="store_true", help="40 s of audio, as a test")
    return parser.parse_args()


def print_stages(recognizer: Recognizer, path: Path, arguments: argparse.Namespace) -> None:
    """Print the CPU seconds of each stage on one core, and the encoder's floor."""
    engine, cpu_s = recognizer.engine, Counter[str]()
    model, _ = load_model(arguments.model)
    clock = Clock(cpu_s)
    adds = 0
    found = clock.each("finding speech", find_speech(recognizer, path, clock))
    for segment in found:
        batch = segment.waveform[None], np.array([len(segment.waveform)])
        clock.call("features", lambda: engine.log_mel(segment.waveform))  # noqa: B023
        arrays = clock.call("encoder", lambda: engine.log_probs(*batch))  # noqa: B023
        clock.call("decoding", lambda: recognizer.decoder.decode(*arrays, engine.frame_s))  # noqa: B023
        adds += multiply_adds(model, torch.from_numpy(batch[1]))
    cpu_s["finding speech"] -= cpu_s["decode audio"]  # which is part of it
    cpu_s["encoder"] -= cpu_s["features"]  # computed once more within it
    with open_recording(path) as recording:
        assert recording.duration_s is not None
        audio_s = recording.duration_s
    print(f"\n{audio_s / 60:.1f} min of audio, stages on one core\n")
    print_row(("", "CPU s", "audio s/s"), WIDTHS)
    for stage, spent in [*cpu_s.items(), ("together", sum(cpu_s.values()))]:
        print_row((stage, f"{spent:.2f}", f"{audio_s / max(spent, 1e-9):,.0f}"), WIDTHS)
    size = 64 if arguments.quick else PRODUCT
    floor_s = adds / product_rate(size)
    print(
        f"{2 * adds / audio_s / 1e9:.3f} GFLOP an audio second; at a plain product's "
        f"{2 * product_rate(size) / 1e9:.0f} GFLOP/s the encoder's floor is {floor_s:.2f} s, "
        f"{100 * floor_s / cpu_s['encoder']:.0f} % of its time",
        flush=True,
    )


def find_speech(recognizer: Recognizer, path: Path, clock: "Clock") -> Iterator[AudioSegment]:
    """Read a recording and cut it into segments of speech, as the recognizer does."""
    with open_recording(path) as recording:
        blocks = recording.waveform(None, recognizer.sample_rate)
        yield from segments(
            clock.each("decode audio", blocks), recognizer.sample_rate, recognizer.vad
        )


def product_rate(size: int) -> float:
    """Measure multiply-adds a second of one large matrix product, the best of five."""
    product, best_s = matrix_product(size, torch.float32), float("inf")
    for _ in range(5):
        start = time.process_time()
        product()
        best_s = min(best_s, time.process_time() - start)
    return size**3 / max(best_s, 1e-9)


class Clock:
    """Adds up CPU seconds by stage."""

    def __init__(self, cpu_s: Counter[str]) -> None:
        self._cpu_s = cpu_s

    def call(self, stage: str, work: Callable[[], Item]) -> Item:
        """Do work, and add its time to a stage."""
        start = time.process_time()
        try:
            return work()
        finally:
            self._cpu_s[stage] += time.process_time() - start  # type: ignore[assignment]

    def each(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on, and add the time of making them to a stage."""
        arriving, end = iter(items), object()
        while (item := self.call(stage, lambda: next(arriving, end))) is not end:
            yield item  # type: ignore[misc]


def print_speeds(
    recognizer: Recognizer, path: Path, utterances: list[Utterance], arguments: argparse.Namespace
) -> None:
    """Print whole runs on one core and on two, and pocketsphinx."""
    with open_recording(path) as recording:
        audio_s = recording.duration_s or 0.0
    print("\nwhole runs\n")
    print_row(("", "by clock", "by CPU time", "WER"), (*WIDTHS, 10))
    fastest = {}
    for threads in (1, 2):
        runs = []
        for _ in range(arguments.repeats):
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            ((_, result),) = recognizer.transcribe_files([path], workers=threads)
            runs.append((time.perf_counter() - wall_s, time.process_time() - cpu_s))
            assert isinstance(result, list)
        name = f"ours, {threads} core{'s' * (threads > 1)}"
        fastest[threads] = min(runs)
        print_speed(name, audio_s, fastest[threads], wer(utterances, result[0].text))
    if arguments.peers:
        peers = [run_peer(arguments.peers, [path]) for _ in range(arguments.repeats)]
        peer_s = min((peer["wall_s"], peer["cpu_s"]) for peer in peers)
        print_speed("pocketsphinx, 1 core", audio_s, peer_s, wer(utterances, peers[0]["texts"][0]))
        ratios = [f"{theirs / ours:.1f}" for theirs, ours in zip(peer_s, fastest[1], strict=True)]
        print_row(("ours on 1 core, times as fast", *ratios), WIDTHS)
        print("(pocketsphinx uses its model of general US English; ours was trained on this task)")


def print_commands(arguments: argparse.Namespace) -> None:
    """Print speed, memory and WER of `asr transcribe` over recordings in random order."""
    wanted = choose_recordings(arguments.manifest, arguments.commands)
    audio_s = sum(soundfile.info(path).duration for path, _ in wanted)
    sides = make_sides(arguments.before)
    runs: dict[str, list[Spent]] = {side.name: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        for side in sides:  # compiles and prepares
            transcribe_files(side, wanted[:1], Path(folder), arguments)
        for _ in range(arguments.repeats):
            for side in sides:
                runs[side.name].append(transcribe_files(side, wanted, Path(folder), arguments))
    print(f"\nasr transcribe of {len(wanted)} files of {audio_s:,.0f} s in all, 2 cores\n")
    widths = (*WIDTHS, 10, 10)
    print_row(("", "by clock", "by CPU time", "peak MB", "WER"), widths)
    for name, found in runs.items():
        best = min(found, key=lambda run: run.wall_s)
        speeds = [f"{audio_s / spent:,.0f}" for spent in (best.wall_s, best.cpu_s)]
        error = f"{printed_wer(best.printed, dict(wanted)):.2f} %"
        print_row((name, *speeds, f"{best.peak_mb:.0f}", error), widths)
    if len(sides) > 1:
        pairs = [*zip(runs["before"], runs["after"], strict=True)]
        cells = [
            f"{min(getattr(b, kind) / getattr(a, kind) for b, a in pairs):.2f}"
            for kind in ("wall_s", "cpu_s")
        ]
        print_row(("after, times as fast at least", *cells), widths[:3])
    if arguments.peers:
        print_peers(arguments.peers, str(arguments.model), wanted)


def choose_recordings(manifest: Path, seconds: float) -> list[tuple[str, str]]:
    """Draw recordings and their texts in random order, up to so many seconds."""
    recordings = read_manifest(manifest)
    chosen, total = [], 0.0
    for place in np.random.default_rng(0).permutation(len(recordings)):
        chosen.append(recordings[place])
        total += soundfile.info(recordings[place][0]).duration
        if total >= seconds:
            break
    return chosen


def transcribe_files(
    side: Side, wanted: list[tuple[str, str]], folder: Path, arguments: argparse.Namespace
) -> Spent:
    """Run `asr transcribe` over recordings."""
    listed = folder / "files.txt"
    listed.write_text("".join(f"{Path(path).absolute()}\n" for path, _ in wanted))
    command = ["transcribe", "--list", str(listed), "--model", str(arguments.model)]
    if arguments.decoding:
        command += ["--decoding", str(arguments.decoding.absolute())]
    return side.run(command, folder / side.name, cores=2)


def printed_wer(printed: str, texts: dict[str, str]) -> float:
    """Word error rate of printed lines, in percent."""
    references = {str(Path(path).absolute()): text for path, text in texts.items()}
    errors = words = 0
    for line in printed.splitlines():
        path, text = line.split("\t", 1)
        reference = references[path].upper().split()
        errors += Levenshtein.distance(reference, text.upper().split())
        words += len(reference)
    return 100 * errors / words


def print_short(recognizer: Recognizer, arguments: argparse.Namespace) -> None:
    """Print the speed of the manifest's recordings on one core: a call for each, a call for all."""
    paths = [path for path, _ in read_manifest(arguments.manifest)]
    spent: dict[str, list[tuple[float, float]]] = {"a call for each": [], "one call": []}
    for _ in range(arguments.repeats):
        for name, calls in (("a call for each", [[path] for path in paths]), ("one call", [paths])):
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            found = [result for call in calls for _, result in recognizer.transcribe_files(call)]
            spent[name].append((time.perf_counter() - wall_s, time.process_time() - cpu_s))
    audio_s = sum(result[0].duration_s for result in found if isinstance(result, list))
    print(f"\n{len(paths)} recordings of {audio_s / len(paths):.1f} s, 1 core\n")
    print_row(("", "by clock", "by CPU time"), WIDTHS)
    for name, times in spent.items():
        print_row((name, *(f"{audio_s / each:,.1f}" for each in min(times))), WIDTHS)


def print_speed(name: str, audio_s: float, spent_s: tuple[float, float], error: float) -> None:
    """Print audio seconds a second, by the clock and by CPU time, and the error rate."""
    speeds = [f"{audio_s / spent:,.1f}" for spent in spent_s]
    print_row((name, *speeds, f"{error:.2f} %"), (*WIDTHS, 10))


def wer(utterances: list[Utterance], text: str) -> float:
    """Word error rate of the whole recording's text, in percent."""
    reference = " ".join(one.text for one in utterances).upper().split()
    return 100 * Levenshtein.distance(reference, text.upper().split()) / len(reference)


def print_long(recognizer: Recognizer, folder: Path, arguments: argparse.Namespace) -> None:
    """Print the peak memory of a short and a long recording, and the WER with and without cuts."""
    long_s = 60.0 if arguments.quick else 3600 * arguments.long_hours
    texts, peaks = {}, {}
    (side,) = make_sides(None)
    lengths_s = {"first": SHORT_S, "short": SHORT_S, "long": long_s}  # the first compiles
    for name, seconds in lengths_s.items():
        path = folder / f"{name}.wav"
        utterances = write_long(arguments.manifest, path, seconds)
        peaks[name] = peak_mb(side, path, arguments)
        texts[name] = (folder / "out" / f"{name}.txt").read_text()
    print(f"\n{long_s / 3600:.2f} h against {SHORT_S / 60:.0f} min\n")
    print(f"peak memory {peaks['long']:.0f} MB against {peaks['short']:.0f} MB")
    samples = read_audio(path, recognizer.sample_rate)
    errors = words = 0
    for one in utterances:
        result = recognizer.transcribe(samples[one.first : one.end], recognizer.sample_rate)
        errors += Levenshtein.distance(one.text.split(), result.text.split())
        words += len(one.text.split())
    whole, alone = wer(utterances, texts["long"]), 100 * errors / words
    print(f"WER {whole:.2f} % as a whole, {alone:.2f} % utterance by utterance", flush=True)


def peak_mb(side: Side, path: Path, arguments: argparse.Namespace) -> float:
    """Transcribe a file with the command line; return the peak memory."""
    model = arguments.model.absolute() if arguments.model.exists() else arguments.model
    command = [
        "transcribe", str(path), "--model", str(model),
        "--output-dir", str(path.parent / "out"), "--vad", arguments.vad,
    ]  # fmt: skip
    return side.run(command, path.parent / side.name, count_cores()).peak_mb


if __name__ == "__main__":
    main()
