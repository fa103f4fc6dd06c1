"""`score`: the errors of one set of hypotheses, by utterance, by speaker and in all."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.scoring.alignment import (
    AlignedWord,
    Alignment,
    align_words,
    count_characters,
    count_words,
)
from asr.scoring.bootstrap import (
    FEWEST_UNITS,
    Interval,
    rate_interval,
    sum_by_label,
    sum_resamples,
)
from asr.scoring.counts import ErrorCounts, finite_or_none
from asr.scoring.pairing import pair_up, require_speakers


@dataclass(frozen=True)
class UtteranceResult:
    """One utterance: its normalized texts, its errors and its edit alignment."""

    utterance_id: str
    reference: str
    hypothesis: str
    words: ErrorCounts
    characters: ErrorCounts
    alignment: Alignment
    speaker: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON data; an alignment is a list of [reference word, hypothesis word], null for none."""
        return {
            "utterance_id": self.utterance_id,
            "speaker": self.speaker,
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "words": self.words.to_dict(),
            "characters": self.characters.to_dict(),
            "alignment": [list(column) for column in self.alignment],
        }


@dataclass(frozen=True)
class SpeakerResult:
    """The errors over all utterances of one speaker."""

    utterances: int
    words: ErrorCounts
    characters: ErrorCounts

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "utterances": self.utterances,
            "words": self.words.to_dict(),
            "characters": self.characters.to_dict(),
        }


@dataclass(frozen=True)
class Report:
    """The result of `score`. Rates and bounds of intervals are fractions (0.05 is 5 %).

    `word_interval` and `character_interval` are 95 % bootstrap intervals of WER and CER by
    resampling utterances, as in the literature. The two `..._by_speaker` resample whole speakers,
    at least two, and so tell more about new speakers. An interval is None if all references are
    empty, or if there is one utterance. `speakers` is None if speakers are not known.
    `out_of_vocabulary`, a number of reference words, is None if no vocabulary was given.
    """

    results: tuple[UtteranceResult, ...]
    words: ErrorCounts
    characters: ErrorCounts
    word_interval: Interval | None
    character_interval: Interval | None
    word_interval_by_speaker: Interval | None
    character_interval_by_speaker: Interval | None
    speakers: Mapping[str, SpeakerResult] | None
    out_of_vocabulary: int | None

    @property
    def wer(self) -> float:
        """Word error rate of the corpus."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate of the corpus, spaces counted."""
        return self.characters.rate

    @property
    def utterances(self) -> int:
        """Number of utterances."""
        return len(self.results)

    @property
    def wrong_utterances(self) -> int:
        """Number of utterances with at least one word error."""
        return sum(result.words.errors > 0 for result in self.results)

    @property
    def sentence_error_rate(self) -> float:
        """Fraction of utterances with at least one word error."""
        return self.wrong_utterances / self.utterances

    @property
    def oov_rate(self) -> float | None:
        """Fraction of reference words outside the vocabulary; None without any of either."""
        if self.out_of_vocabulary is None or not self.words.reference_length:
            return None
        return self.out_of_vocabulary / self.words.reference_length

    def worst(self, number: int) -> list[UtteranceResult]:
        """The utterances with most word errors, by number of errors and then by rate."""
        wrong = [result for result in self.results if result.words.errors]
        wrong.sort(key=lambda result: (result.words.errors, result.words.rate), reverse=True)
        return wrong[:number]

    def frequent_errors(self, number: int) -> list[tuple[AlignedWord, int]]:
        """The most frequent substitutions, deletions and insertions, each with its count."""
        errors = Counter(
            column for result in self.results for column in result.alignment if column.kind != "hit"
        )
        return errors.most_common(number)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON data; an infinite or unknown value is null."""
        return {
            "utterances": self.utterances,
            "wer": finite_or_none(self.words.corpus_rate),
            "wer_interval": self.word_interval,
            "wer_interval_by_speaker": self.word_interval_by_speaker,
            "cer": finite_or_none(self.characters.corpus_rate),
            "cer_interval": self.character_interval,
            "cer_interval_by_speaker": self.character_interval_by_speaker,
            "sentence_error_rate": self.sentence_error_rate,
            "oov_rate": self.oov_rate,
            "words": self.words.to_dict(),
            "characters": self.characters.to_dict(),
            "speakers": self.speakers
            and {name: result.to_dict() for name, result in self.speakers.items()},
            "results": [result.to_dict() for result in self.results],
        }


def score(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    *,
    speakers: Mapping[str, str] | None = None,
    vocabulary: Collection[str] | None = None,
    normalize: Callable[[str], str] | None = None,
    seed: int = 0,
) -> Report:
    """Count the errors of hypotheses against references.

    Special cases: an empty hypothesis has every word deleted. Against an empty reference every
    recognized word is an insertion; it counts in the corpus, though the reference adds nothing to
    the corpus's length. Two empty texts have no error. Extra whitespace changes nothing. An
    utterance, or a corpus, with empty references has a rate of 0.0 without errors, and with errors
    of infinity, null in JSON.

    Args:
        references: utterance id to reference text.
        hypotheses: utterance id to recognized text, for the same ids.
        speakers: utterance id to speaker, for those ids at least.
        vocabulary: the words that the recognizer can output; compared with the words of the
            references after `normalize`.
        normalize: applied to every reference and hypothesis before they are compared.
        seed: of the bootstrap.

    Raises:
        UserError: no utterances; ids differ; the speaker of an utterance is not given; an utterance
            is too long, as in `pair_up`.
    """
    pairs = pair_up(references, hypotheses, normalize)
    if speakers is not None:
        require_speakers(references, speakers)
    results = tuple(
        UtteranceResult(
            *pair,
            words=count_words(alignment),
            characters=characters,
            alignment=alignment,
            speaker=None if speakers is None else speakers[pair.utterance_id],
        )
        for pair, alignment, characters in zip(
            pairs, align_words(pairs), count_characters(pairs), strict=True
        )
    )
    by_utterance, by_speaker = _compute_intervals(results, seed)
    return Report(
        results=results,
        words=ErrorCounts.total(result.words for result in results),
        characters=ErrorCounts.total(result.characters for result in results),
        word_interval=by_utterance[0],
        character_interval=by_utterance[1],
        word_interval_by_speaker=by_speaker[0],
        character_interval_by_speaker=by_speaker[1],
        speakers=None if speakers is None else _group_by_speaker(results),
        out_of_vocabulary=None if vocabulary is None else _count_unknown(results, vocabulary),
    )


def _group_by_speaker(results: Sequence[UtteranceResult]) -> dict[str, SpeakerResult]:
    groups: dict[str, list[UtteranceResult]] = {}
    for result in results:
        groups.setdefault(result.speaker or "", []).append(result)
    return {
        speaker: SpeakerResult(
            utterances=len(group),
            words=ErrorCounts.total(result.words for result in group),
            characters=ErrorCounts.total(result.characters for result in group),
        )
        for speaker, group in sorted(groups.items())
    }


def _count_unknown(results: Sequence[UtteranceResult], vocabulary: Collection[str]) -> int:
    known = frozenset(vocabulary)
    return sum(word not in known for result in results for word in result.reference.split())


TwoIntervals = tuple[Interval | None, Interval | None]


def _compute_intervals(
    results: Sequence[UtteranceResult], seed: int
) -> tuple[TwoIntervals, TwoIntervals]:
    """Compute the intervals of (WER, CER) by resampling utterances, and by resampling speakers."""
    counts = np.array(
        [
            (
                result.words.errors,
                result.words.reference_length,
                result.characters.errors,
                result.characters.reference_length,
            )
            for result in results
        ],
        dtype=np.float64,
    )

    def two_intervals(units: np.ndarray) -> TwoIntervals:
        sums = sum_resamples(units, seed).T
        return rate_interval(sums[0], sums[1]), rate_interval(sums[2], sums[3])

    names = [result.speaker or "" for result in results]
    if len(results) < FEWEST_UNITS:
        return (None, None), (None, None)
    if len(set(names)) < FEWEST_UNITS:
        return two_intervals(counts), (None, None)
    return two_intervals(counts), two_intervals(sum_by_label(counts, names))
