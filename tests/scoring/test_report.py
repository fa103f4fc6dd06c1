"""Counts, rates, intervals and alignments of `asr.scoring.score`."""

import json
import math
import random
from functools import cache

import jiwer
import pytest

from asr.scoring import (
    AlignedWord,
    ErrorCounts,
    Report,
    count_errors,
    format_report,
    pair_up,
    pairing,
    score,
)
from asr.util.errors import UserError

WORDS = ["a", "b", "c", "d", "e", "ab", "abc", "no", "now", "then", "the"]


def random_texts(seed: int, utterances: int = 60) -> tuple[dict[str, str], dict[str, str]]:
    generator = random.Random(seed)

    def text() -> str:
        return " ".join(generator.choices(WORDS, k=generator.randint(0, 7)))

    references = {f"u{index}": text() for index in range(utterances)}
    return references, {utterance_id: text() for utterance_id in references}


def edit_distance(a: list[str], b: list[str]) -> int:
    """Levenshtein's distance by its recursive definition."""

    @cache
    def rest(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return len(a) - i + len(b) - j
        return min(rest(i + 1, j) + 1, rest(i, j + 1) + 1, rest(i + 1, j + 1) + (a[i] != b[j]))

    return rest(0, 0)


def score_one(reference: str, hypothesis: str) -> Report:
    return score({"u": reference}, {"u": hypothesis})


@pytest.mark.parametrize("seed", range(5))
def test_rates_equal_jiwer(seed: int) -> None:
    references, hypotheses = random_texts(seed)
    report = score(references, hypotheses)
    ordered = [hypotheses[utterance_id] for utterance_id in references]
    assert report.wer == jiwer.wer(list(references.values()), ordered)
    assert report.cer == jiwer.cer(list(references.values()), ordered)


@pytest.mark.parametrize("seed", range(5))
def test_every_utterance_has_the_smallest_number_of_errors(seed: int) -> None:
    for result in score(*random_texts(seed)).results:
        reference, hypothesis = result.reference.split(), result.hypothesis.split()
        assert result.words.errors == edit_distance(reference, hypothesis)
        assert result.words.reference_length == len(reference)
        assert result.characters.errors == edit_distance(
            list(result.reference), list(result.hypothesis)
        )
        assert result.characters.reference_length == len(result.reference)


def test_alignments_hold_all_words_in_order() -> None:
    for result in score(*random_texts(7)).results:
        expected = [column.reference for column in result.alignment if column.reference is not None]
        recognized = [column.hypothesis for column in result.alignment if column.hypothesis]
        assert expected == result.reference.split()
        assert recognized == result.hypothesis.split()


def test_alignment_names_each_kind_of_error() -> None:
    result = score_one("the cat sat down", "oh the cat sits").results[0]
    assert result.words == ErrorCounts(substitutions=1, deletions=1, insertions=1, hits=2)
    assert result.alignment == (
        AlignedWord(None, "oh"),
        AlignedWord("the", "the"),
        AlignedWord("cat", "cat"),
        AlignedWord("sat", "sits"),
        AlignedWord("down", None),
    )
    assert [column.kind for column in result.alignment] == [
        "insertion",
        "hit",
        "hit",
        "substitution",
        "deletion",
    ]


def test_corpus_rate_is_not_the_mean_of_utterance_rates() -> None:
    report = score({"a": "yes", "b": "one two three"}, {"a": "no", "b": "one two three"})
    assert report.wer == 1 / 4
    assert report.sentence_error_rate == 1 / 2


def test_empty_hypothesis_deletes_every_word() -> None:
    report = score_one("one two", "")
    assert report.words == ErrorCounts(deletions=2)
    assert report.characters == ErrorCounts(deletions=7)
    assert report.wer == 1.0


def test_empty_reference_makes_every_word_an_insertion() -> None:
    report = score_one("", "one two")
    assert report.words == ErrorCounts(insertions=2)
    assert report.wer == math.inf
    assert report.word_interval is None
    assert report.to_dict()["wer"] is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_insertions_on_an_empty_reference_count_in_the_corpus() -> None:
    report = score({"a": "", "b": "one two three four"}, {"a": "um", "b": "one two three four"})
    assert report.wer == 1 / 4


def test_two_empty_texts_are_perfect() -> None:
    report = score_one("", " ")
    assert report.words == ErrorCounts()
    assert (report.wer, report.cer, report.sentence_error_rate) == (0.0, 0.0, 0.0)


def test_whitespace_is_never_an_error() -> None:
    report = score_one("one two three", "  one\ttwo\u00a0 three\r\n")
    assert report.words == ErrorCounts(hits=3)
    assert report.characters == ErrorCounts(hits=13)


def test_letter_case_counts_unless_normalized_away() -> None:
    references, hypotheses = {"u": "Hello, world"}, {"u": "hello world"}
    assert score(references, hypotheses).words.substitutions == 1
    report = score(references, hypotheses, normalize=lambda text: text.lower().replace(",", ""))
    assert report.words.errors == 0
    assert report.results[0].reference == "hello world"


def test_vocabulary_gives_the_fraction_of_unknown_reference_words() -> None:
    references, hypotheses = {"a": "one two two", "b": "six"}, {"a": "nine", "b": "six"}
    assert score(references, hypotheses, vocabulary=["one", "six"]).oov_rate == 2 / 4
    assert score(references, hypotheses).oov_rate is None
    assert score({"a": ""}, {"a": "x"}, vocabulary=[]).oov_rate is None


def test_speakers_are_added_up() -> None:
    report = score(
        {"a": "one two", "b": "three", "c": "four"},
        {"a": "one too", "b": "three", "c": ""},
        speakers={"a": "ann", "b": "ann", "c": "bob", "not scored": "eve"},
    )
    assert report.speakers is not None
    assert list(report.speakers) == ["ann", "bob"]
    assert report.speakers["ann"].utterances == 2
    assert report.speakers["ann"].words == ErrorCounts(substitutions=1, hits=2)
    assert report.speakers["bob"].words == ErrorCounts(deletions=1)
    assert [result.speaker for result in report.results] == ["ann", "ann", "bob"]


def test_interval_agrees_with_the_binomial_one() -> None:
    """Errors in utterances of one word have a binomial distribution, whose spread is known."""
    references = {str(index): "yes" for index in range(500)}
    hypotheses = {str(index): "no" if index % 5 == 0 else "yes" for index in range(500)}
    interval = score(references, hypotheses).word_interval
    assert interval is not None
    half_width = 1.96 * math.sqrt(0.2 * 0.8 / 500)
    assert interval.low == pytest.approx(0.2 - half_width, abs=0.004)
    assert interval.high == pytest.approx(0.2 + half_width, abs=0.004)


def test_the_character_interval_is_of_characters() -> None:
    """One of ten letters is wrong in every second word: the spread is binomial, times 0.1."""
    references = {str(index): "abcdefghij" for index in range(400)}
    hypotheses = {str(index): "abcdefghi" + "jx"[index % 2] for index in range(400)}
    speakers = {str(index): str(index % 40) for index in range(400)}
    report = score(references, hypotheses, speakers=speakers)
    half_width = 1.96 * 0.1 * math.sqrt(0.5 * 0.5 / 400)
    assert report.character_interval == pytest.approx(
        (0.05 - half_width, 0.05 + half_width), abs=2e-4
    )
    assert report.character_interval_by_speaker is not None
    assert report.character_interval_by_speaker.high < 0.1 < report.word_interval.low
    low, high = (f"{100 * bound:.2f}" for bound in report.character_interval)
    assert f"CER   5.00 % [{low}, {high}]" in format_report(report)


def test_the_seed_determines_the_interval() -> None:
    texts = random_texts(3)
    assert score(*texts, seed=1) == score(*texts, seed=1)
    assert score(*texts, seed=1).character_interval != score(*texts, seed=2).character_interval


def test_resampling_speakers_is_wider_where_errors_cluster() -> None:
    references = {f"{speaker}-{index}": "yes" for speaker in range(20) for index in range(20)}
    hypotheses = {key: "no" if key.startswith("1") else "yes" for key in references}
    speakers = {key: key.split("-")[0] for key in references}
    report = score(references, hypotheses, speakers=speakers)
    narrow, wide = report.word_interval, report.word_interval_by_speaker
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_one_speaker_has_no_interval_by_speaker() -> None:
    report = score({"a": "x", "b": "y"}, {"a": "x", "b": ""}, speakers={"a": "ann", "b": "ann"})
    assert report.word_interval is not None
    assert report.word_interval_by_speaker is None


def test_worst_are_those_with_most_errors() -> None:
    report = score(
        {"right": "a", "short": "a b", "long": "a b c d", "awful": "a b c d"},
        {"right": "a", "short": "", "long": "a b", "awful": "x"},
    )
    assert [result.utterance_id for result in report.worst(9)] == ["awful", "short", "long"]
    assert len(report.worst(1)) == 1


def test_frequent_errors_are_counted() -> None:
    report = score({"a": "six of six", "b": "six"}, {"a": "sick of sick", "b": ""})
    assert report.frequent_errors(5) == [
        (AlignedWord("six", "sick"), 2),
        (AlignedWord("six", None), 1),
    ]


def test_report_survives_json() -> None:
    references, hypotheses = random_texts(5)
    speakers = {key: key[-1] for key in references}
    report = score(references, hypotheses, speakers=speakers, vocabulary=WORDS[:5])
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["wer"] == report.wer
    assert data["wer_interval"] == list(report.word_interval or ())
    assert data["speakers"]["3"]["words"]["errors"] == (report.speakers or {})["3"].words.errors
    assert data["results"][4]["alignment"] == [list(c) for c in report.results[4].alignment]


@pytest.mark.parametrize(
    ("references", "hypotheses", "message"),
    [
        ({}, {}, "no utterance to score"),
        ({"a": "", "b": ""}, {"b": ""}, r"1 of 2 are missing \(a\)"),
        ({"a": ""}, {"a": "", "b": ""}, r"1 of 2 are not in references \(b\)"),
        (dict.fromkeys("vwxyz", ""), {"a": ""}, r"missing \(v, w, x, \.\.\.\) and 1 of 1 .*\(a\)"),
    ],
)
def test_differing_ids_are_refused(
    references: dict[str, str], hypotheses: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        score(references, hypotheses)


def test_a_missing_speaker_is_refused() -> None:
    with pytest.raises(UserError, match=r"those of 1 of 2 utterances are not given \(b\)"):
        score({"a": "", "b": ""}, {"a": "", "b": ""}, speakers={"a": "ann"})


def test_counts_alone_are_those_of_the_report() -> None:
    texts = random_texts(3)
    report = score(*texts)
    assert count_errors(pair_up(*texts)) == (report.words, report.characters)


def test_an_utterance_too_long_to_align_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "MOST_CELLS", 20)
    message = r"utterance b is too long to align .* \(3 and 7 characters, .* be 20\); split"
    with pytest.raises(UserError, match=message):
        score({"a": "one", "b": "one two"}, {"a": "two", "b": "two"})
    assert score({"a": "one two"}, {"a": "one two"}).wer == 0, "equal texts need no alignment"
