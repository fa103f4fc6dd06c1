"""References and hypotheses from files of any kind, matched by utterance, segment or recording."""

import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from asr.scoring.alternatives import choose_reading, has_alternatives
from asr.scoring.pairing import require_same_ids
from asr.scoring.timed import IGNORED, Timed, TimedFile, assign_words, name_segments, read_timed
from asr.scoring.transcripts import Layout, LineFile, read_lines
from asr.text.visible import drop_hidden
from asr.util.errors import UserError
from asr.util.text_files import decode_text, read_unpacked, unpack_gzip

STDIN = Path("-")
Texts = dict[str, str]
#: The greatest difference of a time in two files that have the same segments.
TOLERANCE_S = 0.011
_AUDIO = re.compile(
    r"\.(wav|flac|mp3|m4a|mp4|ogg|oga|opus|aac|webm|mka|mkv|mov|wma|amr|aiff?|sph|au|caf|w64)$",
    re.I,
)


def read_transcripts(
    reference: Path | str,
    *hypotheses: Path | str,
    layout: Layout = "auto",
    missing_as_deleted: bool = False,
) -> list[tuple[Texts, Texts]]:
    """Read a reference file and the hypothesis files to score against it; - is standard input.

    Lines of text are matched by ids or numbers. The words of a ctm are given to the segments of a
    stm by their midpoints, and two stm of equal segments are matched by these; other files with
    times are matched by recordings, whose words are joined. Two files of one utterance each belong
    together, whatever their names. Ids match in either Unicode form, and without folders and the
    suffix of an audio file where only so all of them match.

    In trn, stm and ctm a reference may have alternatives, ``{a / b / @}``, and words that may be
    left out, ``(uh)``: what counts is the reading nearest to the hypothesis.

    Args:
        reference: the file of references.
        *hypotheses: the files of hypotheses.
        layout: of lines of text; all files have this one if it is not "auto".
        missing_as_deleted: take an utterance without a hypothesis for an empty one.

    Returns:
        For each hypothesis file, in order, references and hypotheses by utterance id, of equal ids.

    Raises:
        UserError: a file cannot be read or is empty; an id is repeated; ids or numbers of lines
            differ; the layout is doubtful.
    """
    paths = [Path(path) for path in (reference, *hypotheses)]
    if paths.count(STDIN) > 1:
        raise UserError("-: standard input can be read once; give the other text as a file")
    files = [_read(path, layout, is_reference=not place) for place, path in enumerate(paths)]
    lines = [file for file in files if isinstance(file, LineFile)]
    if len(lines) == len(files):
        texts, found = read_lines(lines, layout)
        pairs = [(texts[0], one) for one in texts[1:]]
        is_nist = found == "trn"
    else:
        pairs, is_nist = _match_timed(files, missing_as_deleted)
    names = [str(file.path) for file in files]
    complete = []
    for name, (references, texts_of_one) in zip(names[1:], pairs, strict=True):
        found_texts = _rename(texts_of_one, references)
        if missing_as_deleted:
            found_texts = dict.fromkeys(references, "") | found_texts
        require_same_ids(references, found_texts, names[0], name)
        complete.append(
            (_read_nearest(references, found_texts) if is_nist else references, found_texts)
        )
    return complete


def _read(path: Path, layout: Layout, *, is_reference: bool) -> LineFile | TimedFile:
    """Read a file, as one with times if its name or its content says so."""
    name = "standard input" if path == STDIN else str(path)
    text = decode_text(_read_stdin() if path == STDIN else read_unpacked(path), name)
    path = Path(name)
    text = drop_hidden(
        re.sub(r"\r*\n|\r", "\n", text)
    )  # twice converted, a line ends with two returns
    if not text:
        raise UserError(f"{path}: the file is empty; give one utterance a line")
    timed = read_timed(path, text, is_reference=is_reference) if layout == "auto" else None
    return timed or LineFile.of(path, text)


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise UserError("-: standard input is closed; give a file")
    return unpack_gzip(sys.stdin.buffer.read(), STDIN)


def _read_nearest(references: Texts, hypotheses: Texts) -> Texts:
    return {
        key: choose_reading(text, hypotheses[key]) if has_alternatives(text) else text
        for key, text in references.items()
    }


def _match_timed(
    files: Sequence[LineFile | TimedFile], missing_as_deleted: bool
) -> tuple[list[tuple[Texts, Texts]], bool]:
    """Match files of which some have times; also tell whether there may be alternatives."""
    reference, *hypotheses = files
    if isinstance(reference, TimedFile) and reference.kind == "stm":
        in_segments = [_match_segments(reference, one, missing_as_deleted) for one in hypotheses]
        found = [pair for pair in in_segments if pair is not None]
        if len(found) == len(hypotheses):
            return found, True
    names = {
        key
        for file in files
        if isinstance(file, TimedFile)
        for key in map(_stem, _by_recording(file))
    }
    texts = [
        _by_recording(file) if isinstance(file, TimedFile) else _lines_by_recording(file, names)
        for file in files
    ]
    pairs = [(texts[0], _same_key(one, texts[0])) for one in texts[1:]]
    is_trn = isinstance(reference, LineFile) and reference.ends_in_ids()
    return pairs, is_trn or (isinstance(reference, TimedFile) and reference.is_nist)


def _match_segments(
    reference: TimedFile, hypothesis: LineFile | TimedFile, missing_as_deleted: bool
) -> tuple[Texts, Texts] | None:
    """Match a ctm, or a stm of equal segments, with the segments of a stm; None for other files."""
    if not isinstance(hypothesis, TimedFile) or not hypothesis.is_nist:
        return None
    parts = _name_alike(hypothesis, reference)
    if hypothesis.kind == "ctm":
        present = {part.recording for part in parts}
        recordings = {part.recording: "" for part in reference.parts if part.text != IGNORED}
        if not missing_as_deleted:
            found = {name: "" for name in recordings if name in present}
            require_same_ids(recordings, found, str(reference.path), str(hypothesis.path))
        return assign_words(reference.parts, parts)
    texts = _match_equal(reference.parts, parts)
    if texts is None:
        return None
    named = list(zip(name_segments(reference.parts).items(), texts, strict=True))
    kept = [(key, segment.text, text) for (key, segment), text in named if segment.text != IGNORED]
    return {key: text for key, text, _ in kept}, {key: text for key, _, text in kept}


def _match_equal(references: Sequence[Timed], hypotheses: Sequence[Timed]) -> list[str] | None:
    """Give the hypothesis of each segment in the order of references; None if bounds differ."""
    if len(references) != len(hypotheses):
        return None
    order = sorted(range(len(references)), key=lambda place: references[place][:3])
    texts = [""] * len(references)
    for place, other in zip(order, sorted(hypotheses, key=lambda one: one[:3]), strict=True):
        one = references[place]
        differences_s = abs(one.start_s - other.start_s), abs(one.end_s - other.end_s)
        if one[:2] != other[:2] or max(differences_s) > TOLERANCE_S:
            return None
        texts[place] = other.text
    return texts


def _name_alike(hypothesis: TimedFile, reference: TimedFile) -> list[Timed]:
    """Give parts the names that the reference has for their recordings, and for lone channels.

    Raises:
        UserError: a recording or a channel that the reference lacks.
    """
    wanted = _channels(reference.parts)
    found = _channels(hypothesis.parts)
    renamed = _rename({name: name for name in found}, wanted)
    names = {old: new for new, old in renamed.items()}
    require_same_ids(
        {name: "" for name in wanted if name in renamed} or dict.fromkeys(wanted, ""),
        renamed, str(reference.path), str(hypothesis.path),
    )  # fmt: skip
    parts = []
    for part in hypothesis.parts:
        name, channel = names[part.recording], part.channel
        if channel not in wanted[name]:
            if len(wanted[name]) > 1 or len(found[part.recording]) > 1:
                raise UserError(
                    f"{hypothesis.path}: {part.recording} has a channel {channel}, but "
                    f"{reference.path} has {', '.join(wanted[name])}; name the channels alike"
                )
            channel = wanted[name][0]
        parts.append(part._replace(recording=name, channel=channel))
    return parts


def _channels(parts: Sequence[Timed]) -> dict[str, list[str]]:
    channels: dict[str, dict[str, None]] = {}
    for part in parts:
        channels.setdefault(part.recording, {})[part.channel] = None
    return {name: list(found) for name, found in channels.items()}


def _by_recording(file: TimedFile) -> Texts:
    """Join the words of each recording, and of each channel where a recording has several."""
    channels = _channels(file.parts)
    several = any(len(found) > 1 for found in channels.values())
    joined: dict[str, list[Timed]] = {}
    for part in file.parts:
        key = f"{part.recording} {part.channel}" if several else part.recording
        joined.setdefault(unicodedata.normalize("NFC", key), []).append(part)
    return {
        key: " ".join(part.text for part in _in_time(parts) if part.text and part.text != IGNORED)
        for key, parts in joined.items()
    } or {file.path.stem: ""}


def _in_time(parts: Sequence[Timed]) -> Sequence[Timed]:
    known = all(part.start_s == part.start_s for part in parts)  # NaN equals nothing
    return sorted(parts, key=lambda part: part.start_s) if known else parts


def _lines_by_recording(file: LineFile, recordings: set[str]) -> Texts:
    """Read lines whose ids name recordings, or else all lines as the text of one."""
    if file.ends_in_ids():
        return file.by_id("trn")
    firsts = {_stem(one.utterance_id) for one in file.split_kaldi()}
    if firsts & recordings:
        return file.by_id("kaldi")
    return {file.path.stem: file.joined()}


def _same_key(hypotheses: Texts, references: Texts) -> Texts:
    """Give a lone hypothesis the id of a lone reference."""
    if len(hypotheses) == len(references) == 1:
        return {next(iter(references)): next(iter(hypotheses.values()))}
    return hypotheses


def _rename(hypotheses: Texts, references: Mapping[str, object]) -> Texts:
    """Give hypotheses the ids of references, where folders and suffixes are the only difference."""
    if hypotheses.keys() <= references.keys():
        return hypotheses
    wanted = {_stem(key): key for key in references}
    found = {_stem(key): key for key in hypotheses}
    unique = len(wanted) == len(references) and len(found) == len(hypotheses)
    if not unique or not found.keys() <= wanted.keys():
        return hypotheses
    return {wanted[stem]: hypotheses[key] for stem, key in found.items()}


def _stem(name: str) -> str:
    """Drop folders and the suffix of an audio file."""
    return unicodedata.normalize("NFC", _AUDIO.sub("", re.split(r"[/\\]", name)[-1]))
