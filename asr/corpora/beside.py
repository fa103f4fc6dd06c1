"""Which file of a folder is the transcript of which recording."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES
from asr.corpora.transcripts import ENDINGS, may_be_transcript

#: What VCTK appends to the names of its two microphones' recordings.
_MICROPHONE = re.compile(r"_mic(\d)$")


@dataclass
class Matched:
    """The recordings of a folder with their transcripts, if they have any, and the other files."""

    transcripts: dict[Path, Path | None]
    others: list[Path]
    notes: list[str]

    @property
    def without(self) -> list[Path]:
        """The recordings without a transcript of their own."""
        return [audio for audio, text in self.transcripts.items() if text is None]


def match(files: Sequence[Path]) -> Matched:
    """Match the files below a folder.

    The transcript of ``a.wav`` is ``a.txt``; that of ``wav/a.wav`` may be ``txt/a.txt``.

    Of recordings of one name, those that training can read directly count, since the user may have
    converted the others. Of VCTK's two microphones, the first counts.
    """
    named = _named(path for path in files if not _is_audio(path))
    transcripts: dict[Path, Path | None] = {}
    used: set[Path] = set()
    for audio in _recordings(files):
        found = next((named[key] for key in _keys(audio) if key in named), {})
        found = {rank: path for rank, path in found.items() if may_be_transcript(path)}
        transcripts[audio] = found[min(found)] if found else None
        used |= set(found.values())
    others = [path for path in files if not _is_audio(path) and path not in used]
    matched = Matched(transcripts, others, [])
    _match_trees(matched)
    _drop_second_microphones(matched)
    return matched


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in AUDIO_SUFFIXES


def _recordings(files: Iterable[Path]) -> list[Path]:
    """List the recordings, without those that were converted to others of their name."""
    by_stem: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        if _is_audio(path):
            by_stem[path.with_suffix("")].append(path)
    chosen = []
    for paths in by_stem.values():
        readable = [path for path in paths if path.suffix.lower() not in MEDIA_SUFFIXES]
        # TIMIT is often spread with SA1.WAV.wav beside each SA1.WAV
        chosen += [path for path in readable or paths if path not in by_stem]
    return chosen


def _named(files: Iterable[Path]) -> dict[Path, dict[int, Path]]:
    """Give the transcripts by the name of their recording, each by the rank of its ending."""
    named: dict[Path, dict[int, Path]] = defaultdict(dict)
    for path in files:
        for rank, ending in enumerate(ENDINGS):
            if path.name.lower().endswith(ending) and len(path.name) > len(ending):
                named[path.with_name(path.name[: -len(ending)])][rank] = path
    return named


def _keys(audio: Path) -> list[Path]:
    """List the names that a transcript may have: ``a`` of a.txt, ``a.wav`` of a.wav.txt."""
    stem = audio.with_suffix("")
    return [stem, audio, *([stem.with_suffix("")] if _is_audio(stem) else [])]


def _match_trees(matched: Matched) -> None:
    """Match recordings with transcripts in a folder of their own, where texts lie apart.

    A tree with both recordings and texts keeps to itself, since a text of one name may be another
    speaker's in the next tree.
    """
    with_audio = {folder for audio in matched.transcripts for folder in audio.parents}
    by_name: dict[str, list[Path]] = defaultdict(list)
    for stem, texts in _named(matched.others).items():
        by_name[stem.name].append(texts[min(texts)])
    with_text = {folder for path in matched.others if _is_text(path) for folder in path.parents}
    used = set()
    for audio in matched.without:
        names = (audio.stem, _MICROPHONE.sub("", audio.stem))
        found = [
            text
            for name in dict.fromkeys(names)
            for text in by_name.get(name, ())
            if _apart(audio, text, with_audio, with_text)
        ]
        same = [text for text in found if text.parent.name == audio.parent.name]
        if len(same or found) == 1:
            matched.transcripts[audio] = (same or found)[0]
            used.add((same or found)[0])
    matched.others = [path for path in matched.others if path not in used]


def _is_text(path: Path) -> bool:
    return path.name.lower().endswith(ENDINGS)


def _apart(audio: Path, text: Path, with_audio: set[Path], with_text: set[Path]) -> bool:
    """Tell whether two files are in trees of which one has recordings alone, one texts alone."""
    depth = next(
        (i for i, (a, t) in enumerate(zip(audio.parts, text.parts, strict=False)) if a != t), 0
    )
    audio_tree, text_tree = (Path(*one.parts[: depth + 1]) for one in (audio, text))
    if text_tree == text:  # texts lie directly in the folder around the recordings' folders
        return audio_tree != audio and audio_tree not in with_text
    return audio_tree not in with_text and text_tree not in with_audio


def _drop_second_microphones(matched: Matched) -> None:
    first: dict[tuple[Path, str], Path] = {}
    for audio in sorted(matched.transcripts):
        found = _MICROPHONE.search(audio.stem)
        if found and matched.transcripts[audio] is not None:
            key = (audio.parent, audio.stem[: found.start()])
            if first.setdefault(key, audio) != audio:
                del matched.transcripts[audio]
    dropped = len({path for path in first.values()})
    if dropped:
        matched.notes.append(
            "of the two microphones of a recording, _mic1 and _mic2, the first is taken."
        )
