"""Corpora by lhotse's recipes: one made tree of each shape of return value, and refusals."""

import json
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import lhotse
import pytest
import soundfile
from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from lhotse.recipes import commonvoice
from refusals import refused

from asr.cli import main
from asr.corpora import CORPORA, prepare
from asr.corpora.lhotse_recipes import find_recipes
from asr.corpora.lhotse_values import collect, parts_of
from asr.util.errors import UserError

ROOT = Path(__file__).parents[2]
SHORT = {"seconds": 0.1, "rate": 8000}
TINY = ["encoder.layers=1", "encoder.hidden_size=8", "trainer.epochs=1", "trainer.device=cpu"]
TINY += ["trainer.workers=0", "trainer.tensorboard=false", "run_dir=run"]


def make_yesno(root, write_audio):
    """By part: train and test."""
    for number in range(60):
        bits = "_".join(format(number, "08b"))
        write_audio(root / f"{bits}.wav", **SHORT)
    return root


def make_ljspeech(root, write_audio, seconds=0.1):
    """One part, with numbers spelled out in a second text."""
    names = [f"LJ001-{number:04}" for number in range(30)]
    for name in names:
        write_audio(root / "wavs" / f"{name}.wav", seconds=seconds, rate=8000)
    lines = [f"{name}|Mr. X, in {n}.|Mister X, in {n} words." for n, name in enumerate(names)]
    (root / "metadata.csv").write_text("\n".join(lines))
    return root


def make_daily_talk(root, write_audio):
    """A pair."""
    talk = {}
    for n in range(10):
        write_audio(root / "data" / "0" / f"{n}_{n % 2}_d0.wav", **SHORT)
        about = dict.fromkeys(("turn", "topic", "emotion", "act"), 0)
        talk[str(n)] = {"speaker": n % 2, "text": "Hello there.", "index": n, **about}
    (root / "metadata.json").write_text(json.dumps({"0": talk}))
    return root


def make_tedlium(root, write_audio):
    """By part, with segments of long recordings."""
    for part in ("train", "dev", "test"):
        for kind in ("sph", "stm"):
            (root / "legacy" / part / kind).mkdir(parents=True)
        audio = write_audio(root / "talk.wav", seconds=3.0)
        samples, rate = soundfile.read(audio)
        talk = root / "legacy" / part / "sph" / f"{part}Talk.sph"
        soundfile.write(talk, samples, rate, format="NIST", subtype="PCM_16")
        audio.unlink()
        lines = [
            f"{part}Talk 1 {part}Talk 0.50 1.50 <o,f0,male> and it 's {{NOISE}} true",
            f"{part}Talk 1 {part}Talk 1.50 2.00 <o,f0,male> ignore_time_segment_in_scoring",
            f"{part}Talk 1 {part}Talk 2.00 3.02 <o,f0,male> the end",
        ]
        (root / "legacy" / part / "stm" / f"{part}Talk.stm").write_text("\n".join(lines) + "\n")
    return root


def make_commonvoice(root, write_audio, seconds=0.3):
    """By language and part, and the recipe writes manifests."""
    head = "client_id path sentence up_votes down_votes age gender accents variant locale segment"
    for language, text in (("tr", "IŞIK ile İstanbul!"), ("de", "Straße, Größe.")):
        for n, part in enumerate(("train", "dev", "test")):
            rows = [head.replace(" ", "\t")]
            for number in range(2):
                name = f"common_voice_{language}_{n}{number}.mp3"
                write_audio(root / language / "clips" / name, seconds=seconds)
                rows.append("\t".join([f"{part}{number}", name, text, *["2"] * 2, *[""] * 6]))
            (root / language / f"{part}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def make_mls(root, write_audio):
    """By language and part, where the recipe takes no language."""
    for language in ("polish", "dutch"):
        folder = root / f"mls_{language}_opus"
        for number, part in enumerate(("train", "dev", "test")):
            name = f"{number}_1_000000"
            write_audio(folder / part / "audio" / f"{number}" / "1" / f"{name}.opus")
            (folder / part / "transcripts.txt").write_text(f"{name}\tdzień {language}\n")
        speakers = ["SPEAKER | GENDER | PARTITION", *[f"{n} | F | x" for n in range(3)]]
        (folder / "metainfo.txt").write_text("\n".join(speakers) + "\n")
    return root


@pytest.fixture(autouse=True)
def threads_in_place_of_processes(monkeypatch):
    """Common Voice's recipe starts processes that import lhotse anew, which takes seconds."""

    def threads(max_workers, mp_context):
        return ThreadPoolExecutor(1)

    monkeypatch.setattr(commonvoice, "ProcessPoolExecutor", threads)


def cuts_of(summary):
    return {
        name: list(CutSet.from_file(one.path)) if one.utterances else []
        for name, one in summary.splits.items()
    }


@pytest.mark.parametrize(
    ("name", "make", "options", "sizes", "text"),
    [
        ("yesno", make_yesno, {}, None, "NO NO NO NO NO NO NO NO"),
        ("ljspeech", make_ljspeech, {}, None, "Mister X, in 0 words."),
        ("daily_talk", make_daily_talk, {}, None, "Hello there."),
        ("tedlium", make_tedlium, {}, [2, 2, 2], "and it 's [NOISE] true"),
        ("commonvoice", make_commonvoice, {"language": ["tr"]}, [2, 2, 2], "IŞIK ile İstanbul!"),
        ("commonvoice", make_commonvoice, {}, [4, 4, 4], "Straße, Größe."),
        ("mls", make_mls, {"language": ["polish"]}, [1, 1, 1], "dzień polish"),
    ],
)
def test_a_corpus_of_each_shape_becomes_manifests(
    tmp_path, write_audio, name, make, options, sizes, text
):
    summary = prepare(name, make(tmp_path / "corpus", write_audio), tmp_path / "out", **options)
    cuts = cuts_of(summary)
    assert all(cuts.values())
    if sizes is not None:
        assert [len(cuts[split]) for split in ("train", "dev", "test")] == sizes
    found = [cut for of_split in cuts.values() for cut in of_split]
    assert text in [cut.supervisions[0].text for cut in found]
    for cut in found[:2]:
        assert cut.load_audio().shape == (1, cut.num_samples)
        assert cut.id == cut.supervisions[0].id


def test_the_splits_of_a_corpus_are_kept_and_dev_is_held_out(tmp_path, write_audio):
    summary = prepare("yesno", make_yesno(tmp_path / "corpus", write_audio), tmp_path / "out")
    test = {cut.id for cut in cuts_of(summary)["test"]}
    assert test == {"_".join(format(number, "08b")) for number in range(1, 60, 2)}
    assert "the corpus has no dev: " in str(summary)


@pytest.mark.parametrize(
    ("name", "make", "options"),
    [
        ("commonvoice", make_commonvoice, {"seconds": 1.2}),
        ("ljspeech", make_ljspeech, {"seconds": 1.2}),
        ("tedlium", make_tedlium, {}),
    ],
)
def test_recipes_start_on_prepared_corpora(tmp_path, write_audio, monkeypatch, name, make, options):
    """With their own manifests, text and tokens; the network has a size that takes a second."""
    monkeypatch.chdir(tmp_path)
    corpus = str(make(tmp_path / "corpus", write_audio, **options))
    assert main(["prepare", name, "--source", corpus, "--output", f"data/{name}"]) == 0
    tokens = ["tokens.subwords=20"] if name == "tedlium" else []
    assert main(["train", name, *TINY, *tokens]) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_into_makes_a_test_set(tmp_path, write_audio):
    corpus = make_tedlium(tmp_path / "corpus", write_audio)
    summary = prepare("tedlium", corpus, tmp_path / "out", into="test")
    assert [one.utterances for one in summary.splits.values()] == [0, 0, 6]


def test_a_changed_corpus_is_read_anew(tmp_path, write_audio):
    """Common Voice's recipe would take the manifests that it wrote the first time."""
    corpus = make_commonvoice(tmp_path / "corpus", write_audio)
    prepare("commonvoice", corpus, tmp_path / "out")
    table = corpus / "tr" / "dev.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:2]))
    summary = prepare("commonvoice", corpus, tmp_path / "out", language=["tr"])
    assert summary.splits["dev"].utterances == 1


def test_what_lhotse_warns_of_is_told(tmp_path, write_audio):
    corpus = make_ljspeech(tmp_path / "corpus", write_audio)
    (corpus / "wavs" / "LJ001-0003.wav").unlink()
    summary = prepare("ljspeech", corpus, tmp_path / "out")
    assert "lhotse warned 1 times, first: No such file: " in str(summary)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("yesno", {}, "recipe for yesno found: AssertionError at `assert len(wave_files) == 60`; "),
        ("ljspeech", {}, "found: No such file: {source}/metadata.csv; its layout is in `help("),
        ("commonvoice", {}, "found: Could not find any of CommonVoice languages in: {source}; "
         "name the language, or give another folder"),
        ("commonvoice", {"language": ["xx"]}, "found: {source}/xx/test.tsv: No such file"),
        ("wham", {}, "prepare wham: this corpus has no transcripts"),
        ("broadcast_news", {}, "needs audio_dir and transcripts_dir; run `lhotse prepare "
         "broadcast-news` (its help says how), then `asr prepare manifests DIR`"),
        ("yesnoo", {}, "no corpus 'yesnoo', only an4, digits, folder, librispeech, manifests and "),
        ("yesno", {"fold": 3}, "prepare yesno: it does not take fold; it takes language, into"),
        ("voxpopuli", {"language": ["de", "fr"]}, "it takes one language, found 2"),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence(tmp_path, name, options, told):
    source = tmp_path / "corpus"
    source.mkdir()
    with refused(re.escape(told.format(source=source))):
        prepare(name, source, tmp_path / "out", **options)


def test_a_corpus_that_is_not_there_is_refused_or_downloaded(tmp_path, write_audio, monkeypatch):
    with refused("nowhere: there is no such file or folder"):
        prepare("yesno", tmp_path / "nowhere", tmp_path / "out")
    with refused("prepare mls: lhotse cannot download this corpus; get it from its publisher"):
        prepare("mls", None, tmp_path / "out")
    recipes = find_recipes()

    def download(target_dir):
        return make_yesno(target_dir / "waves_yesno", write_audio)

    monkeypatch.setitem(
        recipes, "yesno", SimpleNamespace(**vars(recipes["yesno"]), has_transcripts=True)
    )

    def offline(target_dir):
        raise URLError("Name or service not known")

    recipes["yesno"].download = offline
    with refused("download: lhotse could not download yesno: .*Name or service not known.*; the "):
        prepare("yesno", None, tmp_path / "out")
    recipes["yesno"].download = download
    summary = prepare("yesno", None, tmp_path / "out")
    assert summary.splits["test"].utterances == 30
    assert (tmp_path / "out" / "download" / "waves_yesno").is_dir()


def segment(name, start=0.0, duration=1.0, channel=0, **more):
    return SupervisionSegment(name, "r", start, duration, channel, text="ab", **more)


def recording(*channels):
    """Make a recording of 2 s with a file for each of the lists of channels."""
    sources = [AudioSource("file", list(of), f"{of[0]}.wav") for of in channels]
    return Recording("r", sources, 16000, 32000, 2.0, channel_ids=sorted(chain(*channels)))


@pytest.mark.parametrize(
    ("files", "channel", "audio", "place"),
    [
        ([[0]], 0, "0.wav", None),
        ([[0], [1], [2]], 2, "2.wav", None),  # AMI's headsets
        ([[0, 1]], 1, "0.wav", 1),  # a telephone call
        ([[0, 1]], [0, 1], "0.wav", None),
        ([[0], [1]], [0, 1], "0.wav", None),  # an array: the first microphone
        ([[4, 5]], 5, "4.wav", 1),
    ],
)
def test_a_channel_is_found_in_its_file(files, channel, audio, place):
    value = {
        "recordings": RecordingSet.from_recordings([recording(*files)]),
        "supervisions": SupervisionSet.from_segments([segment("one", 0.5, channel=channel)]),
    }
    (found,) = collect(parts_of({"dev": value}), "here").utterances
    assert (str(found.audio), found.channel) == (audio, place)
    assert (found.start_s, found.end_s, found.split) == (0.5, 1.5, "dev")


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train-clean-5", "dev-clean", "test-other"], ["train", "dev", "test"]),
        (["Train", "Eval", "Test"], ["train", "dev", "test"]),  # AliMeeting
        (["train", "eval_clean"], ["train", "test"]),  # KsponSpeech
        (["XL", "DEV", "TEST"], ["train", "dev", "test"]),  # GigaSpeech
        (["train_phase1", "dev_phase1", "test"], ["train", "dev", "test"]),
        (["train", "valid", "other"], ["train", "dev"]),
        (["dev", "dev_test"], ["dev", "test"]),  # ASpIRE
        (["read", "suitcase"], [None, None]),  # L2-ARCTIC
    ],
)
def test_names_of_parts_are_splits(names, splits):
    recordings = RecordingSet.from_recordings([recording([0])])
    value = {
        name: {
            "recordings": recordings,
            "supervisions": SupervisionSet.from_segments([segment(name)]),
        }
        for name in names
    }
    collection = collect(parts_of(value), "here")
    assert [utterance.split for utterance in collection.utterances] == splits


def test_manifests_of_lhotse_are_read(tmp_path, write_audio):
    audio = write_audio(tmp_path / "a.wav", seconds=2.0)
    one = Recording.from_file(audio, recording_id="r")
    folder = tmp_path / "manifests"
    folder.mkdir()
    for part in ("train", "dev"):
        RecordingSet.from_recordings([one]).to_file(folder / f"x_recordings_{part}.jsonl.gz")
        SupervisionSet.from_segments([segment(part), segment(f"{part}2", 1.0)]).to_file(
            folder / f"x_supervisions_{part}.jsonl.gz"
        )
    summary = prepare("manifests", folder, tmp_path / "out")
    assert [len(cuts) for cuts in cuts_of(summary).values()] == [2, 2, 0]
    cuts = CutSet.from_manifests(
        RecordingSet.from_recordings([one]), SupervisionSet.from_segments([segment("one", 0.5)])
    )
    (tmp_path / "cuts").mkdir()
    cuts.to_file(tmp_path / "cuts" / "cuts_train.jsonl.gz")
    summary = prepare("manifests", tmp_path / "cuts", tmp_path / "out", into="test")
    (cut,) = cuts_of(summary)["test"]
    assert (cut.start, cut.duration) == (0.5, 1.0)


def test_manifests_that_cannot_be_read_are_refused(tmp_path):
    with refused("no manifests of lhotse's; expected recordings and supervisions"):
        prepare("manifests", tmp_path, tmp_path / "out")
    (tmp_path / "x_recordings_all.jsonl.gz").write_bytes(b"")
    with refused("x_recordings_all.jsonl.gz: there are no supervisions beside it"):
        prepare("manifests", tmp_path, tmp_path / "out")
    (tmp_path / "x_supervisions_all.jsonl.gz").write_bytes(b"no")
    with refused("x_recordings_all.jsonl.gz: not lhotse's recordings"):
        prepare("manifests", tmp_path, tmp_path / "out")
    with refused("no folder; give the one `lhotse prepare` wrote to"):
        prepare("manifests", tmp_path / "nowhere", tmp_path / "out")


def test_recordings_that_are_no_files_are_refused():
    command = Recording("r", [AudioSource("command", [0], "rm x")], 16000, 32000, 2.0)
    value = (
        RecordingSet.from_recordings([command]),
        SupervisionSet.from_segments([segment("one")]),
    )
    with pytest.raises(UserError, match="of type command, which is never opened here"):
        collect(parts_of(value), "here")
    with pytest.raises(UserError, match="'one' is of the recording 'r', which is missing"):
        collect(parts_of((RecordingSet.from_recordings([]), value[1])), "here")
    with pytest.raises(UserError, match="gives list, which is no part"):
        list(parts_of([]))


@pytest.mark.slow
def test_speechocean762_is_read_as_its_kaldi_directory(shared, tmp_path):
    """lhotse has no recipe for it."""
    unpack = shared / "corpora" / "unpack.py"
    subprocess.run([sys.executable, unpack, tmp_path, "--only", "speechocean762"], check=True)
    summary = prepare("folder", tmp_path / "speechocean762" / "train", tmp_path / "out")
    assert sum(split.utterances for split in summary.splits.values()) == 2500
    assert sum(split.speakers for split in summary.splits.values()) == 125
    assert not summary.skipped


def test_the_page_counts_the_recipes_of_the_tested_lhotse():
    if not lhotse.__version__.startswith("1.33."):
        pytest.skip(f"the page counts lhotse 1.33, found {lhotse.__version__}")
    page = (ROOT / "docs" / "corpora.md").read_text()
    counts = Counter()
    for recipe in find_recipes().values():
        way = "one" if recipe.is_one_line else "two" if recipe.has_transcripts else "none"
        counts[recipe.shape, way] += 1
        counts["all", way] += 1
    for shape in {shape for shape, _ in counts}:
        row = " | ".join(str(counts[shape, way]) for way in ("one", "two", "none"))
        assert f"| {shape} | {row} |" in page


def test_every_recipe_of_lhotse_has_a_way():
    recipes = find_recipes()
    assert not set(recipes) & set(CORPORA) - {"librispeech"}
    for name in ("commonvoice", "tedlium", "libritts", "ljspeech", "vctk", "voxpopuli", "fleurs",
                 "mls", "ami", "yesno"):  # fmt: skip
        assert recipes[name].is_one_line, name
    assert recipes["fleurs"].has_languages
    assert recipes["mls"].has_languages
    assert recipes["babel"].prepare is lhotse.recipes.prepare_single_babel_language
    assert recipes["must_c"].missing == ("corpus_dir", "tgt_lang")
