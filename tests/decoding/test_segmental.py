"""Segmental lexicon decoding equals trying every chain of words; its parts, plain definitions."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from brute_force import ALPHABET, random_log_probs, sequence_log_probs

from asr.decoding.decoder import Decoder
from asr.decoding.greedy import greedy_decode
from asr.decoding.options import DecodingOptions
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.segmental import SegmentalDecoder, log_likelihoods
from asr.decoding.tokens import Tokens
from asr.decoding.words import BEFORE_S

TOKENS = Tokens(ALPHABET, " ", {"X": ["B"], "ABA": ["A B A"], "A": ["A"], "Y": ["B A"]})
PHONES = ("", "k", "æ", "t", "d", "ɹ", "uː", " ")
LEXICON = {"two": ["t uː"], "to": ["t uː"], "cat": ["k æ t"], "root": ["ɹ uː t"], "at": ["æ t"]}
ENGLISH = Tokens(PHONES, " ", LEXICON)


def chains(cuts: list[int], log_probs: np.ndarray, at: int = 0) -> Iterator[list[tuple[int, int]]]:
    """Every chain of segments to the last cut: past two cuts at most, and past no certain one."""
    if at == len(cuts) - 1:
        yield []
    for after in range(at + 1, min(at + 4, len(cuts))):
        passed = cuts[at + 1 : after]
        if all(log_probs[cut, 3] <= np.log(0.9) for cut in passed):
            yield from ([(cuts[at], cuts[after]), *rest] for rest in chains(cuts, log_probs, after))


def best_words(log_probs: np.ndarray) -> list[str]:
    space, index = np.exp(log_probs[:, 3]), PronunciationIndex(TOKENS)
    beside = np.pad(space, 1)
    cuts = [t for t, p in enumerate(space) if p > 0.1 and beside[t] <= p > beside[t + 2]]
    (path,) = greedy_decode(log_probs[None], np.array([len(log_probs)]))
    found = []
    for chain in chains([0, *cuts, len(log_probs)], log_probs):
        total, words = 0.0, []
        for start, end in chain:
            lead = (3,) if start in cuts and (start, end) != chain[0] else ()
            sums = sequence_log_probs(log_probs[start:end]) if end > start else {(): 0.0}
            began = (start <= path.start_frames) & (path.start_frames < end)
            decoded = path.token_ids[began & (path.token_ids != 3)]
            scores = {}
            if 0 < len(decoded) <= 6:
                for row, word in enumerate(index.words):
                    phones = tuple(index.token_ids[row, : index.lengths[row]].tolist())
                    both = [sums.get(lead + phones + end, -np.inf) for end in ((), (3,))]
                    scores[word] = np.logaddexp(*both) - index.costs[row]
            if scores and max(scores.values()) > -np.inf:
                words.append(max(scores, key=lambda word: scores[word]))
                total += max(scores.values())
            else:
                total += np.logaddexp(
                    sums.get((3,), -np.inf), -np.inf if lead else sums.get((), -np.inf)
                )
        found.append((total, words))
    return max(found)[1]


def test_decoding_equals_enumeration() -> None:
    decoder = SegmentalDecoder(PronunciationIndex(TOKENS))
    several = 0
    for seed in range(150):
        log_probs = random_log_probs(7, 4, seed)
        (path,) = greedy_decode(log_probs[None], np.array([7]))
        words = [reading.text for reading in decoder.read(log_probs, path)]
        assert words == best_words(log_probs), seed
        several += len(words) > 1
    assert several > 30


def phone_log_probs(*frames: dict[str, float]) -> np.ndarray:
    """Log posteriors; the rest of each frame's probability is spread over all tokens."""
    probs = np.full((len(frames), len(PHONES)), 1e-4)
    for row, frame in zip(probs, frames, strict=True):
        for phone, p in frame.items():
            row[PHONES.index(phone)] = p
    return np.log(probs / probs.sum(1, keepdims=True)).astype(np.float32)


def text(log_probs: np.ndarray) -> str:
    decoder = Decoder(ENGLISH, DecodingOptions())
    return decoder.decode(log_probs[None], np.array([len(log_probs)]), 0.03)[0].text


SPACE, K, A, T, U, R = ({phone: 0.9} for phone in (" ", "k", "æ", "t", "uː", "ɹ"))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], ""),
        ([{"": 0.9}] * 3, ""),
        ([SPACE, SPACE], ""),
        ([T, U], "two"),  # to is a homophone, and less common
        ([SPACE, T, U, SPACE, SPACE, K, A, T, SPACE], "two cat"),
        ([K, A, {"d": 0.6, "t": 0.39}], "cat"),  # the frame says which is the nearest word
        ([{"ɹ": 0.6, "t": 0.39}, U, {"": 0.8, "t": 0.1}], "two"),
        ([{"ɹ": 0.6, "t": 0.39}, U, {"": 0.5, "t": 0.49}], "root"),
        ([K, {" ": 0.5, "": 0.4}, A, T], "cat"),  # a space too many
        ([T, U, {"": 0.6, " ": 0.4}, K, A, T], "two cat"),  # and one too few
    ],
)
def test_phones_become_words(frames: list[dict[str, float]], expected: str) -> None:
    assert text(phone_log_probs(*frames)) == expected


@pytest.mark.parametrize(("phones", "words"), [(6, 1), (7, 0), (400, 0)])
def test_more_than_twice_the_phones_of_any_word_are_no_word(phones: int, words: int) -> None:
    assert len(text(phone_log_probs(*([K, A, T, R] * 100)[:phones])).split()) == words


def test_words_have_the_times_of_their_phones_and_a_confidence() -> None:
    log_probs = phone_log_probs(K, A, {"d": 0.6, "t": 0.39}, SPACE, T, U, U)
    (decoded,) = Decoder(ENGLISH, DecodingOptions()).decode(log_probs[None], np.array([7]), 1.0)
    cat, two = decoded.words
    assert (cat.start_s, two.start_s) == pytest.approx((0.0, 4.0 - BEFORE_S))
    (path,) = greedy_decode(log_probs[None], np.array([7]))
    reading, _ = SegmentalDecoder(PronunciationIndex(ENGLISH)).read(log_probs, path)
    assert reading.positions == [0, 1, 2]
    mean = np.exp(path.log_scores[:3].mean())
    assert cat.confidence == pytest.approx(np.exp(reading.log_confidence))
    assert 0.99 * mean < cat.confidence < mean


def test_a_likely_candidate_lowers_the_confidence_of_another() -> None:
    """Frames that may be two or root: the posterior of two falls as that of root rises."""
    confidences = []
    for p in (0.1, 0.3, 0.45):
        log_probs = phone_log_probs({"ɹ": 0.4, "t": 0.59}, U, {"": 0.99 - p, "t": p})
        decoder = Decoder(ENGLISH, DecodingOptions())
        (word,) = decoder.decode(log_probs[None], np.array([3]), 1.0)[0].words
        assert word.text == "two"
        confidences.append(word.confidence)
    assert confidences[0] > 1.1 * confidences[1] > 1.2 * confidences[2]


TEXTS = [(), (1,), (1, 1), (1, 2, 1), (2, 2, 3), (3, 3, 3)]
LENGTHS = np.array([len(text) for text in TEXTS])
ONE_SEGMENT = np.zeros(len(TEXTS), dtype=int)
#: Tokens past a text's length are not read.
TEXT_IDS = np.array([(*text, 3, 3, 3)[:3] for text in TEXTS])


def test_likelihoods_equal_enumeration() -> None:
    for frames in (1, 3, 6):
        log_probs = random_log_probs(frames, 4, frames)
        sums = sequence_log_probs(log_probs)
        expected = [sums.get(text, -np.inf) for text in TEXTS]
        found = log_likelihoods([log_probs], ONE_SEGMENT, TEXT_IDS, LENGTHS)
        assert found == pytest.approx(expected, abs=1e-5)


def test_the_last_token_may_be_optional() -> None:
    log_probs = random_log_probs(5, 4, 1)
    sums = sequence_log_probs(log_probs)
    expected = [np.logaddexp(sums[text], sums[text[:-1]]) for text in TEXTS[1:]]
    found = log_likelihoods([log_probs], ONE_SEGMENT[1:], TEXT_IDS[1:], LENGTHS[1:], True)
    assert found == pytest.approx(expected, abs=1e-5)


def test_likelihoods_equal_torch_on_many_frames() -> None:
    log_probs = random_log_probs(400, 5, 0)
    rng = np.random.default_rng(0)
    ids, lengths = rng.integers(1, 5, (20, 12)), rng.integers(1, 13, 20)
    losses = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs)[:, None].expand(-1, 20, -1),
        torch.from_numpy(ids),
        torch.full((20,), 400),
        torch.from_numpy(lengths),
        reduction="none",
    )
    found = log_likelihoods([log_probs], np.zeros(20, int), ids, lengths)
    assert found == pytest.approx(-losses.numpy(), rel=1e-4)


def test_texts_in_several_segments_are_scored_as_those_in_one() -> None:
    rng = np.random.default_rng(0)
    segments = [random_log_probs(frames, 4, frames) for frames in (3, 0, 9, 5)]
    places, lengths = rng.integers(0, 4, 2500), rng.integers(1, 6, 2500)
    ids = rng.integers(1, 4, (2500, 5))
    found = log_likelihoods(segments, places, ids, lengths, last_is_optional=True)
    for place, segment in enumerate(segments):
        rows = np.flatnonzero(places == place)
        alone = log_likelihoods([segment], places[rows] * 0, ids[rows], lengths[rows], True)
        np.testing.assert_allclose(found[rows], alone, rtol=1e-12)


def test_without_frames_only_silence_is_possible() -> None:
    found = log_likelihoods([np.zeros((0, 4), np.float32)], ONE_SEGMENT, TEXT_IDS, LENGTHS)
    assert found.tolist() == [0.0] + [-np.inf] * 5
