"""Phones: lexicons are read as they come, text goes to sounds and back, a model keeps its own."""

import gzip

import numpy as np
import pytest

import asr
from asr.cli import main
from asr.decoding.tokens import Tokens
from asr.model.model_file import load_model
from asr.text.phones import PhoneTokenizer, check_lexicon, read_lexicon
from asr.text.tokenizer import BLANK
from asr.util.errors import UserError

LEXICON = """\
;;; a comment
!SIL SIL
<UNK> SPN
READ  R EH1 D # past
READ(2)  R IY1 D
red R EH D
Reed 0.7 R IY D
A AH0
a 1.0 EY1
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text(LEXICON)
    return path


@pytest.fixture
def tokenizer(path):
    return PhoneTokenizer.from_lexicon(path, "lower")


def test_lexicons_are_read_as_they_come(path, tmp_path):
    expected = {
        "read": ["R EH D", "R IY D"], "red": ["R EH D"], "reed": ["R IY D"], "a": ["AH", "EY"],
    }  # fmt: skip
    assert read_lexicon(path, str.lower) == expected
    path.write_text("# words\n  # and more\nC# S IY\n\t\n#1 W AH N # one\n")
    assert read_lexicon(path, str.lower) == {"c#": ["S IY"], "#1": ["W AH N"]}
    packed = tmp_path / "lexicon.gz"
    packed.write_bytes(gzip.compress(LEXICON.encode("utf-8-sig")))
    assert read_lexicon(packed, str.lower) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one W AH N\ntwo\n", r"lexicon.txt:2: 'two' has no phones"),
        (b"one W\nnoise" + b" N" * 1_000_000, "lexicon.txt:2: 'noise' has 1,000,000 phones, exp"),
        (b"".join(b"a%d p%d\n" % (n, n) for n in range(1001)), "1,001 different phones, expected"),
        (b"<unk> SPN\n\n", "no words in it"),
        (b"caf\xe9 K", "lexicon.txt:1: byte 0xe9 is not UTF-8"),
        (b"\x1f\x8b\x08broken", "lexicon.txt: cannot be unpacked"),
    ],
)
def test_what_is_no_lexicon_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_lexicon(path, str.lower)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": "AH"}, "expected lists of pronunciations by word"),
        ({"a": ["AH " * 256]}, "'a' has 257 phones, expected 255 at most"),
        ({"a\ud800": ["AH"]}, r"'a\\ud800' has characters that are no text"),
        ({"a": ["AH\n"]}, "'a' has characters that are no text"),
    ],
)
def test_what_a_model_file_has_for_a_lexicon_is_checked(value, message):
    with pytest.raises(UserError, match=message):
        check_lexicon(value)


def test_a_lexicon_that_is_missing_can_be_made(tmp_path):
    with pytest.raises(UserError, match=r"no such lexicon; `asr lexicon TEXT --output .*none.txt`"):
        read_lexicon(tmp_path / "none.txt", str.lower)


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        read_lexicon(tmp_path / ("x" * 300), str.lower)


def test_a_word_that_neither_lexicon_can_say_stays_unknown(tokenizer, path):
    path.write_text("read\nneither\neye EY\n")
    more = tokenizer.with_words(path)
    assert more.unknown("read neither eye reed") == ["neither"]
    assert more.spellable("read neither eye") == "read eye"
    assert more.pronunciations["read"] == ["R EH D", "R IY D"]


def test_tokens_are_the_phones_and_the_space(tokenizer):
    assert tokenizer.tokens == [BLANK, " ", "AH", "D", "EH", "EY", "IY", "R"]


def test_text_becomes_first_pronunciations_and_the_first_words_that_sound_so(tokenizer):
    ids = tokenizer.encode("a reed red")
    said = [tokenizer.tokens[index] for index in ids]
    assert said == ["AH", " ", "R", "IY", "D", " ", "R", "EH", "D"]
    assert Tokens.of(tokenizer).text(ids) == "a read read"
    assert tokenizer.encode("") == []


def test_what_sounds_like_no_word_is_written_as_it_sounds(tokenizer):
    said = ["D", " ", "EY", "D", " ", " ", "R", "IY", "D", " "]
    assert Tokens.of(tokenizer).text(map(tokenizer.tokens.index, said)) == "D EYD read"


def test_words_that_the_lexicon_lacks_are_unknown(tokenizer):
    assert tokenizer.unknown("read the book a the") == ["book", "the"]
    assert tokenizer.spellable("read the red book") == "read red"


def test_a_phone_that_is_no_token_is_refused(tokenizer):
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

    spoken = tmp_path / "spoken.txt"
    spoken.write_text("hab a ba")
    assert main(["align", str(tones / "test-00.wav"), str(spoken), "--model", str(run)]) == 0
    words = [line.split("\t")[-1] for line in capsys.readouterr().out.splitlines()]
    assert words[-3:] == ["hab", "a", "ba"]

    spoken.write_text("a zoe")
    align = ["align", str(tones / "test-00.wav"), str(spoken), "--model", str(run)]
    assert main(align) == 1
    assert "lexicon lacks (zoe); say how they are said in a --lexicon" in capsys.readouterr().err
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


def test_a_training_text_beyond_the_lexicon_is_named(tones, tmp_path, capsys):
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ab x y\nba y x\n")
    data = [f"data.{split}={tones}/{split}.jsonl.gz" for split in ("train", "dev")]
    tokens = ["tokens=phones", f"tokens.lexicon={lexicon}"]
    assert main(["train", "own", *data, *tokens, f"run_dir={tmp_path / 'run'}"]) == 1
    assert "its text has words that the lexicon lacks: a" in capsys.readouterr().err
