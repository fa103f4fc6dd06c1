"""Homophones: the search scores the likeliest after its context; results have the likeliest words.

Both are compared with enumeration.
"""

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

#: The model knows A, AB and BA. A and X are homophones; so are AB, BA and Y.
PRONUNCIATIONS = {
    "X": ["B"],
    "A": ["A", "B"],
    "BA": ["B A"],
    "AB": ["A B", "B A"],
    "Y": ["B A"],
    "Z": ["A A"],
}
#: Pronunciations that only words unknown to the model have.
ALL_UNKNOWN = {"A A"}
TOKENS = Tokens(ALPHABET, " ", PRONUNCIATIONS)
SCORES = {"lm_weight": 0.7, "word_score": 0.4, "unk_score": -0.6, "hotword_boost": 0.8}
EXACT = DecodingOptions(
    search="beam", beam_size=2000, beam_threshold=1e9, token_threshold=1e9, **SCORES
)


def hot_bonus(word: str, hotwords: Sequence[str]) -> float:
    """The bonus that favors a hot word over its homophones, by its first pronunciation."""
    is_hot = any(word in phrase.split() for phrase in hotwords)
    return SCORES["hotword_boost"] * len(PRONUNCIATIONS[word][0].split()) if is_hot else 0.0


def hot_score(spoken: list[str], hotwords: Sequence[str]) -> float:
    """What the hot words earn, in all their pronunciations."""
    phrases = {
        phrase
        for words in hotwords
        for phrase in itertools.product(*map(PRONUNCIATIONS.get, words.split()))
    }
    return SCORES["hotword_boost"] * sum(
        len(" ".join(phrase).split())
        for phrase in phrases
        for at in range(len(spoken))
        if tuple(spoken[at : at + len(phrase)]) == phrase
    )


def words_of(spoken: list[str], lm: NGram | None, hotwords: Sequence[str] = ()) -> list[str] | None:
    """Choose words one after the other, known ones first; None for a pronunciation of no word."""
    words: list[str] = []

    def worth(word: str) -> float:
        log_prob = 0.0 if lm is None else lm.score([*words, word], end=False)[-1]
        return SCORES["lm_weight"] * log_prob + hot_bonus(word, hotwords)

    for phones in spoken:
        homophones = homophones_of(phones, lm, hotwords)
        if not homophones:
            return None
        words.append(max(homophones, key=worth))
    return words


def homophones_of(phones: str, lm: NGram | None, hotwords: Sequence[str]) -> list[str]:
    """The words with a pronunciation that may be chosen, known ones first."""
    homophones = [word for word, found in PRONUNCIATIONS.items() if phones in found]
    if lm is None:
        return homophones
    known = [word for word in homophones if word in lm]
    unknown = [word for word in homophones if word not in lm]
    return known + [w for w in unknown if hot_bonus(w, hotwords) or not known]


def likeliest_words(
    spoken: list[str], lm: NGram | None, hotwords: Sequence[str] = (), end: bool = True
) -> list[str]:
    """Choose words by the score of the whole sentence."""

    def worth(words: Sequence[str]) -> float:
        log_prob = 0.0 if lm is None else sum(lm.score(words, end=end))
        return SCORES["lm_weight"] * log_prob + sum(hot_bonus(word, hotwords) for word in words)

    choices = [homophones_of(phones, lm, hotwords) for phones in spoken]
    return list(max(itertools.product(*choices), key=worth))


def pronunciations_of(sequence: tuple[int, ...]) -> list[str]:
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
        for sequence, acoustic in sequence_log_probs(log_probs, ALPHABET.index(" ")).items():
            spoken = pronunciations_of(sequence)
            words = words_of(spoken, model, hotwords)
            if words is None:
                continue
            score = acoustic + SCORES["word_score"] * len(words) + hot_score(spoken, hotwords)
            if model:
                score += SCORES["lm_weight"] * sum(model.score(words))
                score += SCORES["unk_score"] * sum(phones in ALL_UNKNOWN for phones in spoken)
            expected.append((score, sequence, likeliest_words(spoken, model, hotwords)))
        expected.sort(reverse=True)
        found = search.decode_one(log_probs)
        assert len(found) == len(expected)
        for ours, (score, sequence, words) in zip(found[:8], expected[:8], strict=True):
            assert ours.score == pytest.approx(score, abs=1e-5)
            assert tuple(ours.token_ids) == sequence
            assert search.words(ours.token_ids) == words


def test_the_context_chooses_between_homophones(lm: NGram) -> None:
    """After A the model expects BA, at the start AB; both may be pronounced B A."""
    search = BeamSearch(Lexicon(TOKENS, lm), EXACT)
    ids = {"B A": [2, 1], "A B A": [1, 3, 2, 1]}
    assert search.words(np.array(ids["B A"], np.int32)) == likeliest_words(["B A"], lm)
    assert search.words(np.array(ids["A B A"], np.int32)) == ["A", "BA"]


def test_what_follows_chooses_between_homophones(lm: NGram) -> None:
    """At the start the search scores another word than the one that A then makes likeliest."""
    search = BeamSearch(Lexicon(TOKENS, lm), EXACT)
    differ = 0
    for spoken in itertools.product(["B", "B A", "A", "A B"], repeat=3):
        ids = [
            number
            for place, phones in enumerate(spoken)
            for number in ([3] if place else []) + [ALPHABET.index(one) for one in phones.split()]
        ]
        found = search.words(np.array(ids, np.int32))
        assert found == likeliest_words([*spoken], lm)
        differ += found != words_of([*spoken], lm)
    assert differ > 0


def test_settled_words_are_those_of_every_continuation(lm: NGram) -> None:
    search = BeamSearch(Lexicon(TOKENS, lm), EXACT)
    counts = []
    for spoken in itertools.product(["B", "B A", "A B"], repeat=4):
        ids = [
            number
            for phones in spoken
            for number in [*(ALPHABET.index(one) for one in phones.split()), 3]
        ]
        for complete in (2, 4):
            count = search.count_settled(np.array(ids, np.int32), complete)
            heads = {
                tuple(likeliest_words([*spoken[:complete], *more], lm, end=False)[:count])
                for length in range(3)
                for more in itertools.product(["B", "B A", "A B"], repeat=length)
            }
            assert count <= complete
            assert len(heads) == 1
            counts.append(complete - count)
    assert 0 in counts
    assert max(counts) > 0


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
    with pytest.warns(UserWarning, match="the first is 'unknown', for want of a pronunciation"):
        search = BeamSearch(Lexicon(TOKENS, words=["Z", "Y", "unknown"]), EXACT)
    for seed in range(4):
        best = search.decode_one(random_log_probs(6, 4, seed))[0]
        assert set(search.words(best.token_ids)) <= {"Z", "Y"}


def test_a_hot_word_is_written_rather_than_a_common_homophone(lm: NGram) -> None:
    """The model knows AB, and does not know its homophone Y."""
    token_ids = np.array([2, 1], np.int32)  # B A
    for boost, word in ((0.1, "AB"), (9.0, "Y")):
        options = replace(EXACT, hotword_boost=boost)
        assert BeamSearch(Lexicon(TOKENS, lm), options, ["Y"]).words(token_ids) == [word]


def test_hot_words_have_the_pronunciations_of_the_lexicon(lm: NGram) -> None:
    boosted = make_scorer(Lexicon(TOKENS, lm), EXACT, ["Z A"]).hotwords
    prefixes = {phrase[:end] for phrase in ("_AA_A_", "_AA_B_") for end in range(7)}
    assert len(boosted.tree.label) == len(prefixes)
    with pytest.raises(UserError, match="has no pronunciation of 'ZOE'"):
        BeamSearch(Lexicon(TOKENS, lm), EXACT, ["A ZOE"])


def test_a_lexicon_file_replaces_pronunciations(tmp_path) -> None:
    """ZOE is new there, and A has another pronunciation; AB, alone on its line, keeps its own."""
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("ZOE B B A\nA A A\nAB\nFOREIGN ZH\n")
    path = [2, 0, 2, 1, 3, 1, 0, 1, 3, 2, 1]  # B B A, A A, B A
    log_probs = np.full((1, len(path), 4), np.log(0.01), np.float32)
    log_probs[0, np.arange(len(path)), path] = np.log(0.97)
    options = DecodingOptions(search="beam", vocabulary=lexicon)
    with pytest.warns(UserWarning, match="the first is 'FOREIGN', for want of a pronunciation"):
        decoder = Decoder(TOKENS, options)
    (decoded,) = decoder.decode(log_probs, np.array([len(path)]), frame_s=0.1)
    assert decoded.text == "ZOE A AB"
    assert decoder.vocabulary == {"ZOE", "A", "AB", "FOREIGN"}
