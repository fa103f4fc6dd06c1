"""One command trains every encoder of the comparison, and the table shows the finished runs."""

import json
import math
import shutil
import sys
from itertools import combinations
from pathlib import Path
from types import ModuleType

import matplotlib.image
import pytest
import torch
from matplotlib.text import Annotation, Text
from omegaconf import OmegaConf

from asr.cli import main
from asr.config import TrainConfig
from asr.encoders import ENCODERS
from asr.model.model_file import export_model
from asr.training import recipe as recipes
from asr.training.main import case
from asr.util.paths import RECIPES

README = "# Comparison\n<!-- results -->\nold\n<!-- end of results -->\nkept\n"


@pytest.fixture
def table(monkeypatch, tmp_path) -> ModuleType:
    """The script, whose output folder is `tmp_path`/out and run folders `tmp_path`/runs."""
    monkeypatch.syspath_prepend(RECIPES / "encoder_comparison")
    monkeypatch.delitem(sys.modules, "table", raising=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text(README)
    import table

    return table


@pytest.fixture
def make(monkeypatch, tmp_path, tones, table):
    """Run the script on the tiny corpus, speeds given; gives results.json and README.md."""
    flags = ["--runs", tmp_path / "runs", "--cuts", tones, "--output", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["table.py", *map(str, flags)])
    monkeypatch.setattr(table.speeds, "measure", lambda _: [speed(name) for name in ENCODERS])

    def make() -> tuple[dict, str]:
        threads = torch.get_num_threads()
        try:
            table.main()
        finally:
            torch.set_num_threads(threads)
        results = json.loads((tmp_path / "out" / "results.json").read_text())
        return results, (tmp_path / "out" / "README.md").read_text()

    return make


def fake(encoder: str, seed: int, wer: float) -> dict:
    return {
        "encoder": encoder, "seed": seed, "parameters": 5_000_000, "epochs": 30, "minutes": 23.0,
        "dev_wer": wer, "test_wer": wer + 0.01,
    }  # fmt: skip


def speed(encoder: str, trains_at: float = 50.0) -> dict:
    return {"encoder": encoder, "trains_at": trains_at, "real_time_factor": 0.01}


def test_runs_measured_elsewhere_are_kept_on_request(
    make, monkeypatch, tmp_path, tones_run, capsys
):
    shutil.copytree(tones_run, tmp_path / "runs" / "encoder=blstm" / "1")
    there = [fake("blstm", 1, 0.9), fake("gru", 2, 0.5)]
    fast = [speed("blstm", 70.0), speed("gru", 90.0)]
    kept = {"runs": there, "missing": [], "speeds": fast}
    (tmp_path / "out" / "results.json").write_text(json.dumps(kept))
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--keep"])

    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [*sys.argv, "--missing"])
        make()
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 3 * len(ENCODERS) - 2
    assert {"encoder=blstm seed=1", "encoder=gru seed=2"}.isdisjoint(listed)

    results, _ = make()
    blstm, gru = results["runs"]
    assert blstm["dev_wer"] != 0.9  # what is here was measured here
    assert gru == there[1]
    assert len(results["missing"]) == len(listed)
    assert results["speeds"] == fast

    monkeypatch.setattr(sys, "argv", sys.argv[:-1])
    results, _ = make()
    assert [run["encoder"] for run in results["runs"]] == ["blstm"]
    assert results["speeds"][0]["trains_at"] == 50.0


def test_a_sweep_trains_each_encoder_in_a_folder_of_its_own(monkeypatch, tmp_path):
    configs: list[TrainConfig] = []
    monkeypatch.setattr(recipes, "train", configs.append)
    monkeypatch.chdir(tmp_path)

    assert main(["train", "encoder_comparison", "-m", "encoder=rnn,convlstm", "seed=1,2"]) == 0

    jobs = [(c.seed, c.encoder.name, c.encoder.hidden_size) for c in configs]
    assert jobs == [(1, "rnn", 256), (1, "convlstm", 640), (2, "rnn", 256), (2, "convlstm", 640)]
    folders = [Path(config.run_dir) for config in configs]
    assert folders == [
        Path(f"runs/encoder_comparison/encoder={name}/{seed}") for seed, name, _ in jobs
    ]


def test_every_encoder_has_its_epochs():
    OmegaConf.register_new_resolver("case", case, replace=True)
    recipe = OmegaConf.load(RECIPES / "encoder_comparison" / "blstm.yaml")
    epochs: dict[str, int] = {}
    for name in ENCODERS:
        recipe.encoder.name = name
        epochs[name] = recipe.trainer.epochs
    assert max(epochs, key=epochs.__getitem__) == "rnn"  # the cheapest learns longest
    assert min(epochs.values()) >= 5


def test_the_table_expects_what_the_sweep_trains(table):
    assert table.planned() == [(name, seed) for seed in (1, 2, 3) for name in ENCODERS]


def test_every_encoder_has_a_family(table):
    assert set(table.results.STYLES) == set(ENCODERS)


def test_finished_runs_are_scored_once_and_the_others_named(
    make, table, tmp_path, tones_run, monkeypatch, capsys
):
    done, begun = (tmp_path / "runs" / f"encoder={name}" / "1" for name in ("blstm", "rnn"))
    for folder in (done, begun):
        shutil.copytree(tones_run, folder)
    lines = (begun / "metrics.jsonl").read_text().splitlines(keepends=True)
    (begun / "metrics.jsonl").write_text(lines[0])

    results, readme = make()

    (run,) = results["runs"]
    best = min(json.loads(line)["dev_wer"] for line in lines)
    assert run["dev_wer"] == pytest.approx(best)
    assert (run["encoder"], run["seed"], run["epochs"]) == ("blstm", 1, 3)
    assert len(results["missing"]) == 3 * len(ENCODERS) - 1
    assert "1 of 60 runs are done; missing: of seed 1 rnn (at epoch 1), lstm1997, pee" in readme
    assert "transformer; of seed 2 all; of seed 3 all. Training took" in readme
    assert "| blstm | 1 | 2,320 | 3 | " in readme
    assert f" | {100 * best:.2f} | {100 * run['test_wer']:.2f} | " in readme
    assert readme.startswith("# Comparison\n") and readme.endswith("kept\n") and "old" not in readme
    assert matplotlib.image.imread(tmp_path / "out" / "encoders.png").std() > 0

    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [*sys.argv, "--missing"])
        table.main()
    listed = [line for line in capsys.readouterr().out.splitlines() if "seed=" in line]
    assert len(listed) == 3 * len(ENCODERS) - 1
    assert listed[:2] == ["encoder=rnn seed=1", "encoder=lstm1997 seed=1"]

    scored: list[str] = []
    evaluate = table.evaluate
    monkeypatch.setattr(
        table, "evaluate", lambda *args: (scored.append(args[0]), evaluate(*args))[1]
    )
    monkeypatch.setattr(table.speeds, "measure", lambda _: [])
    assert make()[0] == results
    assert scored == []
    export_model([done], done / "model.safetensors", bits=16)
    make()
    assert [Path(path).name for path in scored] == ["dev.jsonl.gz", "test.jsonl.gz"]


def test_a_run_whose_state_was_never_saved_is_not_done(table, tmp_path, tones_run):
    """Killed at the end of its first epoch, say; `asr train` would begin it again."""
    folder = tmp_path / "runs" / "encoder=rnn" / "1"
    shutil.copytree(tones_run, folder)
    assert table.done(tmp_path / "runs", "rnn", 1)
    (folder / "state.pt").unlink()
    assert not table.done(tmp_path / "runs", "rnn", 1)


def test_speeds_are_measured_by_training_for_a_moment(table, tones):
    threads = torch.get_num_threads()
    try:
        rnn, gru = table.speeds.measure(tones, ["rnn", "gru"])
    finally:
        torch.set_num_threads(threads)
    assert (rnn["encoder"], gru["encoder"]) == ("rnn", "gru")
    for of in (rnn, gru):
        assert 0 < of["real_time_factor"] < math.inf
        assert 0 < of["trains_at"] < math.inf


def test_without_runs_the_table_says_so(make, table, tmp_path):
    results, readme = make()
    assert "Not run yet: 0 of 60 runs are done; missing: of seed 1 all; of seed 2 all;" in readme
    assert not (tmp_path / "out" / "encoders.png").exists()
    assert results["runs"] == []
    assert table.results.read(tmp_path / "out" / "results.json") is None
    assert table.results.read(tmp_path / "nowhere") is None


def test_unless_asked_it_writes_beside_the_runs_and_leaves_the_published_page(
    make, monkeypatch, tmp_path
):
    (tmp_path / "out" / "results.json").write_text("published")
    at = sys.argv.index("--output")
    monkeypatch.setattr(sys, "argv", sys.argv[:at])
    with pytest.raises(json.JSONDecodeError):  # `make` reads the published one
        make()
    assert (tmp_path / "out" / "README.md").read_text() == README
    assert "Not run yet: 0 of 60" in (tmp_path / "runs" / "README.md").read_text()


def test_what_is_not_there_is_named(make, monkeypatch, tmp_path, tones_run, capsys):
    shutil.copytree(tones_run, tmp_path / "runs" / "encoder=rnn" / "1")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--cuts", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        make()
    assert ended.value.code == 1
    assert "dev.jsonl.gz: No such file or directory; give --runs and --cuts" in (
        capsys.readouterr().err
    )


def test_rows_are_sorted_by_dev_and_tell_the_spread(table):
    runs = [fake("gru", 1, 0.2), fake("rnn", 1, 0.1), fake("gru", 2, 0.08), fake("gru", 3, 0.011)]
    speeds = [speed("gru"), speed("rnn")]
    lines = table.results.table({"runs": runs, "missing": [], "speeds": speeds}).splitlines()
    assert lines[2].startswith(
        "| gru | 3 | 5,000,000 | 30 | 23.0 | 9.70 (1.10 to 20.00) | 10.70 (2.10 to "
    )
    assert lines[3].startswith(
        "| rnn | 1 | 5,000,000 | 30 | 23.0 | 10.00 | 11.00 | 50 x | 0.0100 |"
    )
    assert lines[-1] == "4 of 4 runs are done. Training took 1.5 hours in sum."


@pytest.mark.parametrize("apart", [0.0, 0.02, 1.0])
def test_no_name_in_the_picture_covers_another(table, apart):
    runs = [fake(name, 1, 0.1 + apart * i % 0.5) for i, name in enumerate(ENCODERS)]
    speeds = [speed(name, 50 + 10 * apart * i) for i, name in enumerate(ENCODERS)]
    figure = table.results.draw({"runs": runs, "missing": [], "speeds": speeds})
    figure.draw_without_rendering()
    names = [child for child in figure.axes[1].get_children() if isinstance(child, Annotation)]
    assert sorted(name.get_text() for name in names) == sorted(ENCODERS)
    boxes = [Text.get_window_extent(name) for name in names]  # Annotation's has the line as well
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
