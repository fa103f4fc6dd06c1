"""An LSTM language model in onnxruntime, against torch."""

from pathlib import Path

import numpy as np
import pytest
import torch

from asr.lm.neural.subwords import Subwords
from asr.model.neural_lm_file import read_neural_lm, write_neural_lm
from asr.model.quantize import restore
from asr.model.tensor_file import write_tensors
from asr.onnx.language_model import OnnxLanguageModel
from asr.training.neural_lm.network import LSTMLanguageModel
from asr.util.errors import UserError

SUBWORDS = Subwords(["▁", "a", "b", "▁a", "ab"])
SENTENCES = [["ab", "a"], ["ab", "b"], [], ["aé"], ["ab", "a", "ba", "ab"]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    weights = LSTMLanguageModel(len(SUBWORDS), 8).state_dict()
    weights["bias"] += torch.randn(len(SUBWORDS))
    file = tmp_path / "lm.safetensors"
    write_neural_lm(file, {name: one.numpy() for name, one in weights.items()}, SUBWORDS, {})
    return file


def test_log_probabilities_are_torchs(path: Path) -> None:
    stored = read_neural_lm(path)
    network = LSTMLanguageModel(len(SUBWORDS), 8)
    network.load_state_dict({n: torch.from_numpy(w) for n, w in restore(stored.stored).items()})
    model = OnnxLanguageModel(path)
    scores = model.score(SENTENCES)
    for words, score, each in zip(SENTENCES, scores, model.score_subwords(SENTENCES), strict=True):
        ids = torch.tensor([0, *SUBWORDS.encode(words), 0])
        with torch.no_grad():
            expected = -float(network.loss(ids[:-1, None], ids[1:, None]))
        assert score == pytest.approx(expected, abs=0.002 * len(ids))  # outputs of 8 bits
        assert each.sum() == pytest.approx(score)


def test_a_score_does_not_depend_on_the_other_sentences(path: Path) -> None:
    model = OnnxLanguageModel(path)
    alone = [model.score([words])[0] for words in SENTENCES]
    assert model.score(SENTENCES) == pytest.approx(alone, abs=1e-5)
    assert model.score(SENTENCES[::-1])[::-1] == pytest.approx(alone, abs=1e-5)
    assert model.score([]).shape == (0,)


def test_other_files_are_refused(path: Path) -> None:
    whole = read_neural_lm(path)
    metadata = {"kind": "lstm language model", "subwords": [*SUBWORDS.subwords]}
    broken: list[tuple[dict[str, np.ndarray], dict[str, object], str]] = [
        (whole.stored, {}, "no neural language model"),
        (whole.stored, metadata | {"subwords": "abc"}, "no list of texts"),
        (whole.stored, metadata | {"subwords": ["a"]}, "embedding.weight has shape"),
        ({n: w for n, w in whole.stored.items() if n != "bias"}, metadata, "not a whole"),
    ]
    for stored, told, message in broken:
        write_tensors(path, stored, told)
        with pytest.raises(UserError, match=message):
            read_neural_lm(path)
    path.write_bytes(b"no")
    with pytest.raises(UserError, match="not a readable"):
        read_neural_lm(path)
