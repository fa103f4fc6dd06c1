"""Transcripts as files of one or several formats, or in one format on the screen."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from asr.cli.messages import show
from asr.util.errors import UserError, contain_errors

if TYPE_CHECKING:
    from asr.formats import About
    from asr.transcript import Transcript

#: Formats of lines: several recordings may be printed one after another.
LINES = ("txt", "ctm", "stm", "jsonl")


@dataclass(frozen=True)
class Outputs:
    """The formats and the folder that transcripts are written to.

    Attributes:
        formats: names of `asr.formats.FORMATS`.
        folder: the folder of the files; None prints.
        overwrite: whether finished files are written again.
    """

    formats: tuple[str, ...]
    folder: Path | None
    overwrite: bool

    def check(self, recordings: int) -> None:
        """Refuse outputs that cannot be printed or written, before the work begins.

        Raises:
            UserError: several recordings in a format of one recording, or a folder that cannot be
                written.
        """
        if self.folder is not None:
            _require_writable(self.folder)
        elif recordings > 1 and not set(self.formats) <= set(LINES):
            raise UserError(
                f"--format {self.formats[0]}: one recording alone can be printed, found "
                f"{recordings}; add --output-dir"
            )

    def is_done(self, stem: str) -> bool:
        """Tell whether all files of a recording exist and are to be kept."""
        if self.folder is None or self.overwrite:
            return False
        # Unlike Path.is_file, this takes a name that is too long for any file.
        return all(os.path.isfile(self._file(stem, name)) for name in self.formats)  # noqa: PTH113

    def put(self, stem: str, transcripts: "Sequence[Transcript]", about: "About") -> None:
        """Write a recording's transcripts, or print them.

        Raises:
            UserError: a file cannot be written.
        """
        from asr.formats import FORMATS
        from asr.util.files import write_text

        with contain_errors(about.path):
            texts = {name: FORMATS[name](transcripts, about) for name in self.formats}
        if self.folder is None:
            show("".join(texts.values()), end="")
            return
        for name, text in texts.items():
            write_text(self._file(stem, name), text)

    def _file(self, stem: str, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{stem}.{name}"


def add_outputs(verb: argparse.ArgumentParser, default: str) -> "argparse._ArgumentGroup":
    """Add the flags of `make_outputs`; `default` is the format of files without --format."""
    group = verb.add_argument_group("output")
    group.add_argument(
        "--format",
        metavar="NAME,...",
        help="txt, json, srt, vtt, tsv, ctm, stm, textgrid, jsonl; one alone can be printed, and "
        "of several recordings txt, ctm, stm or jsonl",
    )
    group.add_argument(
        "--output-dir", type=Path, metavar="DIR", help=f"write DIR/NAME.FORMAT ({default})"
    )
    group.add_argument("--overwrite", action="store_true", help="write finished files again")
    verb.set_defaults(default_format=default)
    return group


def make_outputs(args: argparse.Namespace) -> Outputs:
    """Read the flags of the output.

    Raises:
        UserError: an unknown format, or several without a folder to put them in.
    """
    from asr.formats import parse_formats

    named = args.format or (args.default_format if args.output_dir else None)
    formats = parse_formats(named) if named else ()
    if len(formats) > 1 and args.output_dir is None:
        raise UserError(f"--format {args.format}: one alone can be printed; add --output-dir")
    return Outputs(formats, args.output_dir, args.overwrite)


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"--output-dir {folder}: cannot be made or written: {reason}; give another folder"
        ) from error
