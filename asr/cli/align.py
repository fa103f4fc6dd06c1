"""`asr align`: forced alignment, the times of each word of a known text."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs, add_model
from asr.cli.messages import complain, show, tell
from asr.cli.outputs import Outputs, add_outputs, make_outputs
from asr.util.errors import UserError, contain_errors
from asr.util.files import escape_file_name
from asr.util.paths import is_manifest
from asr.util.printable import printable
from asr.util.text_files import read_text

if TYPE_CHECKING:
    from asr.audio import Waveform
    from asr.inference.recognizer import Recognizer
    from asr.transcript import AlignedTranscript


@dataclass(frozen=True)
class _Item:
    """Something to align.

    Attributes:
        name: the name in outputs: the recording, or the id of a manifest's utterance.
        where: the name in errors.
        text: its transcript.
        waveform: reads the audio at the given rate.
        stem: the name of its files without suffix.
    """

    name: str
    where: str
    text: str
    waveform: "Callable[[int], Waveform]"
    stem: str


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
        "input", metavar="AUDIO|MANIFEST", help="a recording, or a cut manifest with transcripts"
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
    add_outputs(verb, default="textgrid")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align each item; an item that fails is reported, and the others are aligned."""
    from tqdm import tqdm

    outputs = make_outputs(args)
    items = _find_items(args, outputs.formats)
    wanted = [one for one in items if not outputs.is_done(one.stem)]
    if wanted:
        outputs.check(len(wanted))
    recognizer = _load(args.model, args.lexicon)
    failed = 0
    for item in tqdm(wanted, unit="utt", disable=True if len(wanted) < 2 else None):
        try:
            with contain_errors(item.where):
                aligned = _align(recognizer, item)
            with tqdm.external_write_mode():
                _put(aligned, item, outputs, str(args.model))
        except UserError as error:
            failed += 1
            with tqdm.external_write_mode():
                complain(error)
    if args.output_dir:
        done = len(wanted) - failed
        tell(f"{done} aligned, {len(items) - len(wanted)} finished before")
    if failed and len(items) > 1:
        complain(f"{failed} of {len(items)} utterances failed")
    return int(failed > 0)


def _load(model: str | Path, lexicon: Path | None) -> "Recognizer":
    """Open the model, with the pronunciations of a lexicon beside its own."""
    from asr.engine.choice import open_engine
    from asr.inference.recognizer import Recognizer
    from asr.model.model_file import read_model
    from asr.text.phones import PhoneTokenizer

    stored = read_model(model)
    engine, tokenizer = open_engine(stored), stored.tokenizer
    if lexicon is None:
        return Recognizer(engine, tokenizer)
    if not isinstance(tokenizer, PhoneTokenizer):
        raise UserError(f"{lexicon}: {model} spells, and needs no lexicon; leave --lexicon out")
    return Recognizer(engine, tokenizer.with_words(lexicon))


def _find_items(args: argparse.Namespace, formats: Sequence[str]) -> list[_Item]:
    """List the items to align: one recording, or the cuts of a manifest."""
    if is_manifest(args.input):
        if args.text:
            raise UserError(f"{args.input}: a manifest has its own texts; leave {args.text} out")
        if "jsonl" in formats:
            raise UserError(
                f"{args.input}: has its utterances' places already, which --format jsonl would "
                "give; give a recording and its text, or another format"
            )
        return _from_manifest(args.input)
    if args.text is None:
        raise UserError(f"{args.input}: the text is missing; give AUDIO and TEXT, or a manifest")
    from asr.audio.recording import read_audio

    text, waveform = read_text(args.text), partial(read_audio, args.input)
    return [_Item(args.input, args.input, text, waveform, Path(args.input).stem)]


def _from_manifest(manifest: str) -> list[_Item]:
    from asr.data.manifests import load_waveform, read_cuts

    return [
        _Item(
            cut.id,
            f"cut {cut.id}",
            cut.supervisions[0].text,
            partial(load_waveform, cut),
            escape_file_name(cut.id),
        )
        for cut in read_cuts(manifest)
    ]


def _align(recognizer: "Recognizer", item: _Item) -> "AlignedTranscript":
    from asr.inference.alignment import align_text

    waveform = item.waveform(recognizer.sample_rate)
    return align_text(recognizer, waveform, item.text, item.where)


def _put(aligned: "AlignedTranscript", item: _Item, outputs: Outputs, model: str) -> None:
    """Write an alignment, or print it."""
    from asr.formats import About

    if outputs.formats:
        is_cut = item.name != item.where
        about = About(item.name, model, {}, recording=item.name if is_cut else None)
        outputs.put(item.stem, [aligned], about)
        return
    for word in aligned.words:
        times = f"{word.start_s:.2f}\t{word.end_s:.2f}\t{word.confidence:.3f}"
        show(f"{printable(item.name)}\t{times}\t{printable(word.text)}")
