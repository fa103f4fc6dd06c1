"""Twenty kinds of bad input: each is refused in one sentence, without a traceback."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
from lhotse import CutSet
from safetensors.numpy import save_file

from asr.cli import main
from asr.model.tensor_file import read_tensors, write_tensors


@dataclass
class Place:
    """Where a test's bad input is made: an empty folder, a corpus, a run, a closed folder."""

    folder: Path
    tones: Path
    run_dir: Path
    closed: Path

    @property
    def wav(self) -> Path:
        """A good recording."""
        return self.tones / "test-00.wav"

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def transcribe(self, audio: Path, model: Path | None = None) -> list[str]:
        return ["transcribe", str(audio), "--model", str(model or self.run_dir)]

    def evaluate(self, manifest: Path) -> list[str]:
        return ["evaluate", str(manifest), "--model", str(self.run_dir)]

    def train(self, *overrides: str) -> list[str]:
        return tiny.arguments(self.tones, self.folder / "run", *overrides)

    def model(self, **changes: object) -> Path:
        """The trained model with other metadata."""
        tensors, metadata = read_tensors(self.run_dir / "model.safetensors")
        write_tensors(self.folder / "m.safetensors", tensors, metadata | changes)
        return self.folder / "m.safetensors"


@pytest.fixture
def place(tmp_path, tones, tones_run):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    if os.access(closed, os.W_OK):  # root may write anywhere but to what the kernel keeps
        closed = Path("/proc")
        if not closed.is_dir():
            pytest.skip("runs as root, where no folder is closed")
    return Place(tmp_path, tones, tones_run, closed)


def truncated_wav(p: Place) -> list[str]:
    return [*p.transcribe(p.write("cut.wav", p.wav.read_bytes()[:-2000])), "--strict"]


def zero_samples(p: Place) -> list[str]:
    soundfile.write(p.folder / "empty.wav", np.zeros(0), 8000)
    return p.transcribe(p.folder / "empty.wav")


def nan_samples(p: Place) -> list[str]:
    samples = np.full(4000, np.nan, dtype=np.float32)
    soundfile.write(p.folder / "nan.wav", samples, 8000, subtype="FLOAT")
    return p.transcribe(p.folder / "nan.wav")


def nan_samples_in_training(p: Place) -> list[str]:
    corpus = tiny.write_corpus(p.folder)
    path = corpus / "train-03.wav"
    samples = np.full(soundfile.info(path).frames, np.nan, dtype=np.float32)
    soundfile.write(path, samples, tiny.RATE, subtype="FLOAT")
    return tiny.arguments(corpus, p.folder / "run")


def missing_audio_in_a_worker(p: Place) -> list[str]:
    corpus = tiny.write_corpus(p.folder)
    (corpus / "train-03.wav").unlink()
    return tiny.arguments(corpus, p.folder / "run", "trainer.workers=1")


def text_named_wav(p: Place) -> list[str]:
    return p.transcribe(p.write("text.wav", "hello, world\n" * 100))


def missing_file(p: Place) -> list[str]:
    return p.transcribe(p.folder / "nothing.wav")


def directory_as_audio(p: Place) -> list[str]:
    return p.transcribe(p.folder)


def directory_as_manifest(p: Place) -> list[str]:
    return p.evaluate(p.folder)


def zero_byte_manifest(p: Place) -> list[str]:
    return p.evaluate(p.write("test.jsonl.gz", b""))


def zero_byte_training_manifest(p: Place) -> list[str]:
    return p.train(f"data.train={p.write('train.jsonl', b'')}")


def dev_set_without_words(p: Place) -> list[str]:
    cuts = [tiny.cut(p.wav, " ... ")]
    CutSet.from_cuts(cuts).to_file(p.folder / "dev.jsonl")
    return p.train(f"data.dev={p.folder}/dev.jsonl")


def truncated_manifest(p: Place) -> list[str]:
    whole = (p.tones / "test.jsonl.gz").read_bytes()
    return p.evaluate(p.write("test.jsonl.gz", whole[:-40]))


def broken_json_line(p: Place) -> list[str]:
    lines = gzip.decompress((p.tones / "test.jsonl.gz").read_bytes()).splitlines()
    lines[2] = lines[2][:-30]
    return p.evaluate(p.write("test.jsonl.gz", gzip.compress(b"\n".join(lines))))


def _room_of_a_command(p: Place) -> Path:
    row = next(iter(CutSet.from_file(p.tones / "test.jsonl.gz"))).to_dict()
    source = {"type": "command", "channels": [0], "source": f"touch {p.run_dir}/run"}
    room = row["recording"] | {"sources": [source]}
    room["channel_ids"] = [0]
    row["recording"]["transforms"] = [
        {"name": "ReverbWithImpulseResponse", "kwargs": {"rir": room}}
    ]
    return p.write("room.jsonl", json.dumps(row) + "\n")


def command_in_a_test_set(p: Place) -> list[str]:
    return p.evaluate(_room_of_a_command(p))


def command_in_a_training_set(p: Place) -> list[str]:
    return p.train(f"data.train={_room_of_a_command(p)}")


def utterance_of_ten_hours(p: Place) -> list[str]:
    cut = tiny.cut(p.wav, "a")
    cut.recording.num_samples, cut.recording.duration = 36000 * tiny.RATE, 36000.0
    cut.duration = 36000.0
    CutSet.from_cuts([cut]).to_file(p.folder / "long.jsonl")
    return p.evaluate(p.folder / "long.jsonl")


def training_utterance_of_ten_hours(p: Place) -> list[str]:
    return p.train(f"data.dev={utterance_of_ten_hours(p)[1]}")


def unknown_key(p: Place) -> list[str]:
    return p.train("encoder.layer=3")


def wrong_type(p: Place) -> list[str]:
    return p.train("encoder.layers=many")


def wrong_model_file(p: Place) -> list[str]:
    return p.transcribe(p.wav, p.write("model.safetensors", b"\x00\x01 no tensors in here"))


def another_safetensors_file(p: Place) -> list[str]:
    save_file({"x": np.zeros(3)}, p.folder / "other.safetensors")
    return p.transcribe(p.wav, p.folder / "other.safetensors")


def training_state_as_model(p: Place) -> list[str]:
    return p.transcribe(p.wav, p.run_dir / "state.pt")


def weights_that_do_not_fit(p: Place) -> list[str]:
    encoder = {"name": "blstm", "layers": 2, "hidden_size": 8, "dropout": 0.2}
    return p.transcribe(p.wav, p.model(encoder=encoder))


def run_folder_of_another_recipe(p: Place) -> list[str]:
    command = tiny.arguments(p.tones, p.run_dir)
    command[1] = "an4/small"
    return command


def run_dir_without_permission(p: Place) -> list[str]:
    return tiny.arguments(p.tones, p.closed / "run")


def run_dir_that_is_closed(p: Place) -> list[str]:
    return tiny.arguments(p.tones, p.closed)


def run_dir_that_is_a_file(p: Place) -> list[str]:
    return tiny.arguments(p.tones, p.write("file", "x"))


def report_without_permission(p: Place) -> list[str]:
    text = str(p.write("a.txt", "one two\n"))
    return ["score", text, text, "--layout", "plain", "--json", str(p.closed / "report.json")]


def manifests_without_permission(p: Place) -> list[str]:
    soundfile.write(p.folder / "a.wav", np.zeros(8000), 8000)
    p.write("a.txt", "hello")
    return ["prepare", "folder", str(p.folder), "--output", str(p.closed / "cuts")]


def manifest_typo(p: Place) -> list[str]:
    return p.evaluate(p.tones / "tset.jsonl.gz")


def model_typo(p: Place) -> list[str]:
    return p.transcribe(p.wav, p.folder / "runs" / "an4")


def folder_typo(p: Place) -> list[str]:
    return ["prepare", "folder", str(p.folder / "recrdings"), "--output", str(p.folder)]


def unknown_corpus(p: Place) -> list[str]:
    return ["prepare", "librispech", "--output", str(p.folder)]


def unknown_recipe(p: Place) -> list[str]:
    return ["train", "an5"]


def empty_test_set(p: Place) -> list[str]:
    return p.evaluate(p.write("test.jsonl.gz", gzip.compress(b"")))


def empty_reference(p: Place) -> list[str]:
    return ["score", str(p.write("a.txt", "")), str(p.write("b.txt", "a b\n"))]


def ids_that_differ(p: Place) -> list[str]:
    reference = p.write("reference.txt", "utt-1 one two\nutt-2 three\n")
    return ["score", str(reference), str(p.write("hypothesis.txt", "utt-1 one two\nutt-3 three\n"))]


def text_that_is_not_utf8(p: Place) -> list[str]:
    latin = p.write("latin.txt", "utt-1 grüße\n".encode("latin-1"))
    return ["score", str(latin), str(latin)]


def transcript_that_is_not_utf8(p: Place) -> list[str]:
    soundfile.write(p.folder / "a.wav", np.zeros(8000), 8000)
    p.write("a.txt", "grüße".encode("latin-1"))
    return ["prepare", "folder", str(p.folder), "--output", str(p.folder / "cuts")]


def model_that_names_a_class(p: Place) -> list[str]:
    encoder = {"name": "os.system", "layers": 1, "hidden_size": 8, "dropout": 0.2}
    return p.transcribe(p.wav, p.model(encoder=encoder))


def model_with_a_target(p: Place) -> list[str]:
    encoder = {"_target_": "os.system", "command": f"touch {p.folder}/run"}
    return p.transcribe(p.wav, p.model(encoder=encoder))


# What each sentence must name, of what was given.
KINDS: dict[Callable[[Place], list[str]], tuple[str, ...]] = {
    truncated_wav: ("cut.wav", "before its header says"),
    zero_samples: ("empty.wav", "without samples"),
    nan_samples: ("nan.wav", "4000 samples are NaN or infinite"),
    nan_samples_in_training: ("train-03", "samples are NaN or infinite"),
    missing_audio_in_a_worker: ("train-03", "cannot be read"),
    text_named_wav: ("text.wav", "not audio"),
    missing_file: ("nothing.wav", "no such file"),
    directory_as_audio: ("folder",),
    directory_as_manifest: ("no recordings found", "with .txt beside"),
    zero_byte_manifest: ("test.jsonl.gz",),
    zero_byte_training_manifest: ("train.jsonl", "no utterances"),
    dev_set_without_words: ("dev.jsonl", "none of 1 utterances has words"),
    truncated_manifest: ("test.jsonl.gz", "prepare the corpus again"),
    broken_json_line: ("test.jsonl.gz:3", "prepare the corpus again"),
    command_in_a_test_set: ("room.jsonl:1", "recording.transforms", "expected no such field"),
    command_in_a_training_set: ("room.jsonl:1", "recording.transforms"),
    utterance_of_ten_hours: ("long.jsonl:1", "duration is 36000 s, expected at most"),
    training_utterance_of_ten_hours: ("long.jsonl:1", "duration is 36000 s, expected at most"),
    unknown_key: ("encoder.layer:", "did you mean encoder.layers?"),
    wrong_type: ("encoder.layers", "expected a whole number, found many"),
    wrong_model_file: ("model.safetensors", "not a readable .safetensors model"),
    another_safetensors_file: ("other.safetensors", "not a model written by this toolkit"),
    training_state_as_model: ("state.pt", "not a readable .safetensors model"),
    weights_that_do_not_fit: ("m.safetensors",),
    run_folder_of_another_recipe: ("recipe is 'own' there, 'an4/small' here",),
    run_dir_without_permission: ("run_dir",),
    run_dir_that_is_closed: ("run_dir",),
    run_dir_that_is_a_file: ("file", "run_dir"),
    report_without_permission: ("report.json", "cannot be written"),
    manifests_without_permission: ("cuts", "cannot be made"),
    manifest_typo: ("tset.jsonl.gz", "does not exist"),
    model_typo: ("runs/an4", "no such file or folder"),
    folder_typo: ("recrdings", "no such file or folder"),
    unknown_corpus: ("librispech", "did you mean 'librispeech'?"),
    unknown_recipe: ("an5", "did you mean an4?"),
    empty_test_set: ("test.jsonl.gz", "no utterances"),
    empty_reference: ("a.txt", "empty"),
    ids_that_differ: ("hypothesis.txt", "utt-2", "utt-3"),
    text_that_is_not_utf8: ("latin.txt:1", "not UTF-8"),
    transcript_that_is_not_utf8: ("a.txt:1", "not UTF-8"),
    model_that_names_a_class: ("os.system", "choose one of blstm"),
    model_with_a_target: ("m.safetensors", "_target_"),
}


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_bad_input_is_refused_in_one_sentence(place, capfd, monkeypatch, make):
    monkeypatch.chdir(place.folder)
    command = make(place)
    before = sorted(place.run_dir.iterdir())
    capfd.readouterr()
    assert main(command) == 1
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    # pytest shows libraries' DeprecationWarning, which a user's Python keeps to itself
    lines = [line for line in captured.err.splitlines() if not line.startswith("asr: note: ")]
    sentences = [line for line in lines if line.startswith("asr: ")]
    assert len(sentences) == 1
    problems = [line for line in lines if line.startswith("  ")]  # of a corpus, below the sentence
    lines = [line for line in lines if line not in problems]
    if command[0] != "train":  # which has its log there too
        assert lines == sentences
    assert lines[-1] == sentences[0]
    for word in KINDS[make]:
        assert word in "\n".join([*sentences, *problems])
    assert not (place.folder / "run" / "model.safetensors").exists()
    assert sorted(place.run_dir.iterdir()) == before


def test_a_bad_file_does_not_keep_the_good_ones_from_being_transcribed(place, capfd):
    bad = text_named_wav(place)[1]
    assert main(["transcribe", bad, str(place.wav), "--model", str(place.run_dir)]) == 1
    captured = capfd.readouterr()
    assert captured.out.startswith(f"{place.wav}\t")
    assert captured.err.count("asr: ") == 2
    assert "asr: 1 of 2 files failed" in captured.err
