"""Words read off best paths of phones: as trying every chain of words does."""

from collections.abc import Iterator

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs, sequence_log_probs

from asr.decoding.decoder import Decoder
from asr.decoding.greedy import greedy_decode
from asr.decoding.options import DecodingOptions
from asr.decoding.pronunciation_index import PronunciationIndex
from asr.decoding.segmental import SegmentalDecoder
from asr.decoding.tokens import Tokens
from asr.decoding.words import BEFORE_S

TOKENS = Tokens(ALPHABET, " ", {"X": ["B"], "ABA": ["A B A"], "A": ["A"], "Y": ["B A"]})
PHONES = ("", "k", "æ", "t", "d", "ɹ", "uː", " ")
LEXICON = {"two": ["t uː"], "to": ["t uː"], "cat": ["k æ t"], "root": ["ɹ uː t"], "at": ["æ t"]}
ENGLISH = Tokens(PHONES, " ", LEXICON)


def chains(cuts: list[int], log_probs: np.ndarray, at: int = 0) -> Iterator[list[tuple[int, int]]]:
    """Every way from one cut to the last, over three at most and over none that is sure."""
    if at == len(cuts) - 1:
        yield []
    for after in range(at + 1, min(at + 4, len(cuts))):
        passed = cuts[at + 1 : after]
        if all(log_probs[cut, 3] <= np.log(0.9) for cut in passed):
            yield from ([(cuts[at], cuts[after]), *rest] for rest in chains(cuts, log_probs, after))


def best_words(log_probs: np.ndarray) -> list[str]:
    space, sounds = np.exp(log_probs[:, 3]), PronunciationIndex(TOKENS)
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
            heard = path.token_ids[began & (path.token_ids != 3)]
            scores = {}
            if 0 < len(heard) <= 6:
                for row, word in enumerate(sounds.words):
                    phones = tuple(sounds.token_ids[row, : sounds.lengths[row]].tolist())
                    said = [sums.get(lead + phones + end, -np.inf) for end in ((), (3,))]
                    scores[word] = np.logaddexp(*said) - sounds.costs[row]
            if scores and max(scores.values()) > -np.inf:
                words.append(max(scores, key=lambda word: scores[word]))
                total += max(scores.values())
            else:
                total += np.logaddexp(
                    sums.get((3,), -np.inf), -np.inf if lead else sums.get((), -np.inf)
                )
        found.append((total, words))
    return max(found)[1]


def test_reading_equals_enumeration() -> None:
    reader = SegmentalDecoder(TOKENS)
    several = 0
    for seed in range(150):
        log_probs = random_log_probs(7, 4, seed)
        (path,) = greedy_decode(log_probs[None], np.array([7]))
        words = [reading.text for reading in reader.read(log_probs, path)]
        assert words == best_words(log_probs), seed
        several += len(words) > 1
    assert several > 30


def heard(*frames: dict[str, float]) -> np.ndarray:
    """Posteriors, what is left of each frame shared by all tokens."""
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
        ([T, U], "two"),  # to sounds so too, and is less usual
        ([SPACE, T, U, SPACE, SPACE, K, A, T, SPACE], "two cat"),
        ([K, A, {"d": 0.6, "t": 0.39}], "cat"),  # the frame says which is the nearest word
        ([{"ɹ": 0.6, "t": 0.39}, U, {"": 0.8, "t": 0.1}], "two"),
        ([{"ɹ": 0.6, "t": 0.39}, U, {"": 0.5, "t": 0.49}], "root"),
        ([K, {" ": 0.5, "": 0.4}, A, T], "cat"),  # a space too many
        ([T, U, {"": 0.6, " ": 0.4}, K, A, T], "two cat"),  # and one too few
    ],
)
def test_what_is_heard_becomes_words(frames: list[dict[str, float]], expected: str) -> None:
    assert text(heard(*frames)) == expected


@pytest.mark.parametrize(("phones", "words"), [(6, 1), (7, 0), (400, 0)])
def test_what_is_more_than_twice_as_long_as_any_word_is_none(phones: int, words: int) -> None:
    assert len(text(heard(*([K, A, T, R] * 100)[:phones])).split()) == words


def test_words_have_the_times_of_what_was_heard_and_know_how_sure_they_are() -> None:
    log_probs = heard(K, A, {"d": 0.6, "t": 0.39}, SPACE, T, U, U)
    (decoded,) = Decoder(ENGLISH, DecodingOptions()).decode(log_probs[None], np.array([7]), 1.0)
    cat, two = decoded.words
    assert (cat.start_s, two.start_s) == pytest.approx((0.0, 4.0 - BEFORE_S))
    (path,) = greedy_decode(log_probs[None], np.array([7]))
    reading, _ = SegmentalDecoder(ENGLISH).read(log_probs, path)
    assert reading.positions == [0, 1, 2]
    mean = np.exp(path.log_scores[:3].mean())
    assert cat.confidence == pytest.approx(np.exp(reading.log_confidence))
    assert 0.99 * mean < cat.confidence < mean


def test_a_word_is_less_sure_beside_another() -> None:
    """Frames that may be two or root: the share of the first falls as the second's rises."""
    confidences = []
    for p in (0.1, 0.3, 0.45):
        log_probs = heard({"ɹ": 0.4, "t": 0.59}, U, {"": 0.99 - p, "t": p})
        decoder = Decoder(ENGLISH, DecodingOptions())
        (word,) = decoder.decode(log_probs[None], np.array([3]), 1.0)[0].words
        assert word.text == "two"
        confidences.append(word.confidence)
    assert confidences[0] > 1.1 * confidences[1] > 1.2 * confidences[2]
