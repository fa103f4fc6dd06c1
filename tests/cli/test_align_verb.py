"""`asr align` as it is typed."""

import json
from pathlib import Path

import pytest
import soundfile
import tiny
from lhotse import CutSet

from asr.cli import main
from asr.corpora import folder
from asr.data.manifests import read_cuts
from asr.decoding import decoder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "said.txt"
    path.write_text("ab\nba a\n")
    return path


def rows(printed: str) -> list[list[str]]:
    return [line.split("\t") for line in printed.splitlines()]


def test_a_line_a_word(tones, tones_run, text, capsys):
    audio = str(tones / "test-00.wav")
    assert main(["align", audio, str(text), "--model", str(tones_run)]) == 0
    printed = rows(capsys.readouterr().out)
    assert [row[0] for row in printed] == [audio] * 3
    assert [row[-1] for row in printed] == ["ab", "ba", "a"]
    times = [float(value) for row in printed for value in row[1:3]]
    assert times == sorted(times)
    assert 0 < times[-1] <= soundfile.info(audio).duration + 0.005
    assert all(0 <= float(row[3]) <= 1 for row in printed)


def test_no_language_model_is_opened(tones, text, monkeypatch, capsys):
    monkeypatch.setattr(decoder, "load_lm", None)  # an4 comes with one, and is decoded with it
    text.write_text("A\n")

    assert main(["align", str(tones / "test-00.wav"), str(text), "--model", "an4"]) == 0

    assert rows(capsys.readouterr().out)[0][-1] == "A"


def test_a_model_that_spells_takes_no_lexicon(tones, tones_run, text, capsys):
    audio = str(tones / "test-00.wav")
    command = ["align", audio, str(text), "--model", str(tones_run), "--lexicon", str(text)]
    assert main(command) == 1
    assert f"{text}: {tones_run} spells, and needs no lexicon" in capsys.readouterr().err


def test_one_format_is_printed(tones, tones_run, text, capsys):
    audio = str(tones / "test-00.wav")
    assert main(["align", audio, str(text), "--model", str(tones_run), "--format", "ctm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["test-00", "A"]] * 3


def test_a_recording_and_its_text_become_utterances_to_train_on(
    tones, tones_run, text, tmp_path, capsys
):
    audio = tones / "test-00.wav"
    assert main(["align", str(audio), str(text), "--model", str(tones_run), "--format", "ctm"]) == 0
    first, last, other = (line.split() for line in capsys.readouterr().out.splitlines())
    command = ["align", str(audio), str(text), "--model", str(tones_run), "--format", "jsonl"]
    assert main(command) == 0
    (tmp_path / "own.jsonl").write_text(capsys.readouterr().out)

    found = folder.read(tmp_path / "own.jsonl", tmp_path).utterances

    assert [one.text for one in found] == ["ab", "ba a"]
    assert {one.audio for one in found} == {audio}
    ab, ba = found
    assert ab.start_s == pytest.approx(float(first[2]), abs=1e-3)
    assert ab.end_s == pytest.approx(float(first[2]) + float(first[3]), abs=2e-3)
    assert ba.start_s == pytest.approx(float(last[2]), abs=1e-3)
    assert ba.end_s == pytest.approx(float(other[2]) + float(other[3]), abs=2e-3)


def test_files_are_textgrids_or_as_asked_for(tones, tones_run, text, tmp_path, capsys):
    command = ["align", str(tones / "test-00.wav"), str(text), "--model", str(tones_run)]
    command += ["--output-dir", str(tmp_path / "out")]
    assert main(command) == 0
    assert {path.name for path in (tmp_path / "out").glob("[!.]*")} == {"test-00.textgrid"}
    assert "1 aligned, 0 finished before" in capsys.readouterr().err
    assert main([*command, "--format", "ctm,srt"]) == 0
    assert {path.suffix for path in (tmp_path / "out").glob("[!.]*")} == {
        ".textgrid",
        ".ctm",
        ".srt",
    }


def test_an_output_that_cannot_be_written_does_not_stop_the_others(
    tones, tones_run, tmp_path, capsys
):
    (tmp_path / "test-00.ctm").mkdir()
    command = ["align", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--format", "ctm", "--output-dir", str(tmp_path)]) == 1
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(f"asr: {tmp_path}/test-00.ctm: cannot be written: ")
    assert others == ["3 aligned, 0 finished before", "asr: 1 of 4 utterances failed"]


def test_an_error_nobody_foresaw_does_not_stop_the_others(tones, tones_run, capsys, monkeypatch):
    from asr.inference import alignment

    align_text = alignment.align_text

    def failing(recognizer, waveform, text, where):
        if where == "cut test-01":
            raise ZeroDivisionError("of a bug")
        return align_text(recognizer, waveform, text, where)

    monkeypatch.setattr(alignment, "align_text", failing)
    assert main(["align", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]) == 1
    printed = capsys.readouterr()
    assert {row[0] for row in rows(printed.out)} == {"test-00", "test-02", "test-03"}
    first, last = printed.err.splitlines()
    assert first.startswith("asr: cut test-01: ZeroDivisionError (of a bug) in align.py:")
    assert last == "asr: 1 of 4 utterances failed"


def test_a_manifest_is_aligned_to_its_texts(tones, tones_run, tmp_path, capsys):
    manifest = tones / "test.jsonl.gz"
    command = ["align", str(manifest), "--model", str(tones_run)]
    assert main(command) == 0
    printed = rows(capsys.readouterr().out)
    for cut in read_cuts(manifest):
        said = [row[-1] for row in printed if row[0] == cut.id]
        assert " ".join(said) == cut.supervisions[0].text
    assert main([*command, "--format", "json", "--output-dir", str(tmp_path / "out")]) == 0
    data = json.loads((tmp_path / "out" / "test-00.json").read_text())
    assert data["text"] == " ".join(row[-1] for row in printed if row[0] == "test-00")
    assert data["characters"]


def test_finished_files_stay_unless_told(tones, tones_run, tmp_path, capsys):
    command = ["align", str(tones / "test.jsonl.gz"), "--model", str(tones_run)]
    command += ["--format", "ctm", "--output-dir", str(tmp_path)]
    assert main(command) == 0
    (tmp_path / "test-00.ctm").write_text("mine")
    (tmp_path / "test-01.ctm").unlink()
    assert main(command) == 0
    assert "1 aligned, 3 finished before" in capsys.readouterr().err
    assert (tmp_path / "test-00.ctm").read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert (tmp_path / "test-00.ctm").read_text().startswith("test-00 A")


def test_a_bad_item_never_stops_the_rest(tones, tones_run, tmp_path, capsys):
    cuts = [tiny.cut(tones / f"test-0{i}.wav", "ab ba") for i in range(4)]
    for index, said in enumerate(["ab", "a b\u00fc", "", "ab ba " * 200]):
        cuts[index].supervisions[0].text = said
    gone = tiny.cut(tones / "test-00.wav", "ab")
    gone.id = "go/ne"
    gone.recording.sources[0].source = str(tmp_path / "gone.wav")
    last = tiny.cut(tones / "test-00.wav", "ba")
    last.id = "la/st"
    CutSet.from_cuts([*cuts, gone, last]).to_file(tmp_path / "cuts.jsonl.gz")

    command = ["align", str(tmp_path / "cuts.jsonl.gz"), "--model", str(tones_run)]
    assert main([*command, "--format", "stm", "--output-dir", str(tmp_path / "out")]) == 1
    complaints = capsys.readouterr().err.splitlines()
    for cut, reason in (
        ("test-01", "no token"), ("test-02", "no words"), ("test-03", "frames"),
        ("go/ne", "cannot be read"),
    ):  # fmt: skip
        assert len([one for one in complaints if f"cut {cut}: " in one and reason in one]) == 1
    assert complaints[-2:] == ["2 aligned, 0 finished before", "asr: 4 of 6 utterances failed"]
    written = {path.name for path in (tmp_path / "out").glob("[!.]*")}
    assert written == {"test-00.stm", "la%2Fst.stm"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{tones}/test-00.wav"], "the text is missing"),
        (["{tones}/test.jsonl.gz", "{text}"], "a manifest has its own texts"),
        (["{tones}/test-00.wav", "{tones}/none.txt"], "none.txt: cannot be read"),
        (["{tones}/none.wav", "{text}"], "none.wav: there is no such file"),
        (["{tones}/test-00.wav", "{text}", "--format", "text"], "unknown format 'text'"),
        (["{tones}/test-00.wav", "{text}", "--format", "srt,json"], "add --output-dir"),
        (["{tones}/test.jsonl.gz", "--format", "jsonl"], "has its utterances' places already"),
        (["{tones}/test.jsonl.gz", "--format", "json"], "found 4; add --output-dir"),
        (["{tones}/test-00.wav", "{text}", "--output-dir", "{text}"], "cannot be made or written"),
    ],
)
def test_mistakes_are_one_sentence(tones, tones_run, text, capsys, arguments, said):
    filled = [argument.format(tones=tones, text=text) for argument in arguments]
    assert main(["align", *filled, "--model", str(tones_run)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("asr: ")
    assert said in complaint
    assert complaint.count("\n") == 1
