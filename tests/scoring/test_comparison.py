"""The paired bootstrap between two sets of hypotheses."""

import json
import re
from dataclasses import replace

import pytest

from asr.scoring import Comparison, Interval, compare, format_comparison, format_report, score
from asr.util.errors import UserError

UTTERANCES = 300
REFERENCES = {str(index): "one two" for index in range(UTTERANCES)}


def hypotheses_with_errors_in(wrong: set[int]) -> dict[str, str]:
    return {key: "one" if int(key) in wrong else "one two" for key in REFERENCES}


HARD = set(range(0, UTTERANCES, 3))


def compare_sets(wrong_a: set[int], wrong_b: set[int]) -> Comparison:
    return compare(
        REFERENCES, hypotheses_with_errors_in(wrong_a), hypotheses_with_errors_in(wrong_b)
    )


def test_equal_hypotheses_do_not_differ() -> None:
    comparison = compare_sets(HARD, HARD)
    assert comparison.difference == 0.0
    assert comparison.interval == (0.0, 0.0)
    assert comparison.probability_of_improvement == 0.5
    assert not comparison.beyond_chance


def test_pairing_shows_a_difference_that_separate_intervals_hide() -> None:
    better = HARD - set(range(30))
    comparison = compare_sets(HARD, better)
    assert comparison.difference == pytest.approx(-10 / (2 * UTTERANCES))
    assert comparison.interval.high < 0
    assert comparison.probability_of_improvement > 0.99
    assert comparison.beyond_chance
    interval_a = score(REFERENCES, hypotheses_with_errors_in(HARD)).word_interval
    interval_b = score(REFERENCES, hypotheses_with_errors_in(better)).word_interval
    assert interval_a is not None
    assert interval_b is not None
    assert interval_a.low < interval_b.high


def test_exchanging_a_and_b_mirrors_the_result() -> None:
    better = HARD - {0, 3, 6}
    forth, back = compare_sets(HARD, better), compare_sets(better, HARD)
    assert back.difference == -forth.difference
    assert back.interval == pytest.approx((-forth.interval.high, -forth.interval.low))
    assert back.probability_of_improvement == pytest.approx(1 - forth.probability_of_improvement)


def test_as_many_errors_elsewhere_may_be_chance() -> None:
    comparison = compare_sets({1, 2, 3, 4}, {5, 6, 7, 8})
    assert comparison.interval.low < 0 < comparison.interval.high
    assert comparison.probability_of_improvement == pytest.approx(0.5, abs=0.05)


def test_comparison_survives_json() -> None:
    comparison = compare_sets({1}, set())
    data = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert data["words_a"]["errors"] == 1
    assert data["wer_difference"] == comparison.difference


def test_normalizer_is_applied_to_both() -> None:
    comparison = compare({"u": "YES"}, {"u": "yes"}, {"u": "Yes"}, normalize=str.lower)
    assert comparison.words_a.errors == comparison.words_b.errors == 0


def test_text_names_both_and_the_verdict() -> None:
    text = format_comparison(compare_sets(HARD, HARD - set(range(30))), "greedy.txt", "lm.txt")
    lines = text.splitlines()
    assert lines[0].startswith("WER of greedy.txt   16.67 %")
    assert lines[1].startswith("WER of lm.txt       15.00 %")
    assert lines[2].startswith("Difference -1.67 % [-2.")
    assert lines[2].endswith("which is beyond chance")


def test_a_difference_in_one_speaker_may_be_chance() -> None:
    """B is better in every utterance of one speaker, and in none of nineteen others."""
    speakers = {key: str(int(key) % 20) for key in REFERENCES}
    his = {int(key) for key, speaker in speakers.items() if speaker == "0"}
    hypotheses = hypotheses_with_errors_in(his), hypotheses_with_errors_in(set())
    unaware, aware = (
        compare(REFERENCES, *hypotheses),
        compare(REFERENCES, *hypotheses, speakers=speakers),
    )
    assert unaware.beyond_chance
    assert unaware.interval_by_speaker is unaware.speakers is None
    assert aware.interval == unaware.interval
    assert aware.interval_by_speaker is not None
    assert aware.interval_by_speaker.high == 0.0
    assert aware.speakers == 20
    assert not aware.beyond_chance
    assert aware.probability_of_improvement < unaware.probability_of_improvement
    lines = format_comparison(aware).splitlines()
    assert re.search(r"\], by speaker \[-\d+\.\d\d, [+-]0\.00\], which may be chance$", lines[2])
    assert lines[4].endswith("resamples of 300 utterances or of 20 whole speakers")


def test_a_difference_must_be_beyond_chance_by_both_intervals() -> None:
    better = {key: "one two" if int(key) < 290 else "one" for key in REFERENCES}
    worse = {key: "one two" if int(key) < 280 else "one" for key in REFERENCES}
    narrow = compare(REFERENCES, worse, better, speakers=dict.fromkeys(REFERENCES, "all"))
    assert narrow.interval_by_speaker is None
    chance = replace(narrow, interval=Interval(-0.1, 0.1), interval_by_speaker=narrow.interval)
    assert narrow.beyond_chance
    assert not chance.beyond_chance


def test_speakers_of_some_utterances_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"speakers: those of 1 of 2 utterances are not given \(v\)"
    ):
        compare({"u": "x", "v": "y"}, {"u": "x", "v": "y"}, {"u": "", "v": ""}, speakers={"u": "s"})


def test_ids_of_the_second_are_checked() -> None:
    with pytest.raises(UserError, match=r"hypotheses B: .* 1 of 1 are missing \(u\)"):
        compare({"u": "x"}, {"u": "x"}, {})


def test_references_without_a_word_are_refused() -> None:
    with pytest.raises(UserError, match="none of the 1 utterances has a word"):
        compare({"u": " "}, {"u": "x"}, {"u": "y"})


@pytest.mark.parametrize(("utterances", "beyond"), [(1, False), (2, False), (5, False), (6, True)])
def test_few_utterances_tell_nothing_even_if_all_favor_one_side(
    utterances: int, beyond: bool
) -> None:
    references = {str(number): "one two three four" for number in range(utterances)}
    compared = compare(references, dict.fromkeys(references, "one two three"), references)
    assert compared.beyond_chance == beyond
    assert (compared.interval is None) == (utterances == 1)
    assert ("may be chance" in format_comparison(compared)) != beyond
    assert ("so few utterances cannot tell" in format_comparison(compared)) != beyond
    assert ("with probability 1.000" in format_comparison(compared)) == beyond


def test_one_utterance_has_no_interval() -> None:
    report = score({"u": "one two"}, {"u": "one"}, speakers={"u": "ann"})
    assert report.word_interval is report.character_interval is None
    assert "WER  50.00 % [unknown]" in format_report(report)
