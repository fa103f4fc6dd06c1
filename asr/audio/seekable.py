"""Audio files that are whole, in which a training seeks.

Shapes: N samples, C channels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from asr.audio.libsndfile import NO_LENGTH, decode, is_complete, open_sound, require_file
from asr.audio.mp3 import mp3_is_joined, mp3_states_length
from asr.audio.ogg import check_pages
from asr.audio.samples import AudioError, Reporter, UnknownFormatError, check_header, check_length
from asr.audio.sections import find_parts

_EMPTY_WAV_BYTES = 4096  # an empty file's header is no longer


@contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open an audio file that is complete and undamaged, as far as its headers tell.

    Raises:
        AudioError: no such file, a folder, a name that is not UTF-8, not audio, no samples, or
            cut short.
    """
    path = Path(path)
    require_file(path)
    with open_sound(path, None) as audio:
        check_header(path, audio.samplerate, audio.channels)
        _require_known_length(audio, path)
        _check_is_one_recording(audio, path)
        _check_is_complete(audio, path)
        yield audio


def decode_blocks(
    audio: soundfile.SoundFile, path: Path, frames: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Decode a file of `open_audio` from its start in blocks (N, C) of `frames` samples a channel.

    Raises:
        AudioError: the file is damaged or cut short.
    """
    total = 0
    audio.seek(0)
    for block in decode(audio, path, frames):
        total += len(block)
        yield block
    stated_s = audio.frames / audio.samplerate
    report = Reporter(path, strict=True)
    check_length(report, total / audio.samplerate, stated_s, 0.01 * stated_s + 0.5)


def _require_known_length(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file without samples, or without a length in its header."""
    wav = audio.format in ("WAV", "WAVEX")
    if audio.frames == 0 and wav and (path.stat().st_size > _EMPTY_WAV_BYTES or find_parts(path)):
        raise UnknownFormatError(  # a recorder did not finish the file
            "unreadable audio",
            f"{path}: its header states no samples, but there are some",
            "convert it to wav or flac",
        )
    if audio.frames == 0:
        raise AudioError("no samples", f"{path}: an audio file without samples", "record again")
    if audio.frames == NO_LENGTH:
        detail = f"{path}: its header states no length"
        raise UnknownFormatError("unreadable audio", detail, "convert it to wav or to flac again")


def _check_is_one_recording(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse damaged Ogg pages, and several recordings in one file: libsndfile reads the first."""
    if audio.format == "OGG" and not check_pages(path).complete:
        detail = f"{path}: pages of it are missing or damaged"
        raise AudioError("unreadable audio", detail, "copy or convert the file again")
    if (audio.format == "MP3" and mp3_is_joined(path)) or find_parts(path):
        raise UnknownFormatError(
            "unreadable audio",
            f"{path}: several recordings joined, of which only the first would be read",
            "convert it to wav or flac",
        )


def _check_is_complete(audio: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file that is cut short, or that libsndfile can only read from its start."""
    try:
        complete = is_complete(audio)
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
