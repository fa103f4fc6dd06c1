"""Transcripts as files of one or several formats, or in one format on the screen."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from asr.cli.messages import show
from asr.cli.shards import WHOLE, Shard
from asr.util.errors import UserError, contain_errors

if TYPE_CHECKING:
    from asr.cli.made_from import Ledger, Source
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
        overwrite: whether files are written again, whatever they were made from.
        shard: of several processes that write into the folder at the same time, this one.
    """

    formats: tuple[str, ...]
    folder: Path | None
    overwrite: bool
    shard: Shard = WHOLE

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

    def missing(self, stem: str, source: "Source") -> tuple[str, ...]:
        """List the formats in which a recording is not yet written; all where it is printed.

        Raises:
            UserError: a file of that name is there, which was not made from the recording.
        """
        if self.folder is None or self.overwrite:
            return self.formats
        wanted = []
        for name in self.formats:
            file = self._file(stem, name)
            # Unlike Path.is_file, this takes a name that is too long for any file.
            if not os.path.isfile(file):  # noqa: PTH113
                wanted.append(name)
            elif not self.ledger.is_made_from(file, source):
                self.ledger.require_replaceable(file, source)
                wanted.append(name)
        return tuple(wanted)

    @cached_property
    def ledger(self) -> "Ledger":
        """What the files of the folder were made from."""
        from asr.cli.made_from import Ledger

        assert self.folder is not None
        return Ledger(self.folder, self.shard.file_name if self.shard != WHOLE else "")

    def put(
        self,
        stem: str,
        transcripts: "Sequence[Transcript]",
        about: "About",
        source: "Source",
        formats: Sequence[str] | None = None,
    ) -> None:
        """Write a recording's transcripts, or print them.

        Args:
            stem: the name of its files without suffix.
            transcripts: of its channels.
            about: named in the files.
            source: recorded beside the files.
            formats: what is written; all where not given.

        Raises:
            UserError: a file cannot be written.
        """
        from asr.formats import FORMATS
        from asr.util.files import write_text

        with contain_errors(about.path):
            texts = {name: FORMATS[name](transcripts, about) for name in formats or self.formats}
        if self.folder is None:
            show("".join(texts.values()), end="")
            return
        files = {self._file(stem, name): text for name, text in texts.items()}
        for file, text in files.items():
            write_text(file, text)
        self.ledger.add(files, source)

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
    return Outputs(formats, args.output_dir, args.overwrite, getattr(args, "shard", WHOLE))


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
