"""The second pass: results ranked again, against the formula over all results."""

from collections.abc import Sequence

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs, ranking

from asr.decoding.beam import BeamSearch, Hypothesis
from asr.decoding.decoder import Decoder
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.rescoring import rescore, score_texts
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram

TOKENS = Tokens(ALPHABET)
EXACT = {
    "search": "beam", "beam_size": 2000, "beam_threshold": 1e9, "token_threshold": 1e9,
    "second_pass_texts": 10_000, "second_pass_threshold": 1e9,
}  # fmt: skip


def score(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """A language model that likes every sentence differently."""
    return np.array([-0.3 * (hash_of(" ".join(words)) % 17) for words in sentences])


def hash_of(text: str) -> int:
    return sum((place + 3) * ord(character) for place, character in enumerate(text))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_is_that_of_the_formula_over_all_results(lm: NGram, seed: int) -> None:
    first = {"lm_weight": 0.7, "word_score": 0.4, "unk_score": -0.6}
    options = DecodingOptions(
        **EXACT, **first, neural_lm_weight=0.8, second_pass_lm_weight=0.3,
        second_pass_word_score=-0.2,
    )  # fmt: skip
    search = BeamSearch(Lexicon(TOKENS, lm), options)
    log_probs = random_log_probs(5, 4, seed)
    found = rescore(score_texts(search, search.decode_one(log_probs), score, options), options)
    expected = []
    for total, _, lm_score, tokens in ranking(log_probs, lm=lm, **first):
        words = "".join(ALPHABET[token] for token in tokens).split()
        second = total + (0.3 - 0.7) * lm_score + 0.8 * score([words])[0] - 0.2 * len(words)
        expected.append((second, tokens))
    expected.sort(key=lambda one: -one[0])
    assert [one.score for one in found] == pytest.approx([s for s, _ in expected], abs=1e-5)
    assert tuple(found[0].token_ids) == expected[0][1]


def test_weights_of_the_first_pass_change_nothing(lm: NGram) -> None:
    options = DecodingOptions(**EXACT, lm_weight=0.7, neural_lm_weight=0, second_pass_lm_weight=0.7)
    search = BeamSearch(Lexicon(TOKENS, lm), options)
    found = search.decode_one(random_log_probs(6, 4, 1))
    again = rescore(score_texts(search, found, score, options), options)
    assert [one.score for one in again] == pytest.approx([one.score for one in found])
    assert all(a.token_ids is b.token_ids for a, b in zip(again, found, strict=True))


@pytest.mark.parametrize("limit", [{"second_pass_texts": 3}, {"second_pass_threshold": 0.9}])
def test_only_the_best_texts_are_scored(limit: dict) -> None:
    options = DecodingOptions(**EXACT | limit)
    search = BeamSearch(Lexicon(TOKENS), options)
    asked: list[list[tuple[str, ...]]] = []

    def ask(sentences: Sequence[Sequence[str]]) -> np.ndarray:
        asked.append([tuple(words) for words in sentences])
        return np.zeros(len(sentences))

    found = search.decode_one(random_log_probs(6, 4, 2))
    scored = score_texts(search, found, ask, options)
    assert len(asked[0]) == len(set(asked[0])) == len(scored.words) == 3
    texts = [scored.words[one] for one in scored.text]
    assert texts == [tuple(search.words(one.token_ids)) for one in scored.hypotheses]
    following = found[len(texts)]
    assert tuple(search.words(following.token_ids)) not in texts
    assert all(found[0].score - one.score <= options.second_pass_threshold for one in found[:3])
    if "second_pass_threshold" in limit:
        assert found[0].score - following.score > options.second_pass_threshold


def test_one_hypothesis_without_words_stands() -> None:
    options = DecodingOptions(search="beam")
    nothing = Hypothesis(np.zeros(0, np.int32), -1.0, -1.0, 0.0)
    search = BeamSearch(Lexicon(TOKENS), options)
    (found,) = rescore(score_texts(search, [nothing], score, options), options)
    assert found.token_ids is nothing.token_ids
    assert found.score == -1.0 + 0.5 * score([[]])[0]
    assert (found.acoustic_score, found.lm_score) == (-1.0, 0.0)


@pytest.mark.parametrize("hot", [False, True])
def test_words_times_and_confidence_are_those_of_the_new_best(tmp_path, arpa, hot: bool) -> None:
    """A model of the second pass that allows one text alone gives that text; streams agree."""
    (tmp_path / "hot.txt").write_text("B A\n")
    options = DecodingOptions(
        search="beam", beam_size=100, lm=arpa, neural_lm_weight=1.0,
        hotwords=tmp_path / "hot.txt" if hot else None,
    )  # fmt: skip
    log_probs = random_log_probs(12, 4, 4)
    batch = log_probs[None], np.array([12]), 0.04
    (usual,) = Decoder(TOKENS, options).decode(*batch)

    def refuse(sentences: Sequence[Sequence[str]]) -> np.ndarray:
        return np.array([-1e3 * (" ".join(words) == usual.text) for words in sentences])

    decoder = Decoder(TOKENS, options, scorer=refuse)
    (found,) = decoder.decode(*batch)
    assert found.text != usual.text
    assert found.text == " ".join(word.text for word in found.words)
    assert all(0 < word.confidence <= 1 and word.start_s < word.end_s for word in found.words)
    stream = decoder.open_stream(0.04)
    committed: tuple[str, ...] = ()
    for part in np.array_split(log_probs, 5):
        stream.feed(part)
        committed = stream.partial().committed
    assert stream.finish() == found
    assert found.text.split()[: len(committed)] == list(committed)


def test_hot_words_keep_their_bonus() -> None:
    options = DecodingOptions(**EXACT, neural_lm_weight=0.5, hotword_boost=2.0)
    log_probs = random_log_probs(6, 4, 3)
    plain, hot = (BeamSearch(Lexicon(TOKENS), options, phrases) for phrases in ([], ["B A"]))
    before, after = ({}, {})
    for search, scores in ((plain, before), (hot, after)):
        scored = score_texts(search, search.decode_one(log_probs), score, options)
        scores.update({tuple(one.token_ids): one.score for one in rescore(scored, options)})
    exact = tuple(ALPHABET.index(character) for character in "B A")
    assert after[exact] - before[exact] == pytest.approx(2 * 2.0, abs=1e-5)
