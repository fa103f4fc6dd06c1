"""What `asr lm train` and `asr lm info` do: a text becomes a model, a model and a text figures."""

import warnings
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.errors import UserError
from asr.lm.arpa import MAX_DECIMALS, check_decimals, write_arpa
from asr.lm.estimate import estimate
from asr.lm.ngram import BEGIN, LN_10, NGram, score_words
from asr.lm.store import open_ngram
from asr.lm.vocabulary import END_ID, TokenisedText, alphabetical, tokenise
from asr.text_files import decode, read, unpack

UNITS = ("word", "char")
SPACE = "|"


@dataclass(frozen=True)
class TrainedModel:
    """What `train` made."""

    path: Path
    counts: tuple[int, ...]  # n-grams of each order
    sentences: int
    tokens: int  # words (or characters) of the text, without the sentences' ends
    discounts: tuple[tuple[float, float, float], ...]  # D1, D2, D3+ of each order
    warnings: tuple[str, ...]  # discounts that could not be estimated


@dataclass(frozen=True)
class TextFit:
    """How well a model predicts a text. Perplexities count a sentence's end as a token."""

    sentences: int
    tokens: int  # words and sentence ends
    oov_tokens: int  # words that the model does not know
    log10_probability: float  # of the whole text
    perplexity: float
    perplexity_without_oov: float  # over the tokens that the model knows; nan without any


@dataclass(frozen=True)
class ModelInfo:
    """What an n-gram model holds."""

    path: Path
    order: int
    counts: tuple[int, ...]  # n-grams of each order
    vocabulary_size: int  # words, with <unk>, <s> and </s>
    file_bytes: int
    text: TextFit | None


def spell(text: str) -> str:
    """A text as a model of characters reads it: each character a word, `|` for the space between.

    >>> spell("GO ON")
    'G O | O N'
    """
    return "\n".join(" ".join(SPACE.join(line.split())) for line in text.split("\n"))


def read_text(
    path: Path, unit: str = "word", normalise: Callable[[str], str] | None = None
) -> TokenisedText:
    """Read a text, one sentence a line, plain or gzipped, as `tokenise_lines` does.

    Raises:
        UserError: the file cannot be read, is not UTF-8 or holds a reserved word, or there is no
            such unit.
    """
    content = unpack(read(path), path)
    as_it_is = unit == "word" and normalise is None and b"\0" not in content
    if as_it_is:  # millions of lines in seconds
        return tokenise(content.removeprefix(BOM_UTF8), str(path))
    return tokenise_lines(decode(content, str(path)).split("\n"), str(path), unit, normalise)


def tokenise_lines(
    lines: Iterable[str],
    name: str,
    unit: str = "word",
    normalise: Callable[[str], str] | None = None,
) -> TokenisedText:
    """Take sentences as words or as characters (`spell`).

    Args:
        lines: the sentences.
        name: what messages call them.
        unit: ``word`` or ``char``.
        normalise: one of `asr.text.NORMALISERS`; a line that it leaves nothing of is left out.

    Raises:
        UserError: a reserved word, or another unit.
    """
    if unit not in UNITS:
        raise UserError(f"unit is '{unit}', expected {' or '.join(UNITS)}; choose one of them")
    if normalise is not None:
        lines = filter(None, map(normalise, lines))
    text = "\n".join(lines)
    return tokenise((spell(text) if unit == "char" else text).encode(), name)


def train(
    text: TokenisedText,
    output: Path,
    *,
    order: int = 3,
    prune: Sequence[int] = (),
    entropy: float = 0.0,
    decimals: int = MAX_DECIMALS,
) -> TrainedModel:
    """Estimate a model from a text and write it as ARPA, gzipped where `output` ends in .gz.

    `prune` and `entropy` are what `estimate` takes, `decimals` what `write_arpa` does.

    Raises:
        UserError: the file cannot be written, the text has no words, or a setting is out of range.
    """
    check_decimals(decimals)  # now, not after minutes
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, discounts = estimate(alphabetical(text), order, prune, entropy)
    write_arpa(model, output, decimals)
    sentences = int(np.count_nonzero(text.tokens == END_ID))
    return TrainedModel(
        path=output,
        counts=model.counts,
        sentences=sentences,
        tokens=len(text.tokens) - sentences,
        discounts=discounts,
        warnings=tuple(str(warning.message) for warning in caught),
    )


def info(model: Path, text: TokenisedText | None = None) -> ModelInfo:
    """Describe a model, and how well it predicts a text where one is given.

    Raises:
        UserError: the file cannot be read or is damaged, or the text is empty.
    """
    lm = open_ngram(model)
    return ModelInfo(
        path=model,
        order=lm.order,
        counts=lm.counts,
        vocabulary_size=lm.counts[0],
        file_bytes=model.stat().st_size,
        text=None if text is None else fit(lm, text),
    )


def fit(lm: NGram, text: TokenisedText) -> TextFit:
    """Score a text sentence by sentence, each from <s> to </s>.

    Raises:
        UserError: the text is empty.
    """
    if not len(text.tokens):
        raise UserError(f"{text.name}: the text is empty; give one with a sentence a line")
    ids = lm.ids(text.vocabulary.decode().split("\n"))[text.tokens]
    # <s> after every end brings the state back to a sentence's start, and its score is left out
    ends = np.flatnonzero(text.tokens == END_ID)
    with_begins = np.insert(ids, ends[:-1] + 1, lm.id(BEGIN))
    scores = np.delete(
        score_words(lm.arrays, lm.begin, with_begins), ends[:-1] + 1 + np.arange(len(ends) - 1)
    )
    scores /= LN_10
    oov = ids == lm.unk_id
    known = int(np.count_nonzero(~oov))
    return TextFit(
        sentences=len(ends),
        tokens=len(ids),
        oov_tokens=len(ids) - known,
        log10_probability=float(scores.sum()),
        perplexity=float(10.0 ** -scores.mean()),
        perplexity_without_oov=float(10.0 ** -scores[~oov].mean()) if known else float("nan"),
    )
