"""Difference between the times of recognized words and of forced alignments of the transcripts.

There are two references. The forced alignment by the same model shows the loss of not knowing the
text. The forced alignment by pocketsphinx's triphone HMMs, if installed, shows how exactly a CTC
model places the ends of words. Words are decoded greedily; those recognized correctly count.
"""

import argparse
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from asr.audio import Waveform
from asr.data.manifests import load_waveform, read_cuts
from asr.inference.alignment import align_text
from asr.inference.recognizer import Recognizer, load
from asr.scoring import Report, score
from asr.transcript import Word
from asr.util.errors import UserError

SPHINX_FRAME_S = 0.01
SPHINX_RATE = 16000
NEAR_S = 0.05


class Times(NamedTuple):
    """Start and end of a word of the reference, in seconds."""

    start_s: float
    end_s: float


#: Waveform and normalized reference -> the times of the reference's words; [] if refused.
Aligner = Callable[[Waveform, str], list[Times]]


def main() -> None:
    """Print how the times differ from each alignment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="runs/an4/default/1")
    parser.add_argument("--manifest", default="data/an4-cuts/test.jsonl.gz")
    args = parser.parse_args()
    recognizer = load(args.model)
    aligners = {"ours": make_own_aligner(recognizer)}
    if importlib.util.find_spec("pocketsphinx") and recognizer.sample_rate == SPHINX_RATE:
        aligners["pocketsphinx"] = make_sphinx_aligner()
    report, recognized, known = recognize_and_align(recognizer, args.manifest, aligners)
    print(
        f"{report.words.hits} of {report.words.reference_length} words recognized, "
        f"frames of {1000 * recognizer.engine.frame_s:g} ms"
    )
    print("alignment     words          mean |error|  mean error  median |error|  within 50 ms")
    for name, references in known.items():
        pairs = pair_correct_words(report, recognized, references)
        for field in Times._fields if pairs else ():
            errors_s = [getattr(word, field) - getattr(times, field) for word, times in pairs]
            print_row(f"{name:<14}{len(pairs):5}  {field.removesuffix('_s'):5}", np.array(errors_s))


def make_own_aligner(recognizer: Recognizer) -> Aligner:
    """Make the aligner that uses the model itself."""

    def align(waveform: Waveform, text: str) -> list[Times]:
        try:
            aligned = align_text(recognizer, waveform, text, "utterance")
        except UserError:
            return []
        return [Times(word.start_s, word.end_s) for word in aligned.words]

    return align


def make_sphinx_aligner() -> Aligner:
    """Make the aligner that uses pocketsphinx and the English model in its package."""
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL", samprate=SPHINX_RATE)

    def align(waveform: Waveform, text: str) -> list[Times]:
        try:
            decoder.set_align_text(text.lower())
            decoder.start_utt()
            decoder.process_raw((32767 * waveform).astype(np.int16).tobytes(), full_utt=True)
            decoder.end_utt()
        except RuntimeError:  # a word that is not in its dictionary
            return []
        words = [found for found in decoder.seg() if found.word[0] not in "<["]
        times = [(found.start_frame, found.end_frame + 1) for found in words]
        return [Times(start * SPHINX_FRAME_S, end * SPHINX_FRAME_S) for start, end in times]

    return align


def recognize_and_align(
    recognizer: Recognizer, manifest: str, aligners: Mapping[str, Aligner]
) -> tuple[Report, dict[str, tuple[Word, ...]], dict[str, dict[str, list[Times]]]]:
    """Recognize and align every utterance: the report, recognized words, and times by aligner."""
    references: dict[str, str] = {}
    recognized: dict[str, tuple[Word, ...]] = {}
    known: dict[str, dict[str, list[Times]]] = {name: {} for name in aligners}
    for cut in tqdm(read_cuts(manifest), unit="utt", disable=None):
        waveform = load_waveform(cut, recognizer.sample_rate)
        text = recognizer.tokenizer.normalize(cut.supervisions[0].text)
        references[cut.id] = text
        recognized[cut.id] = recognizer.transcribe(waveform, recognizer.sample_rate).words
        for name, align in aligners.items():
            times = align(waveform, text)
            if len(times) == len(text.split()):
                known[name][cut.id] = times
    hypotheses = {key: " ".join(word.text for word in words) for key, words in recognized.items()}
    return score(references, hypotheses), recognized, known


def pair_correct_words(
    report: Report,
    recognized: Mapping[str, Sequence[Word]],
    known: Mapping[str, Sequence[Times]],
) -> list[tuple[Word, Times]]:
    """Pair each correctly recognized word with the times of the reference word."""
    pairs = []
    for result in report.results:
        times = known.get(result.utterance_id)
        hypothesis_index, reference_index = count(), count()
        for column in result.alignment:
            ours = next(hypothesis_index) if column.hypothesis is not None else None
            theirs = next(reference_index) if column.reference is not None else None
            if times and column.kind == "hit":
                pairs.append((recognized[result.utterance_id][ours], times[theirs]))
    return pairs


def print_row(name: str, errors_s: np.ndarray) -> None:
    """Print errors in milliseconds; a positive error is late."""
    ms, size = 1000 * errors_s, 1000 * np.abs(errors_s)
    near = 100 * np.mean(size < 1000 * NEAR_S)
    figures = f"{size.mean():11.1f} ms {ms.mean():8.1f} ms {np.median(size):12.1f} ms"
    print(f"{name} {figures} {near:11.1f} %")


if __name__ == "__main__":
    main()
