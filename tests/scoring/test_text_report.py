"""The report for a terminal."""

import pytest

from asr.scoring import format_report, score
from asr.scoring.text_report import LINE_WIDTH


def test_whole_report_of_a_small_corpus() -> None:
    report = score(
        {"an4-1": "enter six two", "an4-2": "yes"},
        {"an4-1": "enter sick two now", "an4-2": "yes"},
        speakers={"an4-1": "ann", "an4-2": "ann"},
        vocabulary=["enter", "two", "yes"],
    )
    assert report.word_interval is not None
    assert report.word_interval.low == 0.0
    lines = format_report(report).splitlines()
    assert lines[0].startswith("WER  50.00 % [0.00, 66.67]   1 substituted, 0 deleted, 1 inserted")
    assert lines[2] == "SER  50.00 %   1 of 2 utterances have an error"
    assert lines[3] == "OOV  25.00 %   1 of 4 words are outside the vocabulary"
    assert lines[6:9] == [
        "Speaker  utterances  words  WER %  CER %",
        "ann               2      4  50.00  37.50",
        "",
    ]
    assert lines[-4:] == [
        "an4-1 (ann): 2 errors in 3 words",
        "  REF enter six  two ***",
        "  HYP enter sick two now",
        "            S        I",
    ]


def test_perfect_report_lists_no_errors() -> None:
    text = format_report(score({"u": "yes", "v": "no"}, {"u": "yes", "v": "no"}))
    assert "WER   0.00 % [0.00, 0.00]" in text
    assert "Worst" not in text
    assert "Most frequent" not in text


def test_no_rate_is_written_of_references_without_words() -> None:
    text = format_report(score({"u": ""}, {"u": "oh"}))
    assert text.startswith("WER unknown [unknown]   0 substituted, 0 deleted, 1 inserted, of 0")


@pytest.mark.parametrize("hypothesis", ["", "oh"])
def test_a_rate_of_nothing_is_said_to_be_unknown(hypothesis: str) -> None:
    references, hypotheses = {"u": "", "v": ""}, {"u": hypothesis, "v": ""}
    report = score(references, hypotheses, speakers={"u": "s", "v": "t"}, vocabulary=["oh"])
    lines = format_report(report).splitlines()
    assert lines[0].startswith("WER unknown [unknown] ")
    assert lines[1].startswith("CER unknown [unknown] ")
    assert lines[3] == "no reference has a word, so that there is no error rate"
    assert [line.split()[-2:] for line in lines if line.startswith(("s ", "t "))] == [
        ["unknown", "unknown"]
    ] * 2
    found = report.to_dict()
    assert found["wer"] is found["cer"] is found["oov_rate"] is None


def test_one_utterance_has_no_interval() -> None:
    text = format_report(score({"u": "oh no"}, {"u": "oh"}))
    assert "95 % intervals: unknown, since one utterance tells nothing of others" in text


def test_the_number_of_worst_utterances_is_an_argument() -> None:
    report = score({"aa": "x", "bb": "x"}, {"aa": "", "bb": ""})
    assert format_report(report, worst=1).count(" 1 error in 1 word") == 1
    assert "Worst" not in format_report(report, worst=0)


def test_long_utterances_are_wrapped_without_loss() -> None:
    words = [f"word{index}" for index in range(40)]
    report = score({"u": " ".join(words)}, {"u": ""})
    lines = format_report(report).splitlines()
    assert max(map(len, lines)) <= LINE_WIDTH
    shown = [word for line in lines if line.startswith("  REF ") for word in line.split()[1:]]
    assert shown == words


def test_columns_line_up_in_any_script() -> None:
    columns = {"日本": 4, "कूड़े": 2, "ไม่มี": 3, "e\u0301t\u00e9": 3, "می\u200cروم": 5}
    for word, width in columns.items():
        report = score({"u": f"{word} end"}, {"u": "x end"})
        reference, hypothesis = format_report(report).splitlines()[-3:-1]
        assert reference == f"  REF {word} end"
        assert hypothesis == f"  HYP x{' ' * (width - 1)} end"


def test_only_the_worst_speakers_are_listed() -> None:
    references = {f"u{index:02}": "yes" for index in range(12)}
    hypotheses = dict(references, u11="no")
    speakers = {key: f"speaker-{key}" for key in references}
    text = format_report(score(references, hypotheses, speakers=speakers))
    table = text.split("\n\n")[1].splitlines()
    assert table[1].startswith("speaker-u11")
    assert len(table) == 12
    assert table[-1] == "(2 more speakers, none with a higher WER)"
    assert "of 12 whole speakers instead: WER [0.00, " in text


def test_a_long_utterance_shows_the_first_lines_with_errors() -> None:
    words = [f"word{number}" for number in range(20_000)]
    right, wrong = " ".join(words), " ".join(words[:9_000] + ["x"] * 11_000)
    text = format_report(score({"u": right}, {"u": wrong}))
    assert text.count("\n") < 60
    assert "word9000" in text
    assert "REF word0 " not in text
    assert "more lines have errors; the reports in HTML and JSON have all)" in text
