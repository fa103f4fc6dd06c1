"""Training from a text to an ARPA file, and the sizes and perplexity of a model."""

import gzip
from pathlib import Path

import pytest
from sentence_scores import total_log10
from tiny import write_corpus

from asr.cli import main
from asr.lm.estimate import train
from asr.lm.perplexity import info
from asr.lm.sentences import read_sentences, spell, tokenize_lines
from asr.lm.store import open_ngram
from asr.text.normalizers import NORMALIZERS
from asr.util.errors import UserError


def test_a_trained_model_scores_as_in_kenlm(shared: Path, tmp_path: Path) -> None:
    folder = shared / "oracles" / "lm"
    trained = train(read_sentences(folder / "an4_train.txt"), tmp_path / "lm.arpa.gz", order=3)
    assert trained.counts == (100, 1192, 2840)
    assert trained.sentences == 848
    assert trained.warnings == ()
    assert trained.discounts[0] == pytest.approx((0.6667, 0.75, 2.4667), abs=1e-4)
    summary = dict(
        line.split(":\t") for line in (folder / "an4_dev.summary").read_text().splitlines()
    )
    report = info(tmp_path / "lm.arpa.gz", read_sentences(folder / "an4_dev.txt"))
    assert (report.order, report.counts, report.vocabulary_size) == (3, (100, 1192, 2840), 100)
    assert report.text is not None
    assert report.text.tokens == int(summary["Tokens"])
    assert report.text.oov_tokens == int(summary["OOVs"]) == 2
    including, excluding = report.text.perplexity, report.text.perplexity_without_oov
    assert including == pytest.approx(float(summary["Perplexity including OOVs"]), abs=1e-3)
    assert excluding == pytest.approx(float(summary["Perplexity excluding OOVs"]), abs=1e-3)


def test_the_same_text_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    text = shared / "oracles" / "lm" / "an4_train.txt"
    packed = tmp_path / "text.txt.gz"
    packed.write_bytes(gzip.compress(text.read_bytes()))
    train(read_sentences(text), tmp_path / "a.arpa.gz", order=2)
    train(read_sentences(packed), tmp_path / "b.arpa.gz", order=2)
    assert (tmp_path / "a.arpa.gz").read_bytes() == (tmp_path / "b.arpa.gz").read_bytes()


def test_the_score_of_a_text_is_the_sum_of_its_sentences(shared: Path, tmp_path: Path) -> None:
    model = shared / "oracles" / "lm" / "an4_train.3gram.arpa"
    sentences = ["YES", "", "NO NOBODY FOUR", "GO"]
    (tmp_path / "t.txt").write_text("\n".join(sentences))
    found = info(model, read_sentences(tmp_path / "t.txt")).text
    lm = open_ngram(model)
    assert found is not None
    assert (found.sentences, found.tokens, found.oov_tokens) == (4, 9, 1)
    expected = sum(total_log10(lm, sentence.split()) for sentence in sentences)
    assert found.log10_probability == pytest.approx(expected)


def test_a_character_model_reads_spelled_text(tmp_path: Path) -> None:
    assert spell("GO  ON\n\nÉ ") == "G O | O N\n\nÉ"
    (tmp_path / "t.txt").write_text("GO ON\nNO GO\n" * 5 + "ON\n", encoding="utf-8")
    trained = train(read_sentences(tmp_path / "t.txt", "char"), tmp_path / "lm.arpa", order=4)
    assert trained.tokens == 52
    assert sorted(open_ngram(tmp_path / "lm.arpa").words) == sorted(
        ["<unk>", "<s>", "</s>", "G", "O", "N", "|"]
    )
    found = info(tmp_path / "lm.arpa", read_sentences(tmp_path / "t.txt", "char")).text
    assert found is not None and found.oov_tokens == 0 and found.perplexity < 3


def test_a_small_text_trains_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a b\n")
    trained = train(read_sentences(tmp_path / "t.txt"), tmp_path / "lm.arpa", order=2)
    assert len(trained.warnings) == 2 and "0.5, 1.0, 1.5" in trained.warnings[0]


def test_errors_name_the_file(tmp_path: Path) -> None:
    text, model = tmp_path / "t.txt", tmp_path / "lm.arpa"
    with pytest.raises(UserError, match=r"t.txt: cannot be read"):
        read_sentences(text)
    text.write_bytes(b"a\n\xff\n")
    for unit in ("word", "char"):
        with pytest.raises(UserError, match=r"t.txt:2: byte 0xff is not UTF-8"):
            read_sentences(text, unit)
    text.write_text("")
    with pytest.raises(UserError, match="unit is 'letter', expected word or char"):
        read_sentences(text, "letter")
    with pytest.raises(UserError, match=r"t.txt: the text has no words"):
        train(read_sentences(text), model)
    assert not model.exists()


@pytest.mark.parametrize("unit", ["word", "char"])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, unit: str) -> None:
    (tmp_path / "t.txt").write_text("GO ON\nNO GO\n" * 5, encoding="utf-8-sig")
    train(read_sentences(tmp_path / "t.txt", unit), tmp_path / "lm.arpa", order=2)
    assert "\ufeff" not in (tmp_path / "lm.arpa").read_text(encoding="utf-8")


def test_text_is_normalized(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(
        'He said "Yes", — and left.\n...\nMany cats.\n', encoding="utf-8"
    )
    text = read_sentences(tmp_path / "t.txt", normalize=NORMALIZERS["lower"])
    assert text.vocabulary.decode().split("\n")[3:] == [
        "he",
        "said",
        "yes",
        "and",
        "left",
        "many",
        "cats",
    ]
    assert list(text.tokens) == [3, 4, 5, 6, 7, 2, 8, 9, 2]  # no sentence of the dots


def test_a_manifest_gives_its_transcripts(tmp_path: Path, capsys) -> None:
    manifest, lm = write_corpus(tmp_path) / "train.jsonl.gz", tmp_path / "lm.arpa"
    assert main(["lm", "train", str(manifest), "--normalizer", "upper", "--output", str(lm)]) == 0
    assert "from 12 sentences of 24 tokens" in capsys.readouterr().out
    assert set(open_ngram(lm).words) == {"<unk>", "<s>", "</s>", "AB", "BA", "A"}
    assert main(["lm", "info", str(lm), str(manifest)]) == 0
    assert "36 tokens with their ends, 24 unknown" in capsys.readouterr().out


def test_utf_16_is_refused(tmp_path: Path) -> None:
    """Without a byte order mark, UTF-16 is valid UTF-8 with zero bytes."""
    (tmp_path / "text").write_bytes("GO ON\nNO GO\n".encode("utf-16-le"))
    with pytest.raises(UserError, match=r"text:1: byte 0x00 is not UTF-8 text; save it as UTF-8"):
        read_sentences(tmp_path / "text")


@pytest.mark.parametrize("unit", ["word", "char"])
def test_half_of_a_surrogate_pair_is_refused_with_its_sentence(unit: str) -> None:
    """JSON can hold one; UTF-8 cannot."""
    lines = ["GO ON", "NO \ud800 GO"]
    with pytest.raises(UserError, match=r"^cuts: sentence 2 has '\\ud800', half of a surrogate"):
        tokenize_lines(lines, "cuts", unit)
