"""`asr score --html` and `asr evaluate --html` as they are typed."""

import json
import re

import pytest

from asr.cli import main
from asr.data.manifests import read_cuts
from asr.util.errors import UserError


def test_evaluate_writes_a_page_with_sound_and_pictures(tones, tones_run, tmp_path, capsys):
    page = tmp_path / "out" / "report.html"
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--html", str(page), "--worst", "2"]) == 0
    html = page.read_text()
    assert html.count("<article") == 4
    assert html.count('data-audio="data:audio/flac;base64,') == 4
    assert html.count('src="data:image/png;base64,') == 2
    (printed,) = re.search(r"^WER +([\d.]+) %", capsys.readouterr().out, re.MULTILINE).groups()
    assert f"<dd>{printed} %" in html


def test_score_writes_a_page_of_words_alone(tmp_path):
    (tmp_path / "ref").write_text("u-1 a b\nu-2 c\n")
    (tmp_path / "hyp").write_text("u-1 a x\nu-2 c\n")
    page = tmp_path / "report.html"
    assert main(["score", str(tmp_path / "ref"), str(tmp_path / "hyp"), "--html", str(page)]) == 0
    html = page.read_text()
    assert "<h1>hyp against ref</h1>" in html
    assert html.count("<article") == 2
    assert "data-audio=" not in html


def test_a_report_is_printed_though_its_page_cannot_be_written(tmp_path, capsys):
    (tmp_path / "ref").write_text("u-1 a b\n")
    command = ["score", str(tmp_path / "ref"), str(tmp_path / "ref")]
    assert main([*command, "--html", str(tmp_path / "ref" / "report.html")]) == 1
    output = capsys.readouterr()
    assert output.out.startswith("WER   0.00 %")
    assert "report.html: cannot be written" in output.err


def test_files_of_one_name_are_compared_by_their_paths(tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hyp.txt").write_text("u-1 x y\n")
    a, b = (str(tmp_path / folder / "hyp.txt") for folder in ("a", "b"))
    assert main(["score", a, a, "--compare", b]) == 0
    output = capsys.readouterr().out
    assert f"WER of {a}  " in output
    assert f"WER of {b}  " in output


def test_score_takes_speakers_and_sound_from_a_manifest(tones, tmp_path, capsys):
    cuts = read_cuts(tones / "test.jsonl.gz")
    lines = "".join(f"{cut.id} {cut.supervisions[0].text}\n" for cut in cuts)
    (tmp_path / "ref").write_text(lines)
    command = ["score", str(tmp_path / "ref"), str(tmp_path / "ref")]
    command += ["--html", str(tmp_path / "report.html"), "--manifest"]
    assert main([*command, str(tones / "test.jsonl.gz")]) == 0
    assert (tmp_path / "report.html").read_text().count("data:audio/flac") == 4
    assert main([*command, str(tones / "train.jsonl.gz")]) == 1
    assert "asr: manifest: 4 of 4 utterances are not in it" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("a.wav: gone; find it")])
def test_what_is_known_is_written_and_printed_before_the_page_is_made(
    tones, tones_run, tmp_path, capsys, monkeypatch, error
):
    def interrupted(*_):
        raise error

    monkeypatch.setattr("asr.inference.utterance_media.collect_utterance_media", interrupted)
    command = ["evaluate", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    command += ["--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert main(command) in (1, 130)
    assert capsys.readouterr().out.startswith("WER ")
    assert "wer" in json.loads((tmp_path / "r.json").read_text())
    assert not (tmp_path / "r.html").exists()


def test_a_comparison_is_printed_though_the_page_cannot_be_made(tmp_path, capsys):
    (tmp_path / "ref").write_text("u-1 a b\n")
    ref = str(tmp_path / "ref")
    assert main(["score", ref, ref, "--compare", ref, "--html", f"{ref}/report.html"]) == 1
    assert "Difference +0.00 %" in capsys.readouterr().out


def test_case_and_punctuation_can_be_ignored(tmp_path, capsys):
    (tmp_path / "ref").write_text("u-1 Well, it's a DAY!\n")
    (tmp_path / "hyp").write_text("u-1 well it's a day\n")
    command = ["score", str(tmp_path / "ref"), str(tmp_path / "hyp")]
    command += ["--compare", str(tmp_path / "hyp"), "--html", str(tmp_path / "r.html")]
    command += ["--json", str(tmp_path / "r.json")]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("WER  50.00 %")
    for name in ("lower", "upper"):
        assert main([*command, "--normalizer", name]) == 0
        assert capsys.readouterr().out.startswith("WER   0.00 %")
        data = json.loads((tmp_path / "r.json").read_text())
        assert data["normalizer"] == name
        assert data["comparison"]["words_b"]["errors"] == 0
        assert f"<h1>hyp against ref, in {name} case without" in (tmp_path / "r.html").read_text()
