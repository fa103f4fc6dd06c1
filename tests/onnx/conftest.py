"""A model of characters, which other programs read, and the recordings of AN4's test set."""

import string
from pathlib import Path

import pytest

from asr.model.model_file import load_model, save_model
from asr.text.tokenizer import BLANK, CharTokenizer


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AN4's model with its phones renamed to characters."""
    model, tokenizer = load_model("an4")
    names = [BLANK, " ", *string.ascii_lowercase, *string.digits][: len(tokenizer)]
    file = tmp_path_factory.mktemp("letters") / "letters.safetensors"
    save_model(file, model.state_dict(), model.settings, CharTokenizer(names, "lower"), {})
    return file


@pytest.fixture(scope="session")
def recordings(shared: Path) -> list[Path]:
    """The 130 files of AN4's test set."""
    return sorted((shared / "corpora" / "an4" / "wav" / "an4test_clstk").rglob("*.*"))
