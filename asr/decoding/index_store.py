"""The cache of pronunciation indexes: spelling 120,000 pronunciations takes a third of a second."""

from asr.decoding.pronunciation_index import IndexArrays, PronunciationIndex, build_index
from asr.decoding.sources import digest_sources
from asr.decoding.tokens import Tokens
from asr.util.array_cache import load_or_make
from asr.util.array_file import Contents
from asr.util.strings import Strings

_KIND = "pronunciation index 3"
_CODE = ("index_store.py", "pronunciation_index.py", "tokens.py")


def open_index(tokens: Tokens) -> PronunciationIndex:
    """Open the index of a lexicon through its cache, which is made where none is valid.

    Warns:
        UserWarning: as `load_or_make`.
    """
    key = digest_sources(_CODE, tokens)
    _, arrays = load_or_make(
        f"{key[:32]}.decoder", _KIND, lambda facts: facts["key"] == key, lambda: _pack(key, tokens)
    )
    words = Strings.unpack("words", arrays)
    named = [arrays[name] for name in IndexArrays._fields[1:]]
    return PronunciationIndex(tokens, IndexArrays(words, *named))


def _pack(key: str, tokens: Tokens) -> Contents:
    """Build an index, and name its arrays."""
    named = build_index(tokens)._asdict()
    words: Strings = named.pop("words")
    return Contents({"key": key}, {**words.named("words"), **named})
