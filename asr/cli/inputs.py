"""Which recordings a command line means: files, folders, patterns, lists and standard input."""

import glob
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from stat import S_ISCHR, S_ISFIFO
from tempfile import TemporaryDirectory
from typing import IO

from asr.errors import DISK_FULL, UserError, printable
from asr.files import files_below
from asr.text_files import read_text

STDIN = "-"


@dataclass(frozen=True)
class Input:
    """A recording that was asked for.

    Attributes:
        name: as it is shown.
        path: where it is read.
        stem: what its outputs are called, folders below a given folder, or below that which a
            pattern searches, included.
    """

    name: str
    path: Path
    stem: Path

    @property
    def is_stream(self) -> bool:
        """Whether it can be read but once: standard input, a pipe or a device."""
        if self.name == STDIN:
            return True
        try:
            mode = self.path.stat().st_mode
        except (OSError, ValueError):  # left for the reader to name
            return False
        return S_ISFIFO(mode) or S_ISCHR(mode)


def find_inputs(
    arguments: Iterable[str], list_file: Path | None
) -> tuple[list[Input], list[UserError]]:
    """List recordings in the order given, each once, and what was asked for in vain.

    Raises:
        UserError: the list cannot be read, or nothing was asked for.
    """
    wanted = [*arguments, *(_listed(list_file) if list_file else ())]
    if not wanted:
        raise UserError("transcribe: no recordings named; give files, folders, - or --list FILE")
    found: dict[Path | str, Input] = {}
    errors = []
    for argument in wanted:
        try:
            for one in _expand(argument):
                if _is_text(one.name):
                    found.setdefault(STDIN if one.name == STDIN else one.path.resolve(), one)
                else:  # neither libraries nor the files we write take such a name
                    shown = printable(one.name)
                    errors.append(UserError(f"{shown}: its name is not UTF-8; rename the file"))
        except UserError as error:
            errors.append(error)
        except (OSError, RuntimeError, ValueError) as error:  # too long, closed, a loop of links
            reason = getattr(error, "strerror", None) or error
            errors.append(UserError(f"{argument[:80]}: cannot be found: {reason}; check the path"))
    return list(found.values()), errors


def _is_text(name: str) -> bool:
    """Tell whether a name is text, and not bytes that Python carries along as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _listed(path: Path) -> list[str]:
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def _expand(argument: str) -> Iterator[Input]:
    path = Path(argument)
    if not argument.strip():
        raise UserError("an empty name was given; give a file, a folder or -")
    if argument == STDIN:
        if sys.stdin is None:
            raise UserError("-: standard input is closed; send a recording into it, or name a file")
        yield Input(STDIN, path, Path("stdin"))
    elif path.is_dir():
        yield from _in_folder(path)
    elif not path.exists() and glob.has_magic(argument):
        matches = [Path(name) for name in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207
        files = [match for match in matches if match.is_file()]
        if not files:
            raise UserError(f"{argument}: no file matches this pattern; give another")
        root = _root(argument)
        for file in files:
            yield Input(str(file), file, file.relative_to(root).with_suffix(""))
    else:
        yield Input(argument, path, Path(path.stem))


def _root(pattern: str) -> Path:
    """Name the folder that a pattern searches: what stands before its first wildcard."""
    parts = takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    return Path(*parts)


def _in_folder(folder: Path) -> Iterator[Input]:
    from asr.audio.recording import AUDIO_SUFFIXES

    files, closed = files_below(folder)
    audio = [path for path in files if path.suffix.lower() in AUDIO_SUFFIXES]
    for path in sorted(audio):
        if path.is_file() or not path.exists():  # the reader names a link to nothing
            yield Input(str(path), path, path.relative_to(folder).with_suffix(""))
    if closed:
        error = closed[0]
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}; mend its permissions")
    if not audio:
        raise UserError(f"{folder}: no audio files in this folder; give another")


def check_outputs(inputs: Iterable[Input], flag: str, called: Callable[[Path], str]) -> None:
    """Refuse recordings that would have the same name in what is written.

    Args:
        inputs: the recordings.
        flag: that asks for it, as it is shown.
        called: the name by the recording's stem.

    Raises:
        UserError: naming the first two.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for one in inputs:
        by_name[called(one.stem)].append(one.name)
    for name, inputs_so in by_name.items():
        if len(inputs_so) > 1:
            raise UserError(
                f"{flag}: {inputs_so[0]} and {inputs_so[1]} would both be written as {name}; "
                "transcribe them apart, or name a folder that holds both"
            )


@contextmanager
def readable(
    inputs: Iterable[Input],
) -> Iterator[tuple[dict[Path, Input], list[tuple[Input, UserError]]]]:
    """Give the inputs by the path they can be read at; what is a stream is kept in a file.

    A stream cannot be read twice or from its end, as audio files have to be. Those that cannot be
    read at all come with the reason.
    """
    with TemporaryDirectory(prefix="asr-") as folder:
        paths: dict[Path, Input] = {}
        refused = []
        for one in inputs:
            path = one.path
            if one.is_stream:
                path = Path(folder) / (
                    "standard input" if one.name == STDIN else f"stream {len(paths) + 1}"
                )
                try:
                    with _opened(one) as stream, path.open("wb") as copy:
                        shutil.copyfileobj(stream, copy)
                except OSError as error:
                    if error.errno in DISK_FULL:
                        raise
                    reason = f"{one.name}: cannot be read: {error.strerror}; send a recording"
                    refused.append((one, UserError(reason)))
                    continue
            paths[path] = one
        yield paths, refused


def _opened(stream: Input) -> AbstractContextManager[IO[bytes]]:
    if stream.name == STDIN:
        return nullcontext(sys.stdin.buffer)  # which is not ours to close
    return stream.path.open("rb")
