"""What a large training set costs before its first step: time, memory, and planning an epoch.

A set is made, with utterances as long as those of LibriSpeech and texts of invented words; no audio
is read. Each size is measured in a process of its own, as one rank of a training.
"""

import argparse
import gc
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from timing import print_row, processor_line

LONGEST_S, MEAN_S, WORDS_A_SECOND = 16.0, 12.3, 2.75
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
SIZES = (281_241, 1_000_000)  # LibriSpeech's 960 hours
LARGER = 10_000_000
EPOCH = ("plan an epoch", "divide it")
BATCH_S, RANKS = 320.0, 8
SHIPPED = "an4"
WIDTHS = (14, 10, 10, 10)


def main() -> None:
    """Measure each size, and print a table of each and the extrapolation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--quick", action="store_true", help="200 utterances; for the tests")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure)))
        return
    print(processor_line(), flush=True)
    for count in [200] if args.quick else args.utterances:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder, "train.jsonl.gz")
            seconds = write_set(manifest, count)
            print(f"\n{count:,} utterances, {seconds / 3600:,.0f} hours\n", flush=True)
            command = [sys.executable, __file__, "--measure", str(manifest)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print_costs(json.loads(done.stdout.splitlines()[-1]), count)


def write_set(manifest: Path, count: int) -> float:
    """Write a manifest of `count` utterances; returns their seconds."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list(LETTERS), rng.integers(1, 10))) for _ in range(5000)]
    durations = np.round(np.minimum(LONGEST_S, rng.normal(MEAN_S, 3.8, count).clip(1.5)), 3)
    with gzip.open(manifest, "wt", compresslevel=1) as file:
        for number, duration in enumerate(durations.tolist()):
            chosen = rng.integers(len(words), size=max(1, int(WORDS_A_SECOND * duration)))
            text = " ".join([words[i] for i in chosen])
            file.write(line_of(f"{number % 2338}-{number // 97}-{number:07d}", duration, text))
    return float(durations.sum())


def line_of(name: str, duration: float, text: str) -> str:
    """Write the cut of a recording, as `asr prepare` does."""
    samples = round(16000 * duration)
    source = {"type": "file", "channels": [0], "source": f"/corpora/speech/train/{name}.flac"}
    recording = {
        "id": name, "sources": [source], "sampling_rate": 16000, "num_samples": samples,
        "duration": samples / 16000, "channel_ids": [0],
    }  # fmt: skip
    supervision = {
        "id": name, "recording_id": name, "start": 0.0, "duration": samples / 16000, "channel": 0,
        "text": text, "speaker": name.split("-")[0],
    }  # fmt: skip
    cut = {
        "id": name, "start": 0, "duration": samples / 16000, "channel": 0,
        "supervisions": [supervision], "recording": recording, "type": "MonoCut",
    }  # fmt: skip
    return json.dumps(cut) + "\n"


class Costs(dict[str, tuple[float, float]]):
    """CPU seconds, and the MiB in use at the end, of each part."""

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure a part."""
        start = time.process_time()
        yield
        self[name] = time.process_time() - start, resident_mib()


def measure(manifest: Path) -> dict[str, Any]:
    """Do with a set what `asr.training.recipe.build_trainer` and the start of an epoch do."""
    from asr.data.dataset import SpeechDataset, plan_batches, split_batch
    from asr.data.several import read_training_cuts, repeat_cuts
    from asr.model.model_file import build_model, read_model
    from asr.text.tokenizer import CharTokenizer
    from asr.training.fingerprint import dataset_fingerprint
    from asr.training.validation import find_problems

    model = build_model(read_model(SHIPPED))
    costs = Costs()
    with costs.of("imports"):
        pass
    with costs.of("read and check"):
        training = read_training_cuts(str(manifest), None, 600.0)
    with costs.of("find tokens"):
        texts = (cut.supervisions[0].text for cut in training.cuts)
        tokenizer = CharTokenizer.from_texts(texts, "upper")
    with costs.of("find problems"):
        assert not find_problems(list(training.cuts), tokenizer, model, fastest=1.1)
    with costs.of("dataset"):
        cuts = repeat_cuts(training.cuts, training.weights)
        dataset = SpeechDataset(cuts, tokenizer, 16000)
        tokenizer.count(dataset.texts)
    with costs.of("fingerprint"):
        dataset_fingerprint(dataset)
    del training, cuts
    gc.collect()
    with costs.of("plan an epoch"):
        plan = plan_batches(dataset.durations_s, BATCH_S, seed=1, epoch=1)
    with costs.of("divide it"):
        shards = [split_batch(batch, 1, 0, RANKS) for batch in plan]
    return {
        "parts": costs,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "copied_mib": copied_mib(dataset),
        "shards": len(shards),
    }


def copied_mib(dataset: Any) -> float:
    """Tell what a forked process copies of this one's memory to read all cuts and targets."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        gc.disable()  # as a collection copies, too
        before = private_mib()
        for index in range(len(dataset)):
            assert dataset.cuts[index].id
            dataset._target(index)
        os.write(writer, str(private_mib() - before).encode())
        os._exit(0)
    os.wait()
    return float(os.read(reader, 100))


def private_mib() -> float:
    """Tell the memory of this process that no other process shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def resident_mib() -> float:
    """Tell the memory in use by this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def print_costs(found: dict[str, Any], count: int) -> None:
    """Print a row for each part, and the sums, with what `LARGER` utterances would take."""
    parts, factor = found["parts"], LARGER / count
    imports = parts.pop("imports")[1]
    print_row(("", "CPU s", "MiB after", f"s of {LARGER // 10**6} M"), WIDTHS)
    for name, (seconds, mib) in parts.items():
        print_row((name, f"{seconds:.1f}", f"{mib:,.0f}", f"{factor * seconds:,.0f}"), WIDTHS)
    start = sum(seconds for name, (seconds, _) in parts.items() if name not in EPOCH)
    print_row(("start", f"{start:.1f}", "", f"{factor * start:,.0f}"), WIDTHS)
    kept = [parts["divide it"][1], found["peak_mib"], found["copied_mib"] + imports]
    for name, mib in zip(("kept", "most at once", "each worker's"), kept, strict=True):
        more = factor * (mib - imports) / 1024
        each = (mib - imports) * 2**20 / count
        print(f"{name}: {mib - imports:,.0f} MiB, {each:,.0f} bytes each, {more:,.1f} GiB of 10 M")


if __name__ == "__main__":
    main()
