"""Transcripts to the text of files, one format a module.

`FORMATS` maps a format's name to its writer. A writer takes the transcripts of one recording, one
for each channel that was transcribed apart, and an `About`, their source. A writer is pure: equal
transcripts give equal text. Public: the names below. Nothing here imports torch.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from asr.formats.common import About
from asr.formats.ctm import write_ctm
from asr.formats.jsonl import write_jsonl
from asr.formats.plain import write_txt
from asr.formats.srt import write_srt
from asr.formats.stm import write_stm
from asr.formats.textgrid import write_textgrid
from asr.formats.tsv import write_tsv
from asr.formats.verbose_json import write_json
from asr.formats.vtt import write_vtt
from asr.transcript import AlignedTranscript, Transcript, Word
from asr.util.errors import UserError
from asr.util.printable import printable
from asr.util.suggest import did_you_mean

__all__ = ["FORMATS", "About", "Writer", "parse_formats"]

Writer = Callable[[Sequence[Transcript], About], str]


def _escape_before(writer: Writer) -> Writer:
    """Escape control characters in words and names, for a format without escapes of its own."""

    def write(transcripts: Sequence[Transcript], about: About) -> str:
        recording = None if about.recording is None else printable(about.recording)
        about = replace(about, path=printable(about.path), recording=recording)
        return writer([_escape_transcript(one) for one in transcripts], about)

    return write


def _escape_transcript(transcript: Transcript) -> Transcript:
    segments = tuple(
        replace(one, text=printable(one.text), words=_escape_words(one.words))
        for one in transcript.segments
    )
    if isinstance(transcript, AlignedTranscript):
        return replace(transcript, segments=segments, tokens=_escape_words(transcript.tokens))
    return replace(transcript, segments=segments)


def _escape_words(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(replace(word, text=printable(word.text)) for word in words)


#: A format's name, which is the suffix of its files too, and its writer.
FORMATS: dict[str, Writer] = {
    "txt": _escape_before(write_txt),
    "json": write_json,
    "srt": _escape_before(write_srt),
    "vtt": _escape_before(write_vtt),
    "tsv": _escape_before(write_tsv),
    "ctm": _escape_before(write_ctm),
    "stm": _escape_before(write_stm),
    "textgrid": _escape_before(write_textgrid),
    "jsonl": write_jsonl,
}


def parse_formats(names: str) -> tuple[str, ...]:
    """Parse names of formats, such as ``srt,json``; a name given twice counts once.

    Raises:
        UserError: a name that is no format; the message gives the nearest.
    """
    wanted = [name.strip().lower() for name in names.split(",")]
    for name in wanted:
        if name not in FORMATS:
            raise UserError(f"format: unknown format {name!r}; {did_you_mean(name, FORMATS)}")
    return tuple(dict.fromkeys(wanted))
