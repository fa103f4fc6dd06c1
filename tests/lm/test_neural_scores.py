"""Scores of sentences that begin alike, against each sentence alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from asr.lm.neural.perplexity import measure_perplexity
from asr.lm.neural.scores import States, score_sentences
from asr.lm.neural.subwords import Subwords
from asr.lm.sentences import tokenize_lines
from asr.util.errors import UserError

VOCABULARY = 5
START: States = (np.zeros((1, 2)),)


class Recurrence:
    """A recurrence over two numbers, which counts the rows it computes."""

    def __init__(self) -> None:
        draw = np.random.default_rng(1).normal
        self.embedding, self.output = draw(size=(VOCABULARY, 2)), draw(size=(2, VOCABULARY))
        self.rows = self.read_rows = 0

    def start(self) -> States:
        return START

    def read(self, subwords: np.ndarray) -> np.ndarray:
        self.read_rows += len(subwords)
        return self.embedding[subwords]

    def step(self, inputs: np.ndarray, states: States) -> States:
        self.rows += len(inputs)
        return (np.tanh(inputs + 0.7 * states[0][:, ::-1]),)

    def predict(self, states: States, beginnings: np.ndarray, following: np.ndarray) -> np.ndarray:
        assert (np.diff(beginnings) >= 0).all()
        logits = 3 * states[0] @ self.output
        log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return log_probs[beginnings, following]

    def alone(self, sentence: list[int]) -> list[float]:
        state, scores = START, []
        for before, after in zip([0, *sentence], [*sentence, 0], strict=True):
            state = self.step(self.read(np.array([before])), state)
            scores.append(self.predict(state, np.array([0]), np.array([after]))[0])
        return scores


def test_sentences_at_once_equal_each_alone_and_each_beginning_is_computed_once() -> None:
    sentences = [[1, 2, 3], [], [1, 2], [4], [1, 3, 3, 2], [1, 2, 3], [2, 2, 3]]
    network = Recurrence()
    expected = [network.alone(sentence) for sentence in sentences]
    network.rows = network.read_rows = 0
    found = score_sentences(network, sentences)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs)
    beginnings = {tuple(one[:length]) for one in sentences for length in range(len(one) + 1)}
    assert network.rows == len(beginnings)
    assert network.read_rows == VOCABULARY


def test_no_sentences_have_no_scores() -> None:
    assert score_sentences(Recurrence(), []) == []


def test_the_perplexity_is_that_of_words_however_they_are_cut() -> None:
    subwords, network = Subwords(["▁", "a"]), Recurrence()
    text = tokenize_lines(["a aa", "", "é a"] * 30, "text")

    def score(sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return score_sentences(network, [subwords.encode(one) for one in sentences])

    found = measure_perplexity(score, subwords, text)
    alone = {line: network.alone(subwords.encode(line.split())) for line in ("a aa", "", "é a")}
    total = sum(map(sum, alone.values()))
    assert (found.sentences, found.tokens, found.oov_tokens) == (90, 210, 30)
    assert found.log10_probability == pytest.approx(30 * total / np.log(10))
    assert found.perplexity == pytest.approx(np.exp(-total / 7))
    known = total - sum(alone["é a"][:2])
    assert found.perplexity_without_oov == pytest.approx(np.exp(-known / 6))
    with pytest.raises(UserError, match="no words"):
        measure_perplexity(score, subwords, tokenize_lines([""], "text"))
