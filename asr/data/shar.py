"""Lhotse's Shar: cuts in shards, each a manifest and a tar archive of their audio.

A folder has ``cuts.000000.jsonl.gz``, ``recording.000000.tar``, ``cuts.000001.jsonl.gz`` and so on,
as ``lhotse shar export`` writes them. lhotse reads the archives from their beginning to their end.
Batches of utterances of like length need single utterances in any order, so here each archive is
searched once for the place of each utterance's audio.
"""

import json
import tarfile
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lhotse.cut import Cut
from lhotse.cut.data import DataCut
from lhotse.shar.utils import fill_shar_placeholder
from tqdm import tqdm

from asr.data.cut_schema import CutError, shown
from asr.data.ranges import CONNECTIONS, open_file, read_range, web_size
from asr.util.errors import UserError
from asr.util.paths import is_url
from asr.util.printable import printable
from asr.util.threads import map_in_order

AGAIN = "export the shard again"
#: How much of an archive is read at a time in search of audio: a description and what is around it.
_STEP_BYTES = 4096
_LONGEST_DESCRIPTION = 1 << 20
_MOST_BYTES = 1 << 30  # of an utterance's audio
_PART = "#bytes="


class Member(NamedTuple):
    """The audio of a cut in an archive.

    Attributes:
        cut_id: the cut.
        recording: lhotse's row of the recording, whose source names the part of the archive, as
            ``recording.000000.tar#bytes=512-9999``.
    """

    cut_id: str
    recording: dict[str, Any]


def read_shards(source: str) -> Iterator[tuple[str, list[Member]]]:
    """Find the shards in a folder, or at an address, and what is in their archives.

    Args:
        source: a folder, or the address ``http://host/folder/`` of one on a web server.

    Yields:
        The place of each shard's cut manifest, with the audio in the order of its cuts.

    Raises:
        UserError: there are no shards, a part of one is missing, damaged or unreadable, or the
            server does not give it.
    """
    shards = _find_on_server(source) if is_url(source) else _find_in_folder(Path(source))
    archives = (archive for _, archive in shards)
    members = map_in_order(_index, archives, CONNECTIONS if is_url(source) else 1)
    for (manifest, _), found in zip(
        shards, tqdm(members, total=len(shards), unit="shard", disable=None), strict=True
    ):
        yield manifest, found


def _find_in_folder(folder: Path) -> list[tuple[str, str]]:
    """List the manifest and the archive of each shard in a folder."""
    numbers = {one.name[len("cuts") : -len(".jsonl.gz")] for one in folder.glob("cuts.*jsonl.gz")}
    archives = {one.name[len("recording") : -len(".tar")] for one in folder.glob("recording.*tar")}
    if not numbers:
        raise UserError(
            f"{folder}: expected a cut manifest (*.jsonl.gz) or a folder of lhotse's Shar, but it "
            "is a folder without cuts.*.jsonl.gz; make a manifest with `asr prepare`"
        )
    shards = {one: (f"{folder}/cuts{one}.jsonl.gz", f"{folder}/recording{one}.tar") for one in
              sorted(numbers | archives)}  # fmt: skip
    for number, (manifest, archive) in shards.items():
        if not (number in numbers and number in archives):
            missing, other = (archive, manifest) if number in numbers else (manifest, archive)
            raise UserError(f"{missing}: is missing beside {other}; {AGAIN}, with its audio")
    return list(shards.values())


def _find_on_server(url: str) -> list[tuple[str, str]]:
    """List the manifest and the archive of each shard at an address, by their numbers from 0."""
    base, shards = url.rstrip("/"), []
    for number in count():
        manifest = f"{base}/cuts.{number:06d}.jsonl.gz"
        if web_size(manifest) is None:
            break
        shards.append((manifest, f"{base}/recording.{number:06d}.tar"))
    if not shards:
        raise UserError(
            f"{manifest}: the server has no such file, with which lhotse's Shar begins; check the "
            "address"
        )
    if web_size(f"{base}/cuts.{number + 1:06d}.jsonl.gz") is not None:
        raise UserError(f"{manifest}: is missing on the server, which has the next; {AGAIN}")
    return shards


def _index(archive: str) -> list[Member]:
    """Find the audio in an archive.

    Raises:
        UserError: the archive is damaged or unreadable, or the server does not give it.
    """
    try:
        with (
            open_file(archive, _STEP_BYTES) as file,
            tarfile.open(fileobj=file, mode="r:") as tar,
        ):
            return list(_members(tar, archive))
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{archive}: cannot be read: {error.strerror}; check the path") from error
    except CutError as error:
        raise UserError(f"{archive}: {error}; {error.advice or AGAIN}") from error
    except Exception as error:  # whatever a damaged archive makes of tarfile or json
        reason = printable(str(error).partition("\n")[0])[:200]
        raise UserError(f"{archive}: damaged ({reason}); {AGAIN}") from error


def _members(tar: tarfile.TarFile, archive: str) -> Iterator[Member]:
    """Give the audio of an archive: pairs of audio and its description, a row of JSON."""
    entries = iter(tar)
    for audio in entries:
        path = PurePosixPath(audio.name)
        cut_id, described = str(path.parent / path.stem), next(entries, None)
        if path.suffix == ".nodata":
            raise CutError(f"no audio of cut {shown(cut_id)}", advice=f"{AGAIN}, with its audio")
        if described is None or described.name != f"{cut_id}.json":
            found = "its end" if described is None else shown(described.name)
            raise CutError(f"found {found} behind {shown(audio.name)}, expected its description")
        if not _is_plain(audio, _MOST_BYTES) or not _is_plain(described, _LONGEST_DESCRIPTION):
            raise CutError(f"found no plain files of cut {shown(cut_id)}, or larger than any")
        row = json.loads(tar.extractfile(described).read())  # type: ignore[union-attr]
        (source,) = row["sources"]
        if source["type"] != "shar":
            raise CutError(f"found {shown(source['type'])} for the audio of cut {shown(cut_id)}")
        start, end = audio.offset_data, audio.offset_data + audio.size
        # a file for the schema, as which audio in an archive is harmless
        source |= {"type": "file", "source": f"{archive}{_PART}{start}-{end - 1}"}
        yield Member(cut_id, row)


def _is_plain(entry: tarfile.TarInfo, most_bytes: int) -> bool:
    return entry.isreg() and not entry.issparse() and 0 < entry.size <= most_bytes


def set_audio(row: object, member: Member | None) -> None:
    """Make the audio of a shard's archive the recording of a line of its manifest.

    Raises:
        CutError: the line is of another cut.
    """
    if not isinstance(row, dict) or member is None or row.get("id") != member.cut_id:
        found = "no audio" if member is None else f"the audio of {shown(member.cut_id)}"
        raise CutError(f"found {found} in the shard's archive", advice=AGAIN)
    row.pop("features", None)  # which are computed anew
    row["recording"] = member.recording


def mark_placeholder(cut: Cut) -> None:
    """Mark the audio of a cut, made of `set_audio`'s row, as a part of an archive."""
    if not isinstance(cut, DataCut):
        raise CutError("found a cut mixed of several in a shard, expected the mixture as audio")
    cut.recording.sources[0].type = "shar"


def is_in_archive(cut: Cut) -> bool:
    """Tell whether a cut's audio is part of a shard's archive."""
    return (
        isinstance(cut, DataCut) and cut.has_recording and cut.recording.sources[0].type == "shar"
    )


def fetch_audio(cut: Cut) -> Cut:
    """Give the cut with its audio in memory, if it is part of a shard's archive.

    Raises:
        UserError: the archive ends before, or the server does not give the audio.
        OSError: the archive cannot be read.
    """
    if not is_in_archive(cut):
        return cut
    place, _, part = cut.recording.sources[0].source.rpartition(_PART)
    start, _, last = part.partition("-")
    data = read_range(place, int(start), int(last) + 1 - int(start))
    cut = deepcopy(cut)
    fill_shar_placeholder(cut, data, place, field="recording")
    return cut
