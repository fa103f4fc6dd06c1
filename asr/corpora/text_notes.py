"""Notes on the texts of a corpus: tags, and letters that were read in a wrong encoding."""

from collections.abc import Sequence

from asr.text.tags import describe_tags

_SHOWN = 40


def text_notes(texts: Sequence[str]) -> list[str]:
    """Note what in texts is no word, or not what was written."""
    notes = []
    if tags := describe_tags(texts):
        notes.append(f"{tags}; training and scoring leave them out, unless text.tags=keep.")
    garbled = [(text, right) for text in texts if (right := _read_again(text)) is not None]
    if garbled:
        text, right = garbled[0]
        notes.append(
            f"{len(garbled)} texts look like UTF-8 that was read as Latin-1, such as "
            f"{text[:_SHOWN]!r} for {right[:_SHOWN]!r}: mend them before training."
        )
    return notes


def _read_again(text: str) -> str | None:
    """Give the text that was meant, where its letters are UTF-8's bytes; None for most texts."""
    if text.isascii():
        return None
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode()
        except UnicodeError:
            continue
    return None
