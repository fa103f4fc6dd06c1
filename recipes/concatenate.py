"""Cut training speech at pauses and put pieces of one speaker together anew.

    python recipes/concatenate.py CUTS --model MODEL --output FOLDER

A network that hears the same few hours over and over learns what comes after what. Here nothing
does. The model says where words end; what is written is a folder of flac files and their manifest,
for `asr train RECIPE data.train=FOLDER/train.jsonl.gz`. (After Lam et al., "On-the-fly aligned
data augmentation", 2021, who exchange single words.)
"""

import argparse
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
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment
from lhotse.cut import Cut
from tqdm import tqdm

import asr
from asr.audio import Waveform
from asr.corpora import write_cuts
from asr.data.manifests import load_waveform, read_cuts
from asr.inference.alignment import align_text
from asr.inference.recognizer import Recognizer
from asr.util.errors import UserError
from asr.util.files import escape_file_name

LONGEST_S = 15.0
#: Energy is smoothed over so much before a cut is put where it is lowest.
SMOOTH_S = 0.02
#: As libsndfile counts the compression of MP3: at 16 kHz, 24 kbit/s.
MP3_COMPRESSION = 0.9


@dataclass(frozen=True)
class Cutting:
    """How speech is cut; the defaults are for reading aloud.

    Attributes:
        pause_s: so long is a pause, between the last phone of a word and the first of the next.
        micro_batch_s: the shortest piece is drawn from this range,
        splice_s: and the length of a splice from this one.
        times: how often each utterance is heard.
        mp3: share of the concatenated that go through an MP3, 0..1.
    """

    pause_s: float = 0.12
    micro_batch_s: tuple[float, float] = (0.7, 3.5)
    splice_s: tuple[float, float] = (2.0, 12.0)
    times: int = 3
    mp3: float = 0.0


@dataclass(frozen=True)
class AudioSegment:
    """A stretch of speech and its words."""

    waveform: Waveform
    words: tuple[str, ...]


def main() -> None:
    """Read the flags, align, cut and write."""
    args = flags().parse_args()
    cutting = Cutting(args.pause, tuple(args.piece), tuple(args.splice), args.times, args.mp3)
    torch.set_num_threads(1)
    try:
        cuts = read_cuts(args.cuts)
        speakers = {"one": [*cuts]} if args.one_speaker else by_speaker(cuts, args.cuts)
        made = write(speakers, asr.load(args.model), args.output, cutting, random.Random(args.seed))
    except UserError as error:
        sys.exit(str(error))
    manifest = args.output / "train.jsonl.gz"
    write_cuts([*made, *cuts] if args.whole else made, manifest)
    hours = sum(cut.duration for cut in made) / 3600
    sys.stdout.write(f"{manifest}: {len(made)} concatenated, {hours:.1f} h\n")


def flags() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser, default = argparse.ArgumentParser(description=__doc__.splitlines()[0]), Cutting()
    add, between = parser.add_argument, ("SHORTEST", "LONGEST")
    add("cuts", type=Path, metavar="CUTS")
    add("--model", required=True, help="aligns the words; its tokens are letters or phones")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--one-speaker", action="store_true", help="one person says it all, whoever is named")
    add(
        "--times", type=int, default=default.times, metavar="N",
        help="each utterance is heard so often (3)",
    )  # fmt: skip
    add("--whole", action="store_true", help="and once more as it is")
    add(
        "--pause", type=float, default=default.pause_s, metavar="S",
        help="seconds between words at which they may be parted (0.12)",
    )  # fmt: skip
    add(
        "--piece", type=float, nargs=2, default=default.micro_batch_s, metavar=between,
        help="a piece has at least so many seconds, drawn from this range (0.7 3.5)",
    )  # fmt: skip
    add(
        "--splice", type=float, nargs=2, default=default.splice_s, metavar=between,
        help="and a splice so many (2 12)",
    )  # fmt: skip
    add(
        "--mp3", type=float, default=default.mp3, metavar="SHARE",
        help="of the concatenated that go through an MP3 of 24 kbit/s, 0..1 (0)",
    )  # fmt: skip
    add("--seed", type=int, default=1, help="of all that is drawn (1)")
    return parser


def by_speaker(cuts: CutSet, manifest: Path) -> dict[str, list[Cut]]:
    """Gather the utterances of each speaker.

    Raises:
        UserError: it is not known who says one.
    """
    speakers: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        speaker = cut.supervisions[0].speaker
        if speaker is None:
            raise UserError(
                f"{manifest}: cut {cut.id} has no speaker, and only what one person says is put "
                "together; name the speakers, or say --one-speaker"
            )
        speakers[str(speaker)].append(cut)
    return speakers


def write(
    speakers: dict[str, list[Cut]],
    recognizer: Recognizer,
    output: Path,
    cutting: Cutting,
    rng: random.Random,
) -> list[Cut]:
    """Write concatenated of each speaker's utterances as flac files, and cut them whole.

    Raises:
        UserError: an utterance cannot be read or aligned.
    """
    output.mkdir(parents=True, exist_ok=True)
    rate, made = recognizer.sample_rate, []
    for speaker, said in tqdm(speakers.items(), unit="speaker", disable=None):
        aligned = [align(cut, recognizer) for cut in said]
        for number, splice in enumerate(concatenated(aligned, rate, cutting, rng)):
            waveform = splice.waveform
            if rng.random() < cutting.mp3:
                waveform = through_mp3(waveform, rate)
            path = (output / f"splice-{escape_file_name(speaker)}-{number:05}.flac").resolve()
            soundfile.write(path, waveform, rate)
            made.append(cut_whole(path, " ".join(splice.words), speaker))
    return made


def cut_whole(path: Path, text: str, speaker: str) -> Cut:
    """Make an utterance of a recording."""
    recording = Recording.from_file(path, recording_id=path.stem)
    supervision = SupervisionSegment(
        path.stem, recording.id, 0.0, recording.duration, text=text, speaker=speaker
    )
    return MonoCut(path.stem, 0.0, recording.duration, 0, [supervision], recording=recording)


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
    text = tokenizer.normalize(cut.supervisions[0].text)
    found = align_text(recognizer, waveform, text, cut.id).tokens
    spans, taken = [], 0
    for _, positions in tokens.words(tokenizer.encode(text)):
        said = found[taken : taken + len(positions)]
        spans.append((said[0].start_s, said[-1].end_s))
        taken += len(positions)
    return Aligned(waveform, tuple(text.split()), tuple(spans))


def concatenated(
    utterances: list[Aligned], rate: int, cutting: Cutting, rng: random.Random
) -> Iterator[AudioSegment]:
    """Put pieces of one speaker's utterances together anew, each utterance `times` over.

    A splice over `LONGEST_S` is left out, as pieces without a pause make one.
    """
    for _ in range(cutting.times):
        pieces = [piece for one in utterances for piece in cut_at_pauses(one, rate, cutting, rng)]
        rng.shuffle(pieces)
        while pieces:
            taken, length = [], rng.uniform(*cutting.splice_s) * rate
            while pieces and sum(len(piece.waveform) for piece in taken) < length:
                taken.append(pieces.pop())
            splice = AudioSegment(
                np.concatenate([piece.waveform for piece in taken]),
                tuple(word for piece in taken for word in piece.words),
            )
            if len(splice.waveform) <= LONGEST_S * rate:
                yield splice


def cut_at_pauses(
    utterance: Aligned, rate: int, cutting: Cutting, rng: random.Random
) -> list[AudioSegment]:
    """Cut an utterance into pieces of random length, where its speaker pauses."""
    pieces, start, first, shortest = [], 0, 0, rng.uniform(*cutting.micro_batch_s) * rate
    for number, ((_, end_s), (next_s, _)) in enumerate(pairwise(utterance.spans_s), start=1):
        if next_s - end_s < cutting.pause_s:
            continue
        middle = quietest(utterance.waveform, round(end_s * rate), round(next_s * rate), rate)
        if middle - start < shortest:
            continue
        pieces.append(AudioSegment(utterance.waveform[start:middle], utterance.words[first:number]))
        start, first, shortest = middle, number, rng.uniform(*cutting.micro_batch_s) * rate
    return [*pieces, AudioSegment(utterance.waveform[start:], utterance.words[first:])]


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
