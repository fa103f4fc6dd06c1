"""A recording of any length, joined from the cuts of a manifest.

N samples.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

#: Pauses between utterances, and the fraction of them that are long.
PAUSE_S, LONG_PAUSE_S, LONG_FRACTION = (0.5, 3.0), 20.0, 0.05
NOISE_DB = -65.0


@dataclass(frozen=True)
class Utterance:
    """An utterance of the recording: samples first..end, and the transcript."""

    first: int
    end: int
    text: str


def write_long(manifest: Path, path: Path, seconds: float, seed: int = 0) -> list[Utterance]:
    """Join a manifest's recordings, of one sample rate, with pauses; add noise to all of it."""
    rng = np.random.default_rng(seed)
    utterances = read_manifest(manifest)
    rate = soundfile.info(utterances[0][0]).samplerate
    joined: list[Utterance] = []
    written = 0
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for source, text in _shuffled(utterances, rng):
            voice, _ = soundfile.read(source, dtype="float32")
            long = rng.random() < LONG_FRACTION
            pause = np.zeros(int(rate * (LONG_PAUSE_S if long else rng.uniform(*PAUSE_S))))
            samples = np.concatenate([pause, voice])
            samples += 10 ** (NOISE_DB / 20) * rng.standard_normal(len(samples))
            if written + len(samples) > seconds * rate and joined:
                return joined
            file.write(samples)
            joined.append(Utterance(written + len(pause), written + len(samples), text))
            written += len(samples)
    raise AssertionError("the utterances never end")


def read_manifest(manifest: Path) -> list[tuple[str, str]]:
    """List audio file and transcript of each cut; the cuts must be whole recordings."""
    with gzip.open(manifest, "rt", encoding="utf-8") as lines:
        cuts = [json.loads(line) for line in lines]
    return [
        (cut["recording"]["sources"][0]["source"], cut["supervisions"][0]["text"]) for cut in cuts
    ]


def _shuffled(
    utterances: list[tuple[str, str]], rng: np.random.Generator
) -> Iterator[tuple[str, str]]:
    while True:
        for place in rng.permutation(len(utterances)):
            yield utterances[place]
