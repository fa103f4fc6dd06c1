"""`data.train=[a,b]`: several manifests as one training set, with weights."""

import shutil

import pytest
import tiny
from lhotse import CutSet

from asr.cli import main
from asr.data.several import read_training_cuts, repeat_cuts
from asr.training import recipe
from asr.util.errors import UserError


@pytest.mark.parametrize("quoted", [False, True])
def test_a_list_of_manifests_arrives(monkeypatch, tmp_path, quoted):
    configs = []
    monkeypatch.setattr(recipe, "train", configs.append)
    monkeypatch.chdir(tmp_path)
    paths = ["ä b.jsonl.gz", "c.jsonl.gz"]
    written = ",".join(f"'{path}'" if quoted else path for path in paths)
    overrides = [f"data.train=[{written}]", "data.dev=d.jsonl.gz", "data.weights=[1,3]"]
    assert main(["train", "own", *overrides, "tokens=phones"]) == 0
    assert (configs[0].data.train, configs[0].data.weights) == (paths, [1, 3])
    assert configs[0].tokens.lexicon == "lexicon.txt"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.train=3", "3: expected a cut manifest (*.jsonl.gz), but it does not exist"),
        ("data.weights=[0]", "data.weights: expected numbers from 1 to 1000, found [0]"),
        ("data.weights=[1,2]", "data.weights: expected 1 numbers, one a manifest of data.train"),
    ],
)
def test_what_is_no_list_of_manifests_is_refused(tones, tmp_path, capsys, override, said):
    command = tiny.arguments(tones, tmp_path / "run", override)
    assert main(command) == 1
    assert said in capsys.readouterr().err


def test_utterances_of_all_manifests_are_trained_on(tones, tmp_path, capsys):
    shutil.copy(tones / "train.jsonl.gz", tmp_path / "again, 2.jsonl.gz")
    paths = f"{tones}/train.jsonl.gz,'{tmp_path}/again, 2.jsonl.gz',{tones}/test.jsonl.gz"
    overrides = [f"data.train=[{paths}]", "data.weights=[1,1,3]", "trainer.epochs=1"]
    assert main([*tiny.arguments(tones, tmp_path / "run", *overrides)]) == 0
    assert f"train: {12 + 12 + 3 * 4} utterances" in capsys.readouterr().err


def test_cuts_keep_their_places_and_get_ids_of_their_own(tones):
    manifest = str(tones / "train.jsonl.gz")
    found = read_training_cuts([manifest, manifest], [1, 2], 600)
    assert found.places[11:13] == [f"{manifest}:12", f"{manifest}:1"]
    ids = [cut.id for cut in found.cuts]
    assert (ids[0], ids[12]) == ("train-00", "train-00#2")
    repeated = [cut.id for cut in repeat_cuts(CutSet.from_cuts(found.cuts), found.weights)]
    assert len(set(repeated)) == len(repeated) == 36
    assert "train-00#2#2" in repeated
    with pytest.raises(UserError, match=r"data\.weights: expected 2 numbers"):
        read_training_cuts([manifest, manifest], [1], 600)
