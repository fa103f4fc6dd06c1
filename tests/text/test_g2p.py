"""Lexicons by espeak-ng: few phones for English, IPA for the others, and the verb `lexicon`."""

import pytest
from random_models import random_model

from asr.cli import main
from asr.lm.estimate import train
from asr.lm.sentences import tokenize_lines
from asr.model.model_file import save_model
from asr.text.g2p import ENGLISH, make_lexicon
from asr.text.lexicon import phones_of, read_lexicon
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK, CharTokenizer
from asr.util.errors import UserError

pytest.importorskip("espeakng_loader", reason="needs the extra asr[espeak]")


def test_english_has_forty_phones():
    words = ["nation", "red", "read", "a", "water", "start", "area", "--", "ie", "graaa"]
    lexicon = make_lexicon(words, "en-us")
    assert lexicon == {
        "nation": ["n eɪ ʃ ə n"],
        "red": ["ɹ ɛ d"],
        "read": ["ɹ i d"],
        "a": ["ə", "eɪ"],
        "water": ["w ɔ t ɚ"],
        "start": ["s t ɑ ɹ t"],
        "area": ["ɛ ɹ ɪ ə"],
        "ie": ["aɪ i"],
        "graaa": ["ɡ ɹ ɑ ə"],
    }
    phones = {phone for phones in ENGLISH.values() for phone in phones}
    assert len(phones) == 40


def test_foreign_words_bring_no_phone_of_their_own():
    assert make_lexicon(["baby"], "de") == {
        "baby": ["b eɪ b i"]
    }  # espeak-ng pronounces it in English
    assert make_lexicon(["red", "привет"], "en-us") == {"red": ["ɹ ɛ d"]}


@pytest.mark.parametrize("language", ["en-gb", "en-gb-scotland", "en-029"])
def test_english_of_other_places_has_the_same_phones(language):
    words = ["bird", "nurse", "fire", "water", "which", "start", "time"]
    lexicon = make_lexicon(words, language)
    assert list(lexicon) == words
    known = {phone for phones in ENGLISH.values() for phone in phones}
    assert phones_of(lexicon) <= known


def test_other_languages_have_phones_in_ipa():
    assert make_lexicon(["straße", "Jahr"], "de") == {
        "straße": ["ʃ t ɾ ɑː s ə"],
        "Jahr": ["j ɑː ɾ"],
    }


def test_a_word_of_too_many_phones_is_left_out():
    assert [*make_lexicon(["red", "a" * 1_000_000, "ab1" * 80], "en-us")] == ["red"]


def test_a_language_that_espeak_lacks_is_refused():
    with pytest.raises(UserError, match="no language 'xx'"):
        make_lexicon(["a"], "xx")
    with pytest.raises(UserError, match="pronounces none of these words"):
        make_lexicon(["--"], "en-us")


def test_the_verb_takes_texts_manifests_and_language_models(tones, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("Red, read!\nRead.\n")
    lm = tmp_path / "lm.arpa"
    train(tokenize_lines(["one two two", "two"], "text", "word", None), lm, order=1)
    output = tmp_path / "lexicon.txt"
    sources = [str(text), str(tones / "train.jsonl.gz"), str(lm)]
    assert main(["lexicon", *sources, "--output", str(output)]) == 0
    assert f"{output}: 7 words of " in capsys.readouterr().out
    words = list(read_lexicon(output, str.lower))
    assert words[:2] == ["read", "red"]  # the most frequent first
    assert set(words[2:5]) == {"ab", "ba", "a"}
    assert set(words[5:]) == {"two", "one"}


def test_new_words_join_the_lexicon_of_a_model(tmp_path, capsys):
    model, names, output = (tmp_path / name for name in ("m.safetensors", "names", "lexicon"))
    tokenizer = PhoneTokenizer([BLANK, " ", "n", "eɪ"], "lower", {"neigh": ["n eɪ", "eɪ"]})
    acoustic = random_model(vocabulary_size=4)
    save_model(model, acoustic.state_dict(), acoustic.settings, tokenizer, {})
    names.write_text("Ann\nneigh")
    assert main(["lexicon", str(names), str(model), "--output", str(output)]) == 0
    assert read_lexicon(output, str.lower) == {"ann": ["æ n"], "neigh": ["n eɪ", "eɪ"]}
    save_model(model, acoustic.state_dict(), acoustic.settings, CharTokenizer([BLANK, *" ab"]), {})
    assert main(["lexicon", str(model), "--output", str(output)]) == 1
    assert "m.safetensors: a model that spells" in capsys.readouterr().err


def test_the_verb_names_a_missing_text(tmp_path, capsys):
    missing = str(tmp_path / "none.txt")
    assert main(["lexicon", missing, "--output", str(tmp_path / "x")]) == 1
    assert "none.txt: cannot be read" in capsys.readouterr().err


def test_words_with_control_characters_are_left_out():
    assert make_lexicon(["red", "lone\ud800", "nul\0red", "esc\x1b"], "en-us") == {"red": ["ɹ ɛ d"]}
    with pytest.raises(UserError, match="no language"):
        make_lexicon(["red"], "\udcff")
