"""The fingerprint of a run: the settings and data that give its result."""

import zlib
from dataclasses import asdict
from typing import Any

from asr.config import SETTINGS, TrainConfig, flatten, values_before
from asr.data.dataset import SpeechDataset
from asr.training.distributed import DistributedContext
from asr.util.errors import UserError

#: The key of the digest of the model whose weights a run started from.
ORIGIN = "the initial model"
_RESUMABLE = {key for key, one in SETTINGS.items() if one.resumable}
#: What may differ among the machines of one run.
_OF_A_MACHINE = {key for key in _RESUMABLE if SETTINGS[key].is_path or not SETTINGS[key].names_run}


def make_fingerprint(
    config: TrainConfig, origin: str | None, train: SpeechDataset, dev: SpeechDataset
) -> dict[str, Any]:
    """List the settings and data that a resumed run must share with its saved state.

    `origin` is the digest of the model whose weights the run started from, None from scratch.
    """
    return flatten(asdict(config)) | {
        ORIGIN: origin,
        "the tokens": train.tokenizer.summary(),
        "the training utterances": dataset_fingerprint(train),
        "the dev utterances": dataset_fingerprint(dev),
    }


def dataset_fingerprint(dataset: SpeechDataset) -> str:
    """Summarize a dataset: its size, and a checksum of ids, durations and texts."""
    rows = zip(dataset.ids, dataset.durations_s, dataset.texts, strict=True)
    lines = "\n".join(f"{one} {duration} {text}" for one, duration, text in rows)
    return f"{len(dataset)} with checksum {zlib.crc32(lines.encode()):08x}"


def compare_fingerprints(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Describe each difference between two runs that keeps one from resuming the other."""
    before = values_before(TrainConfig).items()
    there = {key: value for key, value in before if key in here} | there
    return [
        f"{key} is {there.get(key)!r} there, {here.get(key)!r} here"
        for key in _differing(there, here, _RESUMABLE)
    ]


def require_same_run(fingerprint: dict[str, Any], context: DistributedContext) -> None:
    """Compare what the processes of a run are to train; where its files lie is each machine's own.

    Without this, gradients of different batches would be summed, or processes wait for each other.

    Raises:
        UserError: it names each difference, in every process.
    """
    first, *others = context.gather(fingerprint)
    for rank, other in enumerate(others, start=1):
        if differences := [
            f"{key} is {first.get(key)!r} in process 0, {other.get(key)!r} in process {rank}"
            for key in _differing(first, other, _OF_A_MACHINE)
        ]:
            raise UserError(
                f"torchrun: the processes have different settings or data: {'; '.join(differences)}"
                "; give every machine the same command and copies of the same files"
            )


def _differing(one: dict[str, Any], other: dict[str, Any], free: set[str]) -> list[str]:
    keys = (one.keys() | other.keys()) - free
    return sorted(key for key in keys if one.get(key) != other.get(key))
