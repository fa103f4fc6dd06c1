"""The cache of built lexicons: spelling 140,000 words at every start would take a second.

A cache file (`asr.util.array_cache`) is named by a digest of all that its lexicon is built from:
the tokens and their pronunciations, the closed vocabulary as the model writes it, what the language
model says of single words, and the source files of this package. The weights of decoding options
are not part of a lexicon.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from asr.decoding.lexicon import Lexicon, LexiconContents, build_contents
from asr.decoding.tokens import Tokens
from asr.decoding.tree import Tree
from asr.lm.ngram import NGram
from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents

_KIND = "lexicon 1"


def open_lexicon(
    tokens: Tokens, lm: NGram | None, lm_unit: str, words: Sequence[str] | None
) -> Lexicon:
    """Open a lexicon through its cache, which is made where none is valid.

    Args, raised errors and warnings are those of `Lexicon`, and warnings those of `load_or_make`.
    """
    key = _digest_sources(tokens, lm, lm_unit, words)
    facts, arrays = load_or_make(
        f"{key[:32]}.lexicon",
        _KIND,
        lambda facts: facts["key"] == key,
        lambda: _pack(key, build_contents(tokens, lm, lm_unit, words)),
    )
    return Lexicon(tokens, lm, lm_unit, words, _unpack(facts["notes"], arrays))


def _digest_sources(
    tokens: Tokens, lm: NGram | None, lm_unit: str, words: Sequence[str] | None
) -> str:
    """Hash all that a lexicon is built from, in hexadecimal."""
    code = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    spelled = (tokens.tokens, tokens.boundary, tokens.pronunciations, words, lm_unit)
    parts = [*code, repr(spelled).encode()]
    if lm is not None:
        unigrams = lm.arrays.log_prob[: 1 + lm.counts[0]]  # the root and the words
        parts += [lm.vocabulary, unigrams.tobytes()]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def _pack(key: str, contents: LexiconContents) -> Contents:
    """Turn a lexicon into named arrays."""
    plain = contents._asdict()
    tree, words, notes = (plain.pop(name) for name in ("tree", "words", "notes"))
    letters = np.frombuffer(json.dumps(words).encode(), np.uint8)
    nodes = {f"tree.{name}": array for name, array in tree._asdict().items()}
    return Contents({"key": key, "notes": notes}, {"words": letters, **nodes, **plain})


def _unpack(notes: list[str], arrays: dict[str, np.ndarray]) -> LexiconContents:
    """Turn named arrays into a lexicon again."""
    tree = Tree(*(arrays.pop(f"tree.{name}") for name in Tree._fields))
    words = json.loads(arrays.pop("words").tobytes())
    return LexiconContents(tree=tree, words=words, notes=notes, **arrays)
