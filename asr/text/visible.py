"""Characters that nobody sees, which web pages and word processors leave in texts."""

_HIDDEN = "\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
#: Soft hyphens, directions of writing and byte order marks mean no sound; U+200B divides words.
#: The joiners of Persian and of Indian scripts change words and stay.
_VISIBLE = dict.fromkeys(map(ord, _HIDDEN)) | {0x200B: " "}


def drop_hidden(text: str) -> str:
    """Leave out characters that nobody sees."""
    return text if text.isascii() else text.translate(_VISIBLE)


def visible_words(text: str) -> str:
    """Leave out characters that nobody sees, and put one space between words."""
    return " ".join(drop_hidden(text).split())
