"""AN4: its splits, its pinned samples, its download, and the errors of its reader."""

import shutil
import tarfile

import pytest
from lhotse import CutSet

from asr.corpora import an4, prepare
from asr.corpora.collection import SPLITS
from asr.util.errors import UserError


def by_split(folder, **options):
    utterances = an4.read(folder, folder, **options).utterances
    return {split: [u for u in utterances if u.split == split] for split in SPLITS}


def digest_of(folder):
    return an4.samples_digest(lambda path: (folder / path).read_bytes())


def words(utterances):
    return sum(len(utterance.text.split()) for utterance in utterances)


def speakers(utterances):
    return {utterance.speaker for utterance in utterances}


def test_splits_of_the_real_corpus(an4_folder):
    splits = by_split(an4_folder)
    assert {name: len(utterances) for name, utterances in splits.items()} == {
        "train": 820,
        "dev": 128,
        "test": 130,
    }
    assert (words(splits["dev"]), words(splits["test"])) == (716, 773)
    assert sum(len(utterance.text) for utterance in splits["test"]) == 2565
    assert speakers(splits["dev"]) == set(
        ["fjdn", "fmjd", "fwxs", "mcrt", "meab", "mjda", "mkem", "mmtm", "mscg2", "mtcv"]
    )
    assert len(speakers(splits["train"])) == 64
    assert len(speakers(splits["test"])) == 10
    assert not speakers(splits["train"]) & speakers(splits["dev"])
    assert not speakers(splits["train"] + splits["dev"]) & speakers(splits["test"])


def test_the_seven_folds_share_no_speaker_and_cover_training(an4_folder):
    folds = [speakers(by_split(an4_folder, fold=fold)["dev"]) for fold in range(7)]
    assert sorted(map(len, folds)) == [10, 10, 10, 11, 11, 11, 11]
    assert len(set.union(*folds)) == 74
    assert "fash" in folds[0]  # the first speaker in the order of ids


def test_espnets_dev(an4_folder):
    splits = by_split(an4_folder, split="espnet")
    assert (len(splits["train"]), len(splits["dev"])) == (848, 100)
    assert words(splits["dev"]) == 591
    assert sum(len(utterance.text) for utterance in splits["dev"]) == 1915
    assert all(speaker.startswith("f") for speaker in speakers(splits["dev"]))


def test_the_real_samples_have_the_pinned_digest(an4_folder):
    assert digest_of(an4_folder) == an4.SAMPLES_SHA256


def test_the_real_corpus_has_no_problems(an4_folder, tmp_path):
    summary = prepare("an4", an4_folder, tmp_path)
    assert summary.skipped == []
    assert summary.splits["train"].hours == pytest.approx(0.61, abs=0.005)
    first = next(iter(CutSet.from_file(summary.splits["train"].path)))
    assert (first.id, first.supervisions[0].text) == ("an251-fash-b", "YES")
    assert first.supervisions[0].speaker == "fash"


@pytest.fixture
def small(tmp_path, write_audio):
    """A corpus in AN4's layout, with fourteen speakers."""
    folder = tmp_path / f"an4-{an4.COMMIT}"
    (folder / "etc").mkdir(parents=True)
    for part, names, form in (
        ("train", "abcdefghijkl", "<s> {} </s> ({})"),
        ("test", "yz", "{} ({})"),
    ):
        ids = [f"an1-f{name}-b" for name in names]
        for utterance_id in ids:
            write_audio(folder / f"wav/{part}/{utterance_id}.wav", seconds=0.1)
        (folder / f"etc/an4_{part}.fileids").write_text("".join(f"{part}/{i}\n" for i in ids))
        (folder / f"etc/an4_{part}.transcription").write_text(
            "".join(form.format("GO ON", i) + "\n" for i in ids)
        )
    return folder


@pytest.fixture
def published(small, tmp_path, monkeypatch):
    """The small corpus as an archive at the publisher's address."""
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(small, small.name)
    monkeypatch.setattr(an4, "URL", archive.as_uri())
    monkeypatch.setattr(an4, "SAMPLES_SHA256", digest_of(small))
    shutil.rmtree(small)


def test_transcripts_are_read_without_sentence_marks(small):
    assert {utterance.text for utterance in an4.read(small, small).utterances} == {"GO ON"}


def test_without_a_source_it_downloads_once(published, tmp_path, monkeypatch):
    summary = prepare("an4", None, tmp_path / "out")
    assert {name: split.utterances for name, split in summary.splits.items()} == {
        "train": 11,
        "dev": 1,
        "test": 2,
    }
    monkeypatch.setattr(an4, "URL", "file:///nowhere")
    (tmp_path / "out" / "download" / f"an4-{an4.COMMIT}.tar.gz").unlink()
    assert prepare("an4", None, tmp_path / "out") == summary


def test_samples_other_than_the_published_are_refused(published, tmp_path, monkeypatch):
    monkeypatch.setattr(an4, "SAMPLES_SHA256", "0" * 64)
    with pytest.raises(UserError, match=r"the samples are not AN4's.*expected 0000"):
        prepare("an4", None, tmp_path / "out")
    left = [path.name for path in (tmp_path / "out/download").iterdir()]
    assert left == [f"an4-{an4.COMMIT}.tar.gz"]  # checked before unpacking


@pytest.mark.parametrize("lost", ["etc/an4_test.fileids", "wav/test/an1-fz-b.wav"])
def test_an_archive_without_the_corpus_is_refused(small, tmp_path, monkeypatch, lost):
    (small / lost).unlink()
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as tar:
        tar.add(small, small.name)
    monkeypatch.setattr(an4, "URL", (tmp_path / "archive.tar.gz").as_uri())
    with pytest.raises(UserError, match=rf"the samples are not AN4's.*there is no .*{lost}"):
        prepare("an4", None, tmp_path / "out")


def test_a_missing_recording_is_named_by_its_transcript(small, tmp_path):
    (small / "wav/train/an1-fc-b.wav").unlink()
    with pytest.raises(UserError, match=r"an4_train.transcription:3: missing audio"):
        prepare("an4", small, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fold": 7}, "fold is 7, expected 0 to 6"),
        ({"split": "kaldi"}, "split is 'kaldi', expected speakers or espnet"),
    ],
)
def test_unknown_splits_are_refused(small, options, message):
    with pytest.raises(UserError, match=message):
        an4.read(small, small, **options)


def test_a_folder_without_an4_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"not AN4, etc/an4_train.fileids is missing"):
        an4.read(tmp_path, tmp_path)


def test_an_invalid_transcript_line_is_named(small):
    (small / "etc/an4_test.transcription").write_text("GO (an1-fy-b)\nGO ON\n")
    with pytest.raises(UserError, match=r"an4_test.transcription:2: found 'GO ON'"):
        an4.read(small, small)
