"""Whatever a recording holds, it is read or it is said why not, and its neighbors are read."""

import gzip
import shutil
from pathlib import Path

import damaged_audio
import numpy as np
import pytest
from cases import generator, run
from damaged_audio import NAMES
from lhotse import Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.cut import MonoCut
from mutations import one_of
from worker import Worker

from asr.audio.opening import read_audio
from asr.corpora.collection import Utterance
from asr.corpora.convert import Converter
from asr.corpora.validation import validate
from asr.data.manifests import load_waveform, read_cuts
from asr.util.errors import UserError

RATE = 16000
GOOD = ("one.wav", "two.flac", "three.ogg")


def make(folder: Path, number: int) -> damaged_audio.Made:
    return damaged_audio.write_one(folder, number, generator("recording", number))


def read_by_transcribe(path: Path) -> None:
    assert np.isfinite(read_audio(path, RATE)).all()


def read_by_prepare(path: Path) -> None:
    utterance = Utterance(id="u", audio=path, text="a", where="here:1")
    checked = validate([utterance], Converter(path.parent / "converted"))
    assert len(checked.cuts) + len(checked.problems) == 1
    if checked.problems:
        raise UserError(str(checked.problems[0]))


def read_by_train(path: Path) -> None:
    """Load what a manifest says was 8 kHz, one second and one channel when it was made."""
    source = AudioSource("file", [0], str(path))
    recording = Recording("r", [source], sampling_rate=8000, num_samples=8000, duration=1.0)
    spoken = SupervisionSegment("u", "r", 0.0, 1.0, text="a")
    cut = MonoCut("u", 0.0, 1.0, 0, supervisions=[spoken], recording=recording)
    assert np.isfinite(load_waveform(cut, RATE)).all()


def read_recording(folder: Path, number: int) -> None:
    made = make(folder, number)
    for read in (read_by_transcribe, read_by_prepare, read_by_train):
        try:
            read(made.path)
        except UserError as error:
            said = str(error)
            assert "\n" not in said, said
            assert read is read_by_train or made.path.name in said, said
            assert read is read_by_train or made.good is not True, said
        else:
            assert made.good is not False, f"{read.__name__} took {made.path.name}"


@pytest.mark.numbered(2400, 12)
def test_readers(worker: Worker, number: int) -> None:
    worker.run(read_recording, number)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sound recordings, each with its text."""
    import soundfile

    folder = tmp_path_factory.mktemp("good")
    for seed, name in enumerate(GOOD):
        samples = 0.1 * np.random.default_rng(seed).standard_normal(8000)
        soundfile.write(folder / name, samples, RATE)
        (folder / name).with_suffix(".txt").write_text("abba")
    return folder


def with_neighbors(folder: Path, good: Path, number: int) -> list[Path]:
    """Put a recording of any name among good ones."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(good, folder, dirs_exist_ok=True)
    (folder / "made").mkdir()
    made = make(folder / "made", number).path
    rng = generator("name", number)
    path = folder / (one_of(rng, NAMES) if rng.integers(2) else f"bad{made.suffix}")
    made.rename(path)
    paths = [folder / name for name in GOOD]
    paths.insert(rng.integers(len(paths) + 1), path)
    return paths


def transcribe(folder: Path, good: Path, model: Path, number: int) -> None:
    paths = with_neighbors(folder, good, number)
    printed = run("transcribe", *paths, "--model", model)
    lines = [line for line in printed.out.split("\n") if line]
    assert len(lines) == len(paths) - printed.status, printed
    assert all(line.count("\t") == 1 for line in lines), printed
    for name in GOOD:
        assert f"{folder / name}\t" in printed.out, printed


@pytest.mark.numbered(300, 2)
def test_transcribe_writes_all_good_ones(
    worker: Worker, good: Path, model: Path, number: int
) -> None:
    worker.run(transcribe, good, model, number)


def prepare(folder: Path, good: Path, number: int) -> None:
    paths = with_neighbors(folder / "speech", good, number)
    for path in paths:
        path.with_suffix(".txt").write_text("abba")
    output = folder / "cuts"
    printed = run("prepare", "folder", folder / "speech", "--skip-invalid", "--output", output)
    assert printed.status == 0, printed
    manifests = [path for path in output.glob("*.jsonl.gz") if gzip.decompress(path.read_bytes())]
    found = {cut.id for manifest in manifests for cut in read_cuts(manifest)}
    assert {Path(name).stem for name in GOOD} <= found, printed


@pytest.mark.numbered(100, 1)
def test_prepare_keeps_all_good_ones(worker: Worker, good: Path, number: int) -> None:
    worker.run(prepare, good, number)
