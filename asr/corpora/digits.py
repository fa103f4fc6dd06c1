"""Strings of digits by many synthetic voices: a corpus that needs no download.

espeak-ng speaks one to seven digits in eight English accents and many variants of its voice, at
varied pitch and speed; reverberation and noise are added. Train, dev and test share no variant.
Everything is seeded and rendered in a fixed order in one fresh process, so that samples repeat.

    python -m asr.corpora.digits SIZE FOLDER      # the rendering process; prints each finished id
"""

import hashlib
import json
import shutil
import subprocess
import sys
import wave
from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from asr.corpora.collection import SPLITS, Collection, Utterance
from asr.data import acoustics
from asr.text import espeak
from asr.util.errors import UserError

SEED = 20
SAMPLE_RATE_HZ = 16000
WORDS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
LONGEST = 7  # digits an utterance

ACCENTS = (
    "en-us",
    "en",
    "en-gb-scotland",
    "en-us-nyc",
    "en-gb-x-rp",
    "en-029",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
# Clear variants of espeak-ng's voice; variants with equal formants are in one split.
VARIANTS = {
    "train": "m1 m2 m5 m7 m8 f1 f2 f4 f5 Alex Alicia Denis Mario adam david edward max steph",
    "dev": "m4 Annie Andy",
    "test": "m3 m6 f3 belinda robert",
}
ACCENTS_PER_VARIANT = {"train": 3, "dev": 2, "test": 2}


@dataclass(frozen=True)
class Voice:
    """A speaker: a voice of espeak-ng with its own pitch and speed."""

    name: str
    pitch: int
    pitch_range: int
    words_per_minute: int


@dataclass(frozen=True)
class Prompt:
    """One utterance to render; `spoken` has commas, at which the voice pauses."""

    id: str
    split: str
    voice: Voice
    words: str
    spoken: str


def voices(split: str) -> list[Voice]:
    """List the voices of a split: every variant in some of the accents."""
    generator = np.random.default_rng([SEED, SPLITS.index(split)])
    names = [
        f"{ACCENTS[(place * ACCENTS_PER_VARIANT[split] + turn) % len(ACCENTS)]}+{variant}"
        for turn in range(ACCENTS_PER_VARIANT[split])
        for place, variant in enumerate(VARIANTS[split].split())
    ]
    return [
        Voice(
            name,
            pitch=int(generator.integers(35, 66)),
            pitch_range=int(generator.integers(30, 71)),
            words_per_minute=int(generator.integers(130, 206)),
        )
        for name in names
    ]


def plan(size: int) -> list[Prompt]:
    """List the utterances to render: `size` for train, a tenth as many each for dev and test."""
    prompts = []
    for split in SPLITS:
        generator = np.random.default_rng([SEED, len(SPLITS) + SPLITS.index(split)])
        speakers = voices(split)
        for number in range(size if split == "train" else max(1, size // 10)):
            words = [
                WORDS[d] for d in generator.integers(0, 10, generator.integers(1, LONGEST + 1))
            ]
            commas = ["," if generator.random() < 0.2 else "" for _ in words[1:]]
            spoken = "".join(f"{w}{c} " for w, c in zip(words, [*commas, ""], strict=True))
            prompts.append(
                Prompt(
                    id=f"{split}-{number:04d}",
                    split=split,
                    voice=speakers[number % len(speakers)],
                    words=" ".join(words),
                    spoken=spoken.strip().lower(),
                )
            )
    return prompts


def read(source: Path | None, output: Path, *, size: int = 2000) -> Collection:
    """Render the corpus to ``output/audio``, or use the recordings of an earlier call.

    Args:
        source: None, since the corpus is made, not read.
        output: The folder of the recordings' folder.
        size: Utterances of train; dev and test have a tenth as many each.

    Raises:
        UserError: espeakng-loader is not installed, or espeak-ng fails.
    """
    if source is not None:
        raise UserError(f"prepare digits: the corpus is made, not read; leave out {source}")
    if size < 1:
        raise UserError(f"prepare digits: size is {size}, expected 1 or more")
    if find_spec("espeakng_loader") is None:
        raise UserError(espeak.NOT_INSTALLED)
    folder = output / "audio"
    prompts = plan(size)
    if not _finished(folder, prompts):
        _render_in_fresh_process(folder, prompts)
    return Collection(
        [
            Utterance(
                id=prompt.id,
                audio=folder / f"{prompt.id}.wav",
                text=prompt.words,
                where=f"{folder}/{prompt.id}.wav",
                speaker=prompt.voice.name,
                split=prompt.split,
            )
            for prompt in prompts
        ]
    )


def render(prompts: list[Prompt], folder: Path) -> None:
    """Write the recordings of `prompts` in order, as 16-bit wav, and print each finished id."""
    synthesizer = espeak.Synthesizer()
    for place, prompt in enumerate(prompts):
        generator = np.random.default_rng([SEED, 2 * len(SPLITS), place])
        voice = prompt.voice
        speech = synthesizer.render(
            prompt.spoken,
            voice.name,
            pitch=voice.pitch + int(generator.integers(-5, 6)),
            pitch_range=voice.pitch_range,
            words_per_minute=voice.words_per_minute + int(generator.integers(-15, 16)),
        )
        clean = soxr.resample(speech / 32768, synthesizer.sample_rate, SAMPLE_RATE_HZ)
        samples = _add_acoustics(clean, generator)
        _write(folder / f"{prompt.id}.wav", np.round(samples * 32767).astype("<i2"))
        sys.stdout.write(f"{prompt.id}\n")
        sys.stdout.flush()


def _add_acoustics(
    clean: NDArray[np.floating], generator: np.random.Generator
) -> NDArray[np.floating]:
    """Add silence around the speech, reverberation and noise, and set a random level."""
    before, after = (int(SAMPLE_RATE_HZ * generator.uniform(0.05, 0.3)) for _ in range(2))
    samples = np.pad(clean, (before, after))
    if generator.random() < 0.7:
        samples = acoustics.reverberate(
            samples,
            SAMPLE_RATE_HZ,
            decay_s=generator.uniform(0.1, 0.5),
            direct_to_reverberant_db=generator.uniform(0, 15),
            generator=generator,
        )
    samples = acoustics.add_noise(
        samples,
        snr_db=generator.uniform(10, 40),
        slope=generator.uniform(0, 1.5),
        generator=generator,
    )
    return samples * 10 ** (generator.uniform(-20, -1) / 20) / np.max(np.abs(samples))


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    """Write a wav file; soundfile would wait for the disk, which takes a third of the time."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.tobytes())


def _render_in_fresh_process(folder: Path, prompts: list[Prompt]) -> None:
    if folder.exists() and not _record(folder).is_file():
        raise UserError(f"{folder}: exists and is not of this corpus", remedy="other_output")
    partial = folder.with_name("audio.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    size = sum(prompt.split == "train" for prompt in prompts)
    command = [sys.executable, "-m", "asr.corpora.digits", str(size), str(partial)]
    last: deque[str] = deque(maxlen=1)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = tqdm(process.stdout, "rendering", total=len(prompts), unit="utt", disable=None)
        last.extend(line.strip() for line in lines)
    if process.returncode != 0:
        message = last[0] if last else "it printed nothing"
        raise UserError(f"prepare digits: rendering ended with {process.returncode}: {message}")
    record = {"made_by": _made_by(prompts), "sha256": _samples_digest(partial, prompts)}
    _record(partial).write_text(json.dumps(record), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _record(folder: Path) -> Path:
    return folder / "digits.json"


def _finished(folder: Path, prompts: list[Prompt]) -> bool:
    """Tell whether `folder` holds the recordings that rendering `prompts` would write."""
    try:
        record = json.loads(_record(folder).read_text(encoding="utf-8"))
        sha256 = _samples_digest(folder, prompts)
    except (OSError, ValueError):
        return False
    return bool(record == {"made_by": _made_by(prompts), "sha256": sha256})


def _made_by(prompts: list[Prompt]) -> str:
    """Give a digest of the prompts and of the code that renders them."""
    digest = hashlib.sha256(repr(prompts).encode())
    for module in (__file__, espeak.__file__, acoustics.__file__):
        digest.update(Path(module).read_bytes())
    return digest.hexdigest()


def _samples_digest(folder: Path, prompts: list[Prompt]) -> str:
    digest = hashlib.sha256()
    for prompt in prompts:
        digest.update((folder / f"{prompt.id}.wav").read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    render(plan(int(sys.argv[1])), Path(sys.argv[2]))
