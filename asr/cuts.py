"""Cut manifests, and the audio of a cut.

Shapes: N samples.
"""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from lhotse import CutSet
from lhotse.audio import AudioSource, set_audio_duration_mismatch_tolerance
from lhotse.audio.backend import (
    AudioreadBackend,
    CompositeAudioBackend,
    LibsndfileBackend,
    TorchcodecBackend,
    set_current_audio_backend,
)
from lhotse.cut import Cut, MixedCut

from asr.audio import AudioError, Waveform, to_waveform
from asr.errors import UserError

# Otherwise lhotse fills up to half a second of a file cut short since it was prepared.
with warnings.catch_warnings(action="ignore"):  # lhotse warns of its own setting
    set_audio_duration_mismatch_tolerance(0.01)
# libsndfile first, as the checks of `asr.corpora` read: lhotse would run sph2pipe for any .sph.
set_current_audio_backend(
    CompositeAudioBackend([LibsndfileBackend(), TorchcodecBackend(), AudioreadBackend()])
)

#: Sources of audio that are read; lhotse has others, which run commands or ask the network.
_READ = ("file", "memory")


def read_cuts(manifest: str | Path) -> CutSet:
    """Read a cut manifest into memory.

    Raises:
        UserError: the file is missing, empty or unreadable; a line of it is not a cut with
            exactly one transcript and a positive duration; an id comes twice.
    """
    path = Path(manifest)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(
            f"{path}: expected a cut manifest (*.jsonl.gz), but it {kind}; "
            "make one with `asr prepare`"
        )
    cuts: list[Cut] = []
    try:
        for cut in CutSet.from_file(path) or ():
            cuts.append(cut)
    except Exception as error:  # whatever a damaged file makes of gzip, json or lhotse
        raise UserError(
            f"{path}:{len(cuts) + 1}: not a line of a cut manifest ({_first_line(error)}); "
            "prepare the corpus again"
        ) from error
    if not cuts:
        raise UserError(f"{path}: no utterances in this manifest; prepare the corpus again")
    seen: set[str] = set()
    for line, cut in enumerate(cuts, 1):
        fault = _fault(cut) or (f"a second cut with the id {cut.id}" if cut.id in seen else None)
        if fault:
            raise UserError(f"{path}:{line}: {fault}; prepare the corpus again")
        seen.add(cut.id)
    return CutSet.from_cuts(cuts)


def _fault(item: object) -> str | None:
    """Say what keeps a manifest's item from being an utterance, if anything does."""
    if not isinstance(item, Cut):
        return f"a {type(item).__name__}, expected a cut"
    if len(item.supervisions) != 1 or not isinstance(item.supervisions[0].text, str):
        count = len(item.supervisions)
        return f"cut {item.id} has {count} transcripts, expected 1 with text"
    if not isinstance(item.id, str):
        return f"cut {item.id}: its id is no string"
    for source in _sources(item):
        if source.type not in _READ:
            shown = f"{source.type} {str(source.source)[:60]!r}"
            return f"cut {item.id}: its audio is a {shown}, which is never run or fetched here"
    if not (isinstance(item.duration, int | float) and item.duration > 0):
        return f"cut {item.id}: duration is {item.duration!r} s, expected more than 0"
    return None


def _sources(cut: Cut) -> Iterator[AudioSource]:
    """Give where the audio of a cut, or of all its tracks, comes from."""
    for one in [track.cut for track in cut.tracks] if isinstance(cut, MixedCut) else [cut]:
        if one.has_recording:
            yield from one.recording.sources


def read_speakers(cuts: Iterable[Cut]) -> dict[str, str] | None:
    """Give the speaker of each cut by its id; None where that of any is not known."""
    speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
    if any(speaker in (None, "") for speaker in speakers.values()):
        return None
    return {key: str(speaker) for key, speaker in speakers.items()}  # corpora number theirs, too


def load_waveform(cut: Cut, sample_rate: int) -> Waveform:
    """Load a cut as float32 (N,) at `sample_rate`, its channels mixed.

    Raises:
        UserError: the audio is missing, unreadable, empty or not finite.
    """
    try:
        samples = cut.load_audio().mean(axis=0)
        return to_waveform(samples, cut.sampling_rate, sample_rate, f"cut {cut.id}")
    except AudioError as error:  # of a class that a loader's worker cannot hand over
        raise UserError(str(error)) from error
    except Exception as error:  # every audio backend has exceptions of its own
        raise UserError(
            f"cut {cut.id}: its audio cannot be read ({_first_line(error)}); "
            "check the file and prepare the corpus again"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
