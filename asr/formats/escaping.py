"""Words and names as the formats of lines can hold them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from asr.formats.about import About
from asr.transcript import AlignedTranscript, Transcript, Word
from asr.util.printable import printable


def escaped(transcripts: Sequence[Transcript], about: About) -> tuple[list[Transcript], About]:
    """Escape in words and names what would begin another line, or be obeyed by a terminal."""
    recording = None if about.recording is None else printable(about.recording)
    named = replace(about, path=printable(about.path), recording=recording)
    return [_escaped(one) for one in transcripts], named


def _escaped(transcript: Transcript) -> Transcript:
    segments = tuple(
        replace(one, text=printable(one.text), words=_words(one.words))
        for one in transcript.segments
    )
    if isinstance(transcript, AlignedTranscript):
        return replace(transcript, segments=segments, tokens=_words(transcript.tokens))
    return replace(transcript, segments=segments)


def _words(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(replace(word, text=printable(word.text)) for word in words)
