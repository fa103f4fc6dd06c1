"""`asr align`: when each word of a known text was said."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs, add_model
from asr.errors import UserError

if TYPE_CHECKING:
    from asr.aligned import AlignedTranscript
    from asr.audio import Waveform
    from asr.recognizer import Recognizer

MANIFEST_ENDINGS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class _Item:
    """Something to align.

    Attributes:
        name: as it is shown, and as a manifest's utterance is called in what is written.
        where: names it in errors.
        text: what is said in it.
        waveform: reads it at the given rate.
        paths: format to the file to write; empty where all is printed.
    """

    name: str
    where: str
    text: str
    waveform: "Callable[[int], Waveform]"
    paths: dict[str, Path]


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "align",
        help="when each word of a known text was said",
        description="Print a line for each word: recording, start and end in seconds, "
        "confidence, word. With --format print that, or write files.",
    )
    verb.add_argument(
        "input", metavar="AUDIO|MANIFEST", help="a recording, or a cut manifest with transcripts"
    )
    verb.add_argument(
        "text", nargs="?", type=Path, metavar="TEXT",
        help="what is said in the recording; each line becomes a segment",
    )  # fmt: skip
    add_model(verb)
    output = verb.add_argument_group("output")
    output.add_argument(
        "--format", metavar="NAME,...",
        help="textgrid, ctm, json, srt, vtt, tsv, stm, txt; one alone is printed",
    )  # fmt: skip
    output.add_argument(
        "--output-dir", type=Path, metavar="DIR",
        help="write DIR/NAME.FORMAT; for several formats, here if not given",
    )  # fmt: skip
    output.add_argument("--overwrite", action="store_true", help="write finished files again")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align each item; a bad one is named, and the others go on."""
    from tqdm import tqdm

    from asr.decoding.options import DecodingOptions
    from asr.formats import parse_formats
    from asr.recognizer import load

    formats = parse_formats(args.format) if args.format else ()
    if args.output_dir and not formats:
        raise UserError("align: --output-dir came without --format; name one, such as textgrid")
    folder = args.output_dir or (Path() if len(formats) > 1 else None)
    files = partial(_files, folder, formats)
    items = _find_items(args, files)
    wanted = [one for one in items if args.overwrite or not _is_done(one)]
    recognizer = load(args.model, DecodingOptions())
    failed = 0
    for item in tqdm(wanted, unit="utt", disable=True if len(wanted) < 2 else None):
        try:
            aligned = _align(recognizer, item)
        except UserError as error:
            failed += 1
            with tqdm.external_write_mode():
                print(f"asr: {error}", file=sys.stderr)
        else:
            with tqdm.external_write_mode():
                _put(aligned, item, formats, str(args.model))
    if folder is not None:
        done = len(wanted) - failed
        print(f"{done} aligned, {len(items) - len(wanted)} finished before", file=sys.stderr)
    if failed and len(items) > 1:
        print(f"asr: {failed} of {len(items)} utterances failed", file=sys.stderr)
    return int(failed > 0)


def _files(folder: Path | None, formats: tuple[str, ...], stem: str) -> dict[str, Path]:
    return {} if folder is None else {name: folder / f"{stem}.{name}" for name in formats}


def _is_done(item: _Item) -> bool:
    return bool(item.paths) and all(path.exists() for path in item.paths.values())


def _find_items(args: argparse.Namespace, files: Callable[[str], dict[str, Path]]) -> list[_Item]:
    """Give what is to be aligned: one recording, or the cuts of a manifest."""
    if args.input.endswith(MANIFEST_ENDINGS):
        if args.text:
            raise UserError(f"{args.input}: a manifest has its own texts; leave {args.text} out")
        return _from_manifest(args.input, files)
    if args.text is None:
        raise UserError(f"{args.input}: the text is missing; give AUDIO and TEXT, or a manifest")
    from asr.corpora.collection import read_text
    from asr.recording import read_audio

    text, waveform = read_text(args.text), partial(read_audio, args.input)
    return [_Item(args.input, args.input, text, waveform, files(Path(args.input).stem))]


def _from_manifest(manifest: str, files: Callable[[str], dict[str, Path]]) -> list[_Item]:
    from asr.data import load_waveform, read_cuts

    return [
        _Item(
            cut.id,
            f"cut {cut.id}",
            cut.supervisions[0].text,
            partial(load_waveform, cut),
            # Ids may hold what parts folders; different ones must stay different.
            files(cut.id.replace("%", "%25").replace("/", "%2F").replace("\\", "%5C")),
        )
        for cut in read_cuts(manifest)
    ]


def _align(recognizer: "Recognizer", item: _Item) -> "AlignedTranscript":
    from asr.alignment import align_text

    waveform = item.waveform(recognizer.sample_rate)
    return align_text(recognizer, waveform, item.text, item.where)


def _put(aligned: "AlignedTranscript", item: _Item, formats: tuple[str, ...], model: str) -> None:
    """Write an alignment, or print it."""
    from asr.files import write_text
    from asr.formats import FORMATS, About

    is_cut = item.name != item.where
    about = About(item.name, model, {}, recording=item.name if is_cut else None)
    for name in formats:
        text = FORMATS[name]([aligned], about)
        if item.paths:
            write_text(item.paths[name], text)
        else:
            print(text, end="", flush=True)
    if not formats:
        for word in aligned.words:
            times = f"{word.start_s:.2f}\t{word.end_s:.2f}\t{word.confidence:.3f}"
            print(f"{item.name}\t{times}\t{word.text}", flush=True)
