"""Transcripts as files of one or several formats, or in one format on the screen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asr.formats import About
    from asr.transcript import Transcript


@dataclass(frozen=True)
class Outputs:
    """Where transcripts go.

    Attributes:
        formats: names of `asr.formats.FORMATS`.
        folder: holds the files; None prints.
        overwrite: whether finished files are written again.
    """

    formats: tuple[str, ...]
    folder: Path | None
    overwrite: bool

    def is_done(self, stem: str) -> bool:
        """Tell whether all files of a recording are there and may stay."""
        if self.folder is None or self.overwrite:
            return False
        # Unlike Path.exists, this takes a name that is too long for any file.
        return all(os.path.exists(self._file(stem, name)) for name in self.formats)  # noqa: PTH110

    def put(self, stem: str, transcripts: "Sequence[Transcript]", about: "About") -> None:
        """Write a recording's transcripts, or print them."""
        from asr.files import write_text
        from asr.formats import FORMATS

        texts = {name: FORMATS[name](transcripts, about) for name in self.formats}
        if self.folder is None:
            print(*texts.values(), end="", flush=True)
            return
        for name, text in texts.items():
            write_text(self._file(stem, name), text)

    def _file(self, stem: str, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{stem}.{name}"
