"""Pronunciation lexicons: the formats that are read, and the files that are refused."""

import gzip

import pytest
from refusals import refused

from asr.text.lexicon import check_lexicon, read_lexicon
from asr.util.errors import UserError


def test_lexicons_of_kaldi_and_cmu_are_read(path, tmp_path):
    expected = {
        "read": ["R EH D", "R IY D"], "red": ["R EH D"], "reed": ["R IY D"], "a": ["AH", "EY"],
    }  # fmt: skip
    assert read_lexicon(path, str.lower) == expected
    packed = tmp_path / "lexicon.gz"
    packed.write_bytes(gzip.compress(path.read_text().encode("utf-8-sig")))
    assert read_lexicon(packed, str.lower) == expected
    path.write_text("# words\n  # and more\nC# S IY\n\t\n#1 W AH N # one\n")
    assert read_lexicon(path, str.lower) == {"c#": ["S IY"], "#1": ["W AH N"]}


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
def test_a_file_that_is_no_lexicon_is_refused(path, content, message):
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
def test_the_lexicon_of_a_model_file_is_checked(value, message):
    with pytest.raises(UserError, match=message):
        check_lexicon(value)


def test_a_missing_lexicon_can_be_made(tmp_path):
    with refused(r"no such lexicon; `asr lexicon TEXT --output .*none.txt`"):
        read_lexicon(tmp_path / "none.txt", str.lower)


def test_an_impossible_file_name_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        read_lexicon(tmp_path / ("x" * 300), str.lower)
