"""sherpa-onnx's packages for Python and Node read an exported model and write its greedy text.

The model is that of `conftest.py`, since those that come with the toolkit have phones.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

import asr
from asr.model.model_file import read_model
from asr.onnx.export import export_onnx

ROOT = Path(__file__).parents[2]
FEW = 5


@pytest.fixture(scope="module")
def exported(letters, tmp_path_factory):
    return export_onnx(read_model(letters), tmp_path_factory.mktemp("sherpa"), "sherpa-onnx", 8)


def own_texts(letters, paths):
    """The greedy texts of the toolkit, whose products have 32 bits here."""
    recognizer = asr.load(letters, asr.DecodingOptions())
    return [recognizer.transcribe(path).text for path in paths]


def texts_of_python(exported, paths):
    sherpa_onnx = pytest.importorskip("sherpa_onnx", reason="needs the package sherpa-onnx")
    recognizer = sherpa_onnx.OfflineRecognizer.from_omnilingual_asr_ctc(
        str(exported), str(exported.with_name("tokens.txt"))
    )
    texts = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32")
        stream = recognizer.create_stream()
        stream.accept_waveform(rate, samples)
        recognizer.decode_stream(stream)
        texts.append(" ".join(stream.result.text.split()))
    return texts


def test_the_python_package_writes_the_greedy_text(letters, exported, recordings):
    few = recordings[:FEW]
    assert texts_of_python(exported, few) == own_texts(letters, few)


def same(texts, letters, recordings):
    own = own_texts(letters, recordings)
    assert len(own) == len(texts) == 130
    return sum(one == other for one, other in zip(own, texts, strict=True))


@pytest.mark.slow
def test_the_python_package_on_an4(letters, exported, recordings):
    assert same(texts_of_python(exported, recordings), letters, recordings) >= 128


@pytest.mark.slow
def test_the_npm_package_on_an4(letters, exported, recordings, tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("needs Node and npm")
    installed = subprocess.run(["npm", "install", "sherpa-onnx"], cwd=tmp_path, capture_output=True)
    if installed.returncode:
        pytest.skip("npm cannot install sherpa-onnx here")
    paths = [tmp_path / f"{number}.wav" for number in range(len(recordings))]
    for path, recording in zip(paths, recordings, strict=True):
        soundfile.write(path, *soundfile.read(recording), subtype="PCM_16")
    done = subprocess.run(
        ["node", ROOT / "benchmarks" / "exported_node.js", exported.parent],
        input="\n".join(map(str, paths)), capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert same(done.stdout.rstrip("\n").split("\n")[:-1], letters, recordings) >= 128
