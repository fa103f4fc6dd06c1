"""The recordings that a command line names: files, folders, patterns, lists, standard input."""

import glob
import os
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from stat import S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

from asr.util.errors import DISK_FULL, UserError, UserNote
from asr.util.files import find_files
from asr.util.printable import printable
from asr.util.progress import beside_bars
from asr.util.text_files import read_text

STDIN = "-"
#: The most bytes of a stream, the largest size of a wav file.
LONGEST_STREAM_BYTES = 4 << 30
_BLOCK_BYTES = 1 << 20
#: Suffixes of files left out of a folder that are named.
_MOST_NAMED = 5
#: Where Linux lists the files that this process has open.
_OPEN_FILES = Path("/proc/self/fd")


@dataclass(frozen=True)
class Input:
    """A recording that was asked for.

    Attributes:
        name: the name in messages and outputs.
        path: the file to read.
        stem: the name of its outputs without suffix; it begins with the folders below a given
            folder, or below the folder that a pattern searches.
    """

    name: str
    path: Path
    stem: Path

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once: standard input, a pipe or a device."""
        return self.name == STDIN or S_ISFIFO(self._mode) or self.is_device

    @property
    def is_device(self) -> bool:
        """Whether it is a terminal, or a device without end such as /dev/zero."""
        return S_ISCHR(self._mode)

    @property
    def _mode(self) -> int:
        """The mode of the file, or 0 where the system does not tell."""
        try:
            found = os.fstat(sys.stdin.fileno()) if self.name == STDIN else self.path.stat()
        except (OSError, ValueError):  # left for the reader to name
            return 0
        return found.st_mode


def find_inputs(
    arguments: Iterable[str], list_file: Path | None
) -> tuple[list[Input], list[UserError]]:
    """List recordings in the order given, each once, and the errors of arguments without any.

    Raises:
        UserError: the list cannot be read, or no recording is named.
    """
    wanted = [*arguments, *(_listed(list_file) if list_file else ())]
    if not wanted:
        raise UserError("transcribe: no recordings named; give files, folders, - or --list FILE")
    found: dict[str, Input] = {}
    errors = []
    for argument in wanted:
        try:
            for one in _expand(argument):
                if _is_text(one.name):
                    found.setdefault(_key(one), one)
                else:  # neither libraries nor the files we write take such a name
                    shown = printable(one.name)
                    errors.append(UserError(f"{shown}: its name is not UTF-8; rename the file"))
        except UserError as error:
            errors.append(error)
        except (OSError, RuntimeError, ValueError) as error:  # too long, closed, a loop of links
            reason = getattr(error, "strerror", None) or error
            errors.append(UserError(f"{argument[:80]}: cannot be found: {reason}; check the path"))
    return list(found.values()), errors


def _key(one: Input) -> str:
    """Tell inputs apart by the path that was typed, not by where links lead."""
    return STDIN if one.name == STDIN else os.path.abspath(one.path)  # noqa: PTH100


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
        yield make_input(argument)
    elif path.is_dir():
        yield from _in_folder(path)
    elif not path.exists() and glob.has_magic(argument):
        matches = [Path(name) for name in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207
        files = [match for match in matches if not match.is_dir()]
        if not files:
            raise UserError(f"{argument}: no file matches this pattern; give another")
        files = _without_special(files, argument)
        root = _root(argument)
        for file in files:
            yield Input(str(file), file, file.relative_to(root).with_suffix(""))
    else:
        yield make_input(argument)


def make_input(argument: str) -> Input:
    """Name one recording: a file, a pipe, or standard input.

    Raises:
        UserError: standard input is closed.
    """
    path = Path(argument)
    if argument == STDIN and sys.stdin is None:
        raise UserError("-: standard input is closed; send a recording into it, or name a file")
    return Input(argument, path, Path("stdin" if argument == STDIN else path.stem))


def _root(pattern: str) -> Path:
    """Name the folder that a pattern searches: the parts before its first wildcard."""
    parts = takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    return Path(*parts)


def _in_folder(folder: Path) -> Iterator[Input]:
    from asr.audio.suffixes import AUDIO_SUFFIXES

    files, closed = find_files(folder)
    audio = sorted(path for path in files if path.suffix.lower() in AUDIO_SUFFIXES)
    others = [path for path in files if path.suffix.lower() not in AUDIO_SUFFIXES]
    if audio and others:
        counts = Counter(path.suffix.lower() or "without a suffix" for path in others)
        most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST_NAMED]
        named = ", ".join(f"{count} {suffix}" for suffix, count in most)
        more = "" if len(counts) <= _MOST_NAMED else " and more"
        _note(f"{folder}: left out {len(others)} that are not called audio: {named}{more}")
    for path in _without_special(audio, str(folder)):
        yield Input(str(path), path, path.relative_to(folder).with_suffix(""))
    if closed:
        error = closed[0]
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}; mend its permissions")
    if not audio:
        raise UserError(f"{folder}: no audio files in this folder; give another")


def _without_special(files: list[Path], where: str) -> list[Path]:
    """Leave out pipes, sockets and devices, which might be waited for; the reader names the rest.

    Who names a pipe itself is waited with.
    """
    special = [path for path in files if _is_special(path)]
    if special:
        shown = printable(str(special[0]))
        others = f" and {len(special) - 1} more" if len(special) > 1 else ""
        _note(f"{where}: left out {shown}{others}: a pipe, a socket or a device, and no file")
    return [path for path in files if path not in special]


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # a link to nothing, or one that cannot be followed
        return False
    return not (S_ISREG(mode) or S_ISDIR(mode))


def _note(sentence: str) -> None:
    warnings.warn(UserNote(sentence), stacklevel=2)


def check_outputs(inputs: Iterable[Input], flag: str, called: Callable[[Path], str]) -> None:
    """Refuse recordings whose outputs would have one name.

    Args:
        inputs: the recordings.
        flag: the flag of the output, for the message.
        called: gives the name of an output from the recording's stem.

    Raises:
        UserError: two recordings have one name; the message names both.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for one in inputs:
        by_name[called(one.stem)].append(one.name)
    for name, inputs_so in by_name.items():
        if len(inputs_so) > 1:
            beside = len({Path(one).parent for one in inputs_so[:2]}) == 1
            advice = "rename one" if beside else "name a folder that holds both"
            raise UserError(
                f"{flag}: {inputs_so[0]} and {inputs_so[1]} would both be written as {name}; "
                f"transcribe them into folders of their own, or {advice}"
            )


@contextmanager
def naming(paths: Mapping[Path, Input]) -> Iterator[None]:
    """Let warnings of recordings name them as they were typed, beside a progress bar."""
    names = {str(path): one.name for path, one in paths.items()}
    shown = warnings.showwarning

    def show(message: Warning | str, *others: Any, **more: Any) -> None:
        path = getattr(message, "details", {}).get("path")
        if path in names and isinstance(message, UserNote):
            message = message.reworded(str(message).replace(path, names[path], 1))
        with beside_bars():
            shown(message, *others, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


@contextmanager
def readable(
    inputs: Iterable[Input],
) -> Iterator[tuple[dict[Path, Input], list[tuple[Input, UserError]]]]:
    """Give the inputs by the path to read; a stream is copied to a temporary file.

    Audio files are read twice or from their end, which a stream does not allow. Streams that
    cannot be read are given with their errors.
    """
    with ExitStack() as kept:
        paths: dict[Path, Input] = {}
        refused = []
        for one in inputs:
            try:
                path = kept.enter_context(_kept(one)) if one.is_stream else one.path
            except UserError as error:
                refused.append((one, error))
                continue
            paths[path] = one
        yield paths, refused


@contextmanager
def _kept(stream: Input) -> Iterator[Path]:
    """Copy a stream to a temporary file.

    Raises:
        UserError: it cannot be read, has no end, or there is no room for it.
    """
    if stream.is_device:
        raise UserError(f"{stream.name}: this is a device; send a recording, or name a file")
    try:
        with ExitStack() as stack:
            path = stack.enter_context(_temporary())
            with _opened(stream) as source, path.open("wb") as copy:
                _copy(source, copy, stream.name)
            copied = stack.pop_all()
    except OSError as error:
        full = error.errno in DISK_FULL or isinstance(error, FileNotFoundError)
        advice = "save it to a file, and name that" if full else "send a recording"
        reason = f"{stream.name}: cannot be read: {error.strerror}; {advice}"
        raise UserError(reason) from error
    with copied:
        yield path


@contextmanager
def _temporary() -> Iterator[Path]:
    """Make an empty file; where open files can be opened again, one without a name.

    Nothing of such a file is left behind, however this process ends.
    """
    if _OPEN_FILES.is_dir():
        with TemporaryFile() as file:
            yield _OPEN_FILES / str(file.fileno())
    else:
        with TemporaryDirectory(prefix="asr-") as folder:
            yield Path(folder, "stream")


def _copy(source: IO[bytes], copy: IO[bytes], name: str) -> None:
    copied = 0
    while block := source.read(_BLOCK_BYTES):
        copied += copy.write(block)
        if copied > LONGEST_STREAM_BYTES:
            size = f"{LONGEST_STREAM_BYTES >> 30} GiB"
            raise UserError(f"{name}: is longer than {size}; save it to a file, and name that")


def _opened(stream: Input) -> AbstractContextManager[IO[bytes]]:
    if stream.name == STDIN:
        return nullcontext(sys.stdin.buffer)  # which is not ours to close
    return stream.path.open("rb")
