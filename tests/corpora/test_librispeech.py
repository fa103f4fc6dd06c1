"""LibriSpeech: its parts, its splits, its downloads, and the errors of its reader."""

import hashlib
import tarfile

import pytest
from lhotse.recipes.librispeech import LIBRISPEECH, MINI_LIBRISPEECH, prepare_librispeech
from refusals import refused

from asr.corpora import librispeech, prepare
from asr.corpora.collection import SPLITS
from asr.util.errors import UserError


@pytest.fixture
def corpus(tmp_path, write_audio):
    """A corpus in LibriSpeech's layout: two parts, two utterances a speaker."""
    root = tmp_path / "LibriSpeech"
    for part, speakers in (("train-clean-5", [19, 103, 7]), ("dev-clean-2", [84, 1462, 251, 9])):
        for speaker in speakers:
            write_chapter(root / part, speaker, write_audio)
    return root


def write_chapter(part, speaker, write_audio):
    chapter = part / f"{speaker}/12"
    lines = []
    for number in range(2):
        utterance_id = f"{speaker}-12-{number:04d}"
        write_audio(chapter / f"{utterance_id}.flac", seconds=0.3 + 0.1 * number)
        lines.append(f"{utterance_id} CHAPTER OF {speaker}\n")
    (chapter / f"{speaker}-12.trans.txt").write_text("".join(lines))


def by_split(corpus, **options):
    utterances = librispeech.read(corpus, corpus, **options).utterances
    return {
        split: {
            utterance.id.partition("-")[0] for utterance in utterances if utterance.split == split
        }
        for split in SPLITS
    }


def test_parts_equal_the_parts_in_lhotse():
    assert set(librispeech.PARTS) == set(LIBRISPEECH) | set(MINI_LIBRISPEECH)


def test_utterances_equal_those_of_lhotses_recipe(corpus, tmp_path):
    manifests = prepare_librispeech(corpus)
    expected = {
        (
            s.id,
            s.text,
            s.speaker,
            s.duration,
            str(parts["recordings"][s.recording_id].sources[0].source),
        )
        for parts in manifests.values()
        for s in parts["supervisions"]
    }
    from asr.corpora.convert import Converter
    from asr.corpora.validation import validate

    cuts = validate(librispeech.read(corpus, tmp_path).utterances, Converter(tmp_path)).cuts
    found = {
        (s.id, s.text, s.speaker, s.duration, cut.recording.sources[0].source)
        for cut in cuts
        for s in cut.supervisions
    }
    assert found == expected
    assert len(cuts) == 14


def test_defaults_are_parts_of_the_source(corpus, write_audio):
    assert (
        by_split(corpus)
        == by_split(corpus.parent)
        == {
            "train": {"19", "103", "7"},
            "dev": {"84", "1462", "251", "9"},
            "test": set(),
        }
    )
    write_chapter(corpus / "dev-clean", 777, write_audio)
    write_chapter(corpus / "dev-other", 666, write_audio)
    write_chapter(corpus / "test-clean", 61, write_audio)
    write_chapter(corpus / "train-other-500", 20, write_audio)
    assert by_split(corpus) == {"train": {"19", "103", "7", "20"}, "dev": {"777"}, "test": {"61"}}


def test_dev_can_be_halved_by_speaker(corpus):
    splits = by_split(corpus, halve_dev=True)
    assert splits["dev"] == {"9", "251"}  # first and third in the order of numbers
    assert splits["test"] == {"84", "1462"}


def test_a_stray_recording_does_not_keep_dev_from_being_halved(corpus, write_audio):
    write_audio(next(corpus.glob("dev-clean-2/*/*")) / "stray.flac")
    splits = by_split(corpus, halve_dev=True)
    assert splits["dev"] | splits["test"] >= {"9", "84", "251", "1462"}


def test_parts_can_be_chosen(corpus):
    splits = by_split(corpus, train=["dev-clean-2"], dev=["train-clean-5"])
    assert splits["train"] == {"84", "1462", "251", "9"}
    assert splits["dev"] == {"19", "103", "7"}


def test_a_small_part_within_a_large_one_counts_once(corpus, write_audio):
    write_chapter(corpus / "train-clean-100", 19, write_audio)
    collection = librispeech.read(corpus, corpus)
    assert len([u for u in collection.utterances if u.split == "train"]) == 6
    assert "2 utterances are in several parts of a split and count once." in collection.notes


def test_one_utterance_in_train_and_dev_is_a_problem(corpus, write_audio, tmp_path):
    write_chapter(corpus / "train-clean-5", 9, write_audio)
    with pytest.raises(UserError, match="2 duplicated id"):
        prepare("librispeech", corpus, tmp_path / "out")


def test_a_missing_recording_is_named_by_its_transcript(corpus, tmp_path):
    (corpus / "train-clean-5/19/12/19-12-0001.flac").unlink()
    with pytest.raises(UserError, match=r"19-12.trans.txt:2: missing audio"):
        prepare("librispeech", corpus, tmp_path / "out")


def test_a_recording_without_a_transcript_is_named(corpus, tmp_path):
    (corpus / "train-clean-5/19/12/19-12.trans.txt").unlink()
    with pytest.raises(UserError, match=r"19-12-0000.flac: empty text"):
        prepare("librispeech", corpus, tmp_path / "out")


def test_named_parts_are_downloaded_once(corpus, tmp_path, monkeypatch):
    for part in ("train-clean-5", "dev-clean-2"):
        with tarfile.open(tmp_path / f"{part}-31.tar.gz", "w:gz") as tar:
            tar.add(corpus / part, f"LibriSpeech/{part}")
        md5 = hashlib.md5((tmp_path / f"{part}-31.tar.gz").read_bytes()).hexdigest()
        monkeypatch.setitem(librispeech.PARTS, part, (31, md5))
    monkeypatch.setattr(librispeech, "URL", f"file://{tmp_path}/{{part}}-{{resource}}.tar.gz")
    parts = {"train": ["train-clean-5"], "dev": ["dev-clean-2"]}
    summary = prepare("librispeech", None, tmp_path / "out", **parts)
    assert {name: split.utterances for name, split in summary.splits.items()} == {
        "train": 6,
        "dev": 8,
        "test": 0,
    }
    monkeypatch.setattr(librispeech, "URL", "file:///nowhere")
    assert prepare("librispeech", None, tmp_path / "out", **parts) == summary


def test_an_archive_of_another_md5_is_not_unpacked(corpus, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "train-clean-5.tar.gz", "w:gz") as tar:
        tar.add(corpus, "LibriSpeech")
    monkeypatch.setattr(librispeech, "URL", f"file://{tmp_path}/{{part}}.tar.gz")
    with pytest.raises(UserError, match=r"train-clean-5.tar.gz: not what its publisher offers"):
        prepare("librispeech", None, tmp_path / "out", train=["train-clean-5"])
    left = [path.name for path in (tmp_path / "out/download").iterdir()]
    assert left == ["train-clean-5.tar.gz"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"train": ["train-clean-10"]},
            "no part is called 'train-clean-10'; did you mean 'train-clean-10",
        ),
        ({"dev": ["dev-other"]}, "it has no dev-other, only train-clean-5, dev-clean-2"),
        ({"halve_dev": True, "test": ["test-clean"]}, "name no test part"),
    ],
)
def test_wrong_parts_are_refused(corpus, options, message):
    with pytest.raises(UserError, match=message):
        librispeech.read(corpus, corpus, **options)


def test_a_download_needs_names_of_parts(tmp_path):
    with refused("give the corpus as --source, or name the parts"):
        librispeech.read(None, tmp_path)


def test_halving_no_dev_is_refused_before_anything_is_downloaded(tmp_path):
    with pytest.raises(UserError, match="halve_dev found no dev part"):
        librispeech.read(None, tmp_path / "out", train=["train-clean-100"], halve_dev=True)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_librispeech_is_refused(tmp_path):
    with pytest.raises(UserError, match="not LibriSpeech"):
        librispeech.read(tmp_path, tmp_path)
