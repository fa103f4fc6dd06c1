"""The small text files a user hands to the decoder: hot words, and a closed vocabulary."""

from collections.abc import Callable
from pathlib import Path

from asr.errors import UserError
from asr.phones import COMMENTS, NO_WORD, VARIANT
from asr.text_files import read_text


def read_hotwords(path: Path, normalise: Callable[[str], str] = str.strip) -> list[str]:
    """Read phrases, one a line, each brought to the model's spelling by `normalise`.

    Raises:
        UserError: a file that cannot be read as text, or that holds no phrase.
    """
    phrases = [phrase for line in read_text(path).splitlines() if (phrase := normalise(line))]
    if not phrases:
        raise UserError(f"{path}: no hot words in it; write one word or phrase a line")
    return list(dict.fromkeys(phrases))


def read_words(path: Path, normalise: Callable[[str], str] = str.strip) -> list[str]:
    """Read a vocabulary: the first word of every line, so that Kaldi's and CMU's lexicons will do.

    Each is brought to the model's spelling by `normalise`, which makes two of some: e-mail.

    Raises:
        UserError: a file that cannot be read as text, or that holds no word.
    """
    marks = (*COMMENTS, *NO_WORD)
    lines = [line for line in read_text(path).splitlines() if not line.startswith(marks)]
    entries = [VARIANT.sub("", line.split()[0]) for line in lines if line.strip()]
    words = [word for entry in entries for word in normalise(entry).split()]
    if not words:
        raise UserError(f"{path}: no words in it; write one word a line")
    return list(dict.fromkeys(words))
