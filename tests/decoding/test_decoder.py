import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs

from asr.decoding.decoder import Decoder
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.words import BEFORE_S
from asr.util.errors import UserError

TOKENS = Tokens(ALPHABET)


def log_probs_of(text: str, posterior: float = 0.9) -> np.ndarray:
    """Log-probs of a text, two frames a character and a blank after each."""
    ids = [i for c in text for i in (ALPHABET.index(c), ALPHABET.index(c), 0)]
    probs = np.full((len(ids), len(ALPHABET)), (1 - posterior) / (len(ALPHABET) - 1))
    probs[np.arange(len(ids)), ids] = posterior
    return np.log(probs).astype(np.float32)


def test_greedy_and_beam_agree_on_clear_speech() -> None:
    log_probs = np.stack([log_probs_of("AB BA"), log_probs_of("B A B")])
    lengths = np.array([15, 9])
    greedy = Decoder(TOKENS, DecodingOptions()).decode(log_probs, lengths, 0.04)
    beam = Decoder(TOKENS, DecodingOptions(search="beam")).decode(log_probs, lengths, 0.04)
    assert [each.text for each in greedy] == ["AB BA", "B A"]
    for ours, theirs in zip(beam, greedy, strict=True):
        assert [replace(word, confidence=0.0) for word in ours.words] == [
            replace(word, confidence=0.0) for word in theirs.words
        ]
        assert all(
            0 < word.confidence <= other.confidence + 1e-6
            for word, other in zip(ours.words, theirs.words, strict=True)
        )
    first, second = greedy[0].words
    assert first.end_s <= second.start_s == pytest.approx(9 * 0.04, abs=BEFORE_S)


def test_threads_change_nothing() -> None:
    log_probs = np.stack([random_log_probs(12, 4, seed) for seed in range(5)])
    decoder, batch = Decoder(TOKENS, DecodingOptions(search="beam")), (np.full(5, 12), 0.04)
    assert decoder.decode(log_probs, *batch, threads=1) == decoder.decode(log_probs, *batch)


def test_files_that_the_options_name_are_used(tmp_path: Path, arpa: Path) -> None:
    names, lexicon = tmp_path / "names.txt", tmp_path / "words.txt"
    names.write_text("ba\n")
    lexicon.write_text("A\nBA\n")
    unclear = log_probs_of("AB", 0.4)
    batch = unclear[None], np.array([len(unclear)]), 0.04
    options = DecodingOptions(search="beam", lm=arpa, hotword_boost=3.0)
    closed = replace(options, vocabulary=lexicon)
    hot = replace(options, hotwords=names)
    assert "AB" not in Decoder(TOKENS, closed).decode(*batch)[0].text.split()
    assert (
        "BA" in Decoder(TOKENS, hot, normalize=lambda s: s.strip().upper()).decode(*batch)[0].text
    )
    with pytest.raises(UserError, match="cannot write 'ab'"):
        Decoder(TOKENS, hot)
    names.write_text("\n")
    with pytest.raises(UserError, match="no hot words"):
        Decoder(TOKENS, hot)


def test_further_hot_words_are_those_of_a_file(tmp_path: Path, arpa: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("ba\na\n")
    unclear = log_probs_of("AB", 0.4)
    batch = unclear[None], np.array([len(unclear)]), 0.04
    options = DecodingOptions(search="beam", lm=arpa, hotword_boost=3.0)
    plain = Decoder(TOKENS, options, str.upper)
    before = plain.decode(*batch)
    favored = plain.with_hotwords(["ba", ""]).with_hotwords(["a", "a"])
    hot = Decoder(TOKENS, replace(options, hotwords=names), str.upper)
    assert favored.decode(*batch) == hot.decode(*batch)
    assert plain.decode(*batch) == before != favored.decode(*batch)


def test_hot_words_that_cannot_be_used_are_refused() -> None:
    beam = Decoder(TOKENS, DecodingOptions(search="beam"))
    with pytest.raises(UserError, match="cannot write 'ab'"):
        beam.with_hotwords(["ab"])
    with pytest.raises(UserError, match="1,001 characters"):
        beam.with_hotwords(["A" * 1001])
    with pytest.raises(UserError, match="greedy search uses none"):
        Decoder(TOKENS, DecodingOptions()).with_hotwords(["AB"])


def test_a_lexicon_is_brought_to_the_models_spelling(tmp_path: Path) -> None:
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("<UNK> SPN\nab a b\nBa b a\nzoë z o e\nab-c\n")
    options = DecodingOptions(search="beam", vocabulary=lexicon)
    batch = log_probs_of("AB BA", 0.6)[None], np.array([15]), 0.04
    message = r"lexicon: 2 of its 4 words cannot .* \(the first is 'ZOË', for want of 'OZË'\)"

    def normalize(text: str) -> str:
        return text.upper().replace("-", " ")

    with pytest.warns(UserWarning, match=message) as warned:
        decoder = Decoder(TOKENS, options, normalize)
    assert len(warned) == 1
    assert decoder.decode(*batch)[0].text == "AB BA"
    with pytest.raises(UserError, match="none of its 4 words"):
        Decoder(TOKENS, options)


def test_a_stale_model_is_refused(arpa: Path) -> None:
    with pytest.raises(UserError, match="not the language model"):
        Decoder(TOKENS, DecodingOptions(search="beam", lm=arpa, lm_digest="0" * 64))


def test_greedy_search_needs_no_compiler() -> None:
    """Greedy decoding must work at once, so it may not even import numba (or torch)."""
    code = (
        "import sys, numpy as np\n"
        "from asr.decoding.decoder import Decoder\n"
        "from asr.decoding.options import DecodingOptions\n"
        "from asr.decoding.tokens import Tokens\n"
        "decoder = Decoder(Tokens(('', 'A', ' ')), DecodingOptions())\n"
        "(found,) = decoder.decode(np.zeros((1, 3, 3)), np.array([3]), 0.04)\n"
        "assert found.text == ''\n"
        "assert not {'numba', 'torch', 'lhotse'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
