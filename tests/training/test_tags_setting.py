"""`text.tags`: tags are left out of what is learnt, or kept as words; models remember which."""

from types import SimpleNamespace

import pytest
import soundfile
import tiny
from lhotse import CutSet
from random_models import noise, random_model, random_tokenizer
from refusals import refused

from asr.config import TokensConfig
from asr.model.model_file import load_model, save_model
from asr.training import validation
from asr.training.recipe import make_tokenizer
from asr.training.validation import keep_valid

TEXTS = ("ab [noise] ba", "<unk> (laughter)", "{cough}++um++ ab")


@pytest.fixture
def cuts(tmp_path):
    for number, _ in enumerate(TEXTS):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * noise(16000).numpy(), 16000)
    return CutSet.from_cuts(tiny.cut(tmp_path / f"{n}.wav", text) for n, text in enumerate(TEXTS))


@pytest.mark.parametrize(("tags", "letters"), [("drop", " ab"), ("keep", " abceghiklmnorstu")])
def test_what_is_learnt(cuts, monkeypatch, tags, letters):
    tokenizer = make_tokenizer(cuts, "lower", TokensConfig(None, None, None), tags)
    assert "".join(tokenizer.tokens[1:]) == letters
    logged: list[str] = []
    monkeypatch.setattr(validation.log, "info", lambda text, *args: logged.append(text % args))
    data = SimpleNamespace(train="train.jsonl.gz", skip_invalid=False)
    config = SimpleNamespace(data=data, augment=SimpleNamespace(speeds=[1.0]))
    kept = keep_valid(cuts, tokenizer, random_model(), config)
    assert [cut.id for cut in kept] == (["0", "2"] if tags == "drop" else ["0", "1", "2"])
    counted = "5 tags that are no words, in 3 of 3 texts: [noise] (1), <unk> (1), (laughter) (1)"
    assert logged[0].startswith(f"train.jsonl.gz: {counted}; {'left out' * (tags == 'drop')}")
    assert tokenizer.normalize("Ab [noise]") == ("ab" if tags == "drop" else "ab noise")


def test_a_model_remembers_the_setting(tmp_path):
    model, tokenizer = random_model(), random_tokenizer()
    for tags, text in (("drop", "a"), ("keep", "a b")):
        tokenizer.tags = tags
        path = tmp_path / f"{tags}.safetensors"
        save_model(path, model.state_dict(), model.settings, tokenizer, {})
        assert load_model(path)[1].normalize("a <b>") == text


def test_another_value_is_refused(cuts):
    with refused("text.tags is 'ignore', expected drop or keep"):
        make_tokenizer(cuts, "lower", TokensConfig(None, None, None), "ignore")
