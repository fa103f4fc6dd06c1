import numpy as np
import pytest
from brute_force import ALPHABET, plain_beam_search, random_log_probs, ranking

from asr.decoding.beam import BeamSearch, Hypothesis, token_penalties
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.lm.ngram import NGram
from asr.util.errors import UserError

TOKENS = Tokens(ALPHABET)
EXACT = {"search": "beam", "beam_size": 2000, "beam_threshold": 1e9, "token_threshold": 1e9}
SEEDS = range(12)


def assert_equal_to_brute_force(search: BeamSearch, frames: int, **scoring) -> None:
    for seed in SEEDS:
        log_probs = random_log_probs(frames, 4, seed)
        expected = list(ranking(log_probs, **scoring))
        found = search.decode_one(log_probs)
        assert len(found) == len(expected)
        for ours, (score, acoustic, lm_score, tokens) in zip(found[:5], expected[:5], strict=True):
            assert ours.score == pytest.approx(score, abs=1e-5)
            assert ours.acoustic_score == pytest.approx(acoustic, abs=1e-5)
            assert ours.lm_score == pytest.approx(lm_score, abs=1e-5)
            assert tuple(ours.token_ids) == tokens


@pytest.mark.parametrize("frames", [1, 2, 4, 6])
def test_best_sequences_and_their_probability_equal_enumeration(frames: int) -> None:
    assert_equal_to_brute_force(BeamSearch(Lexicon(TOKENS), DecodingOptions(**EXACT)), frames)


@pytest.mark.parametrize("closed", [False, True])
def test_word_model_and_lexicon_equal_enumeration(lm: NGram, closed: bool) -> None:
    scoring = {"lm_weight": 0.7, "word_score": 0.4, "unk_score": -0.6}
    words = ["A", "AB", "BAB"] if closed else None  # the last is unknown to the model
    lexicon = Lexicon(TOKENS, lm, words=words)
    search = BeamSearch(lexicon, DecodingOptions(**EXACT, **scoring))
    assert_equal_to_brute_force(search, 6, lm=lm, lexicon=words, **scoring)


def test_lexicon_without_a_model_equals_enumeration() -> None:
    lexicon = Lexicon(TOKENS, words=["B", "ABA"])
    search = BeamSearch(lexicon, DecodingOptions(**EXACT, word_score=1.2))
    assert_equal_to_brute_force(search, 6, lexicon=["B", "ABA"], word_score=1.2)


def test_letter_model_equals_enumeration(letter_lm: NGram) -> None:
    lexicon = Lexicon(TOKENS, letter_lm, lm_unit="token")
    search = BeamSearch(lexicon, DecodingOptions(**EXACT, lm_weight=0.7, word_score=0.3))
    assert_equal_to_brute_force(
        search, 6, lm=letter_lm, lm_names=("", "A", "B", "|"), lm_weight=0.7, word_score=0.3
    )


@pytest.mark.parametrize("with_lm", [False, True])
def test_hot_words_equal_enumeration(lm: NGram, with_lm: bool) -> None:
    phrases = ["A", "AB", "B A", "A BA"]  # nested in one another and overlapping
    options = DecodingOptions(**EXACT, hotword_boost=0.8, lm_weight=0.5, unk_score=0)
    search = BeamSearch(Lexicon(TOKENS, lm if with_lm else None), options, phrases)
    scoring = {"lm": lm, "lm_weight": 0.5} if with_lm else {}
    assert_equal_to_brute_force(search, 6, hotwords=phrases, boost=0.8, **scoring)


def test_subwords_with_a_word_mark_equal_enumeration(lm: NGram) -> None:
    alphabet = ("", "▁A", "B", "▁BA")
    options = DecodingOptions(
        **EXACT, lm_weight=0.7, word_score=0.4, unk_score=-0.6, hotword_boost=0.5
    )
    search = BeamSearch(Lexicon(Tokens(alphabet, "▁"), lm), options, ["A BA", "AB"])
    assert_equal_to_brute_force(
        search,
        5,
        alphabet=alphabet,
        lm=lm,
        lm_weight=0.7,
        word_score=0.4,
        unk_score=-0.6,
        hotwords=["A BA", "AB"],
        boost=0.5,
    )


@pytest.mark.parametrize("beam_size", [1, 2, 3, 7, 30])
@pytest.mark.parametrize(("beam_threshold", "token_threshold"), [(1e9, 1e9), (4.0, 3.0)])
def test_a_narrow_beam_does_what_the_textbook_does(
    beam_size: int, beam_threshold: float, token_threshold: float
) -> None:
    """Prefixes leave the beam and come back; the bounds and the heap must change nothing."""
    options = DecodingOptions(
        search="beam",
        beam_size=beam_size,
        beam_threshold=beam_threshold,
        token_threshold=token_threshold,
    )
    search = BeamSearch(Lexicon(Tokens(("", *"ABCD "))), options)
    for seed in SEEDS:
        log_probs = random_log_probs(40, 6, seed)
        expected = plain_beam_search(log_probs, beam_size, beam_threshold, token_threshold, 5)
        found = search.decode_one(log_probs)
        assert [tuple(ours.token_ids) for ours in found] == [tokens for _, tokens in expected]
        np.testing.assert_allclose(
            [ours.score for ours in found], [score for score, _ in expected], atol=1e-5
        )


def same(ours: list[list[Hypothesis]], theirs: list[list[Hypothesis]]) -> bool:
    def plain(batch: list[list[Hypothesis]]) -> list:
        return [[(h.token_ids.tolist(), h.score, h.lm_score) for h in each] for each in batch]

    return plain(ours) == plain(theirs)


def test_threads_and_batches_change_nothing(lm: NGram) -> None:
    options = DecodingOptions(search="beam", beam_size=8)
    batch = [random_log_probs(5 + 7 * seed, 4, seed) for seed in SEEDS]
    one_thread = BeamSearch(Lexicon(TOKENS, lm), options, threads=1).decode(batch)
    assert same(BeamSearch(Lexicon(TOKENS, lm), options, threads=4).decode(batch), one_thread)
    search = BeamSearch(Lexicon(TOKENS, lm), options)
    assert same([search.decode_one(row) for row in batch], one_thread)


def test_more_prefixes_than_there_is_room_for_at_first(lm: NGram) -> None:
    """The arrays of prefixes grow several times over these frames; the beam stays sorted."""
    options = DecodingOptions(**EXACT | {"beam_size": 300})
    found = BeamSearch(Lexicon(Tokens(("", *"ABCDEFGH "))), options).decode_one(
        random_log_probs(200, 10, 0)
    )
    scores = [ours.score for ours in found]
    assert len({tuple(ours.token_ids) for ours in found}) == 300
    assert scores == sorted(scores, reverse=True)


def test_a_closed_vocabulary_drops_an_unfinished_word() -> None:
    log_probs = np.log([[0.01, 0.97, 0.01, 0.01]] * 2).astype(np.float32)
    lexicon = Lexicon(TOKENS, words=["AB"])
    (found,) = BeamSearch(
        lexicon, DecodingOptions(search="beam", beam_size=1, token_threshold=0)
    ).decode_one(log_probs)
    assert found.token_ids.tolist() == []


def test_dropping_a_word_of_subwords_keeps_the_words_before() -> None:
    """These subwords begin words and have letters: no token stands between two words."""
    tokens = Tokens(("", "▁A", "▁B", "B"), "▁")
    log_probs = np.full((4, 4), -50.0, np.float32)
    log_probs[[0, 1, 2, 3], [1, 0, 2, 0]] = 0
    search = BeamSearch(Lexicon(tokens, words=["A", "BB"]), DecodingOptions(search="beam"))
    (found, *_) = search.decode_one(log_probs)
    assert tokens.text(found.token_ids) == "A"


@pytest.mark.parametrize(
    ("tokens", "boundary", "path"),
    [
        (("", "A", "B", " "), " ", [2, 3, 1, 0, 2, 0]),
        (("", "▁A", "▁B", "B"), "▁", [2, 0, 1, 0, 3, 0]),
    ],
)
def test_an_unfinished_word_is_dropped_though_it_begins_with_a_word(
    tokens: tuple[str, ...], boundary: str, path: list[int]
) -> None:
    """B AB, where AB is the beginning of ABA: its beginning A is not written either."""
    log_probs = np.full((len(path), 4), -50.0, np.float32)
    log_probs[np.arange(len(path)), path] = 0
    named = Tokens(tokens, boundary)
    words = ["B", "A", "ABA"] if boundary == " " else ["B", "A", "ABB"]
    search = BeamSearch(Lexicon(named, words=words), DecodingOptions(search="beam"))
    (found, *_) = search.decode_one(log_probs)
    assert named.text(found.token_ids) == "B"


def test_a_text_that_the_lexicon_forbids_is_no_result() -> None:
    """The unfinished word A is the likeliest text by far, and stays in the beam to the end."""
    log_probs = np.log([[0.05, 0.93, 0.01, 0.01], [0.93, 0.05, 0.01, 0.01]]).astype(np.float32)
    search = BeamSearch(Lexicon(TOKENS, words=["AB"]), DecodingOptions(search="beam"))
    found = search.decode_one(log_probs)
    texts = [TOKENS.text(ours.token_ids) for ours in found]
    assert texts[0] in ("", "AB")
    assert "A" not in texts
    assert all(np.isfinite(ours.score) for ours in found)


def test_no_frames_give_the_empty_text(lm: NGram) -> None:
    (found,) = BeamSearch(Lexicon(TOKENS, lm), DecodingOptions(lm_weight=0.5)).decode_one(
        np.zeros((0, 4), np.float32)
    )
    assert found.token_ids.size == 0
    assert found.lm_score == pytest.approx(sum(lm.score([])))


def test_log_probs_that_cannot_be_decoded_are_refused() -> None:
    search = BeamSearch(Lexicon(TOKENS), DecodingOptions())
    with pytest.raises(UserError, match="5 scores a frame for 4 tokens"):
        search.decode_one(np.zeros((3, 5), np.float32))
    with pytest.raises(UserError, match="NaN"):
        search.decode_one(np.full((3, 4), np.nan))


COUNTED = Tokens(ALPHABET, counts=(0, 800, 200, 0))


def test_there_are_no_penalties_by_default() -> None:
    assert not token_penalties(COUNTED, DecodingOptions()).any()
    assert not token_penalties(Tokens(ALPHABET), DecodingOptions()).any()


def test_frequent_tokens_have_larger_penalties_and_the_blank_only_its_own() -> None:
    options = DecodingOptions(blank_penalty=1.5, prior_weight=0.5)

    blank, frequent, rare, never = token_penalties(COUNTED, options)

    assert blank == 1.5
    assert frequent - rare == pytest.approx(0.5 * np.log(4))
    assert rare - never == pytest.approx(0.5 * np.log(200))
    assert frequent + rare + never == pytest.approx(0, abs=1e-6)


def test_the_search_subtracts_the_penalties_from_log_posteriors() -> None:
    rng = np.random.default_rng(1)
    log_probs = np.log(rng.dirichlet(np.ones(4), size=7)).astype(np.float32)
    options = DecodingOptions(search="beam", blank_penalty=1.0, prior_weight=0.7)
    plain = DecodingOptions(search="beam")

    found = BeamSearch(Lexicon(COUNTED), options).decode_one(log_probs)
    penalized = log_probs - token_penalties(COUNTED, options)
    expected = BeamSearch(Lexicon(COUNTED), plain).decode_one(penalized)

    assert [list(f.token_ids) for f in found] == [list(e.token_ids) for e in expected]
    assert [f.score for f in found] == [e.score for e in expected]
    unchanged = BeamSearch(Lexicon(COUNTED), plain).decode_one(log_probs)
    assert found[0].score != unchanged[0].score


def test_a_prior_weight_without_token_counts_is_refused() -> None:
    with pytest.raises(UserError, match=r"decoding\.prior_weight: this model does not hold"):
        BeamSearch(Lexicon(Tokens(ALPHABET)), DecodingOptions(prior_weight=0.1))
