"""Whatever a text holds, the verb that reads it does its work or says why not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import texts
from cases import Printed, generator, run
from mutations import mutated_text, one_of
from random_models import random_model
from worker import Worker

from asr.model.model_file import save_model
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK, SPACE


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound file of every kind."""
    folder = tmp_path_factory.mktemp("good")
    for seed, name in enumerate(texts.NAMES):
        samples = 0.1 * np.random.default_rng(seed).standard_normal(8000)
        soundfile.write(folder / name, samples, 16000)
    (folder / "lm.arpa").write_text(texts.random_arpa())
    (folder / "words.txt").write_text(texts.WORDS)
    (folder / "hot.txt").write_text(texts.HOTWORDS)
    (folder / "reference.txt").write_text(texts.REFERENCE)
    (folder / "sentences.txt").write_text(texts.SENTENCES)
    save_phones(folder / "phones.safetensors")
    return folder


def save_phones(path: Path) -> None:
    """Save a model that writes words of four phones."""
    model = random_model(vocabulary_size=6)
    tokens = [BLANK, SPACE, "A", "B", "C", "D"]
    tokenizer = PhoneTokenizer(tokens, "lower", {"abba": ["A B A"], "a": ["A"]})
    save_model(path, model.state_dict(), model.settings, tokenizer, {})


def write(folder: Path, good: Path, name: str, content: str, number: int | None) -> Path:
    """Put a text among copies of what it goes with: spoilt, or with no number as it is."""
    shutil.copytree(good, folder, dirs_exist_ok=True)
    path, data = folder / name, content.encode()
    path.write_bytes(data if number is None else mutated_text(generator(name, number), data))
    return path


def arpa(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "x.arpa", texts.random_arpa(), number)
    return run("lm", "info", spoilt, folder / "sentences.txt")


def lm_text(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "text.txt", texts.SENTENCES, number)
    return run("lm", "train", spoilt, "--order", 2, "--output", folder / "out.arpa")


def transcribe(folder: Path, model: Path, *flags: object) -> Printed:
    """Transcribe with what may be refused before anything is read, but not silently ignored."""
    printed = run("transcribe", *(folder / name for name in texts.NAMES), "--model", model, *flags)
    lines = printed.out.splitlines()
    assert len(lines) == (0 if printed.status else len(texts.NAMES)), printed
    return printed


def decoding(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    os.mkfifo(folder / "fifo")
    spoilt = write(folder, good, "decoding.yaml", texts.DECODING, number)
    return transcribe(folder, model, "--decoding", spoilt)


def option(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    """One option of a decoding.yaml has a value that is none."""
    rng = generator("option", number or 0)
    lines = texts.DECODING.splitlines()
    place = rng.integers(len(lines))
    if number is not None:
        lines[place] = f"{lines[place].split(':')[0]}: {one_of(rng, texts.YAML_VALUES)}"
    os.mkfifo(folder / "fifo")
    options = write(folder, good, "decoding.yaml", "\n".join(lines), None)
    return transcribe(folder, model, "--decoding", options)


def hotwords(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "hotwords.txt", texts.HOTWORDS, number)
    return transcribe(folder, model, "--beam", 4, "--hotwords", spoilt)


def vocabulary(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "vocabulary.txt", texts.WORDS, number)
    return transcribe(folder, model, "--beam", 4, "--vocabulary", spoilt)


def lexicon(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "lexicon.txt", texts.LEXICON, number)
    return transcribe(folder, good / "phones.safetensors", "--beam", 4, "--vocabulary", spoilt)


def hypothesis(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "hypothesis.txt", texts.HYPOTHESIS, number)
    return run("score", folder / "reference.txt", spoilt, "--html", folder / "page.html")


def plain(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    spoilt = write(folder, good, "plain.txt", texts.SENTENCES, number)
    return run("score", spoilt, spoilt, "--layout", "plain", "--json", folder / "report.json")


def csv(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    return prepare(folder, write(folder, good, "table.csv", texts.CSV, number))


def tsv(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    return prepare(folder, write(folder, good, "table.tsv", texts.TSV, number))


def jsonl(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    return prepare(folder, write(folder, good, "lines.jsonl", texts.JSONL, number))


def kaldi(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    for name, content in texts.KALDI.items():
        (folder / name).write_text(content)
    name = one_of(generator("file", number or 0), list(texts.KALDI))
    write(folder, good, name, texts.KALDI[name], number)
    return prepare(folder, folder)


def transcript(folder: Path, good: Path, model: Path, number: int | None) -> Printed:
    """The text beside one of three recordings: the others are prepared all the same."""
    speech = folder / "speech"
    speech.mkdir()
    for name in texts.NAMES:
        (speech / name).with_suffix(".txt").write_text("a bad cab")
    write(speech, good, "one.txt", "a bad cab", number)
    printed = prepare(folder, speech)
    assert printed.status == 0, printed
    return printed


def prepare(folder: Path, source: Path) -> Printed:
    return run("prepare", "folder", source, "--skip-invalid", "--output", folder / "cuts")


KINDS = (
    arpa, lm_text, decoding, option, hotwords, vocabulary, lexicon, hypothesis, plain, csv, tsv,
    jsonl, kaldi, transcript,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.numbered(116, 1)
def test_texts(
    worker: Worker, good: Path, model: Path, kind: Callable[..., Printed], number: int
) -> None:
    worker.run(kind, good, model, number)


def sound(folder: Path, good: Path, model: Path, kind: Callable[..., Printed]) -> None:
    printed = kind(folder, good, model, None)
    assert printed.status == 0, printed


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_spoilt_was_sound(
    worker: Worker, good: Path, model: Path, kind: Callable[..., Printed]
) -> None:
    worker.run(sound, good, model, kind)
