"""Read texts for n-gram models: a sentence a line, of words or of characters."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from pathlib import Path

from asr.lm.tokenized_text import TokenizedText
from asr.lm.vocabulary import tokenize
from asr.util.errors import UserError
from asr.util.printable import quoted
from asr.util.text_files import decode_text, has_wide_mark, read_unpacked

UNITS = ("word", "char")
SPACE = "|"


def spell(text: str) -> str:
    """Make each character of a text a word, and each space the word `|`, for a character model.

    >>> spell("GO ON")
    'G O | O N'
    """
    return "\n".join(" ".join(SPACE.join(line.split())) for line in text.split("\n"))


def read_sentences(
    path: Path, unit: str = "word", normalize: Callable[[str], str] | None = None
) -> TokenizedText:
    """Read a text, one sentence a line, plain or gzipped, as `tokenize_content` does.

    Raises:
        UserError: the file cannot be read, or as `tokenize_content`.
    """
    return tokenize_content(read_unpacked(path), str(path), unit, normalize)


def tokenize_content(
    content: bytes,
    name: str,
    unit: str = "word",
    normalize: Callable[[str], str] | None = None,
) -> TokenizedText:
    """Turn the bytes of a text, one sentence a line, into ids as `tokenize_lines` does.

    Raises:
        UserError: the text is not UTF-8 or holds a reserved word, or there is no such unit.
    """
    plain = b"\0" not in content and b"\r" not in content and not has_wide_mark(content)
    if unit == "word" and normalize is None and plain:  # fast: no str is made
        return tokenize(content.removeprefix(BOM_UTF8), name)
    lines = re.split(r"\r\n|\r|\n", decode_text(content, name))
    return tokenize_lines(lines, name, unit, normalize)


def tokenize_lines(
    lines: Iterable[str],
    name: str,
    unit: str = "word",
    normalize: Callable[[str], str] | None = None,
) -> TokenizedText:
    """Turn sentences into ids of words, or of characters (`spell`).

    Args:
        lines: the sentences.
        name: of the text, for messages.
        unit: ``word`` or ``char``.
        normalize: one of `asr.text.normalizers.NORMALIZERS`; lines that become empty are left out.

    Raises:
        UserError: a reserved word, half of a surrogate pair, or another unit.
    """
    if unit not in UNITS:
        raise UserError(f"unit is '{unit}', expected {' or '.join(UNITS)}; choose one of them")
    if normalize is not None:
        lines = filter(None, map(normalize, lines))
    text = "\n".join(lines)
    try:
        content = (spell(text) if unit == "char" else text).encode()
    except UnicodeEncodeError as error:
        number = error.object.count("\n", 0, error.start) + 1
        half = quoted(error.object[error.start])
        raise UserError(
            f"{name}: sentence {number} has {half}, half of a surrogate pair; remove it"
        ) from error
    return tokenize(content, name)
