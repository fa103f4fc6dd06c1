"""lhotse's manifests in a folder, as `lhotse prepare` writes them.

They are pairs, ``NAME_recordings_PART.jsonl.gz`` with ``NAME_supervisions_PART.jsonl.gz``, or cuts.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asr.corpora.collection import Collection
from asr.util.errors import UserError

_SUFFIX = re.compile(r"\.(jsonl|json)(\.gz)?$")


def read(source: Path | None, output: Path, into: str | None = None) -> Collection:  # noqa: ARG001
    """Read the manifests of a folder, each pair a part, whose name tells the split.

    Raises:
        UserError: no folder, no manifests, one without its pair, or a damaged one.
    """
    from asr.corpora.lhotse_values import Part, collect

    if source is None or not source.is_dir():
        raise UserError(
            f"{source or 'prepare manifests'}: no folder; give the one `lhotse prepare` wrote to"
        )
    paths = [path for path in sorted(source.iterdir()) if _SUFFIX.search(path.name)]
    parts = [
        Part((name,), _load(recordings, "recordings"), _load(supervisions, "supervisions"))
        for name, recordings, supervisions in _pairs(paths)
    ] or [
        Part((_part_name(path, "cuts"),), cuts=_load(path, "cuts"))
        for path in paths
        if "cuts" in path.name
    ]
    if not parts:
        raise UserError(
            f"{source}: no manifests of lhotse's; expected recordings and supervisions, or cuts, "
            "as *.jsonl.gz"
        )
    return collect(parts, str(source)).put_into(into)


def _pairs(paths: list[Path]) -> Iterator[tuple[str, Path, Path]]:
    """Give the name, the recordings and the supervisions of each part."""
    recordings = [path for path in paths if "recordings" in path.name]
    supervisions = [path for path in paths if "supervisions" in path.name]
    for path in recordings:
        pair = path.with_name(path.name.replace("recordings", "supervisions"))
        if pair not in supervisions and len(recordings) == len(supervisions) == 1:
            pair = supervisions[0]
        if pair in supervisions:
            yield _part_name(path, "recordings"), path, pair
    if recordings and not supervisions:
        raise UserError(f"{recordings[0]}: there are no supervisions beside it; add them")


def _part_name(path: Path, kind: str) -> str:
    """Take from a file's name its kind and its suffix."""
    return (
        re.sub(r"[_-]*" + kind + r"[_-]*", "_", _SUFFIX.sub("", path.name)).strip("_") or path.stem
    )


def _load(path: Path, kind: str) -> Any:
    """Read a manifest into memory."""
    from lhotse import CutSet, RecordingSet, SupervisionSet

    of_kind = {"recordings": RecordingSet, "supervisions": SupervisionSet, "cuts": CutSet}[kind]
    try:
        return of_kind.from_file(path).to_eager()
    except Exception as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: not lhotse's {kind} ({told}); write it again") from error
