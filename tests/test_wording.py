"""The project speaks the field's words: one meaning a word, American spelling."""

import io
import keyword
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted((ROOT / "asr").rglob("*.py"))
PROSE = sorted(
    [
        *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(path for path in (ROOT / "recipes").rglob("*.md") if path.name != "experiments.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
        *(ROOT / "asr" / "models").rglob("*.md"),
        *(ROOT / "conf").rglob("*.yaml"),
        *(ROOT / "recipes").rglob("*.yaml"),
        *(ROOT / "recipes").rglob("*.sh"),
    ]
)

#: Parts of a name, and what the field calls the thing.
NAMES = {
    "heard": "transcribed, decoded, recognized",
    "hear": "transcribed, decoded, recognized",
    "hears": "transcribed, decoded, recognized",
    "said": "transcribed, pronounced",
    "sounds": "pronunciations",
    "piece": "segment, micro-batch, subword, fragment",
    "pieces": "segments, micro-batches, subwords, fragments",
    "share": "shard, fraction",
    "shares": "shards, fractions",
    "accumulate": "micro_batches",
    "identity": "fingerprint",
    "journal": "metric logger",
    "world": "distributed context",
    "fault": "problem",
    "faults": "problems",
    "splice": "concatenate",
    "splices": "concatenated",
    "odyssey": "encoder comparison",
    "guide": "prefix scorer",
    "advance": "look-ahead",
    "advances": "look-ahead",
    "potential": "unigram look-ahead",
    "ceiling": "upper bound",
    "gains": "upper bounds",
    "sure": "confidence",
    "agreement": "word posteriors",
    "spans": "segmental decoding",
    "sayable": "in the lexicon",
    "wanting": "missing characters",
    "plant": "make_root",
    "settle": "a verb and an object",
    "together": "a verb and an object",
    "borrowing": "njit_no_alloc",
    "exhibit": "utterance media",
    "exhibits": "utterance media",
    "variational": "variational dropout",
}
#: Our names for variational dropout itself, and other libraries' names.
ALLOWED = {
    *("variational_dropout", "VariationalDropout", "accumulate", "WORLD"),
    *("SentencePieceTrainer", "SentencePieceProcessor", "id_to_piece", "unk_piece"),
}
BRITISH = re.compile(
    r"(?<!prom)(?<!exerc)(?<!rev)(?<!superv)(?<!prec)is(e|ed|er|ers|es|ing|ation|ations)$"
    r"|colour|neighbour|behaviour|favour|centre|licence|learnt|spelt"
)
SAME_IN_AMERICAN = {
    "elementwise",
    "noise",
    "pairwise",
    "otherwise",
    "raise",
    "raises",
    "rise",
    "bitwise",
    "rising",
}
BRITISH_PROSE = re.compile(
    r"(recogn|normal|minim|maxim|optim|memor|initial|summar|organ|general|token)is(e|i)"
    r"|colour|neighbour|behaviour|favour|\bcentre|licence",
    re.I,
)
#: Messages of other software, keys of former files, and what a model wrote.
QUOTED = re.compile(
    r"Format not recognised|\"(licence|normaliser|normalisation)\"|at their behaviour in the matter"
)
SPOKEN = re.compile(
    r"\b(heard|hears?|said|pieces?|splices?|sayable|wanting|plants?|settles?|borrowing)\b", re.I
)


def names(path: Path) -> set[str]:
    """Every name that a file's code writes."""
    with tokenize.open(path) as file:
        tokens = tokenize.generate_tokens(file.readline)
        found = {token.string for token in tokens if token.type == tokenize.NAME}
    return {name for name in found if not keyword.iskeyword(name)}


def parts(name: str) -> list[str]:
    """log_probs is log and probs, DevScores is dev and scores."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return [part for part in spaced.split("_") if part]


def strings(path: Path) -> list[tuple[int, str]]:
    """Every string and comment of a file, docstrings too, with its line; code in them left out."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(io.StringIO(file.read()).readline))
    kinds = (tokenize.STRING, tokenize.COMMENT)
    return [(t.start[0], without_code(t.string)) for t in tokens if t.type in kinds]


def without_code(text: str) -> str:
    """Leave out what stands between back quotes, and quotations, which are other people's words."""
    return re.sub(r"`[^`]*`|“[^”]*”|\"\w[^\"\n]*\"(?=, \d{4})", "", text)


def check(sentence: str, where: str) -> None:
    """Refuse what the field says otherwise, and British spelling."""
    assert not SPOKEN.search(sentence), where
    assert not BRITISH_PROSE.search(QUOTED.sub("", sentence)), f"{where} (American spelling)"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_the_fields(path):
    for name in names(path) - ALLOWED:
        for part in parts(name):
            assert part not in NAMES, f"{name}: say {NAMES[part]}"
            british = BRITISH.search(part) and part not in SAME_IN_AMERICAN
            assert not british, f"{name}: names are spelled as in American English"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_and_docstrings_are_in_the_fields_words(path):
    for line, text in strings(path):
        for number, sentence in enumerate(text.splitlines(), line):
            check(sentence, f"{path}:{number}: {sentence.strip()}")


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_and_settings_are_in_the_fields_words(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        check(without_code(line), f"{path}:{number}: {line.strip()}")
