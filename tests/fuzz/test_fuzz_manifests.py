"""Whatever a manifest says, nothing is run or fetched, and all of it is read or none."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from cases import generator, run
from lhotse import CutSet, MultiCut
from lhotse.cut import Cut
from mutations import COMMAND, STRINGS, dumped, mutated_bytes, mutated_json, mutated_text, one_of
from worker import Worker

#: What a name may have that is handed to a library which takes it for more than a name.
NAMES = (
    "cuts.jsonl", "cuts.jsonl", "cuts.jsonl", "a b.jsonl", "cuts.jsonl.gz", "cuts.jsonl.gz",
    "cuts.json", "cuts.yaml", "cuts.jsonl.zst", "cuts",
    f"pipe:{COMMAND};true .jsonl", f"pipe:{COMMAND} .jsonl.gz", "http:cuts.jsonl", "s3:cuts.jsonl",
)  # fmt: skip


def sources() -> list[dict[str, Any]]:
    """Places of audio that would be run, fetched or waited for, as a recording names them."""
    kinds = [
        ("command", COMMAND), ("url", f"pipe:{COMMAND}"), ("url", "http://127.0.0.1:9/a.wav"),
        ("file", f"pipe:{COMMAND}"), ("file", f"{COMMAND} |"), ("file", "/dev/zero"),
        ("file", "fifo"), ("memory", "AAAA"), ("shar", ""), ("video", f"pipe:{COMMAND}"),
    ]  # fmt: skip
    return [{"type": kind, "channels": [0], "source": source} for kind, source in kinds]


def recording(source: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "r", "sources": [source], "sampling_rate": 8000, "num_samples": 8000, "duration": 1.0,
        "channel_ids": [0],
    }  # fmt: skip


def reverb(impulse_response: dict[str, Any]) -> dict[str, Any]:
    kwargs = {"rir": impulse_response, "rir_channels": [0], "rir_generator": None}
    return {"name": "ReverbWithImpulseResponse", "kwargs": kwargs}


def parts() -> list[Any]:
    """What lhotse can read and a recipe for speech need not hold."""
    recordings = [recording(source) for source in sources()]
    features = [
        {
            "type": "fbank", "num_frames": 100, "num_features": 20, "frame_shift": 0.01,
            "sampling_rate": 8000, "start": 0, "duration": 1.0, "storage_type": kind,
            "storage_path": f"pipe:{COMMAND}", "storage_key": f"pipe:{COMMAND}", "channels": 0,
        }
        for kind in ("lilcom_url", "numpy_files", "kaldiio", "lilcom_chunky", "memory_raw")
    ]  # fmt: skip
    transforms = [
        {"name": "Speed", "kwargs": {"factor": 1e-9}},
        {"name": "Resample", "kwargs": {"source_sampling_rate": 8000, "target_sampling_rate": 1}},
        {"name": "Volume", "kwargs": {"factor": 1e300}},
        {"name": "Narrowband", "kwargs": {"codec": "restore_orig_sr", "source_sampling_rate": 1}},
        {"name": "os.system", "kwargs": {"command": COMMAND}},
    ]
    lists = [[one] for one in [*map(reverb, recordings), *transforms]]
    whole = [{"transforms": one} for one in lists] + [{"features": one} for one in features]
    return [*recordings, *sources(), *lists, *features, *whole]


def sound(corpus: Path) -> list[Cut]:
    """Make cuts of every kind that are read."""
    cuts = list(CutSet.from_file(corpus / "test.jsonl.gz"))
    first, second = cuts[0], cuts[1].drop_supervisions()
    several = MultiCut.from_dict(first.to_dict() | {"channel": [0]})
    part = first.truncate(duration=0.3).map_supervisions(lambda one: one.trim(0.3))
    return [
        *cuts, first.mix(second, offset_other_by=0.1, snr=10).with_id("mixed"),
        first.pad(2.0).with_id("padded"), part.with_id("part"),
        several.with_id("several"),
    ]  # fmt: skip


def perturbed(cut: Cut) -> list[Cut]:
    """Change a cut in ways that lhotse keeps as transforms."""
    return [cut.perturb_speed(1.1), cut.perturb_volume(2.0), cut.reverb_rir()]


def written(folder: Path, corpus: Path, number: int) -> Path:
    """Write a manifest that is sound but for one line, or several, or as a file."""
    rng = generator("manifest", number)
    good = sound(corpus)
    lines = [dumped(cut.to_dict()) for cut in good]
    kind = rng.integers(6)
    for place in rng.integers(len(lines), size=1 if kind < 3 else 3):
        row = one_of(rng, [*good, *perturbed(good[0])]).to_dict() | {"id": f"other-{place}"}
        change = (injected, injected, lying, lying, mutated, mutated)[kind]
        lines[place] = dumped(change(rng, row))
    data = b"\n".join(lines)
    if kind == 5:
        data = one_of(rng, (mutated_text, mutated_bytes))(rng, data)
    path = folder / one_of(rng, NAMES)
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def injected(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """Put what runs, fetches or fills memory where it would be used."""
    row = json.loads(json.dumps(row))
    owners = [row, *(track["cut"] for track in row.get("tracks", ()))]
    owners += [owner["recording"] for owner in owners if "recording" in owner]
    source = one_of(rng, sources())
    key, value = one_of(rng, (
        ("sources", [source]), ("recording", recording(source)),
        ("transforms", [reverb(recording(source))]), ("transforms", [reverb(recording(source))]),
        ("transforms", one_of(rng, [one for one in parts() if isinstance(one, list)])),
        ("custom", {"noise": recording(source)}), ("offset", 2e5), ("start", 1e9),
        ("features", one_of(rng, [one for one in parts() if "storage_type" in one])),
        ("duration", 1e9), ("num_samples", 10**12), ("sampling_rate", 1), ("type", "Cut"),
    ))  # fmt: skip
    one_of(rng, row["tracks"] if key == "offset" and "tracks" in row else owners)[key] = value
    return row


def evaluate(folder: Path, corpus: Path, model: Path, number: int) -> None:
    os.mkfifo("fifo")
    run("evaluate", written(folder, corpus, number).name, "--model", model)


def mutated(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """Put anything anywhere."""
    return mutated_json(rng, row, parts())


def lying(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """Say of an utterance what is possible, and not so."""
    row = json.loads(json.dumps(row))
    tracks = row.get("tracks", [])
    cut = tracks[0]["cut"] if tracks else row
    heard, said = cut["recording"], cut["supervisions"][0]
    match rng.integers(8):
        case 0 | 1:
            heard["sources"][0]["source"] = one_of(rng, STRINGS)
        case 2:
            times = float(one_of(rng, (1e-3, 0.5, 2, 1e3, 1e9)))
            heard["num_samples"] = max(1, round(heard["num_samples"] * times))
            heard["duration"] = heard["num_samples"] / heard["sampling_rate"]
            cut["duration"] = said["duration"] = heard["duration"]
        case 3:
            rate = int(one_of(rng, (1000, 8001, 768_000)))
            heard |= {"sampling_rate": rate, "duration": heard["num_samples"] / rate}
            cut["duration"] = said["duration"] = heard["duration"]
        case 4:
            heard["channel_ids"] = heard["sources"][0]["channels"] = list(range(1000))
            cut["channel"] = 999
        case 5 if tracks:
            tracks[-1] |= {"offset": 590.0, "snr": 200}
        case 6:
            said |= {"start": -0.5, "speaker": one_of(rng, STRINGS)}
        case _:
            said["text"] = one_of(rng, STRINGS)
    return row


def evaluate_sound(folder: Path, corpus: Path, model: Path) -> None:
    CutSet.from_cuts(sound(corpus)).to_file(folder / "cuts.jsonl")
    assert run("evaluate", "cuts.jsonl", "--model", model).status == 0


def test_what_is_spoilt_was_sound(worker: Worker, tones: Path, model: Path) -> None:
    worker.run(evaluate_sound, tones, model)


@pytest.mark.numbered(400, 4)
def test_evaluate(worker: Worker, tones: Path, model: Path, number: int) -> None:
    worker.run(evaluate, tones, model, number)


def train(folder: Path, corpus: Path, number: int) -> None:
    os.mkfifo("fifo")
    manifest = written(folder, corpus, number).name
    overrides = [f"data.train='{manifest}'", "trainer.epochs=1", "data.skip_invalid=true"]
    run(*tiny.arguments(corpus, folder / "run", *overrides))


@pytest.mark.slow
@pytest.mark.numbered(40, 0)
def test_train(worker: Worker, tones: Path, number: int) -> None:
    worker.run(train, tones, number)
