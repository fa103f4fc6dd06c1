"""Searching a toy compiles all that any search calls, and the other toys all the rest."""

import re
from pathlib import Path

import numpy as np
import pytest
from brute_force import ALPHABET, random_log_probs

from asr.decoding.align import align
from asr.decoding.beam import BeamSearch
from asr.decoding.first_use import call_all, search_toy
from asr.decoding.lexicon import Lexicon
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.decoding.word_posteriors import read_best
from asr.lm.ngram import NGram
from asr.util import native

PACKAGE = Path(native.__file__).parents[1]


@pytest.mark.parametrize("pronunciations", [None, {"A": ["A"], "AB": ["A B"]}])
@pytest.mark.parametrize("hotwords", [(), ("A",)])
def test_a_search_needs_nothing_more(
    lm: NGram,
    pronunciations: dict[str, list[str]] | None,
    hotwords: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search_toy()
    tokens = Tokens(ALPHABET, " ", pronunciations)
    search = BeamSearch(Lexicon(tokens, lm), DecodingOptions(search="beam"), hotwords)
    refuse_others(monkeypatch)
    log_probs = random_log_probs(9, len(ALPHABET), seed=0)
    read_best(search, log_probs, search.decode_one(log_probs))


def test_nothing_else_needs_more(lm: NGram, monkeypatch: pytest.MonkeyPatch) -> None:
    call_all()
    refuse_others(monkeypatch)
    log_probs = random_log_probs(9, len(ALPHABET), seed=0)
    tokens = Tokens(ALPHABET, " ")
    BeamSearch(Lexicon(tokens, lm), DecodingOptions(search="beam"), ("A",))
    align(log_probs, np.array([1, 2]))
    lm.score(["A", "AB"])


def test_every_native_function_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel brings the machine code of those that are called, and of no others."""
    called = set()
    run = native.Native.__call__

    def note(self: native.Native, *arguments: object) -> int:
        called.add((self.function.__module__, self.function.__name__))
        return run(self, *arguments)

    monkeypatch.setattr(native.Native, "__call__", note)
    call_all()
    sources = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    named = {
        (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), name)
        for path, source in sources.items()
        for name in re.findall(r"^@native\ndef (\w+)", source, re.MULTILINE)
    }
    assert called == named


def refuse_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to compile from here on."""

    def refuse(function: object, _kinds: tuple) -> None:
        pytest.fail(f"{function} was not called by the toy with such arguments")

    monkeypatch.setattr(native, "_load", refuse)
