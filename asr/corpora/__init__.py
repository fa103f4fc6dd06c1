"""Corpora: where each is published, how it is read, and how it becomes three cut manifests.

    reader (one file a corpus) -> Collection -> checks -> splits -> train, dev, test .jsonl.gz

Readers are imported when they are asked for: importing this package costs next to nothing.
"""

import gzip
import inspect
import json
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.corpora.collection import SPLITS, Collection, SplitSummary, Summary, counts, listing
from asr.util.errors import UserError
from asr.util.files import write_atomically, write_text
from asr.util.suggest import did_you_mean

if TYPE_CHECKING:
    from lhotse.cut import Cut

    from asr.corpora.checks import Checked

__all__ = ["CORPORA", "SplitSummary", "Summary", "prepare"]

CORPORA = {
    "an4": "asr.corpora.an4:read",
    "digits": "asr.corpora.digits:read",
    "folder": "asr.corpora.folder:read",
    "librispeech": "asr.corpora.librispeech:read",
}
#: The file below the output that names every fault; without faults there is none.
PROBLEMS = "problems.txt"


def prepare(
    corpus: str,
    source: Path | None,
    output: Path,
    *,
    skip_invalid: bool = False,
    **options: Any,
) -> Summary:
    """Write ``train.jsonl.gz``, ``dev.jsonl.gz`` and ``test.jsonl.gz`` for a corpus.

    The manifests hold lhotse's cuts, each with one supervision (text, and the speaker where
    known), cut id and utterance id the same, audio paths absolute. Recordings that libsndfile
    cannot read are converted to flac, in ``output/converted``. All faults, if there are any, are
    named in ``output/problems.txt``.

    Args:
        corpus: A key of `CORPORA`.
        source: Where the corpus lies, or None to download or make it below `output`.
        output: The folder to write to, made if it is not there.
        skip_invalid: Leave faulty utterances out and report them, instead of refusing.
        options: What the corpus's `read` takes beside; options that are None count as not given.

    Returns:
        What was written, what was left out, and notes; it prints as a short report.

    Raises:
        UserError: an unknown corpus or option, a source that is not that corpus, faulty
            utterances, an output that cannot be written, or nothing to train on.
    """
    read = _reader(corpus)
    given = {name: value for name, value in options.items() if value is not None}
    _check_options(corpus, read, given)
    _make_folder(output)
    collection = read(source, output, **given)

    from asr.corpora.checks import check
    from asr.corpora.convert import CONVERTED
    from asr.corpora.split import choose

    checked = check(collection.utterances, output / CONVERTED)
    if checked.problems:
        write_text(output / PROBLEMS, "".join(f"{problem}\n" for problem in checked.problems))
    if checked.problems and not skip_invalid:
        refusal = _refusal(corpus, source, checked, output / PROBLEMS)
        raise UserError(refusal, remedy="skip_invalid")
    splits, how = choose(checked.utterances)
    notes = collection.notes + checked.notes + how
    if "train" not in splits.values():
        found = f"{len(splits)} sound utterances, {len(checked.problems)} faulty ones"
        raise UserError(f"{source or corpus}: nothing to train on, found {found}; give more speech")

    written = {}
    for name in SPLITS:
        path = output / f"{name}.jsonl.gz"
        cuts = [cut for cut in checked.cuts if splits[cut.id] == name]
        write_cuts(cuts, path)
        written[name] = _summary(cuts, path)
        if not cuts:
            notes.append(f"{name} is empty: the corpus has nothing for it, or is too small.")
    return Summary(written, checked.problems, output / PROBLEMS, notes)


def _reader(corpus: str) -> Callable[..., Collection]:
    if corpus not in CORPORA:
        hint = did_you_mean(corpus, CORPORA, "your own speech is 'folder'", cutoff=0.4, show=repr)
        known = ", ".join(CORPORA)
        raise UserError(f"prepare: there is no corpus {corpus!r}, only {known}; {hint}")
    module, function = CORPORA[corpus].split(":")
    reader: Callable[..., Collection] = getattr(import_module(module), function)
    return reader


def _check_options(corpus: str, read: Callable[..., Collection], options: Iterable[str]) -> None:
    known = list(inspect.signature(read).parameters)[2:]
    for option in options:
        if option not in known:
            takes = ", ".join(known) or "no options of its own"
            raise UserError(f"prepare {corpus}: it does not take {option}; it takes {takes}")


def _refusal(corpus: str, source: Path | None, checked: "Checked", path: Path) -> str:
    total = len(checked.utterances) + len(checked.problems)
    faulty = f"{len(checked.problems)} of {total} utterances are faulty"
    what = f"{source or corpus}: {faulty} ({counts(checked.problems)})"
    return "\n".join([what, *listing(checked.problems, path)])


def _make_folder(folder: Path) -> None:
    """Make the output's folder, without an earlier run's faults: the next is not to read them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROBLEMS).unlink(missing_ok=True)
    except OSError as error:
        found = f"{error.filename}: cannot be made: {error.strerror}"
        raise UserError(found, remedy="other_output") from error


def write_cuts(cuts: "Iterable[Cut]", path: Path) -> None:
    """Write a manifest as lhotse reads it, atomically; the same bytes for the same cuts."""
    with write_atomically(path) as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        for cut in cuts:
            packed.write(f"{json.dumps(cut.to_dict(), ensure_ascii=False)}\n".encode())


def _summary(cuts: "list[Cut]", path: Path) -> SplitSummary:
    speakers = {cut.supervisions[0].speaker for cut in cuts}
    return SplitSummary(
        path=path,
        utterances=len(cuts),
        hours=sum(cut.duration for cut in cuts) / 3600,
        speakers=len(speakers) if cuts and None not in speakers else None,
    )
