"""Pronunciation lexicons: read, checked and written.

A lexicon file has a word a line and its phones behind it, as Kaldi's and CMU's dictionaries do. A
word may have several lines; of words with equal pronunciations, the first is the likeliest.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from asr.util.errors import UserError, UserNote
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
#: MFA writes up to four, of the pronunciation and of the silence around it.
_PROBABILITY = re.compile(r"\d*\.\d+(?:e[+-]?\d+)?|\d+e-\d+", re.IGNORECASE)
#: A probability without a point, if all pronunciations have one.
_WHOLE = re.compile(r"[01]")
#: CMU's second pronunciations are TOMATO(2), its phones AH0, AH1 and AH2 by stress.
VARIANT = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"[012]$")
_VOWELS = "AA AE AH AO AW AX AY EH ER EY IH IX IY OW OY UH UW UX AXR"
_CONSONANTS = (
    "B CH D DH DX EL EM EN F G HH HV JH K L M N NG NX P Q R S SH T TH V W WH Y Z ZH "
    "SIL SPN NSN LAU BRH"
)
#: ARPAbet as lexicons of English have it, with stress behind vowels: 0, 1 or 2.
_ARPABET = frozenset(
    [*_VOWELS.split(), *_CONSONANTS.split()] + [v + d for v in _VOWELS.split() for d in "012"]
)
_LEFT_OUT_SHOWN = 3


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

    Text behind a # after white space is a comment. The reader drops the columns of probabilities
    behind a word, stress marks where the phones are ARPAbet's (AH0, AH1), so that tones stay, and
    entries that are no word: ``!SIL``, ``<UNK>``, or several words once normalized, which a
    `UserNote` counts.

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
    entries = list(_entries(path))
    whole = all(len(phones) > 1 and _WHOLE.fullmatch(phones[0]) for _, _, phones in entries)
    english = all(_ARPABET.issuperset(phones[whole:]) for _, _, phones in entries)
    left_out: list[str] = []
    for number, entry, phones in entries:
        if whole:
            del phones[0]
        if not phones and known is None:
            problem = "has no phones; write `word phone phone`"
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}")
        if problem := _too_long(len(phones)):
            raise UserError(f"{path}:{number}: {quoted(entry)} {problem}; is it a word?")
        word = normalize(VARIANT.sub("", entry))
        if entry.startswith(NO_WORD) or not word or " " in word:
            left_out.append(entry)
            continue
        pronunciation = " ".join(_STRESS.sub("", one) if english else one for one in phones)
        added = [pronunciation] if pronunciation else (known or {}).get(word, ())
        pronunciations = lexicon.setdefault(word, [])
        pronunciations += [one for one in added if one not in pronunciations]
    if not lexicon:
        raise UserError(f"{path}: no words in it; write `word phone phone ...`, a word a line")
    if (found := len(phones_of(lexicon))) > MOST_PHONES:
        raise UserError(
            f"{path}: {found:,} different phones, expected {MOST_PHONES:,} at most; is it a "
            "lexicon, with a word and its phones on each line?"
        )
    if left_out:
        examples = ", ".join(map(quoted, list(dict.fromkeys(left_out))[:_LEFT_OUT_SHOWN]))
        count = f"{len(left_out):,} of {len(entries):,} entries are no single word"
        warnings.warn(UserNote(f"{path}: {count}: {examples}; left out"), stacklevel=2)
    return lexicon


def _entries(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Give line number, word and phones of each entry, without probabilities with a point.

    A word with spaces in it stands before a tab.
    """
    for number, full in enumerate(_lines(path), start=1):
        line = _COMMENT_BEHIND.split(full, maxsplit=1)[0]
        entry, tab, behind = line.partition("\t")
        if not tab or not entry.strip() or " " not in entry.strip() or not behind.strip():
            entry, _, behind = line.strip().replace("\t", " ").partition(" ")
        if not entry.strip() or line.startswith(COMMENTS):
            continue
        phones = behind.split()
        while phones and _PROBABILITY.fullmatch(phones[0]):
            del phones[0]
        yield number, entry.strip(), phones


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
