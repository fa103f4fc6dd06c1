"""Audio files that libsndfile reads: wav, flac, mp3, ogg, opus, aiff and more.

`open_audio` opens a file that is sound, in which a training can seek; `open_reader` one that is
read from its start to its end, whatever it lacks.

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
import soxr

from asr.audio.foreign import name_foreign
from asr.audio.mixing import fit_channels
from asr.audio.mp3 import begins_as_mp3, mp3_is_joined, mp3_states_length, without_mpg123_messages
from asr.audio.ogg import check_pages, opus_delay
from asr.audio.samples import (
    AudioError,
    Reporter,
    UnknownFormatError,
    check_header,
    check_length,
)
from asr.audio.sections import Part, Section, find_parts
from asr.util.printable import printable

#: In libsndfile's log, a chunk that states more bytes than the file has.
_SHORT_CHUNK = re.compile(r"(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)")
#: A wav, aiff or au file written to a pipe states the largest length, since its own is not known.
_UNKNOWN_SIZE = 0x7FFF0000
#: Some programs count the header among the samples; nothing is missing then.
_MISCOUNTED_BYTES = 64
_EMPTY_WAV_BYTES = 4096  # an empty file's header is no longer
#: The length in frames that libsndfile gives a flac file that was written to a pipe.
_NO_LENGTH = 0x7FFFFFFFFFFFFFFF
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
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open an audio file that is complete and undamaged, as far as its headers tell.

    Raises:
        AudioError: no such file, a folder, a name that is not UTF-8, not audio, no samples, or
            cut short.
    """
    path = Path(path)
    require_file(path)
    with _open_sound(path, None) as audio:
        check_header(path, audio.samplerate, audio.channels)
        _require_known_length(audio, path)
        _check_is_one_recording(audio, path)
        _check_is_complete(audio, path)
        yield audio


@contextmanager
def _open_sound(path: Path, part: Part | None) -> Iterator[soundfile.SoundFile]:
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


class Reader:
    """A file that is read from its start to its end; see `open_reader`.

    Attributes:
        sample_rate: of the first recording in the file, Hz; the others are resampled to it.
        channels: C, of the first recording.
        duration_s: as the headers state; None if they state none.
        doubt: why another library may read more of the file; None if it would not.
        damage: what the file lacks, as can be told before it is decoded; None if nothing.
    """

    def __init__(self, path: Path, files: list[soundfile.SoundFile]) -> None:
        self._path, self._files, self._begun = path, files, False
        first = files[0]
        self.doubt = _doubt(files, path)
        incomplete = first.format == "OGG" and not check_pages(path).complete
        self.damage = "pages of it are missing or damaged" if incomplete else None
        self.sample_rate, self.channels = first.samplerate, first.channels
        check_header(path, self.sample_rate, self.channels)
        known = all(0 < one.frames < _NO_LENGTH for one in files)
        self.duration_s = sum(one.frames / one.samplerate for one in files) if known else None

    def require_complete(self) -> None:
        """Refuse an MP3 that is damaged, or shorter than it states; of others `blocks` tells.

        Raises:
            AudioError: it is damaged.
        """
        first = self._files[0]
        if first.format == "MP3" and self.doubt is None and not _is_complete(first):
            detail = f"{self._path}: is damaged, or ends before its header says it does"
            raise AudioError("unreadable audio", detail, "copy or convert the file again")

    def blocks(self, frames: int, report: Reporter) -> Iterator[npt.NDArray[np.float32]]:
        """Decode from the start in blocks (N, C) of about `frames` samples a channel.

        Raises:
            DamagedError: it cannot be decoded further.
            AudioError: no samples, or cut short and `report` is strict.
        """
        total_s = stated_s = 0.0
        for one in self._files:
            if self._begun:
                one.seek(0)
            alike = (one.samplerate, one.channels) == (self.sample_rate, self.channels)
            blocks = _decode(one, self._path, frames)
            for block in blocks if alike else self._convert(blocks, one.samplerate):
                total_s += len(block) / self.sample_rate
                yield block
            stated_s += _stated_frames(one, self._path) / one.samplerate
        self._begun = True
        tolerance_s = _tolerance_s(self._files[0])
        if self._files[0].format == "MP3" and 0 < total_s < stated_s - tolerance_s:
            detail = f"{self._path}: damaged audio"  # libsndfile gives up where PyAV goes on
            raise DamagedError("unreadable audio", detail, "copy or convert it again")
        check_length(report, total_s, stated_s, tolerance_s)

    def _convert(
        self, blocks: Iterator[npt.NDArray[np.float32]], rate: int
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Give a recording of other rate or channels those of the first one."""
        resampler = soxr.ResampleStream(rate, self.sample_rate, self.channels, dtype="float32")
        for block in blocks:
            yield resampler.resample_chunk(np.ascontiguousarray(fit_channels(block, self.channels)))
        last = resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)
        if len(last):
            yield last


@contextmanager
def open_reader(path: Path, start: int | None = None) -> Iterator[Reader]:
    """Open a file to read it from its start, or its byte `start`, to its end, whatever it lacks.

    Raises:
        UnknownFormatError: libsndfile cannot read it.
        AudioError: as `check_header`.
    """
    with ExitStack() as stack:
        parts: list[Part | None]
        if start is None:
            parts = [*find_parts(path)] or [None]
        else:
            parts = [Part(start, path.stat().st_size)]
        files = [stack.enter_context(_open_sound(path, part)) for part in parts]
        yield Reader(path, files)


def _doubt(files: list[soundfile.SoundFile], path: Path) -> str | None:
    """Tell why libsndfile may not read all of a file."""
    first = files[0]
    if first.format == "MP3" and mp3_is_joined(path):
        return "several recordings joined, of which only the first is read"
    if first.format == "MP3" and not mp3_states_length(path):
        return "its header states no length"
    if first.frames == 0:
        return "its header states no samples"
    if any(one.frames == _NO_LENGTH for one in files):
        return "its header states no length"
    if first.subtype == "MPEG_LAYER_III" and first.format != "MP3":
        return "its length is not known"
    return None


def _stated_frames(audio: soundfile.SoundFile, path: Path) -> int:
    """Give the number of samples a channel that the header states."""
    frames: int = audio.frames
    if frames == _NO_LENGTH or (audio.format == "MP3" and not mp3_states_length(path)):
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


def _tolerance_s(audio: soundfile.SoundFile) -> float:
    """How much of a recording may be missing unsaid: the delay of a coder that is not undone."""
    return {"MP3": 0.01, "OGG": 0.02}.get(audio.format, 1e-6)


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
    if audio.frames == _NO_LENGTH:
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


def decode_blocks(
    audio: soundfile.SoundFile, path: Path, frames: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Decode a file of `open_audio` from its start in blocks (N, C) of `frames` samples a channel.

    Raises:
        AudioError: the file is damaged or cut short.
    """
    total = 0
    audio.seek(0)
    for block in _decode(audio, path, frames):
        total += len(block)
        yield block
    stated_s = audio.frames / audio.samplerate
    report = Reporter(path, strict=True)
    check_length(report, total / audio.samplerate, stated_s, 0.01 * stated_s + 0.5)


def _decode(
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
