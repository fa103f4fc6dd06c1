"""Pronunciation lexicons for any words, by the rules and exceptions of espeak-ng."""

import re
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from asr.text.espeak import Pronouncer
from asr.text.phones import LONGEST, Lexicon
from asr.util.errors import UserError
from asr.util.files import write_text

#: English phones, of which espeak-ng has several allophones: its mnemonics, without stress, to IPA.
#: Fewer phones are heard more often each; what tells these apart stands around them.
ENGLISH = {
    mnemonic: phones.split()
    for phones, mnemonics in {
        "i": "i: i", "ɪ": "I I2 I#", "ɛ": "E", "æ": "a aa", "ɑ": "0 A: A~ a:", "ɔ": "O: O O2 O~",
        "ʊ": "U", "u": "u:", "ʌ": "V", "ə": "@ a# @2", "ɚ": "3 3: VR IR",
        "eɪ": "eI e", "aɪ": "aI aI2", "ɔɪ": "OI", "aʊ": "aU", "oʊ": "oU",
        "p": "p", "b": "b", "t": "t t# t2 t[", "d": "d", "k": "k x C", "ɡ": "g",
        "tʃ": "tS", "dʒ": "dZ", "f": "f", "v": "v", "θ": "T", "ð": "D", "s": "s", "z": "z",
        "ʃ": "S", "ʒ": "Z", "h": "h", "m": "m", "n": "n", "ŋ": "N",
        "l": "l l#", "ɹ": "r r-", "j": "j", "w": "w w#",
        "ə l": "@L", "ə n": "n-", "ɪ ə": "i@", "ɪ ɹ": "i@3", "ɛ ɹ": "e@", "ʊ ɹ": "U@",
        "ɑ ɹ": "A@", "ɔ ɹ": "o@ O@", "aɪ ɚ": "aI@ aI3", "": "@- ; ? | !",
    }.items()
    for mnemonic in mnemonics.split()
}  # fmt: skip
#: Words that are said otherwise among others than by themselves, as espeak-ng says them.
WEAK = {"a": "ə"}
_STRESS = re.compile(r"[',%=|ˈˌ]")
#: Where espeak-ng goes over to another language's voice, and back: (en).
_VOICE = re.compile(r"\([\w-]+\)")


def make_lexicon(words: Iterable[str], language: str, known: Lexicon | None = None) -> Lexicon:
    """Pronounce words; what is not said at all, or is too long to be a word, is left out.

    Args:
        words: normalised, the likeliest first.
        language: as espeak-ng calls it; of English, allophones are taken together.
        known: words that are said as they are said there.

    Raises:
        UserError: espeak-ng is not installed, does not speak the language, or says none of them.
    """
    pronouncer = Pronouncer(language)
    english = language.partition("-")[0] == "en"
    lexicon: Lexicon = {}
    for word in tqdm(dict.fromkeys(words), "pronouncing", unit="word", disable=None):
        said = (known or {}).get(word)
        if said is None and len(word) <= LONGEST:
            ways = _pronounce(pronouncer, word.lower(), english)
            said = [one for one in ways if one.count(" ") < LONGEST]
        if said:
            lexicon[word] = said
    if not lexicon:
        raise UserError(f"lexicon: espeak-ng pronounces none of these words in {language!r}")
    return lexicon


def _pronounce(pronouncer: Pronouncer, word: str, english: bool) -> list[str]:
    """List the ways a word is said, the usual one first; none with sounds that English lacks."""
    said = [_VOICE.sub("", one) for one in pronouncer.phonemes(word, ipa=not english)]
    phonemes = [one for one in (_STRESS.sub("", one) for one in said) if one]
    if english:
        if not ENGLISH.keys() >= set(phonemes):
            return []
        phonemes = [phone for one in phonemes for phone in ENGLISH[one]]
    spoken = " ".join(phone for phone in phonemes if phone)
    spoken = spoken.replace("ɹ ɹ", "ɹ")  # a vowel that is coloured by r, before the r itself
    weak = WEAK.get(word) if english else None
    return [one for one in dict.fromkeys((weak, spoken)) if one]


def write_lexicon(lexicon: Lexicon, path: Path) -> None:
    """Write a word and its phones a line, as `asr.text.phones.read_lexicon` and Kaldi read them."""
    write_text(path, "".join(f"{word} {one}\n" for word, said in lexicon.items() for one in said))
