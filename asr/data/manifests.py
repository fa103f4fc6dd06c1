"""Read cut manifests, and load the audio of a cut.

Shapes: C channels, N samples.
"""

import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from lhotse import CutSet
from lhotse.audio import set_audio_duration_mismatch_tolerance
from lhotse.audio.backend import LibsndfileBackend, set_current_audio_backend
from lhotse.cut import Cut
from lhotse.cut.set import deserialize_cut
from lhotse.utils import compute_num_samples

from asr.audio import AudioError, Waveform, to_waveform
from asr.audio.mixing import CANCELLED, mix
from asr.audio.samples import Reporter
from asr.data.cut_checks import (
    LONGEST_S,
    TOLERANCE_S,
    check_amount,
    check_cut,
    cut_to_transcript,
)
from asr.data.cut_schema import CutError, check_row, shown
from asr.data.manifest_lines import read_lines
from asr.data.ranges import open_file
from asr.data.shar import (
    AGAIN,
    Member,
    fetch_audio,
    is_in_archive,
    mark_placeholder,
    read_shards,
    set_audio,
)
from asr.util.errors import UserError
from asr.util.paths import is_url

# By default, lhotse would fill up to half a second that a file lacks since it was prepared.
with warnings.catch_warnings(action="ignore"):  # lhotse warns of its own setting
    set_audio_duration_mismatch_tolerance(TOLERANCE_S)

_STEP_BYTES = 1 << 20
#: Recordings of which a warning was given.
_TOLD: set[str] = set()


class _Files(LibsndfileBackend):
    """Reads files by libsndfile alone, and no more of a file than `MOST_SAMPLES`.

    Other backends start programs (sph2pipe, ffmpeg), or open the addresses that a playlist names.
    Paths are made absolute, since libsndfile takes "-" for standard input.
    """

    def read_audio(
        self,
        path_or_fd: Any,
        offset: float = 0.0,
        duration: float | None = None,
        force_opus_sampling_rate: int | None = None,  # noqa: ARG002
    ) -> tuple[npt.NDArray[np.float32], int]:
        """Read `duration` seconds, or all, from `offset` on: samples (C, N) and their rate."""
        if isinstance(path_or_fd, str):
            path_or_fd = Path(path_or_fd).absolute()
            if not path_or_fd.is_file():
                raise FileNotFoundError(f"{path_or_fd}: there is no such file")
        try:
            with soundfile.SoundFile(path_or_fd) as audio:
                return _read_part(audio, offset, duration), audio.samplerate
        except soundfile.LibsndfileError as error:  # lhotse would remake it from its text
            raise ValueError(error.error_string.rstrip(".")) from error


def _read_part(
    audio: soundfile.SoundFile, offset_s: float, duration_s: float | None
) -> npt.NDArray[np.float32]:
    start = compute_num_samples(offset_s, audio.samplerate)
    count = audio.frames - start
    if duration_s is not None:
        count = min(count, compute_num_samples(duration_s, audio.samplerate))
    check_amount(count / audio.samplerate, count * audio.channels)
    audio.seek(start)
    samples: npt.NDArray[np.float32] = audio.read(count, dtype="float32", always_2d=True).T
    return samples


set_current_audio_backend(_Files())


def read_cuts(manifest: str | Path, longest_s: float = LONGEST_S) -> CutSet:
    """Read a cut manifest, JSON lines that may be gzipped, or the cuts of Shar, into memory.

    Cuts that are longer than their transcripts are shortened to them.

    Args:
        manifest: the path, or a folder or an address as `asr.data.shar.read_shards` takes it.
        longest_s: the longest utterance that the caller can take.

    Raises:
        UserError: the file is missing, empty or unreadable; a line is not a cut of audio files
            with exactly one transcript, is too long, or repeats an id; or as `read_shards`.
    """
    cuts: dict[str, Cut] = {}
    for part, audio in _parts(str(manifest)):
        _read_cuts_of(part, audio, longest_s, cuts)
    if not cuts:
        raise UserError(f"{manifest}: no utterances in this manifest; give one with some")
    return CutSet.from_cuts(cuts.values())


def _parts(manifest: str) -> Iterator[tuple[str, list[Member] | None]]:
    """Give a manifest, or the manifest of each shard with the audio in the shard's archive."""
    if is_url(manifest) or Path(manifest).is_dir():
        yield from read_shards(manifest)
        return
    path = Path(manifest)
    if not path.is_file():
        kind = "is no file" if path.exists() else "does not exist"
        raise UserError(
            f"{path}: expected a cut manifest (*.jsonl.gz), but it {kind}; "
            "make one with `asr prepare`"
        )
    yield str(path), None


def _read_cuts_of(
    place: str, audio: list[Member] | None, longest_s: float, cuts: dict[str, Cut]
) -> None:
    """Add the cuts of one manifest, of a shard if `audio` is in an archive, to `cuts`."""
    before = len(cuts)
    members = None if audio is None else iter(audio)
    try:
        with open_file(place, _STEP_BYTES) as file:
            for line in read_lines(file):
                cut = _parse(line, longest_s, members)
                if cut.id in cuts:
                    raise CutError(f"a second cut with the id {cut.id}", advice="keep one of them")
                cuts[cut.id] = cut
        if members is not None and (more := next(members, None)):
            raise CutError(f"no line for the audio of {shown(more.cut_id)}", advice=AGAIN)
    except CutError as error:
        advice = error.advice or "mend the line, or prepare the corpus again"
        line_number = len(cuts) - before + 1
        raise UserError(f"{place}:{line_number}: {error}; {advice}") from error
    except OSError as error:
        raise UserError(f"{place}: cannot be read: {error.strerror}; check the path") from error


def _parse(line: bytes, longest_s: float, members: Iterator[Member] | None) -> Cut:
    """Make the cut of a manifest's line, in a shard with the next audio of its archive.

    Raises:
        CutError: the line is not a valid cut.
    """
    row: Any = None
    try:
        row = json.loads(line)
        if members is not None:
            set_audio(row, next(members, None))
        check_row(row)
        cut = deserialize_cut(_without_notes(row))
        if members is not None:
            mark_placeholder(cut)
        check_cut(cut, LONGEST_S)
        cut = cut_to_transcript(cut)
        check_amount(cut.duration, 0, longest_s)
    except CutError as error:
        if (other := _name_other(row)) is not None:
            kind, advice = other
            raise CutError(f"this is {kind}, and no cut", advice=advice) from error
        named = isinstance(row, dict) and isinstance(row.get("id"), str)
        message = f"cut {shown(row['id'])[1:-1]}: {error}" if named else str(error)
        raise CutError(message, advice=error.advice) from error
    except Exception as error:  # whatever a damaged line makes of json or lhotse
        found = f"not a line of a cut manifest ({_first_line(error)})"
        raise CutError(found, advice=_OTHER if _is_text(line) else None) from error
    return cut


_OTHER = "`asr prepare folder` makes a manifest of recordings with a table or a list of texts"
#: Keys that tell other manifests, what these are, and what to do.
_OTHERS = (
    (
        "audio_filepath",
        "a line of NeMo's manifests",
        "`asr prepare folder` makes cut manifests of this file",
    ),
    ("sources", "a recording of lhotse's", "give the manifest of cuts, not of recordings"),
    ("recording_id", "a transcript of lhotse's", "give the manifest of cuts, not of supervisions"),
    ("text", "a text with other fields", _OTHER),
    ("sentence", "a text with other fields", _OTHER),
    ("txt", "a text with other fields", _OTHER),
)


def _name_other(row: object) -> tuple[str, str] | None:
    """Name what a line of another manifest is, and what to do; None if it may be a cut."""
    if not isinstance(row, dict) or "supervisions" in row or "tracks" in row:
        return None
    return next(((kind, advice) for key, kind, advice in _OTHERS if key in row), None)


def _is_text(line: bytes) -> bool:
    """Tell whether a line is text that never was JSON, as of a table or a list."""
    return line[:1] not in b'{["' and line.strip().decode(errors="ignore").isprintable()


def _without_notes(row: dict[str, Any]) -> dict[str, Any]:
    """Remove fields that nothing here reads, before lhotse makes attributes of them."""
    for cut in [track["cut"] for track in row.get("tracks", ())] or [row]:
        for one in (cut, *cut.get("supervisions", ())):
            one.pop("custom", None)
            one.pop("alignment", None)
    return row


def read_speakers(cuts: Iterable[Cut]) -> dict[str, str] | None:
    """Give the speaker of each cut by the cut's id; None where any speaker is not known."""
    speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
    if any(speaker in (None, "") for speaker in speakers.values()):
        return None
    return {key: str(speaker) for key, speaker in speakers.items()}  # some corpora have numbers


def load_waveform(cut: Cut, sample_rate: int) -> Waveform:
    """Load a cut as float32 (N,) at `sample_rate`, its channels mixed.

    Of a recording whose channels cancel each other a warning tells, once in a process.

    Raises:
        UserError: the audio is missing, unreadable, empty or not finite.
    """
    try:
        samples, cancelled = mix(fetch_audio(cut).load_audio().T, cut.sampling_rate)
        if cancelled:
            _tell_cancelled(cut)
        return to_waveform(samples, cut.sampling_rate, sample_rate, f"cut {cut.id}")
    except AudioError as error:  # which a loader's worker cannot pickle
        raise UserError(str(error)) from error
    except UserError:
        raise
    except Exception as error:  # every audio backend has exceptions of its own
        advice = (
            f"it is {cut.recording.sources[0].source}; {AGAIN}"
            if is_in_archive(cut)
            else "put the file back or mend it; where recordings have moved, prepare the corpus "
            "from there"
        )
        raise UserError(
            f"cut {cut.id}: its audio cannot be read ({_first_line(error)}); {advice}"
        ) from error


def _tell_cancelled(cut: Cut) -> None:
    path = cut.recording.sources[0].source if cut.has_recording else f"cut {cut.id}"
    if path not in _TOLD:
        _TOLD.add(path)
        Reporter(path).note(CANCELLED.format(of=""))


def _first_line(error: Exception) -> str:
    """Find the line that tells most: the one behind an introduction that ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")] or [type(error).__name__]
    return told[0][:200]
