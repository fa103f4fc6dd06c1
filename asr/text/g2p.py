"""Grapheme to phoneme: a lexicon of any words, by the rules and exceptions of espeak-ng."""

import re
from collections.abc import Iterable

from tqdm import tqdm

from asr.text.espeak import Pronouncer
from asr.text.lexicon import LONGEST, Lexicon
from asr.util.errors import UserError

#: espeak-ng's mnemonics of English, without stress, to phones in IPA. Allophones become one phone:
#: fewer phones have more training speech each, and the neighbors of a phone tell its allophone.
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
#: Words whose usual pronunciation within a sentence differs from the one espeak-ng gives alone.
WEAK = {"a": "ə"}
_STRESS = re.compile(r"[',%=|ˈˌ]")
#: espeak-ng's marks where it changes to another language's voice and back: (en).
_VOICE = re.compile(r"\([\w-]+\)")


def make_lexicon(words: Iterable[str], language: str, known: Lexicon | None = None) -> Lexicon:
    """Pronounce words; a word without pronunciation, or of over `LONGEST` phones, is left out.

    Args:
        words: normalized, the likeliest first.
        language: as espeak-ng calls it; for English, allophones become one phone.
        known: words with pronunciations to take over.

    Raises:
        UserError: espeak-ng is not installed, lacks the language, or pronounces none of the words.
    """
    pronouncer = Pronouncer(language)
    english = language.partition("-")[0] == "en"
    lexicon: Lexicon = {}
    for word in tqdm(dict.fromkeys(words), "pronouncing", unit="word", disable=None):
        pronunciations = (known or {}).get(word)
        if pronunciations is None and len(word) <= LONGEST:
            found = _pronounce(pronouncer, word.lower(), english)
            pronunciations = [one for one in found if one.count(" ") < LONGEST]
        if pronunciations:
            lexicon[word] = pronunciations
    if not lexicon:
        raise UserError(f"lexicon: espeak-ng pronounces none of these words in {language!r}")
    return lexicon


def _pronounce(pronouncer: Pronouncer, word: str, english: bool) -> list[str]:
    """List a word's pronunciations, the usual one first; none with phonemes that English lacks."""
    marked = [_VOICE.sub("", one) for one in pronouncer.phonemes(word, ipa=not english)]
    phonemes = [one for one in (_STRESS.sub("", one) for one in marked) if one]
    if english:
        if not ENGLISH.keys() >= set(phonemes):
            return []
        phonemes = [phone for one in phonemes for phone in ENGLISH[one]]
    strong = " ".join(phone for phone in phonemes if phone)
    strong = strong.replace("ɹ ɹ", "ɹ")  # a vowel that is colored by r, before the r itself
    weak = WEAK.get(word) if english else None
    return [one for one in dict.fromkeys((weak, strong)) if one]
