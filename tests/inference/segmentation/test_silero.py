"""silero-vad's ONNX network beside its scripted one, and the refusals."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from inference.segmentation.test_segmentation import RATE, background, random_blocks, same, talk
from refusals import refused

from asr.inference.segmentation import check_detector, segments, silero
from asr.util.errors import UserError

#: Of a probability: two libraries add up in different orders.
TOLERANCE = 1e-5

needs_silero = pytest.mark.skipif(
    find_spec("silero_vad") is None, reason="needs the extra asr[vad]"
)


@needs_silero
@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_probabilities_equal_the_scripted_networks(sample_rate: int) -> None:
    root = find_spec("silero_vad").submodule_search_locations[0]
    scripted = torch.jit.load(f"{root}/data/silero_vad.jit")
    size = sample_rate * 32 // 1000
    generator = np.random.default_rng(0)
    tone = np.sin(np.cumsum(generator.uniform(0.05, 0.5, 200)).repeat(size) * np.arange(200 * size))
    frames = (0.2 * tone).astype(np.float32).reshape(200, size)
    with torch.no_grad():
        expected = [scripted(torch.from_numpy(frame)[None], sample_rate).item() for frame in frames]

    network = silero.load_network(sample_rate)
    found = network.probabilities(frames[:70], np.zeros(size, np.float32))
    found += network.probabilities(frames[70:], frames[69])

    assert max(expected) - min(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@needs_silero
def test_segments_do_not_depend_on_block_sizes() -> None:
    samples = talk(100)
    expected = list(segments([samples], RATE, "silero"))
    blocks = random_blocks(samples, np.random.default_rng(0))

    assert same(list(segments(blocks, RATE, "silero")), expected)


@needs_silero
def test_noise_is_no_speech() -> None:
    assert list(segments([background(60.0).astype(np.float32)], RATE, "silero")) == []


@needs_silero
def test_the_detector_imports_no_torch_and_prints_nothing() -> None:
    script = (
        "import sys; from asr.inference.segmentation import check_detector; "
        "check_detector('silero', 16000); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_silero
def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "data" / "silero_vad.onnx"
    file.parent.mkdir()
    file.write_bytes(b"no network")
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(silero, "find_spec", lambda _: found)
    silero._open_session.cache_clear()

    with pytest.raises(UserError, match=r"silero_vad.onnx: silero-vad cannot be read .*; pip"):
        check_detector("silero", RATE)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda _: None)
    silero._open_session.cache_clear()

    with pytest.raises(UserError, match=r"pip install silero-vad"):
        check_detector("silero", RATE)


def test_another_sample_rate_is_refused() -> None:
    with refused("16000 Hz and this model 22050 Hz; use --vad energy"):
        check_detector("silero", 22050)
