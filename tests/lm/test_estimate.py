"""The estimator against lmplz and against a slow Kneser-Ney written from its definitions."""

import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from random_text import Gram, estimated, random_text
from sentence_scores import total_log10

from asr.lm import score_next_word
from asr.lm.arpa import parse_arpa
from asr.lm.counting import Packing, count_ngrams
from asr.lm.estimate import estimate
from asr.lm.kneser_ney import FALLBACK_DISCOUNTS
from asr.lm.vocabulary import sort_vocabulary, tokenize
from asr.util.errors import UserError


class Reference:
    """Interpolated modified Kneser-Ney n-gram by n-gram, from the definitions."""

    def __init__(self, text: str, order: int, prune: list[int]) -> None:
        self.order = order
        self.occurrences: Counter[Gram] = Counter()
        for line in text.splitlines():
            words = ("<s>", *line.split(), "</s>")
            for k in range(1, order + 1):
                self.occurrences.update(words[i : i + k] for i in range(len(words) - k + 1))
        before = defaultdict(set)
        for gram in self.occurrences:
            before[gram[1:]].add(gram[0])
        self.adjusted = {
            gram: count if len(gram) == order or gram[0] == "<s>" else len(before[gram])
            for gram, count in self.occurrences.items()
        }
        self.adjusted["<s>",] = self.adjusted["<unk>",] = 0
        special = {("<s>",), ("</s>",), ("<unk>",)}
        self.kept = {
            g for g in self.adjusted if g in special or self.occurrences[g] > prune[len(g) - 1]
        }
        self.discounts = {k: self._discounts(k) for k in range(1, order + 1)}
        self.following = defaultdict(list)
        for gram in self.adjusted:
            self.following[gram[:-1]].append(gram)
        self.uniform = 1.0 / (sum(len(g) == 1 for g in self.kept) - 1)

    def _discounts(self, k: int) -> list[float]:
        n = Counter(count for gram, count in self.adjusted.items() if len(gram) == k)
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
            if all(0 <= d <= i for i, d in enumerate(found, 1)):
                return [0.0, *found]
        return [0.0, *FALLBACK_DISCOUNTS]

    def back_off(self, context: Gram) -> float:
        grams = self.following[context]
        total = sum(self.adjusted[gram] for gram in grams)
        if not total:
            return 1.0
        discounts = self.discounts[len(context) + 1]
        freed = sum(
            discounts[min(self.adjusted[gram], 3)] if gram in self.kept else self.adjusted[gram]
            for gram in grams
        )
        return freed / total

    def probability(self, gram: Gram) -> float:
        if not gram:
            return self.uniform
        if gram == ("<s>",):
            return 1.0
        total = sum(self.adjusted[other] for other in self.following[gram[:-1]])
        discounted = self.adjusted[gram] - self.discounts[len(gram)][min(self.adjusted[gram], 3)]
        return discounted / total + self.back_off(gram[:-1]) * self.probability(gram[1:])

    def entries(self) -> dict[Gram, tuple[float, float]]:
        return {
            gram: (
                float(np.log10(self.probability(gram))),
                float(np.log10(self.back_off(gram))) if len(gram) < self.order else 0.0,
            )
            for gram in self.kept
        }


def test_probabilities_equal_lmplz(shared: Path, entries) -> None:
    folder = shared / "oracles" / "lm"
    text = tokenize((folder / "an4_train.txt").read_bytes(), "an4_train.txt")
    model, discounts = estimate(text, 3)
    path = folder / "an4_train.3gram.arpa"
    ours, theirs = entries(model), entries(parse_arpa(path.read_bytes(), path))
    assert ours.keys() == theirs.keys() and len(ours) == 100 + 1192 + 2840
    for gram, figures in theirs.items():
        assert ours[gram] == pytest.approx(figures, abs=1e-5), gram
    np.testing.assert_allclose(
        discounts,
        [[0.6667, 0.75, 2.4667], [0.5670, 1.0480, 1.7544], [0.7398, 1.2426, 1.3255]],
        atol=5e-5,
    )


@pytest.mark.parametrize(
    ("order", "prune"),
    [
        (1, ()),
        (2, ()),
        (3, (0, 0, 1)),
        (3, (0, 1)),
        (3, (3, 3, 4)),
        (4, ()),
        (4, (0, 1, 2, 2)),
        (5, ()),
        (6, (0, 0, 0, 0, 1)),
    ],
)
def test_probabilities_equal_the_definitions(order: int, prune: tuple[int, ...], entries) -> None:
    for seed in range(3):
        text = random_text(seed) + "l l\n"  # a rare word, for the pruning of words
        thresholds = [*prune, *[prune[-1] if prune else 0] * (order - len(prune))]
        expected = Reference(text, order, thresholds).entries()
        found = entries(estimated(text, order, prune))
        assert found.keys() == expected.keys()
        assert ("l",) in found or prune[0] == 3
        for gram, figures in expected.items():
            assert found[gram] == pytest.approx(figures, abs=1e-5), gram


@pytest.mark.parametrize(
    ("prune", "entropy"),
    [((), 0.0), ((0, 1, 1), 0.0), ((0, 0, 2), 0.0), ((), 3e-4), ((0, 1), 5e-4)],
)
def test_probabilities_sum_to_one_after_any_history(prune: tuple[int, ...], entropy: float) -> None:
    lm = estimated(random_text(7, sentences=200, words=12), 3, prune, entropy)
    draw = random.Random(1)
    words = [i for i, word in enumerate(lm.words) if word != "<s>"]
    states = {lm.begin, lm.empty}
    for _ in range(200):
        state = draw.choice(sorted(states))
        states.add(score_next_word(lm.arrays, state, draw.choice(words))[1])
    assert len(states) > 30
    for state in states:
        total = sum(np.exp(score_next_word(lm.arrays, state, word)[0]) for word in words)
        assert total == pytest.approx(1.0, abs=1e-5)


def test_n_grams_of_several_integers_have_equal_counts() -> None:
    """A vocabulary of a million leaves room for three words in one integer: 5-grams take two."""
    text = tokenize(random_text(3).encode(), "text")
    words = text.vocabulary.count(b"\n") + 1
    assert Packing(20).integers(5) == 2
    narrow, wide = (count_ngrams(text.tokens, size, 5) for size in (words, 1 << 20))
    for few, many in zip(narrow[1:], wide[1:], strict=True):
        for ours, theirs in zip(few, many, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_too_little_text_gets_fixed_discounts() -> None:
    with pytest.warns(UserWarning) as caught:
        _, discounts = estimate(tokenize(b"a b\na c\n", "text"), 2)
    assert "too little text" in str(caught[0].message)
    assert "discounts of 2-grams" in str(caught[1].message)
    assert discounts == (FALLBACK_DISCOUNTS, FALLBACK_DISCOUNTS)
    assert len(caught) == 2


def test_sentences_shorter_than_the_order_have_no_n_grams_of_it() -> None:
    lm = estimated("a\nb\n", 5)
    assert lm.counts == (5, 4, 2, 0, 0)
    assert total_log10(lm, ["a"]) < 0


@pytest.mark.parametrize(
    ("text", "order", "prune", "message"),
    [
        (b"", 3, (), "no words"),
        (b"\n \n\n", 3, (), "no words"),
        (b"a", 0, (), "order is 0, expected 1 to 6"),
        (b"a", 7, (), "order is 7, expected 1 to 6"),
        (b"a", 2, (0, 0, 1), r"prune has 3 counts \(0 0 1\) for a model of order 2"),
        (b"a", 3, (0, 2, 1), "prune is 0 2 1, expected counts of 0 or more that never fall"),
        (b"a", 3, (-1,), "prune is -1"),
    ],
)
def test_texts_and_settings_out_of_range_are_refused(
    text: bytes, order: int, prune: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        estimate(tokenize(text, "text"), order, prune)


@pytest.mark.parametrize("entropy", [-1e-7, float("nan"), float("inf")])
def test_an_entropy_below_0_or_not_finite_is_refused(entropy: float) -> None:
    with pytest.raises(UserError, match=r"entropy is .*, expected 0 or more"):
        estimate(tokenize(b"a", "text"), 3, entropy=entropy)


def test_reserved_words_and_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(UserError, match=r"t.txt:2: the word <s> is reserved"):
        tokenize(b"a b\nc <s> d\n", "t.txt")
    with pytest.raises(UserError, match=r"t.txt:3: the word </s> is reserved"):
        tokenize(b"a b\nc d\n</s>", "t.txt")
    with pytest.raises(UserError, match=r"t.txt:2: the word <UNK> is reserved"):
        tokenize(b"a<UNK> b\nc <UNK>\n", "t.txt")
    tokenize(b"a<UNK> <UNK>b\n", "t.txt")
    with pytest.raises(UserError, match=r"t.txt:2: byte 0xc3 is not UTF-8"):
        tokenize("café\nb ".encode() + b"\xc3\n", "t.txt")
    with pytest.raises(UserError, match=r"t.txt:2: byte 0xe9 is not UTF-8"):
        tokenize("a\ncafé\n".encode("latin-1"), "t.txt")


def test_text_is_split_into_words_as_by_lmplz() -> None:
    text = tokenize("a\tb  \u00e9\r\n\na\u00a0b a".encode(), "t.txt")
    assert text.vocabulary.decode().split("\n")[3:] == ["a", "b", "é", "a\u00a0b"]
    assert text.tokens.tolist() == [3, 4, 5, 2, 2, 6, 3, 2]


def test_the_vocabulary_is_sorted_alphabetically() -> None:
    text = sort_vocabulary(tokenize(b"b c a\nc\n", "t.txt"))
    assert text.vocabulary.decode().split("\n") == ["<unk>", "<s>", "</s>", "a", "b", "c"]
    assert text.tokens.tolist() == [4, 5, 3, 2, 5, 2]


def test_the_vocabulary_grows_past_its_first_size() -> None:
    """Many words, and one word of more bytes than the first table has."""
    words = [f"w{i}" for i in range(70_000)] + ["x" * 3_000_000]
    text = tokenize(" ".join(words + words[::-1]).encode(), "t.txt")
    assert text.vocabulary.decode().split("\n")[3:] == words
    ids = list(range(3, len(words) + 3))
    assert text.tokens.tolist() == [*ids, *ids[::-1], 2]
