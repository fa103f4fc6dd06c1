"""Cut training speech at pauses and put pieces of one speaker together anew.

    python recipes/librispeech/splice.py CUTS --model MODEL --output FOLDER

A network that hears the same few hours over and over learns what comes after what. Here nothing
does. The model says where words end; what is written is a folder of flac files with an index.csv,
for `asr prepare folder FOLDER/index.csv`. (After Lam et al., "On-the-fly aligned data
augmentation", 2021, who exchange single words.)
"""

import argparse
import csv
import io
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import torch
from lhotse.cut import Cut
from tqdm import tqdm

import asr
from asr.alignment import align_text
from asr.audio import Waveform
from asr.data import load_waveform, read_cuts
from asr.errors import UserError
from asr.recognizer import Recognizer

#: A pause is so long between the last phone of a word and the first of the next.
PAUSE_S = 0.12
#: The shortest piece is drawn from this range, and the length of a splice from the other.
PIECE_S = (0.7, 3.5)
SPLICE_S = (2.0, 12.0)
LONGEST_S = 15.0
#: Energy is smoothed over so much before a cut is put where it is lowest.
SMOOTH_S = 0.02
#: As libsndfile counts the compression of MP3: at 16 kHz, 24 kbit/s.
MP3_COMPRESSION = 0.9


@dataclass(frozen=True)
class Piece:
    """A stretch of speech and its words."""

    waveform: Waveform
    words: tuple[str, ...]


def main() -> None:
    """Read the flags, align, cut and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cuts", type=Path, metavar="CUTS")
    parser.add_argument(
        "--model", required=True, help="aligns the words; its tokens are letters or phones"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--times", type=int, default=3, metavar="N", help="each is heard so often (3)"
    )
    parser.add_argument(
        "--mp3", type=float, default=0.0, metavar="SHARE",
        help="of the splices that go through an MP3 of 24 kbit/s, 0..1 (0)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        recognizer = asr.load(args.model)
        hours = write(args.cuts, recognizer, args.output, args.times, args.mp3, args.seed)
    except UserError as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{args.output}: {hours:.1f} h\n")


def write(
    manifest: Path, recognizer: Recognizer, output: Path, times: int, mp3: float, seed: int
) -> float:
    """Write splices of a manifest's utterances and their index; returns their hours.

    Raises:
        UserError: an utterance cannot be read or aligned.
    """
    speakers: dict[str, list[Cut]] = defaultdict(list)
    for cut in read_cuts(manifest):
        speakers[str(cut.supervisions[0].speaker)].append(cut)
    output.mkdir(parents=True, exist_ok=True)
    rng, rate, samples = random.Random(seed), recognizer.sample_rate, 0
    with (output / "index.csv").open("w", encoding="utf-8", newline="") as file:
        index = csv.writer(file)
        index.writerow(["path", "text", "speaker", "split"])
        for speaker, cuts in tqdm(speakers.items(), unit="speaker", disable=None):
            aligned = [align(cut, recognizer) for cut in cuts]
            for number, splice in enumerate(splices(aligned, rate, times, rng)):
                name = f"{speaker}-{number:05}.flac"
                coded = rng.random() < mp3
                waveform = through_mp3(splice.waveform, rate) if coded else splice.waveform
                soundfile.write(output / name, waveform, rate)
                index.writerow([name, " ".join(splice.words), speaker, "train"])
                samples += len(waveform)
    return samples / rate / 3600


@dataclass(frozen=True)
class Aligned:
    """An utterance with the time of each word's first and last token, in seconds."""

    waveform: Waveform
    words: tuple[str, ...]
    spans_s: tuple[tuple[float, float], ...]


def align(cut: Cut, recognizer: Recognizer) -> Aligned:
    """Find when the words of an utterance are said, their tokens without the pauses around.

    Raises:
        UserError: as `load_waveform` and `align_text`.
    """
    waveform = load_waveform(cut, recognizer.sample_rate)
    tokenizer, tokens = recognizer.tokenizer, recognizer.tokens
    text = tokenizer.normalise(cut.supervisions[0].text)
    found = align_text(recognizer, waveform, text, cut.id).characters
    spans, taken = [], 0
    for _, positions in tokens.words(tokenizer.encode(text)):
        said = found[taken : taken + len(positions)]
        spans.append((said[0].start_s, said[-1].end_s))
        taken += len(positions)
    return Aligned(waveform, tuple(text.split()), tuple(spans))


def splices(
    utterances: list[Aligned], rate: int, times: int, rng: random.Random
) -> Iterator[Piece]:
    """Put pieces of one speaker's utterances together anew, each utterance `times` over.

    A splice over `LONGEST_S` is left out, as pieces without a pause make one.
    """
    for _ in range(times):
        pieces = [piece for one in utterances for piece in cut_at_pauses(one, rate, rng)]
        rng.shuffle(pieces)
        while pieces:
            taken, length = [], rng.uniform(*SPLICE_S) * rate
            while pieces and sum(len(piece.waveform) for piece in taken) < length:
                taken.append(pieces.pop())
            splice = Piece(
                np.concatenate([piece.waveform for piece in taken]),
                tuple(word for piece in taken for word in piece.words),
            )
            if len(splice.waveform) <= LONGEST_S * rate:
                yield splice


def cut_at_pauses(utterance: Aligned, rate: int, rng: random.Random) -> list[Piece]:
    """Cut an utterance into pieces of random length, where its speaker pauses."""
    pieces, start, first, shortest = [], 0, 0, rng.uniform(*PIECE_S) * rate
    for number, ((_, end_s), (next_s, _)) in enumerate(pairwise(utterance.spans_s), start=1):
        if next_s - end_s < PAUSE_S:
            continue
        middle = quietest(utterance.waveform, round(end_s * rate), round(next_s * rate), rate)
        if middle - start < shortest:
            continue
        pieces.append(Piece(utterance.waveform[start:middle], utterance.words[first:number]))
        start, first, shortest = middle, number, rng.uniform(*PIECE_S) * rate
    return [*pieces, Piece(utterance.waveform[start:], utterance.words[first:])]


def quietest(waveform: Waveform, start: int, end: int, rate: int) -> int:
    """Find the sample in start..end around which there is least energy."""
    width = round(SMOOTH_S * rate)
    energy = np.convolve(waveform[start:end] ** 2, np.ones(width), "same")
    return start + int(energy.argmin())


def through_mp3(waveform: Waveform, rate: int) -> Waveform:
    """Hear a waveform as an MP3 leaves it: no sound above 5.8 kHz, and holes where it is faint."""
    file = io.BytesIO()
    soundfile.write(
        file, waveform, rate, format="MP3",
        bitrate_mode="CONSTANT", compression_level=MP3_COMPRESSION,
    )  # fmt: skip
    return soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0]


if __name__ == "__main__":
    main()
