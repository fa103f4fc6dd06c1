"""`asr transcribe --shard K/N`: the shards are disjoint, and together what one run writes."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from random_models import random_model, random_tokenizer

from asr.cli import main
from asr.cli.shards import Shard
from asr.model.model_file import save_model
from asr.util.paths import MODEL_NAME

RATE = 16000
NAMES = ("e", "a", "d", "b", "c")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, five recordings of different lengths, and a list of them."""
    folder = tmp_path_factory.mktemp("place")
    model = random_model()
    save_model(folder / MODEL_NAME, model.state_dict(), model.settings, random_tokenizer(), {})
    generator = np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        samples = 0.1 * generator.standard_normal(RATE // 2 + 1000 * number)
        soundfile.write(folder / f"{name}.wav", samples, RATE)
    (folder / "list.txt").write_text("".join(f"{folder / name}.wav\n" for name in NAMES))
    return folder


def run(place: Path, *arguments: object) -> int:
    command = ["transcribe", "--list", place / "list.txt", *arguments, "--model", place]
    return main([str(word) for word in command])


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


@pytest.mark.parametrize(("items", "count"), [(0, 3), (2, 5), (16, 16), (17, 4), (100, 7), (5, 1)])
def test_each_item_is_in_one_shard_and_shards_are_even(items: int, count: int) -> None:
    shards = [Shard(number, count).take(range(items)) for number in range(1, count + 1)]

    assert sorted(item for shard in shards for item in shard) == list(range(items))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shards_in_any_order_write_what_one_run_writes(
    place: Path, tmp_path: Path, order: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "--output-dir", tmp_path / "whole", "--format", "txt,json") == 0
    found = []
    for number in order:
        before = set(texts(tmp_path / "parts")) if found else set()
        shard = ("--shard", f"{number}/3", "--output-dir", tmp_path / "parts")
        assert run(place, *shard, "--format", "txt,json") == 0
        found.append(set(texts(tmp_path / "parts")) - before)

    assert [len(new) for new in found] == [4 if number < 3 else 2 for number in order]
    assert texts(tmp_path / "parts") == texts(tmp_path / "whole")
    capsys.readouterr()
    assert run(place, "--output-dir", tmp_path / "parts", "--format", "txt,json") == 0
    assert capsys.readouterr().err == "0 transcribed, 5 finished before\n"


def test_lines_of_the_shards_are_those_of_one_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place) == 0
    whole = capsys.readouterr().out.splitlines()
    assert [run(place, "--shard", f"{number}/2") for number in (2, 1)] == [0, 0]

    assert sorted(capsys.readouterr().out.splitlines()) == sorted(whole)


def test_each_shard_keeps_a_record_of_its_own(place: Path, tmp_path: Path) -> None:
    """Two machines that append to one file of a network folder overwrite each other's lines."""
    for number in (1, 2):
        assert run(place, "--shard", f"{number}/2", "--output-dir", tmp_path) == 0

    assert sorted(path.name for path in tmp_path.glob(".*")) == [
        ".asr-outputs.shard-1-of-2.jsonl", ".asr-outputs.shard-2-of-2.jsonl",
    ]  # fmt: skip


def test_the_latest_record_of_a_file_counts_whichever_shard_wrote_it(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = ("--output-dir", tmp_path, "--start", "0.1")
    assert run(place, "--shard", "1/2", "--output-dir", tmp_path) == 0
    assert run(place, *later) == 0
    (tmp_path / "e.txt").unlink()
    assert run(place, "--shard", "1/2", *later) == 0
    capsys.readouterr()

    assert [run(place, "--shard", shard, *later) for shard in ("1/2", "3/3", "1/1")] == [0, 0, 0]
    assert [line.split(", ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "0 transcribed", "0 transcribed", "0 transcribed",
    ]  # fmt: skip


def test_names_are_compared_across_shards(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_bytes((place / "a.wav").read_bytes())
    command = (tmp_path / "a.wav", "--output-dir", tmp_path / "out")

    assert [run(place, *command, "--shard", f"{number}/6") for number in (1, 2)] == [1, 1]
    assert capsys.readouterr().err.count("would both be written as a; ") == 2


def test_a_mistake_in_the_list_is_told_by_one_shard(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [run(place, "*.mp3", "--shard", f"{number}/3") for number in (1, 2, 3)]

    assert results == [1, 0, 0]
    assert capsys.readouterr().err.count("asr: *.mp3: no file matches") == 1


def test_a_shard_may_be_empty(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr.inference.recognizer.load", None)

    assert run(place, "--shard", "16/16") == 0

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "--shard 16/16: no recording is left for this shard, 5 are named\n"


@pytest.mark.parametrize(
    "shard", ["0/4", "5/4", "1/0", "-1/4", "3", "3/", "a/b", "1/2/3", "1.5/2", "", "²/4"]
)
def test_what_is_no_shard_is_refused_in_a_sentence(
    place: Path, shard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(place, f"--shard={shard}")

    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "--shard: expected K/N, such as 3/16 for the third of 16 shards" in said
    assert f"found {shard!r}" in said and "Traceback" not in said
