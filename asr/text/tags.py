"""Tags: what a transcript holds beside words, such as [noise], <unk>, (laughter) or ++um++.

Corpora mark sounds, silence and unknown words in many ways; as words they would teach a model to
write "noise". Where a mark never holds spoken words, in square, curly or angle brackets and between
double plus signs, all of its content is a tag. In round brackets and between single marks, as in
``(laughter)``, ``*cough*`` and ``&uh``, ordinary writers put words too, so there only names of
sounds are tags. Of ``[laughter-yes]``, Switchboard's word spoken while laughing, the word is kept.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

#: Names of sounds, of silence and of what was not understood, in the languages of many corpora.
_NONSPEECH_TEXT = """
    noise noises nonspeech nonverbal noisy laughter laugh laughs laughing laughingly laughed
    chuckle chuckles chuckling giggle giggles giggling cough coughs coughing throat breath
    breaths breathe breathes breathing inhale inhales inhaling exhale exhales exhaling sigh
    sighs sighing sneeze sneezes sneezing sniff sniffs sniffing sniffle sniffles gasp gasps
    gasping swallow swallows gulp gulps smack smacks lipsmack lipsmacks click clicks clicking
    yawn yawns yawning snort snorts grunt grunts groan groans groaning burp hiccup hum hums
    humming whistle whistles whistling hiss whisper whispers whispering sob sobs sobbing cry
    cries crying scream screams screaming shout shouts shouting mumble mumbles mumbling murmur
    murmurs applause applauds clap claps clapping cheer cheers cheering music singing sings beep
    beeps beeping ring rings ringing ringtone knock knocks knocking slam slams bang bangs thump
    barking barks static silence sil pause pauses crosstalk overlap overlapping chatter babble
    inaudible unintelligible indistinct unclear incomprehensible foreign unknown unk oov spn nsn
    brh lau garbage gbg hesitation hes filler fil spk sta uh um er erm ah eh hm hmm mm mhm uhm
    lachen lacht gelächter husten hustet räuspern räuspert geräusch atmen atmet schmatzen stille
    musik applaus unverständlich rires rire bruit toux silence musique applaudissements
    respiration inintelligible hésitation euh risa risas ruido tos silencio música aplausos
    ininteligible risate risata rumore tosse silenzio musica applausi incomprensibile risos
    ruído palmas lach gelach skratt hosta brus musiikki naurua шум смех кашель тишина музыка
    аплодисменты вздох неразборчиво
    笑 笑声 笑い 咳 咳嗽 噪音 噪声 音乐 音楽 掌声 拍手 静音 無音 웃음 박수 음악
"""
_NONSPEECH = frozenset(_NONSPEECH_TEXT.split())
#: Words beside the names of sounds: (door slams), (background noise), (speaking foreign language).
_BESIDE_TEXT = """
    and other non speech voice voices vocal vocalized vocalised spoken speaker speakers speaking
    speaks audience background foreground language english long short soft softly loud loudly
    heavy deep light clears clearing lip lips tongue nose mouth door doors phone telephone dog
    dogs baby child bell engine car traffic wind paper mouse keyboard microphone mic playing
    plays continues stops starts sound sounds human crowd people filled
"""
_BESIDE = frozenset(_BESIDE_TEXT.split())
#: Bare names of silence and unknown words in the transcripts of Kaldi, HTK and others.
_BARE = (
    "SIL", "SPN", "NSN", "UNK", "OOV", "SENT-START", "SENT-END", "BLANK_AUDIO",
    "ignore_time_segment_in_scoring", "IGNORE_TIME_SEGMENT_IN_SCORING", "xxx",
)  # fmt: skip
_MARKS = r"[*+#~%&!^=_@|/\\$-]"
_TAG = re.compile(
    rf"""
      (?P<angle> <[^\s<>]{{1,40}}> | (?<!\w)<(?=\S)[^<>]{{1,60}}(?<=\S)> )
    | (?P<square> \[\[[^\[\]]{{0,80}}\]\] | \[[^\[\]]{{0,80}}\] )
    | (?P<curly> \{{\{{?[^{{}}]{{0,80}}\}}?\}} )
    | (?P<round> \(\(?[^()]{{0,60}}\)?\) )
    | (?P<plus> (?<![\w+])\+\+[^\s+]{{1,40}}\+\+ )
    | (?P<starred> (?<![\w*])\*\*?(?=[^\s*])[^*]{{1,40}}(?<=[^\s*])\*\*?(?![\w*]) )
    | (?P<event> (?<!\S)&[=~+-]+\w[\w:-]* )
    | (?P<hesitation> (?<!\S)%[^\W\d_][\w-]*(?=[\s.,;:?!]|$) )
    | (?P<bare> (?<!\S)(?:![A-Z_]+|{"|".join(_BARE)})(?=[\s.,;:?!]|$) )
    | (?P<marked> (?<!\S){_MARKS}{{1,3}}\w[\w-]{{0,40}}?{_MARKS}{{0,3}}(?=[\s.,;:?!]|$) )
    """,
    re.VERBOSE,
)
#: The number behind a word that is pronounced in its second way, as in TED-LIUM's "the(2)".
_VARIANT = re.compile(r"(?<=\w)\(\d{1,2}\)(?=\s|$)")
#: A time, or a pause in seconds: (00:12), (0.5).
_TIME = re.compile(r"[\s\d:.,>-]*\d:\d\d[\s\d:.,>-]*|\d*\.\d+")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,5});")
_SEPARATED = re.compile(r"[\s\-:.,;/=&+*!?|'\"_]+")
#: Full-width brackets and marks, of Chinese and Japanese texts.
_ASCII = str.maketrans("＜＞〈〉［］【】〔〕｛｝（）＆＊＋＃～％", "<><>[][][]{}()&*+#~%")
#: Any character or name that a tag has; most texts have none.
_MARKED = "<>[](){}*+#~%&!^=_@|/\\$＜〈［【〔｛（＆＊＋＃～％"
_NAMED = (r"-[a-zA-Z]+-", *(rf"{name}(?![a-zA-Z])" for name in _BARE))
_MAY_HAVE = re.compile(rf"[{re.escape(_MARKED)}]|{'|'.join(_NAMED)}")
#: Searched for one after another, which is many times as fast as all at once.
_MARKED_BYTES = [mark.encode() for mark in _MARKED]
_LONGEST_NAME = 80
#: A literal that is found fast, and what tells it from a part of a word.
_NAMED_BYTES = [
    (f"{before}{name}".encode(), re.compile(f"{before}{name}(?![a-zA-Z])".encode()))
    for name in _BARE
    for before in " \n\t"
]
_HYPHENS = re.compile(b"-[a-zA-Z]+-")


def _names_noise(content: str) -> bool:
    """Tell whether a text is the name of a sound: ``laughter``, ``door slams``, ``lip-smack``."""
    words = [word for word in _SEPARATED.split(content.casefold()) if word]
    return not _NONSPEECH.isdisjoint(words) and all(w in _NONSPEECH or w in _BESIDE for w in words)


def _find_tags(text: str) -> Iterator[tuple[int, int]]:
    """Give the places of the tags in a text whose marks are ASCII."""
    for found in _TAG.finditer(text):
        start, end = found.span()
        kind, content = found.lastgroup, found[0].strip("<>[]{}()")
        if kind in ("angle", "curly", "plus", "event", "hesitation", "bare"):
            yield start, end
        elif kind == "square":
            yield from _square(text, start, end, content)
        elif kind == "round":
            if not content.strip() or _names_noise(content) or _TIME.fullmatch(content):
                yield start, end
        elif _names_noise(found[0].strip("*+#~%&!^=_@|/\\$-")) and _is_marked(found[0]):
            yield start, end
    yield from (found.span() for found in _VARIANT.finditer(text))


def _is_marked(token: str) -> bool:
    """Tell a mark from a dash: one hyphen at the start or the end of a word is punctuation."""
    return not token.startswith("-") or token.endswith("-")


def _square(text: str, start: int, end: int, content: str) -> Iterator[tuple[int, int]]:
    """Give the places to leave out of square brackets; a part of a word, th[at]-, is none."""
    spoken_so, hyphen, word = content.partition("-")
    attached = text[start - 1 : start].isalpha() or text[end : end + 1].isalpha()
    if hyphen and spoken_so.casefold() == "laughter" and not _names_noise(content):
        before = start + text[start:end].index(word)
        yield start, before
        yield before + len(word), end
    elif not attached or _names_noise(content):
        yield start, end


def _without(text: str) -> tuple[str, list[str]]:
    """Take a text apart: its words, and its tags as they are written."""
    if not _MAY_HAVE.search(text):
        return text, []
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    tags: list[str] = []
    words, at = [], 0
    for start, end in sorted(_find_tags(text.translate(_ASCII))):
        if start >= at:
            words.append(text[at:start])
            tags.append(text[start:end])
            at = end
    if not tags:
        return text, []
    left = " ".join([*words, text[at:]])
    return (left if any(map(str.isalnum, left)) else ""), tags


def drop_tags(text: str) -> str:
    """Leave out the tags of a text; a space stands in place of each.

    HTML's entities become their characters. A text of tags alone becomes empty.

    >>> drop_tags("[noise] hello <unk> (laughter) world (that is, ours)").split()
    ['hello', 'world', '(that', 'is,', 'ours)']
    """
    return _without(text)[0]


def _keep(text: str) -> str:
    return text


#: Short name in a recipe -> function from a raw text to the text that is normalized.
TAGS: dict[str, Callable[[str], str]] = {"drop": drop_tags, "keep": _keep}


def may_have_tags(text: bytes) -> bool:
    """Tell fast whether some tag may be in a UTF-8 text."""
    marked = any(mark in text for mark in _MARKED_BYTES)
    first = b"\n" + text[:_LONGEST_NAME]  # as if another line were before
    return (
        marked
        or _HYPHENS.search(text) is not None
        or any(name.search(first) for _, name in _NAMED_BYTES)
        or any(literal in text and name.search(text) for literal, name in _NAMED_BYTES)
    )


def describe_tags(texts: Iterable[str]) -> str:
    """Count the tags of texts, with the most frequent ones; empty where there are none."""
    counted: Counter[str] = Counter()
    having = total = 0
    for text in texts:
        _, tags = _without(text)
        counted.update(tags)
        having += bool(tags)
        total += 1
    if not counted:
        return ""
    examples = ", ".join(f"{tag[:40]} ({count:,})" for tag, count in counted.most_common(3))
    return (
        f"{counted.total():,} tags that are no words, in {having:,} of {total:,} texts: {examples}"
    )
