"""`asr align`: forced alignment, the times of each word of a known text."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs, add_device, add_model, add_selection, read_selection
from asr.cli.inputs import Input, make_input, naming, readable
from asr.cli.made_from import Source, make_source, stamp
from asr.cli.messages import complain, show, tell
from asr.cli.outputs import Outputs, add_outputs, make_outputs
from asr.util.errors import UserError, contain_errors
from asr.util.files import digest, escape_file_name
from asr.util.garbage import no_collection
from asr.util.paths import find_model, is_manifest
from asr.util.printable import printable
from asr.util.text_files import read_text

if TYPE_CHECKING:
    from asr.audio import Waveform
    from asr.inference.recognizer import Recognizer
    from asr.transcript import AlignedTranscript, Word


@dataclass(frozen=True)
class _Item:
    """Something to align.

    Attributes:
        name: the name in outputs: the recording, or the id of a manifest's utterance.
        where: the name in errors.
        text: its transcript.
        waveform: reads the audio at the given rate.
        stem: the name of its files without suffix.
        source: what its files are made from.
        start_s: where in the recording the audio begins.
    """

    name: str
    where: str
    text: str
    waveform: "Callable[[int], Waveform]"
    stem: str
    source: Source
    start_s: float = 0.0


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "align",
        help="the times of each word of a known text (forced alignment)",
        description="Print a line for each word: recording, start and end in seconds, "
        "confidence, word. --format prints another format, --output-dir writes files. The text "
        "is the whole transcript, in order; a recording and its text may be hours long.",
    )
    verb.add_argument(
        "input",
        metavar="AUDIO|MANIFEST",
        help="a recording, - for standard input, or a cut manifest with transcripts",
    )
    verb.add_argument(
        "text", nargs="?", type=Path, metavar="TEXT",
        help="transcript of the recording; each line becomes a segment",
    )  # fmt: skip
    add_model(verb)
    verb.add_argument(
        "--lexicon", type=Path, metavar="FILE",
        help="pronunciations of words that a model of phones lacks; `asr lexicon` writes one",
    )  # fmt: skip
    add_selection(verb, each=False, strict=True)
    add_outputs(verb, default="textgrid")
    add_device(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align each item; an item that fails is reported, and the others are aligned."""
    if is_manifest(args.input):
        return _align_all(args, [*_from_manifest(args)], [])
    if args.text is None:
        raise UserError(f"{args.input}: the text is missing; give AUDIO and TEXT, or a manifest")
    text = read_text(args.text)
    one = make_input(args.input)
    with readable([one]) as (paths, refused), naming(paths):
        items = [_from_recording(args, path, one, text) for path in paths]
        return _align_all(args, items, [error for _, error in refused])


def _align_all(
    args: argparse.Namespace, items: Sequence[_Item], errors: Sequence[UserError]
) -> int:
    """Align the items that are not finished; returns the exit status."""
    from tqdm import tqdm

    outputs = make_outputs(args)
    complaints = [*errors]
    wanted: list[tuple[_Item, Sequence[str]]] = []
    for item in items:
        try:
            missing = outputs.missing(item.stem, item.source)
        except UserError as error:
            complaints.append(error)
            continue
        if missing or outputs.folder is None:
            wanted.append((item, missing))
    failed = len(complaints)
    finished = len(items) - len(wanted) - failed + len(errors)
    if wanted:
        outputs.check(len(wanted))
        recognizer = _load(args)
    for complaint in complaints:
        complain(complaint)
    for item, formats in tqdm(wanted, unit="utt", disable=True if len(wanted) < 2 else None):
        try:
            with contain_errors(item.where):
                aligned = _align(recognizer, item)
            with tqdm.external_write_mode():
                _put(aligned, item, outputs, str(args.model), formats)
        except UserError as error:
            failed += 1
            with tqdm.external_write_mode():
                complain(error)
    count = len(items) + len(errors)
    if args.output_dir:
        tell(f"{count - failed - finished} aligned, {finished} finished before")
    if failed and count > 1:
        complain(f"{failed} of {count} utterances failed")
    return int(failed > 0)


@no_collection()
def _load(args: argparse.Namespace) -> "Recognizer":
    """Open the model, with the pronunciations of a lexicon beside its own."""
    from asr.engine.choice import open_engine
    from asr.inference.recognizer import Recognizer
    from asr.model.model_file import read_model
    from asr.text.phones import PhoneTokenizer

    stored = read_model(args.model)
    engine, tokenizer = open_engine(stored, args.device, args.precision), stored.tokenizer
    if args.lexicon is None:
        return Recognizer(engine, tokenizer)
    if not isinstance(tokenizer, PhoneTokenizer):
        raise UserError(
            f"{args.lexicon}: {args.model} spells, and needs no lexicon; leave --lexicon out"
        )
    return Recognizer(engine, tokenizer.with_words(args.lexicon))


def _from_recording(args: argparse.Namespace, path: Path, one: Input, text: str) -> _Item:
    from asr.audio.opening import read_audio

    selection = read_selection(args)

    def waveform(sample_rate: int) -> "Waveform":
        try:
            return read_audio(path, sample_rate, selection)
        except UserError as error:
            raise error.reworded(str(error).replace(str(path), one.name, 1)) from error

    source = make_source(one.name, text=text, **_settings(args), selection=asdict(selection))
    return _Item(one.name, one.name, text, waveform, str(one.stem), source, selection.start_s)


def _from_manifest(args: argparse.Namespace) -> Iterator[_Item]:
    """List the cuts of a manifest.

    Raises:
        UserError: flags or a format that are for one recording.
    """
    from asr.data.manifests import load_waveform, read_cuts

    if args.text:
        raise UserError(f"{args.input}: a manifest has its own texts; leave {args.text} out")
    if "jsonl" in make_outputs(args).formats:
        raise UserError(
            f"{args.input}: has its utterances' places already, which --format jsonl would "
            "give; give a recording and its text, or another format"
        )
    if replace(read_selection(args), strict=True) != type(read_selection(args))(strict=True):
        raise UserError(
            f"{args.input}: a manifest names what is read of its recordings; leave --channel, "
            "--track, --start and --duration out"
        )
    settings = _settings(args)
    for cut in read_cuts(args.input):
        text = cut.supervisions[0].text
        audio = stamp(cut.recording.sources[0].source) if cut.has_recording else ()
        place = (cut.start, cut.duration, audio)
        yield _Item(
            cut.id,
            f"cut {cut.id}",
            text,
            partial(load_waveform, cut),
            escape_file_name(cut.id),
            make_source(f"{args.input}/{cut.id}", text=text, place=place, **settings),
        )


def _settings(args: argparse.Namespace) -> dict[str, object]:
    """Collect what the times depend on, beside the recording and its text."""
    if args.output_dir is None:
        return {}
    lexicon = None if args.lexicon is None else stamp(args.lexicon)
    return {
        "verb": "align",
        "model": digest(find_model(args.model)),
        "lexicon": lexicon,
        "precision": args.precision,
    }


def _align(recognizer: "Recognizer", item: _Item) -> "AlignedTranscript":
    from asr.inference.alignment import align_text

    waveform = item.waveform(recognizer.sample_rate)
    aligned = align_text(recognizer, waveform, item.text, item.where)
    return _later(aligned, item.start_s) if item.start_s else aligned


def _later(aligned: "AlignedTranscript", start_s: float) -> "AlignedTranscript":
    """Give times on the recording's clock where its audio is read from `start_s` on."""

    def words(early: Sequence["Word"]) -> tuple["Word", ...]:
        return tuple(
            replace(one, start_s=one.start_s + start_s, end_s=one.end_s + start_s) for one in early
        )

    segments = tuple(
        replace(
            one,
            start_s=one.start_s + start_s,
            end_s=one.end_s + start_s,
            words=words(one.words),
        )
        for one in aligned.segments
    )
    duration_s = aligned.duration_s + start_s
    tokens = words(aligned.tokens)
    return replace(aligned, segments=segments, duration_s=duration_s, tokens=tokens)


def _put(
    aligned: "AlignedTranscript", item: _Item, outputs: Outputs, model: str, formats: Sequence[str]
) -> None:
    """Write an alignment, or print it."""
    from asr.formats import About

    if outputs.formats:
        is_cut = item.name != item.where
        about = About(item.name, model, {}, recording=item.name if is_cut else None)
        outputs.put(item.stem, [aligned], about, item.source, formats)
        return
    for word in aligned.words:
        times = f"{word.start_s:.2f}\t{word.end_s:.2f}\t{word.confidence:.3f}"
        show(f"{printable(item.name)}\t{times}\t{printable(word.text)}")
