"""Read texts for n-gram models: a sentence a line, of words or of characters."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from pathlib import Path

from asr.lm.vocabulary import TokenizedText, tokenize
from asr.util.errors import UserError
from asr.util.printable import quoted
from asr.util.text_files import decode_utf8, read_unpacked

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
    """Read a text, one sentence a line, plain or gzipped, as `tokenize_lines` does.

    Raises:
        UserError: the file cannot be read, is not UTF-8 or holds a reserved word, or there is no
            such unit.
    """
    content = read_unpacked(path)
    if unit == "word" and normalize is None and b"\0" not in content:  # fast: no str is made
        return tokenize(content.removeprefix(BOM_UTF8), str(path))
    return tokenize_lines(decode_utf8(content, str(path)).split("\n"), str(path), unit, normalize)


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
