"""Words that sound alike: the search takes the likeliest after its context, as enumeration does."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs, sequence_log_probs

from asr.decoding.beam import BeamSearch
from asr.decoding.decoder import Decoder
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.prefix_scorer import make_scorer
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram
from asr.util.errors import UserError

#: The model knows A, AB and BA. A and X sound alike, as AB, BA and Y do in one of their ways.
SAID = {
    "X": ["B"],
    "A": ["A", "B"],
    "BA": ["B A"],
    "AB": ["A B", "B A"],
    "Y": ["B A"],
    "Z": ["A A"],
}
#: PronunciationIndex of words that the model does not know, and of none that it does.
ALL_UNKNOWN = {"A A"}
TOKENS = Tokens(ALPHABET, " ", SAID)
SCORES = {"lm_weight": 0.7, "word_score": 0.4, "unk_score": -0.6, "hotword_boost": 0.8}
EXACT = DecodingOptions(
    search="beam", beam_size=2000, beam_threshold=1e9, token_threshold=1e9, **SCORES
)


def liking(word: str, hotwords: Sequence[str]) -> float:
    """The bonus of a word of the hot words, by its first pronunciation."""
    is_hot = any(word in phrase.split() for phrase in hotwords)
    return SCORES["hotword_boost"] * len(SAID[word][0].split()) if is_hot else 0.0


def hot_score(sounds: list[str], hotwords: Sequence[str]) -> float:
    """What the hot words earn, in whatever way they are said."""
    spelled = {
        way for phrase in hotwords for way in itertools.product(*map(SAID.get, phrase.split()))
    }
    return SCORES["hotword_boost"] * sum(
        len(" ".join(way).split())
        for way in spelled
        for at in range(len(sounds))
        if tuple(sounds[at : at + len(way)]) == way
    )


def words_of(sounds: list[str], lm: NGram | None, hotwords: Sequence[str] = ()) -> list[str] | None:
    """Choose words one after the other, known ones first; None where a sound is no word's."""
    words: list[str] = []

    def worth(word: str) -> float:
        heard = 0.0 if lm is None else lm.score([*words, word], end=False)[-1]
        return SCORES["lm_weight"] * heard + liking(word, hotwords)

    for sound in sounds:
        alike = [word for word, said in SAID.items() if sound in said]
        if not alike:
            return None
        if lm is not None:
            known = [word for word in alike if word in lm]
            alike = known + [w for w in alike if w not in lm and (liking(w, hotwords) or not known)]
        words.append(max(alike, key=worth))
    return words


def sounds_of(sequence: tuple[int, ...]) -> list[str]:
    runs = itertools.groupby(sequence, key=lambda token: ALPHABET[token] == " ")
    return [" ".join(ALPHABET[t] for t in tokens) for is_space, tokens in runs if not is_space]


@pytest.mark.parametrize("hotwords", [(), ("Y", "X A")], ids=["", "hot"])
@pytest.mark.parametrize("with_lm", [False, True])
def test_the_search_equals_enumeration(lm: NGram, with_lm: bool, hotwords: Sequence[str]) -> None:
    model = lm if with_lm else None
    search = BeamSearch(Lexicon(TOKENS, model), EXACT, hotwords)
    for seed in range(12):
        log_probs = random_log_probs(6, 4, seed)
        expected = []
        for sequence, acoustic in sequence_log_probs(log_probs).items():
            sounds = sounds_of(sequence)
            words = words_of(sounds, model, hotwords)
            if words is None:
                continue
            score = acoustic + SCORES["word_score"] * len(words) + hot_score(sounds, hotwords)
            if model:
                score += SCORES["lm_weight"] * sum(model.score(words))
                score += SCORES["unk_score"] * sum(sound in ALL_UNKNOWN for sound in sounds)
            expected.append((score, sequence, words))
        expected.sort(reverse=True)
        found = search.decode_one(log_probs)
        assert len(found) == len(expected)
        for ours, (score, sequence, words) in zip(found[:8], expected[:8], strict=True):
            assert ours.score == pytest.approx(score, abs=1e-5)
            assert tuple(ours.token_ids) == sequence
            assert search.words(ours.token_ids) == words


def test_the_context_tells_words_apart(lm: NGram) -> None:
    """After A the model expects BA, at the start AB: they may both be said B A."""
    search = BeamSearch(Lexicon(TOKENS, lm), EXACT)
    said = {"B A": [2, 1], "A B A": [1, 3, 2, 1]}
    assert search.words(np.array(said["B A"], np.int32)) == words_of(["B A"], lm)
    assert search.words(np.array(said["A B A"], np.int32)) == ["A", "BA"]


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_decoders_write_words(search: str) -> None:
    path = [1, 0, 2, 3, 2, 1]  # A B, B A
    log_probs = np.full((1, 6, 4), np.log(0.01), np.float32)
    log_probs[0, np.arange(6), path] = np.log(0.97)
    (decoded,) = Decoder(TOKENS, DecodingOptions(search=search)).decode(
        log_probs, np.array([6]), frame_s=0.1
    )
    assert decoded.text == "AB BA"
    assert [word.text for word in decoded.words] == ["AB", "BA"]
    assert decoded.words[1].start_s == pytest.approx(0.4, abs=0.11)


def test_a_lexicon_given_to_the_search_narrows_the_words() -> None:
    with pytest.warns(UserWarning, match="the first is 'unheard', for want of a pronunciation"):
        search = BeamSearch(Lexicon(TOKENS, words=["Z", "Y", "unheard"]), EXACT)
    for seed in range(4):
        best = search.decode_one(random_log_probs(6, 4, seed))[0]
        assert set(search.words(best.token_ids)) <= {"Z", "Y"}


def test_a_hot_word_is_written_where_a_usual_one_sounds_the_same(lm: NGram) -> None:
    """The model knows BA, which is said as Y is, and does not know Y."""
    said = np.array([2, 1], np.int32)  # B A
    for boost, word in ((0.1, "BA"), (9.0, "Y")):
        options = replace(EXACT, hotword_boost=boost)
        assert BeamSearch(Lexicon(TOKENS, lm), options, ["Y"]).words(said) == [word]


def test_hot_words_are_said_as_the_lexicon_says(lm: NGram) -> None:
    boosted = make_scorer(Lexicon(TOKENS, lm), EXACT, ["Z A"]).hotwords
    prefixes = {way[:end] for way in ("_AA_A_", "_AA_B_") for end in range(7)}
    assert len(boosted.tree.label) == len(prefixes)
    with pytest.raises(UserError, match="has no pronunciation of 'ZOE'"):
        BeamSearch(Lexicon(TOKENS, lm), EXACT, ["A ZOE"])


def test_a_lexicon_file_says_words_anew(tmp_path) -> None:
    """ZOE is new there and A is said otherwise; AB, alone on its line, is said as before."""
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ZOE B B A\nA A A\nAB\nFOREIGN ZH\n")
    path = [2, 0, 2, 1, 3, 1, 0, 1, 3, 2, 1]  # B B A, A A, B A
    log_probs = np.full((1, len(path), 4), np.log(0.01), np.float32)
    log_probs[0, np.arange(len(path)), path] = np.log(0.97)
    options = DecodingOptions(search="beam", lexicon=lexicon)
    with pytest.warns(UserWarning, match="the first is 'FOREIGN', for want of a pronunciation"):
        decoder = Decoder(TOKENS, options)
    (decoded,) = decoder.decode(log_probs, np.array([len(path)]), frame_s=0.1)
    assert decoded.text == "ZOE A AB"
    assert decoder.vocabulary == {"ZOE", "A", "AB", "FOREIGN"}
