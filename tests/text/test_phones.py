"""Tokens of phones: text becomes phones and text again; a model file keeps its lexicon."""

import numpy as np
import pytest

import asr
from asr.cli import main
from asr.decoding.tokens import Tokens
from asr.model.model_file import load_model
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK
from asr.util.errors import UserError


@pytest.fixture
def tokenizer(path):
    return PhoneTokenizer.from_lexicon(path, "lower")


def test_a_word_without_phones_in_either_lexicon_stays_unknown(tokenizer, path):
    path.write_text("read\nneither\neye EY\n")
    more = tokenizer.with_words(path)
    assert more.unknown("read neither eye reed") == ["neither"]
    assert more.spellable("read neither eye") == "read eye"
    assert more.pronunciations["read"] == ["R EH D", "R IY D"]


def test_tokens_are_the_phones_and_the_space(tokenizer):
    assert tokenizer.tokens == [BLANK, " ", "AH", "D", "EH", "EY", "IY", "R"]


def test_words_become_first_pronunciations_and_these_the_first_homophones(tokenizer):
    ids = tokenizer.encode("a reed red")
    phones = [tokenizer.tokens[index] for index in ids]
    assert phones == ["AH", " ", "R", "IY", "D", " ", "R", "EH", "D"]
    assert Tokens.of(tokenizer).text(ids) == "a read read"
    assert tokenizer.encode("") == []


def test_phones_of_no_word_are_written_as_phones(tokenizer):
    phones = ["D", " ", "EY", "D", " ", " ", "R", "IY", "D", " "]
    assert Tokens.of(tokenizer).text(map(tokenizer.tokens.index, phones)) == "D EYD read"


def test_words_that_the_lexicon_lacks_are_unknown(tokenizer):
    assert tokenizer.unknown("read the book a the") == ["book", "the"]
    assert tokenizer.spellable("read the red book") == "read red"


def test_a_pronunciation_with_a_phone_that_is_no_token_is_refused(tokenizer):
    with pytest.raises(UserError, match=r"no token: \['ZH'\]"):
        PhoneTokenizer(tokenizer.tokens, "lower", {"zha": ["ZH AH"]})


def test_a_model_of_phones_trains_aligns_and_writes_words(tones, tmp_path, capsys):
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ab x1 y2\nba y2 x1\nhab x1 y2\na x1\n")
    data = [f"data.{split}={tones}/{split}.jsonl.gz" for split in ("train", "dev")]
    size = ["encoder.layers=1", "encoder.hidden_size=8", "trainer.epochs=1"]
    machine = ["trainer.device=cpu", "trainer.threads=1", "trainer.tensorboard=false"]
    run = tmp_path / "run"
    tokens = ["tokens=phones", f"tokens.lexicon={lexicon}"]
    train = ["train", "own", *data, *size, *machine, *tokens, f"run_dir={run}"]
    assert main(train) == 0
    assert "phones x1 y2 of a lexicon with checksum" in (run / "train.log").read_text()

    _, tokenizer = load_model(run)
    assert tokenizer.tokens == [BLANK, " ", "x1", "y2"]
    assert tokenizer.pronunciations["hab"] == ["x1 y2"]
    waveform = np.zeros(16_000, np.float32)
    assert asr.load(run).transcribe(waveform, 16_000).duration_s == 1.0

    text = tmp_path / "text.txt"
    text.write_text("hab a ba")
    assert main(["align", str(tones / "test-00.wav"), str(text), "--model", str(run)]) == 0
    words = [line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()]
    assert words[-3:] == ["hab", "a", "ba"]

    text.write_text("a zoe")
    align = ["align", str(tones / "test-00.wav"), str(text), "--model", str(run)]
    assert main(align) == 1
    assert (
        "lexicon lacks (zoe); give their pronunciations in a --lexicon" in capsys.readouterr().err
    )
    more = tmp_path / "more.txt"
    more.write_text("Zoe y2 y2\n")
    assert main([*align, "--lexicon", str(more)]) == 0
    assert [line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()] == ["a", "zoe"]
    more.write_text("Zoe z3\n")
    assert main([*align, "--lexicon", str(more)]) == 1
    assert "phones that are no token: ['z3']" in capsys.readouterr().err

    lexicon.write_text("ab x1 y2\nba y2 x1\na y2\n")
    capsys.readouterr()
    assert main(train) == 1
    assert "the tokens is 'phones x1 y2" in capsys.readouterr().err


def test_training_words_that_the_lexicon_lacks_are_named(tones, tmp_path, capsys):
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ab x y\nba y x\n")
    data = [f"data.{split}={tones}/{split}.jsonl.gz" for split in ("train", "dev")]
    tokens = ["tokens=phones", f"tokens.lexicon={lexicon}"]
    assert main(["train", "own", *data, *tokens, f"run_dir={tmp_path / 'run'}"]) == 1
    assert "its text has words that the lexicon lacks: a" in capsys.readouterr().err
