"""The small text files that a user gives to the decoder: hot words, and a closed vocabulary."""

from collections.abc import Callable, Iterable
from pathlib import Path

from asr.text.lexicon import COMMENTS, NO_WORD, VARIANT
from asr.util.errors import UserError
from asr.util.text_files import read_text

#: Characters that a word or phrase may have: a tree of words has a level for each.
LONGEST = 1000


def read_hotwords(path: Path, normalize: Callable[[str], str] = str.strip) -> list[str]:
    """Read phrases, one a line, each brought to the model's spelling by `normalize`.

    Raises:
        UserError: a file that cannot be read as text or holds no phrase, or a phrase longer than
            `LONGEST`.
    """
    lines = enumerate(read_text(path).splitlines(), start=1)
    phrases = [phrase for at, line in lines if (phrase := normalize(_short(line, path, at)))]
    if not phrases:
        raise UserError(f"{path}: no hot words in it; write one word or phrase a line")
    return list(dict.fromkeys(phrases))


def normalize_hotwords(phrases: Iterable[str], normalize: Callable[[str], str]) -> list[str]:
    """Bring phrases to the model's spelling by `normalize`; what is then empty is left out.

    Raises:
        UserError: a phrase longer than `LONGEST`.
    """
    found: list[str] = []
    for phrase in phrases:
        if len(phrase) > LONGEST:
            raise UserError(
                f"hot words: a phrase of {len(phrase):,} characters, expected {LONGEST:,} at most; "
                "give each by itself"
            )
        found.append(normalize(phrase))
    return list(dict.fromkeys(filter(None, found)))


def read_words(path: Path, normalize: Callable[[str], str] = str.strip) -> list[str]:
    """Read a vocabulary: the first word of every line, so that Kaldi's and CMU's lexicons will do.

    Each is brought to the model's spelling by `normalize`, which may make two words of one: e-mail.

    Raises:
        UserError: a file that cannot be read as text or holds no word, or a word longer than
            `LONGEST`.
    """
    marks = (*COMMENTS, *NO_WORD)
    lines = enumerate(read_text(path).splitlines(), start=1)
    firsts = [
        (at, line.split()[0]) for at, line in lines if line.strip() and not line.startswith(marks)
    ]
    entries = [VARIANT.sub("", _short(first, path, at)) for at, first in firsts]
    words = [word for entry in entries for word in normalize(entry).split()]
    if not words:
        raise UserError(f"{path}: no words in it; write one word a line")
    return list(dict.fromkeys(words))


def _short(text: str, path: Path, line: int) -> str:
    if len(text) > LONGEST:
        found = f"{len(text):,} characters, expected {LONGEST:,} at most"
        raise UserError(f"{path}:{line}: {found}; write one word or phrase a line")
    return text
