"""A folder with everything that the pages' commands name, in sizes that take a second."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import random_models
import soundfile
import tiny

from asr.cli import main
from asr.data.manifests import read_cuts
from asr.model.model_file import save_model
from asr.text.phones import PhoneTokenizer

LEXICON = "ab æ b\nba b ə\n"


@pytest.fixture(scope="session")
def example_folder(tones: Path, tones_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder once; tests run in copies of it."""
    root = tmp_path_factory.mktemp("reader")
    (root / "data").mkdir()
    shutil.copytree(tones, root / "data" / "mine")
    shutil.copytree(tones_run, root / "runs" / "mine")
    _write_recordings(root, tones)
    _write_texts(root)
    # A folder of this name comes before the model that comes with the toolkit.
    _write_phone_model(root / "en-small", LEXICON, "lower")
    _write_phone_model(root / "an4", LEXICON.replace("ab", "AB").replace("ba", "BA"), "upper")
    return root


def _write_recordings(root: Path, tones: Path) -> None:
    own = root / "my-recordings"
    own.mkdir()
    (root / "lectures").mkdir()
    for split in ("train", "dev", "test"):
        for cut in read_cuts(tones / f"{split}.jsonl.gz"):
            shutil.copy(tones / f"{cut.id}.wav", own)
            (own / f"{cut.id}.txt").write_text(cut.supervisions[0].text)
    for name in ("a", "b", "new", "talk", "interview", "lectures/monday", "lectures/tuesday"):
        shutil.copy(tones / "test-00.wav", root / f"{name}.wav")
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * tiny.RATE)
    soundfile.write(root / "book.mp3", noise, tiny.RATE)
    soundfile.write(root / "interview.wav", np.stack([noise, noise[::-1]], axis=1), tiny.RATE)


def _write_texts(root: Path) -> None:
    texts = {
        "a.txt": "ab ba",
        "book.txt": "ab ba\nba",
        "text.txt": "ab ba\nba a ab\n" * 5,
        "held-out.txt": "ab a",
        "names.txt": "ab",
        "recordings.txt": "a.wav\nb.wav",
        "reference.txt": "utt1 ab ba\nutt2 a ba",
        "hypothesis.txt": "utt1 ab a\nutt2 a ba",
        "other.txt": "utt1 ab ba\nutt2 ba",
    }
    for name, text in texts.items():
        (root / name).write_text(f"{text}\n")
    command = ["lm", "train", str(root / "text.txt"), "--order", "2"]
    assert main([*command, "--output", str(root / "lm.arpa.gz")]) == 0
    (root / "decoding.yaml").write_text("search: beam\nbeam_size: 4\nlm: lm.arpa.gz\n")


def _write_phone_model(folder: Path, lexicon: str, normalizer: str) -> None:
    folder.mkdir()
    (folder / "lexicon.txt").write_text(lexicon)
    tokenizer = PhoneTokenizer.from_lexicon(folder / "lexicon.txt", normalizer)
    model = random_models.random_model(vocabulary_size=len(tokenizer))
    path = folder / "model.safetensors"
    save_model(path, model.state_dict(), model.settings, tokenizer, {})


@pytest.fixture
def example(example_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the folder."""
    folder = tmp_path / "reader"
    shutil.copytree(example_folder, folder)
    monkeypatch.chdir(folder)
    return folder
