"""ARPA files: variants of the format that are read, damage that is refused, and writing."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from sentence_scores import total_log10

from asr.lm import NGram, arpa
from asr.lm.arpa import parse_arpa, write_arpa
from asr.lm.store import open_ngram
from asr.util.errors import UserError

ARPA = """\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6\ta\t-0.25
-0.8\tb\t-0.125

\\2-grams:
-0.3\t<s> a\t-0.0625
-0.4\ta b
-0.2\tb a\t-0.03125

\\3-grams:
-0.05\t<s> a b

\\end\\
"""


def parse(text: str) -> NGram:
    return parse_arpa(text.encode(), Path("x.arpa"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ngram 2=3", "ngram 2=4", r"x.arpa:17: the header says 4 2-grams, found 3;"),
        ("ngram 2=3", "ngram 2=2", r"x.arpa:16: expected '\\3-grams:', found '-0.2\tb a"),
        ("ngram 2=3", "ngram 2=99999999999999", r"x.arpa:3: .* more n-grams than the file"),
        (
            "ngram 3=1",
            "ngram 3=40",
            r"x.arpa:4: .* more n-grams than the file",
        ),  # and the others
        ("ngram 2=3", "ngram 3=3", r"x.arpa:3: expected 'ngram 2=' and a count"),
        ("ngram 1=5\nngram 2=3\nngram 3=1\n", "", r"the header lists no 1-grams"),
        ("\\data\\", "hello", r"x.arpa:1: no line is '\\data\\', the first is 'hello'"),
        ("\n\\end\\\n", "", r"x.arpa:20: expected '\\end\\', found the end of the file"),
        ("-0.4\ta b", "nan\ta b", r"x.arpa:15: the log-probability is not a finite number, .*nan"),
        ("-0.4\ta b", "-inf\ta b", r"x.arpa:15: the log-probability is not a finite number"),
        ("-0.4\ta b", "-0.4.1\ta b", r"x.arpa:15: the log-probability is not a finite number"),
        ("-0.4\ta b", "-1e999\ta b", r"x.arpa:15: the log-probability is not a finite number"),
        ("-0.4\ta b", "-2e38\ta b", r"x.arpa:15: the log-probability is not a finite number"),
        ("-0.4\ta b", "-0.4\ta b\t2e38", r"x.arpa:15: the back-off is not a finite number"),
        ("-0.4\ta b", "0.4\ta b", r"x.arpa:15: the log-probability is more than 0"),
        ("-0.4\ta b", "-0.4\ta", r"x.arpa:15: an n-gram lacks a word"),
        ("-0.4\ta b", "-0.4\ta c", r"x.arpa:15: .*not among the 1-grams, found 'c'"),
        ("-0.4\ta b", "-0.4\ta b\tx", r"x.arpa:15: the back-off is not a finite number"),
        ("-0.4\ta b", "-0.4\ta b\tnan", r"x.arpa:15: the back-off is not a finite number"),
        ("-0.4\ta b", "-0.4\ta b\t-1\t-2", r"x.arpa:15: there is more on the line"),
        ("-0.4\ta b", "-0.4\tb a", r"x.arpa:16: the n-gram is listed twice: '-0.2\tb a"),
        ("-0.8\tb", "-0.8\ta", r"x.arpa:11: the n-gram is listed twice: '-0.8\ta"),
        ("<s> a b", "<s> b a", r"x.arpa:19: the n-gram's context, .* is missing"),
        ("-0.05\t<s> a b", "-0.05\t<s> a b\t-1", r"x.arpa:19: the back-off .* highest order"),
        ("-0.7\t</s>", "-0.7\tc", r"the 1-grams lack </s>"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    assert old in ARPA
    with pytest.raises(UserError, match=message):
        parse(ARPA.replace(old, new, 1))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\\data\\", b"\\data\\\nngram 1=1\n"])
def test_an_almost_empty_file_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match=r"x.arpa:\d: "):
        parse_arpa(content, Path("x.arpa"))


def test_a_file_cut_anywhere_is_refused() -> None:
    """A file cut anywhere before its end is a user's error, never a crash or a model."""
    content = ARPA.strip().encode()
    for end in range(len(content)):
        with pytest.raises(UserError):
            parse_arpa(content[:end], Path("x.arpa"))


def test_a_word_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(UserError, match="0xff"):
        parse_arpa(ARPA.encode().replace(b"\tb", b"\t\xff").replace(b" b", b" \xff"), Path("x"))


def test_a_cut_gzip_and_a_file_only_named_gz_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.arpa.gz"
    for content in (gzip.compress(ARPA.encode())[:-20], ARPA.encode(), b""):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"x.arpa.gz"):
            open_ngram(path)
    with pytest.raises(UserError, match=r"missing.arpa: cannot be read: No such file"):
        open_ngram(tmp_path / "missing.arpa")


def test_variants_of_the_format_are_read_alike(entries) -> None:
    plain = entries(parse(ARPA))
    assert entries(parse(ARPA.replace("\n", "\r\n"))) == plain
    assert entries(parse(ARPA.replace("\t", " "))) == plain
    assert entries(parse(ARPA.replace("ngram 1=5", "ngram  1 = 5"))) == plain
    assert entries(parse("\n" + ARPA.rstrip())) == plain
    assert entries(parse("\ufeff" + ARPA)) == plain
    assert entries(parse(ARPA.replace("<unk>", "<UNK>"))) == plain
    assert entries(parse(ARPA.replace("-0.6\t", "-6E-1\t").replace("-99", "-9.9e+1"))) == plain
    moved = ARPA.replace("-1.0\t<unk>\n", "").replace("\n\n\\2", "\n-1.0\t<unk>\n\n\\2")
    assert entries(parse(moved)) == plain


def test_a_missing_unknown_word_is_added_as_in_kenlm() -> None:
    lm = parse(ARPA.replace("-1.0\t<unk>\n", "").replace("1=5", "1=4"))
    assert lm.words[0] == "<unk>" and lm.counts == (5, 3, 1)
    assert total_log10(lm, ["c"], begin=False, end=False) == pytest.approx(-100.0)


def test_a_pruned_suffix_is_skipped() -> None:
    """SRILM prunes `a b` and keeps `<s> a b`: the state after `<s> a b` is `b`."""
    text = ARPA.replace("-0.4\ta b\n", "").replace("2=3", "2=2")
    lm = parse(text)
    assert total_log10(lm, ["a", "b", "a"], end=False) == pytest.approx(-0.3 - 0.05 - 0.2)


@pytest.mark.parametrize("name", ["x.arpa", "x.arpa.gz"])
def test_a_written_model_reads_back(tmp_path: Path, name: str, shared: Path, entries) -> None:
    lm = open_ngram(shared / "oracles" / "lm" / "an4_train.3gram.arpa")
    write_arpa(lm, tmp_path / name)
    again = open_ngram(tmp_path / name)
    assert again.words == lm.words and again.counts == lm.counts
    for ours, theirs in zip(again.arrays, lm.arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=3e-6)
    first = (tmp_path / name).read_bytes()
    write_arpa(lm, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert len(list(tmp_path.iterdir())) == 1  # without temporary files


@pytest.mark.parametrize("longest", [10, 1_000_000])
def test_blocks_of_long_words_are_bounded_in_memory(longest: int) -> None:
    parts = [part[1:] for part in arpa._blocks([7, 300_000], longest)]
    assert all((end - start - 1) * order * longest <= 1 << 28 for order, start, end in parts)
    written = [entry for _, start, end in parts for entry in range(start, end)]
    assert written == list(range(1, 300_008))


def test_numbers_are_written_without_trailing_zeros(tmp_path: Path) -> None:
    write_arpa(parse(ARPA.replace("-0.25", "0.25")), tmp_path / "x.arpa")
    lines = (tmp_path / "x.arpa").read_text().splitlines()
    assert lines[:4] == ["\\data\\", "ngram 1=5", "ngram 2=3", "ngram 3=1"]
    assert lines[6:11] == [
        "-1\t<unk>\t0",
        "-99\t<s>\t-0.5",
        "-0.7\t</s>\t0",
        "-0.6\ta\t0.25",
        "-0.8\tb\t-0.125",
    ]
    assert lines[-4:] == ["\\3-grams:", "-0.05\t<s> a b", "", "\\end\\"]


def test_numbers_are_rounded_to_decimals(tmp_path: Path) -> None:
    lm = parse(ARPA.replace("-0.25", "0.28").replace("-0.05", "-0.04"))
    write_arpa(lm, tmp_path / "x.arpa", decimals=1)
    lines = (tmp_path / "x.arpa").read_text().splitlines()
    assert lines[7:11] == ["-99\t<s>\t-0.5", "-0.7\t</s>\t0", "-0.6\ta\t0.3", "-0.8\tb\t-0.1"]
    assert lines[-4:] == ["\\3-grams:", "0\t<s> a b", "", "\\end\\"]
    for decimals in (0, 7):
        with pytest.raises(UserError, match=f"decimals is {decimals}, expected 1 to 6"):
            write_arpa(lm, tmp_path / "x.arpa", decimals)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_arpa(parse(ARPA), tmp_path / "new" / "x.arpa")
    with pytest.raises(UserError, match=r"y.arpa: cannot be written: "):
        write_arpa(parse(ARPA), tmp_path / "new" / "x.arpa" / "y.arpa")


def test_lines_before_the_model_are_skipped(entries) -> None:
    """CMU's toolkit writes its license and a description there, lmtool a sentence."""
    before = "#####\n## Copyright (c) 1996\n\\data\\ is what follows, p(wd2|wd1)= ...\n\n"
    assert entries(parse(before + ARPA)) == entries(parse(ARPA))
    with pytest.raises(UserError, match=r"x.arpa:6: expected 'ngram 1='"):
        parse(before + ARPA.replace("ngram 1", "ngrams 1"))


def test_gzip_is_recognized_by_content(tmp_path: Path, cache_home: Path, entries) -> None:
    (tmp_path / "x.arpa").write_bytes(gzip.compress(ARPA.encode()))
    assert entries(open_ngram(tmp_path / "x.arpa")) == entries(parse(ARPA))
