"""Lexicons as other tools write them: only words and phones are read."""

import warnings

import pytest

from asr.text.lexicon import read_lexicon
from asr.util.errors import UserNote

LAYOUTS = {
    "mfa, four probabilities": ("yes\t0.99\t0.14\t1.53\t0.97\tY EH S\n", ["Y EH S"]),
    "mfa, one probability": ("yes\t0.99\tj ɛ s\n", ["j ɛ s"]),
    "mfa, small probabilities": ("yes 1.0 1e-05 0.0 0.97 j ɛ s\n", ["j ɛ s"]),
    "kaldi's lexiconp": ("yes 1.0 Y_B EH_I S_E\nno .5 N_B OW_E\n", ["Y_B EH_I S_E"]),
    "whole probabilities": ("yes 1 Y EH S\nno 1 N OW\n", ["Y EH S"]),
    "a phone called 1": ("yes j 1 s\nno 1 s\n", ["j 1 s"]),
    "cmu": ("yes  Y EH1 S\nyes(2)  Y AE0 S\nyes(03) Y EH2\n", ["Y EH S", "Y AE S", "Y EH"]),
    "cmu with noises": ("yes Y EH1 S\n<unk> SPN\nmhm SPN\n", ["Y EH S"]),
    "tones in capitals": ("yes M A1\nno M A3\n", ["M A1"]),
    "tones beside arpabet's vowels": ("yes M AA1\nno M AA3\n", ["M AA1"]),
    "tones of pinyin": ("yes m a1\nno n i3 h ao3\n", ["m a1"]),
    "tones of initials and finals": ("yes ii i1\nno sh AO1 zh\n", ["ii i1"]),
    "x-sampa": ("yes J 2 S1\nno N @U\n", ["J 2 S1"]),
    "ipa with stress": ("yes ˈj ɛ s\n", ["ˈj ɛ s"]),
    "arabic tones": ("yes t a0 m\nno K AE0 X\n", ["t a0 m"]),
    "windows": ("\ufeffyes\tY EH1 S\r\nno\tN OW1\r\n", ["Y EH S"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_words_and_phones_are_read(tmp_path, layout):
    content, expected = LAYOUTS[layout]
    (tmp_path / "lexicon.txt").write_bytes(content.encode())
    with warnings.catch_warnings(action="ignore"):
        assert read_lexicon(tmp_path / "lexicon.txt", str)["yes"] == expected


def test_entries_that_are_no_word_are_named(tmp_path):
    lines = "yes Y EH S\n!SIL SIL\n<UNK> SPN\nice-cream AY S K R IY M\nnew york\tN UW Y AO K\n"
    (tmp_path / "lexicon.txt").write_text(lines)
    message = "4 of 5 entries are no single word: '!SIL', '<UNK>', 'ice-cream'; left out"
    with pytest.warns(UserNote, match=message):
        lexicon = read_lexicon(tmp_path / "lexicon.txt", lambda word: word.replace("-", " "))
    assert lexicon == {"yes": ["Y EH S"]}
