"""Models by path and by name, and the models that come with the toolkit."""

from pathlib import Path

import pytest

from asr.decoding.options import DecodingOptions, read_options
from asr.inference.recognizer import load
from asr.util import paths
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME, SHIPPED, find_model, shipped_decoding, shipped_models

LARGEST_MB = {"an4": 6, "en-small": 12}
LARGEST_LMS_MB = 14


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / MODEL_NAME).touch()
    return folder


def test_a_run_folder_stands_for_the_model_in_it(run_folder: Path) -> None:
    file = run_folder / MODEL_NAME

    assert find_model(run_folder) == find_model(str(file)) == file


def test_a_name_stands_for_a_shipped_model() -> None:
    assert find_model("an4") == SHIPPED / "an4" / MODEL_NAME


def test_a_folder_here_comes_before_a_shipped_model_of_its_name(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run_folder.parent)
    run_folder.rename("an4")

    assert find_model("an4") == Path("an4") / MODEL_NAME


def test_an_unknown_model_is_refused_with_the_names_of_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such file or folder; .* an4"):
        find_model("nowhere")
    with pytest.raises(UserError, match=rf"{tmp_path}: no model\.safetensors in this folder"):
        find_model(tmp_path)


def test_only_shipped_models_have_decoding_settings(run_folder: Path) -> None:
    (run_folder / "decoding.yaml").touch()

    assert shipped_decoding(run_folder) is None
    assert shipped_decoding("an4") == SHIPPED / "an4" / "decoding.yaml"


def test_a_shipped_model_is_found_by_name_and_by_any_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(SHIPPED)

    for path in (Path("an4"), Path("en-small/../an4") / MODEL_NAME, SHIPPED / "an4"):
        decoding = shipped_decoding(path)
        assert decoding is not None and decoding.samefile(SHIPPED / "an4" / "decoding.yaml")


def test_only_folders_with_a_model_are_models(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_folder.parent / ".DS_Store").touch()
    (run_folder.parent / "empty").mkdir()
    monkeypatch.setattr(paths, "SHIPPED", run_folder.parent)

    assert shipped_models() == ["run"]


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_is_small_and_works(name: str) -> None:
    options = read_options(SHIPPED / name / "decoding.yaml")
    recognizer = load(name)

    assert options.lm is not None
    assert find_model(name).stat().st_size <= LARGEST_MB[name] * 1e6
    lms = [path for path in (options.lm, options.neural_lm) if path is not None]
    assert sum(path.stat().st_size for path in lms) <= LARGEST_LMS_MB * 1e6
    assert recognizer.options == options
    assert load(name, DecodingOptions()).options.search == "greedy"
    assert (SHIPPED / name / "README.md").read_text().startswith(f"# {name}")
