"""Corpora become cut manifests.

    reader (one file a corpus) -> Collection -> validation -> splits -> train, dev, test .jsonl.gz

In: a published corpus, downloaded or at hand, or one's own recordings with transcripts.
Out: three manifests of lhotse's cuts, and a `Summary`.
Public: `prepare` does all of it for a corpus of `CORPORA`, or for one that lhotse has a recipe for;
`write_cuts` writes a manifest.

Readers are imported at their first use, so that importing this package is fast.
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

    from asr.corpora.validation import Validated

__all__ = ["CORPORA", "SplitSummary", "Summary", "prepare", "write_cuts"]

CORPORA = {
    "an4": "asr.corpora.an4:read",
    "digits": "asr.corpora.digits:read",
    "folder": "asr.corpora.folder:read",
    "librispeech": "asr.corpora.librispeech:read",
    "manifests": "asr.corpora.manifests:read",
}
#: The file in the output folder that lists all problems, if there are any.
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
    known), with the utterance's id as its id and absolute audio paths. Recordings that libsndfile
    cannot read are converted to flac, in ``output/converted``. ``output/problems.txt`` lists all
    problems, if there are any.

    Args:
        corpus: A key of `CORPORA`, or the name of one of lhotse's recipes.
        source: The corpus's path, or None to download or make it below `output`.
        output: The folder to write to, made if it is missing.
        skip_invalid: Leave invalid utterances out and report them, instead of refusing the corpus.
        options: Further keywords of the corpus's `read`; None stands for the default.

    Returns:
        The sizes of the splits, the skipped utterances, and notes; its string is a short report.

    Raises:
        UserError: an unknown corpus or option, a source that is not that corpus, invalid
            utterances, an output that cannot be written, or no valid utterance.
    """
    read = _reader(corpus)
    given = {name: value for name, value in options.items() if value is not None}
    _check_options(corpus, read, given)
    _make_folder(output)
    collection = read(source, output, **given)

    from asr.corpora.convert import CONVERTED, Converter
    from asr.corpora.split import choose_splits
    from asr.corpora.text_notes import text_notes
    from asr.corpora.validation import validate

    validated = validate(collection.utterances, Converter(output / CONVERTED))
    if validated.problems:
        write_text(output / PROBLEMS, "".join(f"{problem}\n" for problem in validated.problems))
    if validated.problems and not skip_invalid:
        refusal = _refusal(corpus, source, validated, output / PROBLEMS)
        raise UserError(refusal, remedy="skip_invalid")
    splits, how = choose_splits(validated.utterances)
    notes = collection.notes + validated.notes + how
    if not splits:
        found = f"no valid utterance, and {len(validated.problems)} invalid ones"
        raise UserError(f"{source or corpus}: nothing to write, found {found}; give more speech")
    notes += text_notes([utterance.text for utterance in validated.utterances])

    written = {}
    for name in SPLITS:
        path = output / f"{name}.jsonl.gz"
        cuts = [cut for cut in validated.cuts if splits[cut.id] == name]
        write_cuts(cuts, path)
        written[name] = _summary(cuts, path)
        if not cuts:
            notes.append(f"{name} is empty: the corpus has nothing for it, or is too small.")
    return Summary(written, validated.problems, output / PROBLEMS, notes)


def _reader(corpus: str) -> Callable[..., Collection]:
    if corpus not in CORPORA:
        return _lhotse_reader(corpus)
    module, function = CORPORA[corpus].split(":")
    reader: Callable[..., Collection] = getattr(import_module(module), function)
    return reader


def _lhotse_reader(corpus: str) -> Callable[..., Collection]:
    from asr.corpora.lhotse_corpora import find_reader
    from asr.corpora.lhotse_recipes import find_recipes

    reader = find_reader(corpus)
    if reader is None:
        otherwise = did_you_mean(corpus, find_recipes(), "your own speech is 'folder'", show=repr)
        hint = did_you_mean(corpus, CORPORA, otherwise, show=repr)
        known = f"{', '.join(CORPORA)} and {len(find_recipes())} corpora of lhotse"
        raise UserError(f"prepare: there is no corpus {corpus!r}, only {known}; {hint}")
    return reader


def _check_options(corpus: str, read: Callable[..., Collection], options: Iterable[str]) -> None:
    known = list(inspect.signature(read).parameters)[2:]
    for option in options:
        if option not in known:
            takes = ", ".join(known) or "no options of its own"
            raise UserError(f"prepare {corpus}: it does not take {option}; it takes {takes}")


def _refusal(corpus: str, source: Path | None, validated: "Validated", path: Path) -> str:
    problems = validated.problems
    total = len(validated.utterances) + len(problems)
    found = f"{len(problems)} of {total} utterances are invalid ({counts(problems)})"
    return "\n".join([f"{source or corpus}: {found}", *listing(problems, path)])


def _make_folder(folder: Path) -> None:
    """Make the output folder, and remove the list of problems of an earlier run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROBLEMS).unlink(missing_ok=True)
    except OSError as error:
        found = f"{error.filename}: cannot be made: {error.strerror}"
        raise UserError(found, remedy="other_output") from error


def write_cuts(cuts: "Iterable[Cut]", path: Path) -> None:
    """Write a manifest as lhotse reads it, atomically; equal cuts give equal bytes."""
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
