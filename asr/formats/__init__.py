"""Transcripts as files: one format a module, from `Transcript` to text.

A writer takes the transcripts of one recording, one a channel where channels were transcribed
apart, and what is to be said about it. Writers are pure: the same transcript gives the same
bytes. Nothing here imports torch.
"""

import difflib
from collections.abc import Callable, Sequence

from asr.formats.about import About
from asr.formats.ctm import write_ctm
from asr.formats.escaping import escaped
from asr.formats.jsonl import write_jsonl
from asr.formats.plain import write_txt
from asr.formats.srt import write_srt
from asr.formats.stm import write_stm
from asr.formats.textgrid import write_textgrid
from asr.formats.tsv import write_tsv
from asr.formats.verbose_json import write_json
from asr.formats.vtt import write_vtt
from asr.transcript import Transcript
from asr.util.errors import UserError

__all__ = ["FORMATS", "About", "Writer", "parse_formats"]

Writer = Callable[[Sequence[Transcript], About], str]


def _of_lines(writer: Writer) -> Writer:
    """Make a writer, of a format without escapes of its own, safe for any words and names."""
    return lambda transcripts, about: writer(*escaped(transcripts, about))


#: Name, which is also the file's ending -> writer.
FORMATS: dict[str, Writer] = {
    "txt": _of_lines(write_txt),
    "json": write_json,
    "srt": _of_lines(write_srt),
    "vtt": _of_lines(write_vtt),
    "tsv": _of_lines(write_tsv),
    "ctm": _of_lines(write_ctm),
    "stm": _of_lines(write_stm),
    "textgrid": _of_lines(write_textgrid),
    "jsonl": write_jsonl,
}


def parse_formats(names: str) -> tuple[str, ...]:
    """Read a list of formats as it is typed, ``srt,json``; a name given twice counts once.

    Raises:
        UserError: a name that is no format; the nearest one is given.
    """
    wanted = [name.strip().lower() for name in names.split(",")]
    for name in wanted:
        if name not in FORMATS:
            close = difflib.get_close_matches(name, FORMATS, n=1)
            meant = f"did you mean {close[0]}?" if close else f"choose among {', '.join(FORMATS)}"
            raise UserError(f"format: unknown format {name!r}; {meant}")
    return tuple(dict.fromkeys(wanted))
