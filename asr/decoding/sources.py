"""A digest of all that a cached part of a decoder is made from."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from asr.decoding.tokens import Tokens
from asr.text.packed_lexicon import PackedLexicon


def digest_sources(code: Iterable[str], tokens: Tokens, *parts: bytes) -> str:
    """Hash source files of this package, the tokens with their pronunciations, and more parts.

    The digest of a packed lexicon stands for its pronunciations, which then need not be read.

    Returns:
        SHA-256 in hexadecimal.
    """
    found = tokens.pronunciations
    spoken = ("digest", found.digest) if isinstance(found, PackedLexicon) else found
    described = repr((tokens.tokens, tokens.boundary, spoken)).encode()
    hashed = [sha256(part).digest() for part in (*map(_source, code), described, *parts)]
    return sha256(b"".join(hashed)).hexdigest()


@cache
def _source(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()
