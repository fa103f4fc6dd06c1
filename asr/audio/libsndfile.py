"""Audio files that libsndfile reads: wav, flac, mp3, ogg, opus, aiff and more.

Shapes: N samples, C channels.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from asr.audio.mp3 import mp3_is_joined, mp3_states_length
from asr.audio.ogg import check_pages
from asr.audio.samples import AudioError, UnknownFormatError, check_header, check_length
from asr.util.printable import printable

#: In libsndfile's log, a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)")
#: A wav, aiff or au file written to a pipe states the largest length, since its own is not known.
_UNKNOWN_SIZE = 0x7FFF0000
_EMPTY_WAV_BYTES = 4096  # an empty file's header is no longer
#: The length in frames that libsndfile gives a flac file that was written to a pipe.
_NO_LENGTH = 0x7FFFFFFFFFFFFFFF
#: libsndfile's error number for codings without random access: GSM 6.10, G.721, DWVW.
_UNSEEKABLE = 40
#: What soundfile raises at damaged audio; ValueError if libsndfile is past the end of the file.
_DAMAGED = (soundfile.SoundFileError, ValueError)


@contextlib.contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open an audio file that is complete and undamaged, as far as its headers tell.

    Raises:
        AudioError: no such file, a folder, a name that is not UTF-8, not audio, no samples, or
            cut short.
    """
    path = Path(path)
    if not path.is_file():
        what = "this is a pipe or a device" if path.exists() else "there is no such file"
        what = "this is a folder" if path.is_dir() else what
        raise AudioError("missing audio", f"{path}: {what}", "give an audio file")
    try:
        audio = soundfile.SoundFile(path.absolute())  # libsndfile takes "-" for standard input
    except UnicodeEncodeError as error:
        raise AudioError(
            "unreadable audio",
            f"{printable(str(path))}: its name is not UTF-8",
            "rename it",
        ) from error
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a .raw file has no header
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise UnknownFormatError(
            "unreadable audio",
            f"{path}: not audio that can be read ({reason})",
            "convert it to wav or flac",
        ) from error
    with audio:
        check_header(path, audio.samplerate, audio.channels)
        _check_length_is_known(audio, path)
        _check_is_one_recording(audio, path)
        _check_is_complete(audio, path)
        yield audio


def _check_length_is_known(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file without samples, or without a length in its header."""
    wav = audio.format in ("WAV", "WAVEX")
    if audio.frames == 0 and wav and path.stat().st_size > _EMPTY_WAV_BYTES:
        raise UnknownFormatError(  # a recorder did not finish the file, and PyAV reads it
            "unreadable audio",
            f"{path}: its header states no samples, but there are some",
            "convert it to wav or flac",
        )
    if audio.frames == 0:
        raise AudioError("no samples", f"{path}: an audio file without samples", "record again")
    if audio.frames == _NO_LENGTH:
        detail = f"{path}: its header states no length"
        raise AudioError("unreadable audio", detail, "convert it to wav or to flac again")


def _check_is_one_recording(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse damaged Ogg pages, and several recordings in one file: libsndfile reads the first."""
    joined = audio.format == "MP3" and mp3_is_joined(path)
    if audio.format == "OGG":
        pages = check_pages(path)
        if not pages.complete:
            detail = f"{path}: pages of it are missing or damaged"
            raise AudioError("unreadable audio", detail, "copy or convert the file again")
        joined = pages.joined
    if joined:
        raise UnknownFormatError(
            "unreadable audio",
            f"{path}: several recordings joined, of which only the first would be read",
            "convert it to wav or flac",
        )


def _check_is_complete(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file that is cut short, or that libsndfile can only read from its start."""
    try:
        complete = _is_complete(audio)
    except soundfile.LibsndfileError as error:
        detail = f"{path}: coded as {audio.subtype}, which can only be read from its start"
        advice = "convert it to 16-bit wav or flac"
        raise UnknownFormatError("unreadable audio", detail, advice) from error
    if complete:
        return
    if audio.format == "MP3" and not mp3_states_length(path):  # PyAV counts
        detail = f"{path}: its header states no length"
        raise UnknownFormatError("unreadable audio", detail, "convert it to wav or flac")
    raise AudioError(
        "unreadable audio",
        f"{path}: ends before its header says it does",
        "copy or convert the file again",
    )


def _is_complete(audio: soundfile.SoundFile) -> bool:
    """Tell whether a file is as long as its header states, by decoding its last frame alone.

    Raises:
        soundfile.LibsndfileError: a coding without random access.
    """
    for stated, found in _SHORT_CHUNK.findall(audio.extra_info):
        if int(found) < int(stated) < _UNKNOWN_SIZE:
            return False
    try:
        audio.seek(audio.frames - 1)
        complete = len(audio.read(1)) == 1
        audio.seek(0)
    except _DAMAGED as error:
        if getattr(error, "code", None) == _UNSEEKABLE:
            raise
        return False
    return complete


def decode_blocks(
    audio: soundfile.SoundFile, path: Path, frames: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Decode an opened file from its start in blocks (N, C) of `frames` samples a channel.

    Raises:
        AudioError: the file is damaged or cut short.
    """
    total = 0
    try:
        audio.seek(0)
        while len(block := audio.read(frames, dtype="float32", always_2d=True)):
            total += len(block)
            yield block
    except _DAMAGED as error:
        reason = getattr(error, "error_string", str(error))
        detail = f"{path}: damaged audio ({reason})"
        raise AudioError("unreadable audio", detail, "copy or convert it again") from error
    check_length(path, total / audio.samplerate, audio.frames / audio.samplerate)
