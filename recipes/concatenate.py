"""Concatenation augmentation: cut speech at pauses and join a speaker's segments in random order.

    python recipes/concatenate.py CUTS --model MODEL --output FOLDER

A network that is trained on a few hours for many epochs memorizes their word sequences; here the
sequences are new. Forced alignment by the model finds the pauses. The output is a folder of flac
files and their manifest, for `asr train RECIPE data.train=FOLDER/train.jsonl.gz`. (Lam et al.,
"On-the-fly aligned data augmentation", 2021, exchange single words.)
"""

import argparse
import io
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
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
from asr.util.threads import count_cores, map_in_order

LONGEST_S = 15.0
#: A cut is placed at the lowest energy, smoothed over this time.
SMOOTH_S = 0.02
#: As libsndfile counts the compression of MP3: at 16 kHz, 24 kbit/s.
MP3_COMPRESSION = 0.9
#: Begins the ids of utterances. Augmentation draws by id: another prefix changes published results.
ID_PREFIX = "splice"


@dataclass(frozen=True)
class Options:
    """How speech is cut and joined; the defaults are for read speech.

    Attributes:
        pause_s: least time between the last phone of a word and the first of the next to cut at.
        segment_s: the least duration of a segment is drawn from this range.
        length_s: the least duration of an utterance of joined segments is drawn from this range.
        times: how often each segment is used.
        mp3: fraction of the utterances that are encoded as MP3 and decoded, 0..1.
    """

    pause_s: float = 0.12
    segment_s: tuple[float, float] = (0.7, 3.5)
    length_s: tuple[float, float] = (2.0, 12.0)
    times: int = 3
    mp3: float = 0.0


@dataclass(frozen=True)
class AudioSegment:
    """A part of a recording, or several parts joined, with the words in it."""

    waveform: Waveform
    words: tuple[str, ...]


def main() -> None:
    """Read the flags, align, cut and write."""
    args = flags().parse_args()
    options = Options(args.pause, tuple(args.segment), tuple(args.length), args.times, args.mp3)
    torch.set_num_threads(1)
    try:
        cuts = read_cuts(args.cuts)
        speakers = {"one": [*cuts]} if args.one_speaker else by_speaker(cuts, args.cuts)
        made = write(speakers, asr.load(args.model), args.output, options, random.Random(args.seed))
    except UserError as error:
        sys.exit(str(error))
    manifest = args.output / "train.jsonl.gz"
    write_cuts([*made, *cuts] if args.whole else made, manifest)
    hours = sum(cut.duration for cut in made) / 3600
    sys.stdout.write(f"{manifest}: {len(made)} utterances, {hours:.1f} h\n")


def flags() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser, default = argparse.ArgumentParser(description=__doc__.splitlines()[0]), Options()
    add, between = parser.add_argument, ("SHORTEST", "LONGEST")
    add("cuts", type=Path, metavar="CUTS")
    add("--model", required=True, help="aligns the words; its tokens are letters or phones")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--one-speaker", action="store_true", help="one person speaks in all utterances")
    add(
        "--times", type=int, default=default.times, metavar="N",
        help="how often each segment is used (3)",
    )  # fmt: skip
    add("--whole", action="store_true", help="add the original utterances")
    add(
        "--pause", type=float, default=default.pause_s, metavar="S",
        help="least seconds between two words to cut at (0.12)",
    )  # fmt: skip
    add(
        "--segment", type=float, nargs=2, default=default.segment_s, metavar=between,
        help="range of the least seconds of a segment (0.7 3.5)",
    )  # fmt: skip
    add(
        "--length", type=float, nargs=2, default=default.length_s, metavar=between,
        help="range of the least seconds of an utterance of joined segments (2 12)",
    )  # fmt: skip
    add(
        "--mp3", type=float, default=default.mp3, metavar="FRACTION",
        help="of the utterances that are encoded as MP3 of 24 kbit/s, 0..1 (0)",
    )  # fmt: skip
    add("--seed", type=int, default=1, help="of all random draws (1)")
    return parser


def by_speaker(cuts: CutSet, manifest: Path) -> dict[str, list[Cut]]:
    """Gather the utterances of each speaker.

    Raises:
        UserError: an utterance has no speaker.
    """
    speakers: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        speaker = cut.supervisions[0].speaker
        if speaker in (None, ""):
            raise UserError(
                f"{manifest}: cut {cut.id} has no speaker, and only segments of one speaker are "
                "joined; name the speakers, or give --one-speaker"
            )
        speakers[str(speaker)].append(cut)
    return speakers


def write(
    speakers: dict[str, list[Cut]],
    recognizer: Recognizer,
    output: Path,
    options: Options,
    rng: random.Random,
) -> list[Cut]:
    """Write each speaker's joined segments as flac files, on all cores, and return their cuts.

    Raises:
        UserError: an utterance cannot be read or aligned.
    """
    output.mkdir(parents=True, exist_ok=True)
    rate, cores = recognizer.sample_rate, count_cores()
    made: list[Cut] = []

    def write_one(speaker: str, prefix: Path, item: tuple[int, tuple[AudioSegment, bool]]) -> Cut:
        number, (joined, as_mp3) = item
        path = prefix.with_name(f"{prefix.name}-{number:05}.flac")
        waveform = encode_as_mp3(joined.waveform, rate) if as_mp3 else joined.waveform
        soundfile.write(path, waveform, rate)
        return make_cut(path, " ".join(joined.words), speaker)

    for speaker, cuts in tqdm(speakers.items(), unit="speaker", disable=None):
        aligned = list(map_in_order(partial(align, recognizer=recognizer), cuts, cores))
        drawn = (  # this thread draws, in the order of the files
            (joined, rng.random() < options.mp3)
            for joined in join_segments(aligned, rate, options, rng)
        )
        prefix = output.resolve() / f"{ID_PREFIX}-{escape_file_name(speaker)}"
        made += map_in_order(partial(write_one, speaker, prefix), enumerate(drawn), cores)
    return made


def make_cut(path: Path, text: str, speaker: str) -> Cut:
    """Make the cut of a whole recording."""
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
    times_s: tuple[tuple[float, float], ...]


def align(cut: Cut, recognizer: Recognizer) -> Aligned:
    """Find the times of an utterance's words by forced alignment, without the pauses around.

    Raises:
        UserError: as `load_waveform` and `align_text`.
    """
    waveform = load_waveform(cut, recognizer.sample_rate)
    tokenizer, tokens = recognizer.tokenizer, recognizer.tokens
    text = tokenizer.normalize(cut.supervisions[0].text)
    found = align_text(recognizer, waveform, text, cut.id).tokens
    times, taken = [], 0
    for _, positions in tokens.words(tokenizer.encode(text)):
        word = found[taken : taken + len(positions)]
        times.append((word[0].start_s, word[-1].end_s))
        taken += len(positions)
    return Aligned(waveform, tuple(text.split()), tuple(times))


def join_segments(
    utterances: list[Aligned], rate: int, options: Options, rng: random.Random
) -> Iterator[AudioSegment]:
    """Join segments of one speaker's utterances in random order, each segment `times` times.

    Results over `LONGEST_S`, as from segments without a pause, are left out.
    """
    for _ in range(options.times):
        segments = [part for one in utterances for part in cut_at_pauses(one, rate, options, rng)]
        rng.shuffle(segments)
        while segments:
            taken, length = [], rng.uniform(*options.length_s) * rate
            while segments and sum(len(segment.waveform) for segment in taken) < length:
                taken.append(segments.pop())
            joined = AudioSegment(
                np.concatenate([segment.waveform for segment in taken]),
                tuple(word for segment in taken for word in segment.words),
            )
            if len(joined.waveform) <= LONGEST_S * rate:
                yield joined


def cut_at_pauses(
    utterance: Aligned, rate: int, options: Options, rng: random.Random
) -> list[AudioSegment]:
    """Cut an utterance into segments of random least duration at the pauses of its speaker."""
    segments, start, first, shortest = [], 0, 0, rng.uniform(*options.segment_s) * rate
    for number, ((_, end_s), (next_s, _)) in enumerate(pairwise(utterance.times_s), start=1):
        if next_s - end_s < options.pause_s:
            continue
        middle = find_quietest(utterance.waveform, round(end_s * rate), round(next_s * rate), rate)
        if middle - start < shortest:
            continue
        segment = AudioSegment(utterance.waveform[start:middle], utterance.words[first:number])
        segments.append(segment)
        start, first, shortest = middle, number, rng.uniform(*options.segment_s) * rate
    return [*segments, AudioSegment(utterance.waveform[start:], utterance.words[first:])]


def find_quietest(waveform: Waveform, start: int, end: int, rate: int) -> int:
    """Find the sample in start..end with the least energy around it."""
    width = round(SMOOTH_S * rate)
    energy = np.convolve(waveform[start:end] ** 2, np.ones(width), "same")
    return start + int(energy.argmin())


def encode_as_mp3(waveform: Waveform, rate: int) -> Waveform:
    """Encode a waveform as MP3 and decode it: little is left above 5.8 kHz or at low levels."""
    file = io.BytesIO()
    soundfile.write(
        file, waveform, rate, format="MP3",
        bitrate_mode="CONSTANT", compression_level=MP3_COMPRESSION,
    )  # fmt: skip
    return soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0]


if __name__ == "__main__":
    main()
