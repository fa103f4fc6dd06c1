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
from asr.errors import UserError

TOKENS = Tokens(ALPHABET)


def spoken(text: str, sure: float = 0.9) -> np.ndarray:
    """Log-probs of a text, two frames a character and a blank after each."""
    ids = [i for c in text for i in (ALPHABET.index(c), ALPHABET.index(c), 0)]
    probs = np.full((len(ids), len(ALPHABET)), (1 - sure) / (len(ALPHABET) - 1))
    probs[np.arange(len(ids)), ids] = sure
    return np.log(probs).astype(np.float32)


def test_greedy_and_beam_agree_on_clear_speech() -> None:
    log_probs = np.stack([spoken("AB BA"), spoken("B A B")])
    lengths = np.array([15, 9])
    greedy = Decoder(TOKENS, DecodingOptions()).decode(log_probs, lengths, 0.04)
    beam = Decoder(TOKENS, DecodingOptions(search="beam")).decode(log_probs, lengths, 0.04)
    assert [each.text for each in greedy] == ["AB BA", "B A"]
    assert [each.words for each in beam] == [each.words for each in greedy]
    first, second = greedy[0].words
    assert first.end_s <= second.start_s == pytest.approx(9 * 0.04, abs=BEFORE_S)
    assert greedy[0].alternatives == ()
    assert beam[0].alternatives[0].text == beam[0].text


def test_alternatives_differ_in_text() -> None:
    options = DecodingOptions(search="beam", nbest=5)
    log_probs = random_log_probs(12, 4, 3)
    (decoded,) = Decoder(TOKENS, options).decode(log_probs[None], np.array([12]), 0.04)
    texts = [each.text for each in decoded.alternatives]
    assert len(set(texts)) == len(texts) == 5
    assert texts[0] == decoded.text
    scores = [each.score for each in decoded.alternatives]
    assert scores == sorted(scores, reverse=True)


def test_files_that_the_options_name_are_used(tmp_path: Path, arpa: Path) -> None:
    names, lexicon = tmp_path / "names.txt", tmp_path / "words.txt"
    names.write_text("ba\n")
    lexicon.write_text("A\nBA\n")
    unclear = spoken("AB", 0.4)
    batch = unclear[None], np.array([len(unclear)]), 0.04
    options = DecodingOptions(search="beam", lm=arpa, hotword_boost=3.0)
    closed = replace(options, lexicon=lexicon)
    hot = replace(options, hotwords=names)
    assert "AB" not in Decoder(TOKENS, closed).decode(*batch)[0].text.split()
    assert (
        "BA" in Decoder(TOKENS, hot, normalise=lambda s: s.strip().upper()).decode(*batch)[0].text
    )
    with pytest.raises(UserError, match="cannot write 'ab'"):
        Decoder(TOKENS, hot)
    names.write_text("\n")
    with pytest.raises(UserError, match="no hot words"):
        Decoder(TOKENS, hot)


def test_a_stale_model_is_refused(arpa: Path) -> None:
    with pytest.raises(UserError, match="not the language model"):
        Decoder(TOKENS, DecodingOptions(search="beam", lm=arpa, lm_digest="0" * 64))


def test_greedy_needs_no_compiler() -> None:
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
