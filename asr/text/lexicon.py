"""Pronunciation lexicons: read, checked and written.

A lexicon file has a word a line and its phones behind it, as Kaldi's and CMU's dictionaries do. A
word may have several lines; of words with equal pronunciations, the first is the likeliest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from asr.util.errors import UserError
from asr.util.files import write_text
from asr.util.printable import quoted
from asr.util.text_files import TextError, read_text

#: Word to its pronunciations, each the names of phones with a space between.
Lexicon = dict[str, list[str]]

#: How the names of silence, noise and unknown words begin: !SIL, <UNK>, [LAUGHTER].
NO_WORD = ("!", "<", "[")
#: How comment lines begin.
COMMENTS = (";;;", "# ")
#: The most phones of a pronunciation; the longest words of any language have a fifth as many. The
#: decoder's table is as wide as the longest pronunciation, for every word.
LONGEST = 255
#: The most different phones of a lexicon: languages have some 10 to 150, three times as many with
#: stress, tone or place in the word. A text taken for a lexicon has thousands.
MOST_PHONES = 1000
#: Characters that no word has: line ends and other controls, and halves of surrogate pairs.
_NO_LETTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_COMMENT_BEHIND = re.compile(r"\s#")
_PROBABILITY = re.compile(r"[01]?\.\d+|1(\.0+)?")
#: CMU's second pronunciations are TOMATO(2), its phones AH0, AH1 and AH2 by stress.
VARIANT = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"(?<=[A-Z])[012]$")


def phones_of(lexicon: Lexicon) -> set[str]:
    """Gather the phones of all pronunciations."""
    return {
        phone
        for pronunciations in lexicon.values()
        for pronunciation in pronunciations
        for phone in pronunciation.split()
    }


def check_lexicon(value: object) -> Lexicon:
    """Refuse a value that is no lexicon.

    Raises:
        UserError: it does not map words to lists of pronunciations of up to `LONGEST` phones.
    """
    if not isinstance(value, dict) or not all(map(_are_pronunciations, value.values())):
        raise UserError("lexicon: expected lists of pronunciations by word")
    for word, pronunciations in value.items():
        if _NO_LETTER.search(word + "".join(pronunciations)):
            raise UserError(f"lexicon: {quoted(word)} has characters that are no text")
        if problem := _too_long(max(one.count(" ") + 1 for one in pronunciations)):
            raise UserError(f"lexicon: {quoted(word)} {problem}")
    return value


def _are_pronunciations(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str) and one for one in value)
    )


def _too_long(phones: int) -> str:
    return f"has {phones:,} phones, expected {LONGEST} at most" if phones > LONGEST else ""


def read_lexicon(
    path: Path,
    normalize: Callable[[str], str],
    known: Mapping[str, Sequence[str]] | None = None,
) -> Lexicon:
    """Read a lexicon, plain or gzipped.

    Text behind a # after white space is a comment. The reader drops probabilities of pronunciations
    (a second column), stress marks (digits behind a vowel's name), and entries of silence and noise
    such as ``!SIL`` and ``<UNK>``.

    Args:
        path: the file.
        normalize: brings words to the form the model writes.
        known: pronunciations for words that the file lists without phones; a word that `known`
            lacks gets none. None: the file may list no word without phones.

    Raises:
        UserError: a file that cannot be read, a line without phones or with too many, no words at
            all, or more than `MOST_PHONES` different phones.
    """
    lexicon: Lexicon = {}
    for number, line in enumerate(_lines(path), start=1):
        columns = _COMMENT_BEHIND.split(line, maxsplit=1)[0].split()
        if not columns or line.startswith((*COMMENTS, *NO_WORD)):
            continue
        entry, *phones = columns
        if phones and _PROBABILITY.fullmatch(phones[0]):
            del phones[0]
        if not phones and known is None:
            problem = "has no phones; write `word phone phone`"
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}")
        if problem := _too_long(len(phones)):
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}; is it a word?")
        word = normalize(VARIANT.sub("", entry))
        pronunciation = " ".join(_STRESS.sub("", phone) for phone in phones)
        added = [pronunciation] if pronunciation else (known or {}).get(word, ())
        pronunciations = lexicon.setdefault(word, [])
        pronunciations += [one for one in added if one not in pronunciations]
    lexicon = {word: found for word, found in lexicon.items() if word and " " not in word}
    if not lexicon:
        raise UserError(f"{path}: no words in it; write `word phone phone ...`, a word a line")
    if (found := len(phones_of(lexicon))) > MOST_PHONES:
        raise UserError(
            f"{path}: {found:,} different phones, expected {MOST_PHONES:,} at most; is it a "
            "lexicon, with a word and its phones on each line?"
        )
    return lexicon


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except TextError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise UserError(
            f"{path}: there is no such lexicon", remedy="make_lexicon", path=path
        ) from None


def write_lexicon(lexicon: Lexicon, path: Path) -> None:
    """Write a word and its phones a line, as `read_lexicon` and Kaldi read them."""
    lines = (f"{word} {one}\n" for word, listed in lexicon.items() for one in listed)
    write_text(path, "".join(lines))
