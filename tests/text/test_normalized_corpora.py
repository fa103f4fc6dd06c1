"""Lines of the kinds that published corpora have, and what each normalizer makes of them."""

import re
from pathlib import Path

import pytest

from asr.text.normalizers import NORMALIZERS

ROOT = Path(__file__).parents[2]
#: Normalizer, a line as a corpus of that language has it, and the text that is trained on.
LINES = [
    # Common Voice, German: capitals, punctuation, sharp s
    ("lower", "„Die Straße nach Weißenfels, größer!“", "die straße nach weißenfels größer"),
    # Common Voice, Turkish; VoxPopuli has no Turkish
    ("lower-tr", "IŞIK ile İstanbul’a gidiyor.", "ışık ile istanbul'a gidiyor"),
    ("upper-tr", "Işık ile istanbul’a gidiyor.", "IŞIK İLE İSTANBUL'A GİDİYOR"),
    ("lower", "IŞIK", "işik"),  # wrong in Turkish, hence lower-tr
    # FLEURS, Azeri
    ("lower-tr", "Bakıda İlham QIZIL GÜL", "bakıda ilham qızıl gül"),
    ("lower-tr", "I\u0307stanbul", "istanbul"),  # as some editors compose it
    # FLEURS, Greek: capitals with the final sigma
    ("lower", "Ο ΔΡΌΜΟΣ ΤΗΣ ΣΟΦΊΑΣ.", "ο δρόμος της σοφίας"),
    # MLS, French; VoxPopuli, Polish
    ("lower", "L’ŒUVRE n’est qu’à lui…", "l'œuvre n'est qu'à lui"),
    ("lower", "Panie Przewodniczący! ŻÓŁĆ", "panie przewodniczący żółć"),
    # FLEURS, Japanese and Korean: full-width forms
    ("nfkc", "ＡＳＲは２０２４年。", "ASRは2024年。"),
    ("lower", "ＡＳＲ，２０２４年", "asr 2024年"),
    # Arabic ligatures, Devanagari marks, Cyrillic
    ("lower", "ﷲ و ﻻ", "الله و لا"),
    ("lower", "हिन्दी, भाषा।", "हिन्दी भाषा"),
    ("lower", "ЁЛКА — это «Ёлка»", "ёлка это ёлка"),
    # LJSpeech, the text before normalization; LibriTTS, the original text
    ("english", "Mr. Marsh & Dr. Hill met St. Paul in 1831.",
     "mister marsh and doctor hill met saint paul in eighteen thirty one"),
    ("english", "in the 1460's or '70s, 3,000 people", "in the fourteen sixties or seventies "
     "three thousand people"),
    ("english", "the 21st, 42nd, 30th, 12th and 103rd", "the twenty first forty second thirtieth "
     "twelfth and one hundred third"),
    # TED-LIUM, VoxPopuli, Earnings: money, rates, times, contractions, fillers
    ("english", "Um, we won't pay $20 million, uh, it's 3.5%!",
     "we will not pay twenty million dollars it's three point five percent"),
    ("english", "$1.01, £2.50, €3 and $3.5 billion", "one dollar one cent two pounds fifty pence "
     "three euros and three point five billion dollars"),
    ("english", "They’re sure I’d’ve said: we'll go at 10:05, not 9:30 or 12:00.",
     "they are sure i'd have said we will go at ten oh five not nine thirty or twelve"),
    ("english", "He can't, couldn't, ain't; let's see John's rep.",
     "he can not could not ain't let us see john's representative"),
    ("english", "agents 007 of 2005, 2024 and 1900 with 1,500 mp3 files",
     "agents zero zero seven of two thousand five twenty twenty four and nineteen hundred with "
     "one thousand five hundred mp three files"),
    ("english", "1000000 and 12345678901234567", "one million and one two three four five six "
     "seven eight nine zero one two three four five six seven"),
    ("english", "umbrella, hummus and the general's col", "umbrella hummus and the general's col"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "text"), LINES)
def test_lines_of_corpora(name, line, text):
    normalize = NORMALIZERS[name]
    assert normalize(line) == text
    assert normalize(text) == text


def test_english_leaves_no_digit():
    normalize = NORMALIZERS["english"]
    for number in [*range(2200), 10**6, 10**9 + 1, 10**14, 999_999_999_999_999]:
        for form in (
            f"{number}",
            f"{number:,}",
            f"x{number}th",
            f"{number}.{number}",
            f"${number}",
        ):
            spoken = normalize(form)
            assert spoken
            assert not re.search(r"[^a-z ]", spoken)
            assert normalize(spoken) == spoken


def test_the_lines_of_the_page():
    page = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    names = "|".join(NORMALIZERS)
    rows = re.findall(rf"^\| `({names})` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert len(rows) == 6
    for name, line, text in rows:
        assert NORMALIZERS[name](line) == text
