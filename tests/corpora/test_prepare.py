"""`prepare`: manifests, their summary, skipped utterances, and refusals."""

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from lhotse import CutSet
from refusals import refused

from asr.corpora import CORPORA, prepare
from asr.util.errors import UserError


@pytest.fixture
def recordings(tmp_path, write_audio):
    folder = tmp_path / "recordings"
    for number in range(30):
        write_audio(folder / f"take{number}.wav").with_suffix(".txt").write_text(f"Take {number}!")
    return folder


def test_manifests_have_one_supervision_a_cut_and_absolute_paths(recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    summary = prepare("folder", Path("recordings"), Path("out"))
    monkeypatch.chdir("/")
    cuts = [
        cut for split in summary.splits.values() for cut in CutSet.from_file(tmp_path / split.path)
    ]
    assert len(cuts) == 30
    for cut in cuts:
        (supervision,) = cut.supervisions
        assert supervision.id == cut.id
        assert supervision.text == f"Take {cut.id.removeprefix('take')}!"
        assert supervision.duration == cut.duration == 0.5
        samples, _ = soundfile.read(recordings / f"{cut.id}.wav", dtype="float32")
        assert (cut.load_audio()[0] == samples).all()


def test_the_summary_has_the_sizes_of_the_splits(recordings, tmp_path):
    summary = prepare("folder", recordings, tmp_path / "out")
    assert sum(split.utterances for split in summary.splits.values()) == 30
    assert sum(split.hours for split in summary.splits.values()) == pytest.approx(15 / 3600)
    report = str(summary)
    assert f"train  {summary.splits['train'].utterances} utterances" in report
    assert "hash of the id" in report


def test_preparing_leaves_no_partial_file(recordings, tmp_path):
    prepare("folder", recordings, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"train.jsonl.gz", "dev.jsonl.gz", "test.jsonl.gz"}


def test_a_refused_corpus_leaves_the_old_manifests(recordings, tmp_path):
    summary = prepare("folder", recordings, tmp_path / "out")
    before = summary.splits["train"].path.read_bytes()
    (recordings / "take3.wav").write_bytes(b"")
    with pytest.raises(UserError, match="1 of 30 utterances are invalid"):
        prepare("folder", recordings, tmp_path / "out")
    assert summary.splits["train"].path.read_bytes() == before


def test_skipped_utterances_are_reported(recordings, tmp_path):
    (recordings / "take3.txt").write_text(" \n")
    (recordings / "take4.wav").unlink()
    summary = prepare("folder", recordings, tmp_path / "out", skip_invalid=True)
    assert sum(split.utterances for split in summary.splits.values()) == 28
    report = str(summary)
    assert "skipped 2: " in report
    assert "1 empty text" in report
    assert "1 missing audio" in report
    assert "take3.txt:1: empty text" in report


def test_empty_splits_are_noted(tmp_path, write_audio):
    write_audio(tmp_path / "own" / "a.wav").with_suffix(".txt").write_text("hello")
    notes = prepare("folder", tmp_path / "own", tmp_path / "out").notes
    assert [note for note in notes if note.startswith("dev is empty")]
    assert [note for note in notes if note.startswith("test is empty")]
    assert "too few utterances (1) to hold out dev and test, and training needs dev: " in notes[0]


def test_the_smallest_corpus_has_every_split(tmp_path, write_audio):
    for number in range(3):
        audio = write_audio(tmp_path / "own" / f"take{number}.wav")
        audio.with_suffix(".txt").write_text("hello")
    splits = prepare("folder", tmp_path / "own", tmp_path / "out").splits
    assert [split.utterances for split in splits.values()] == [1, 1, 1]


def test_all_problems_are_listed_in_a_file_while_there_are_any(recordings, tmp_path):
    out = recordings / "out"  # its problems.txt is no transcript of the next run
    for number in range(7):
        (recordings / f"take{number}.txt").write_text("")
    more = f"  and 2 more; all are in {out}/problems.txt"
    with pytest.raises(UserError) as caught:
        prepare("folder", recordings, out)
    assert str(caught.value).splitlines()[-1] == more
    summary = prepare("folder", recordings, out, skip_invalid=True)
    assert more in str(summary).splitlines()
    lines = (out / "problems.txt").read_text().splitlines()
    assert lines == [
        f"{recordings}/take{n}.txt:1: empty text: 'take{n}' has no words" for n in range(7)
    ]
    for number in range(7):
        (recordings / f"take{number}.txt").write_text("yes")
    prepare("folder", recordings, out)
    assert not (out / "problems.txt").exists()


def test_a_corpus_without_valid_utterances_is_refused(tmp_path, write_audio):
    write_audio(tmp_path / "own" / "a.wav")
    with pytest.raises(
        UserError, match="nothing to write, found no valid utterance, and 1 invalid"
    ):
        prepare("folder", tmp_path / "own", tmp_path / "out", skip_invalid=True)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("an5", "did you mean 'an4'"),
        ("libri", "did you mean 'librispeech'"),
        ("timitt", "did you mean 'timit'"),
        ("quux", "'folder'"),
    ],
)
def test_unknown_corpora_are_refused_with_the_nearest_name(tmp_path, corpus, message):
    with pytest.raises(UserError, match=message):
        prepare(corpus, None, tmp_path)


def test_an_option_of_another_corpus_is_refused(tmp_path):
    with pytest.raises(UserError, match="it does not take fold; it takes size"):
        prepare("digits", None, tmp_path, fold=3, size=None)


def test_an_output_that_cannot_be_a_folder_is_refused(recordings, tmp_path):
    (tmp_path / "file").write_text("")
    with refused(r"cannot be made: .*give another --output"):
        prepare("folder", recordings, tmp_path / "file" / "out")
    (tmp_path / "used" / "problems.txt").mkdir(parents=True)
    with refused(r"problems.txt: cannot be made: .*give another --output"):
        prepare("folder", recordings, tmp_path / "used")
    blocked = tmp_path / "out" / "train.jsonl.gz"
    blocked.mkdir(parents=True)
    with pytest.raises(UserError, match=r"train.jsonl.gz: cannot be written: Is a directory"):
        prepare("folder", recordings, tmp_path / "out")


def test_every_corpus_has_a_reader_and_importing_the_package_is_cheap():
    code = (
        "import sys, asr.corpora; "
        "print(sorted({'lhotse', 'torch', 'numpy', 'soundfile'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
    for place in CORPORA.values():
        module, function = place.split(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function))
