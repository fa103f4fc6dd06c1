"""The cache of built lexicons: spelling 140,000 words at every start would take a second.

A cache file (`asr.util.array_cache`) is named by a digest of all that its lexicon is built from:
the tokens and their pronunciations, the closed vocabulary as the model writes it, the language
model, and the source files that build. Where a pronunciation lexicon or a language model was read
from a file, the digest of that file stands for it, so that neither need be read. The weights of
decoding options are not part of a lexicon.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from asr.decoding.lexicon import Lexicon, LexiconContents, build_contents
from asr.decoding.sources import digest_sources
from asr.decoding.tokens import Tokens
from asr.decoding.tree import Tree
from asr.lm.ngram import NGram
from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents
from asr.util.strings import Strings

_KIND = "search lexicon 2"
_CODE = ("lexicon.py", "lexicon_store.py", "tokens.py", "tree.py")


def open_lexicon(
    tokens: Tokens, lm: NGram | None, lm_unit: str, words: Sequence[str] | None
) -> Lexicon:
    """Open a lexicon through its cache, which is made where none is valid.

    Args, raised errors and warnings are those of `Lexicon`, and warnings those of `load_or_make`.
    """
    told = repr((words, lm_unit)).encode()
    key = digest_sources(_CODE, tokens, told, *_parts(lm))
    facts, arrays = load_or_make(
        f"{key[:32]}.decoder",
        _KIND,
        lambda facts: facts["key"] == key,
        lambda: _pack(key, build_contents(tokens, lm, lm_unit, words)),
    )
    return Lexicon(tokens, lm, lm_unit, words, _unpack(facts["notes"], arrays))


def _parts(lm: NGram | None) -> Iterator[bytes]:
    """Yield what tells the words and the unigrams of a language model from any others."""
    if lm is None:
        return
    if lm.digest is not None:
        yield lm.digest.encode()
        return
    yield lm.vocabulary
    yield lm.arrays.log_prob[: 1 + lm.counts[0]].tobytes()  # the root and the words


def _pack(key: str, contents: LexiconContents) -> Contents:
    """Turn a lexicon into named arrays."""
    plain = contents._asdict()
    tree, words, notes = (plain.pop(name) for name in ("tree", "words", "notes"))
    nodes = {f"tree.{name}": array for name, array in tree._asdict().items()}
    return Contents({"key": key, "notes": notes}, {**words.named("words"), **nodes, **plain})


def _unpack(notes: list[str], arrays: dict[str, np.ndarray]) -> LexiconContents:
    """Turn named arrays into a lexicon again."""
    names = [name for name in LexiconContents._fields if name in arrays]
    return LexiconContents(
        tree=Tree(*(arrays[f"tree.{name}"] for name in Tree._fields)),
        words=Strings.unpack("words", arrays),
        notes=notes,
        **{name: arrays[name] for name in names},
    )
