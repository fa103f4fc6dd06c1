"""How far the times of recognised words are from forced alignments of what was said.

Two alignments serve: our own, by the same model, which tells what is lost by not knowing the text;
and, where pocketsphinx is installed, that of its triphone HMMs, which tells how well a CTC model
knows where a word begins and ends. Words are decoded greedily, and those recognised rightly count.
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
    """When a word of the reference was said, in seconds."""

    start_s: float
    end_s: float


#: Waveform and normalised reference -> the times of its words; none where it is refused.
Aligner = Callable[[Waveform, str], list[Times]]


def main() -> None:
    """Print how the times differ from each alignment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="runs/an4/default/1")
    parser.add_argument("--manifest", default="data/an4-cuts/test.jsonl.gz")
    args = parser.parse_args()
    recognizer = load(args.model)
    aligners = {"ours": our_aligner(recognizer)}
    if importlib.util.find_spec("pocketsphinx") and recognizer.sample_rate == SPHINX_RATE:
        aligners["pocketsphinx"] = sphinx_aligner()
    report, recognized, known = listen(recognizer, args.manifest, aligners)
    print(
        f"{report.words.hits} of {report.words.reference_length} words recognised, "
        f"frames of {1000 * recognizer.model.frame_s:g} ms"
    )
    print("alignment     words          mean |error|  mean error  median |error|  within 50 ms")
    for name, references in known.items():
        pairs = right_words(report, recognized, references)
        for field in Times._fields if pairs else ():
            errors_s = [getattr(word, field) - getattr(times, field) for word, times in pairs]
            print_row(f"{name:<14}{len(pairs):5}  {field.removesuffix('_s'):5}", np.array(errors_s))


def our_aligner(recognizer: Recognizer) -> Aligner:
    """The model's own forced alignment."""

    def align(waveform: Waveform, text: str) -> list[Times]:
        try:
            aligned = align_text(recognizer, waveform, text, "utterance")
        except UserError:
            return []
        return [Times(word.start_s, word.end_s) for word in aligned.words]

    return align


def sphinx_aligner() -> Aligner:
    """Pocketsphinx's, with the English model that it brings."""
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


def listen(
    recognizer: Recognizer, manifest: str, aligners: Mapping[str, Aligner]
) -> tuple[Report, dict[str, tuple[Word, ...]], dict[str, dict[str, list[Times]]]]:
    """Recognise and align every utterance: the report, recognised words, and times by aligner."""
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


def right_words(
    report: Report,
    recognized: Mapping[str, Sequence[Word]],
    known: Mapping[str, Sequence[Times]],
) -> list[tuple[Word, Times]]:
    """Pair each rightly recognised word with the times at which it was said."""
    pairs = []
    for result in report.results:
        times = known.get(result.utterance_id)
        heard, said = count(), count()
        for column in result.alignment:
            ours = next(heard) if column.hypothesis is not None else None
            theirs = next(said) if column.reference is not None else None
            if times and column.kind == "hit":
                pairs.append((recognized[result.utterance_id][ours], times[theirs]))
    return pairs


def print_row(name: str, errors_s: np.ndarray) -> None:
    """Print errors in milliseconds; positive ones are late."""
    ms, size = 1000 * errors_s, 1000 * np.abs(errors_s)
    near = 100 * np.mean(size < 1000 * NEAR_S)
    figures = f"{size.mean():11.1f} ms {ms.mean():8.1f} ms {np.median(size):12.1f} ms"
    print(f"{name} {figures} {near:11.1f} %")


if __name__ == "__main__":
    main()
