"""What libsndfile reads (wav, flac, mp3, ogg, opus, aiff and more): opened, measured and decoded.

`seekable` opens a file that is whole, in which a training can seek; `reader` one that is read from
its start to its end, whatever it lacks.

Shapes: N samples, C channels.
"""

import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from asr.audio.foreign import name_foreign
from asr.audio.mp3 import begins_as_mp3, mp3_states_length, without_mpg123_messages
from asr.audio.ogg import check_pages, opus_delay
from asr.audio.samples import AudioError, UnknownFormatError
from asr.audio.sections import Part, Section
from asr.util.printable import printable

#: In libsndfile's log, a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)")
#: A wav, aiff or au file written to a pipe states the largest length, since its own is not known.
_UNKNOWN_SIZE = 0x7FFF0000
#: Some programs count the header among the samples; nothing is missing then.
_MISCOUNTED_BYTES = 64
#: The length in frames that libsndfile gives a flac file that was written to a pipe.
NO_LENGTH = 0x7FFFFFFFFFFFFFFF
#: libsndfile's error number for codings without random access: GSM 6.10, G.721, DWVW.
_UNSEEKABLE = 40
#: What soundfile raises at damaged audio; ValueError if libsndfile is past the end of the file.
_DAMAGED = (soundfile.SoundFileError, ValueError)
_OPUS_HZ = 48_000  # of positions in a file, whatever rate was recorded
_SPHERE_COUNT = re.compile(rb"sample_count -i (\d+)")


class DamagedError(AudioError):
    """Audio that cannot be decoded further."""


def require_file(path: Path) -> None:
    """Refuse what is no file, or has a name that libraries do not take.

    Raises:
        AudioError: no such file, a folder, a pipe, or a name that is not UTF-8.
    """
    if not path.is_file():
        what = "this is a pipe or a device" if path.exists() else "there is no such file"
        what = "this is a link that leads nowhere" if path.is_symlink() else what
        what = "this is a folder" if path.is_dir() else what
        raise AudioError("missing audio", f"{path}: {what}", "give an audio file")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise AudioError(
            "unreadable audio",
            f"{printable(str(path))}: its name is not UTF-8",
            "rename it",
        ) from error


@contextmanager
def open_sound(path: Path, part: Part | None) -> Iterator[soundfile.SoundFile]:
    """Open a file, or one recording in it.

    Raises:
        UnknownFormatError: libsndfile cannot read it.
    """
    with ExitStack() as stack:
        options = {}
        file: Path | Section = path.absolute()  # libsndfile takes "-" for standard input
        if part is not None:
            file = stack.enter_context(contextlib.closing(Section(path, part.start, part.end)))
        if part is not None and part.samples is not None:
            raw = part.samples
            options = {
                "format": "RAW", "subtype": raw.subtype, "samplerate": raw.sample_rate,
                "channels": raw.channels,
            }  # fmt: skip
        try:
            with without_mpg123_messages(begins_as_mp3(path)):
                audio = stack.enter_context(soundfile.SoundFile(file, **options))
        except (soundfile.SoundFileError, TypeError) as error:  # TypeError: .raw has no header
            told = getattr(error, "error_string", str(error)).rstrip(".")
            reason, advice = name_foreign(path, told)
            raise UnknownFormatError(
                "unreadable audio", f"{path}: not audio that can be read ({reason})", advice
            ) from error
        yield audio


def decode(
    audio: soundfile.SoundFile, path: Path, frames: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Decode from the current place.

    Raises:
        DamagedError: it cannot be decoded further.
    """
    try:
        while len(block := _read(audio, frames)):
            yield block
    except _DAMAGED as error:
        reason = getattr(error, "error_string", str(error)).rstrip(". ")
        detail = f"{path}: damaged audio ({reason})"
        if audio.subtype.startswith("DWVW"):  # which libsndfile writes, and opens
            detail = f"{path}: coded as {audio.subtype}, which no library here decodes"
        raise DamagedError("unreadable audio", detail, "copy or convert it again") from error


def _read(audio: soundfile.SoundFile, frames: int) -> npt.NDArray[np.float32]:
    with without_mpg123_messages(audio.format == "MP3"):
        return audio.read(frames, dtype="float32", always_2d=True)


def is_complete(audio: soundfile.SoundFile) -> bool:
    """Tell whether a file is as long as its header states, by decoding its last frame alone.

    Raises:
        soundfile.LibsndfileError: a coding without random access.
    """
    stated, held = _chunk_bytes(audio)
    if stated - held > _MISCOUNTED_BYTES:
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


def stated_frames(audio: soundfile.SoundFile, path: Path) -> int:
    """Give the number of samples a channel that the header states."""
    frames: int = audio.frames
    if frames == NO_LENGTH or (audio.format == "MP3" and not mp3_states_length(path)):
        return 0
    if audio.format == "NIST":
        with path.open("rb") as file:
            found = _SPHERE_COUNT.search(file.read(1024))
        return max(frames, int(found[1])) if found else frames
    if audio.format == "OGG":
        return max(frames, _ogg_frames(audio, path))
    stated, held = _chunk_bytes(audio)
    missing = 0 if stated - held <= _MISCOUNTED_BYTES else stated - held
    return frames + round(missing * frames / max(1, held))


def _ogg_frames(audio: soundfile.SoundFile, path: Path) -> int:
    """Give the number of samples a channel that the last page states; 0 if it is not known."""
    end = check_pages(path).end
    if end is None or audio.subtype not in ("OPUS", "VORBIS"):
        return 0
    if audio.subtype == "VORBIS":
        return end
    return round((end - opus_delay(path)) * audio.samplerate / _OPUS_HZ)


def _chunk_bytes(audio: soundfile.SoundFile) -> tuple[int, int]:
    """Give the bytes that the chunk of samples states, and those it has."""
    for stated, found in _SHORT_CHUNK.findall(audio.extra_info):
        if int(found) < int(stated) < _UNKNOWN_SIZE:
            return int(stated), int(found)
    return 0, 0
