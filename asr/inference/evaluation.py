"""A recognizer over a cut manifest: its error rates, and log-probs to tune its decoder on.

Shapes: U encoder frames, V tokens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lhotse import CutSet
from numpy.typing import NDArray
from tqdm import tqdm

from asr.audio import Waveform
from asr.data.cut_checks import LONGEST_AT_ONCE_S
from asr.data.dataset import Batch, Shard, SpeechDataset
from asr.data.manifests import read_cuts, read_speakers
from asr.decoding.options import DecodingOptions
from asr.decoding.words import Decoded, right_words
from asr.inference.calibration import normalized_cross_entropy
from asr.inference.log_probs import compute_dataset_log_probs
from asr.inference.recognizer import Recognizer, load
from asr.scoring import Report, score
from asr.text.tokenizer import Tokenizer
from asr.util.errors import UserError, contain_errors
from asr.util.paths import DEFAULT_MODEL
from asr.util.threads import count_cores

#: Seconds of padded audio that a worker takes at a time; bounds memory, and changes no result.
BATCH_S = 120.0


@dataclass(frozen=True)
class Evaluation:
    """Error rates of a recognizer on a test set.

    Attributes:
        report: the error rates.
        normalized_cross_entropy: how much the confidences of words tell, at most 1; nan where
            every word is right or every word wrong.
        left_out: the utterances whose audio cannot be read, by id, each with the reason.
    """

    report: Report
    normalized_cross_entropy: float
    left_out: Mapping[str, UserError]


class _TestSet(SpeechDataset):
    """A dataset that leaves out the utterances whose audio cannot be read.

    Attributes:
        left_out: their ids, each with the reason.
    """

    def __init__(self, cuts: CutSet, tokenizer: Tokenizer, sample_rate: int) -> None:
        super().__init__(cuts, tokenizer, sample_rate)
        self.left_out: dict[str, UserError] = {}
        self._loaded: dict[int, Waveform] = {}

    def __getitem__(self, shard: Shard) -> list[Batch]:
        """Load the utterances of a shard that can be read."""
        self._loaded = {}
        batches = [[i for i in indices if self._can_load(i)] for indices in shard.micro_batches]
        return [self.load(indices) for indices in batches if indices]

    def _can_load(self, index: int) -> bool:
        cut = self.cuts[index]
        try:
            with contain_errors(f"cut {cut.id}"):
                self._loaded[index] = super()._waveform(index)
        except UserError as error:
            self.left_out[cut.id] = error
        return index in self._loaded

    def _waveform(self, index: int) -> Waveform:
        return self._loaded[index]


def evaluate(
    manifest: str | Path | CutSet,
    model: str | Path | Recognizer = DEFAULT_MODEL,
    decoding: str | Path | DecodingOptions | None = None,
    workers: int | None = None,
) -> Evaluation:
    """Transcribe every utterance of a manifest and score the result.

    References are normalized as the model's training text was, so that case and punctuation the
    model cannot write are no errors; characters it cannot write are.

    Args:
        manifest: path of a cut manifest with transcripts, or its cuts.
        model: a recognizer, or what `asr.load` takes for a model.
        decoding: what `asr.load` takes for it; a recognizer has its own.
        workers: threads, each of which runs the model over a batch, by default one a core. The
            decoder uses every core.

    Raises:
        UserError: as `asr.load`; options for a recognizer; the manifest cannot be read, or no
            audio that it names.
    """
    if isinstance(model, Recognizer) and decoding is not None:
        raise UserError("decoding: a Recognizer has options of its own; give a model's path")
    recognizer = model if isinstance(model, Recognizer) else load(model, decoding)
    is_path = isinstance(manifest, str | Path)
    cuts = read_cuts(manifest, LONGEST_AT_ONCE_S) if is_path else manifest
    dataset = _TestSet(cuts, recognizer.tokenizer, recognizer.sample_rate)
    decoded: dict[str, Decoded] = {}
    for utterance_ids, log_probs, lengths in _log_probs(recognizer, dataset, workers):
        found = recognizer.decoder.decode(log_probs, lengths, recognizer.engine.frame_s)
        decoded.update(zip(utterance_ids, found, strict=True))
    if not decoded:
        raise next(iter(dataset.left_out.values()))
    report = score(
        {one: text for one, text in dataset.references.items() if one in decoded},
        {utterance_id: found.text for utterance_id, found in decoded.items()},
        speakers=read_speakers(dataset.cuts),
        vocabulary=recognizer.decoder.vocabulary,
    )
    return Evaluation(report, _cross_entropy(report, decoded), dataset.left_out)


def held_out_log_probs(
    recognizer: Recognizer, manifest: str
) -> tuple[list[NDArray[np.float32]], list[str]]:
    """Run the model once over a manifest, for a search among decoding options.

    Returns:
        For each utterance its log_probs (U, V), and its reference.
    """
    cuts = read_cuts(manifest, LONGEST_AT_ONCE_S)
    dataset = SpeechDataset(cuts, recognizer.tokenizer, recognizer.sample_rate)
    wanted = dataset.references
    rows: list[NDArray[np.float32]] = []
    texts: list[str] = []
    for utterance_ids, log_probs, lengths in _log_probs(recognizer, dataset):
        rows += [row[:length] for row, length in zip(log_probs, lengths, strict=True)]
        texts += [wanted[utterance_id] for utterance_id in utterance_ids]
    return rows, texts


def _log_probs(
    recognizer: Recognizer, dataset: SpeechDataset, workers: int | None = None
) -> Iterator[tuple[list[str], NDArray[np.float32], NDArray[np.int64]]]:
    with tqdm(total=len(dataset), unit="utt", disable=None) as bar:
        results = compute_dataset_log_probs(
            recognizer.engine, dataset, BATCH_S, workers=workers or count_cores()
        )
        for batch, log_probs, lengths in results:
            yield batch.utterance_ids, log_probs, lengths
            bar.update(len(batch.utterance_ids))


def _cross_entropy(report: Report, decoded: dict[str, Decoded]) -> float:
    """Hold every recognized word's confidence against whether it was right."""
    confidences: list[float] = []
    correct: list[bool] = []
    for result in report.results:
        words = decoded[result.utterance_id].words
        confidences += [word.confidence for word in words]
        correct += right_words(result.reference.split(), [word.text for word in words])
    return normalized_cross_entropy(confidences, correct)
