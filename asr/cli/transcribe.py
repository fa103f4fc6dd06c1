"""`asr transcribe`: recordings to text, on the screen or as files."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import (
    Verbs,
    add_decoding,
    add_device,
    add_model,
    add_selection,
    decoding_options,
    read_selection,
)
from asr.cli.inputs import Input, check_outputs, find_inputs, naming, readable
from asr.cli.made_from import Source, describe_settings, make_source
from asr.cli.messages import complain, show, tell
from asr.cli.outputs import Outputs, add_outputs, make_outputs
from asr.cli.shards import WHOLE, parse_shard
from asr.util.errors import UserError, contain_errors
from asr.util.files import digest
from asr.util.garbage import no_collection
from asr.util.paths import find_model
from asr.util.printable import printable
from asr.util.progress import beside_bars

if TYPE_CHECKING:
    from asr.decoding.options import DecodingOptions
    from asr.formats import About
    from asr.inference.recognizer import Recognizer
    from asr.transcript import Transcript


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "transcribe",
        help="recordings to text: a line each, or files in many formats",
        description="Print a line for each recording, its path and its text; or, with "
        "--output-dir, write files. Finished files are kept, so that the same command "
        "continues after a stop.",
    )
    verb.add_argument(
        "audio",
        nargs="*",
        metavar="AUDIO",
        help="files, folders, quoted patterns such as 'talks/**/*.m4a', or - for standard input",
    )
    add_model(verb)
    verb.add_argument("--list", type=Path, metavar="FILE", help="more files, a path a line")
    verb.add_argument(
        "--shard",
        type=parse_shard,
        default=WHOLE,
        metavar="K/N",
        help="transcribe every N-th recording from the K-th on; the N shards make the whole (1/1)",
    )
    verb.add_argument(
        "--vad",
        choices=("energy", "silero"),
        default="energy",
        help="speech detector for recordings of more than 30 s (energy)",
    )
    add_selection(verb, each=True, strict=False)
    add_outputs(verb, default="txt").add_argument(
        "--picture",
        type=Path,
        metavar="PNG",
        help="also draw the first file: log-mel, posteriors and text",
    )
    add_device(verb)
    add_decoding(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Transcribe each recording; one that fails is reported, and the others are transcribed."""
    outputs = make_outputs(args)
    inputs, errors = find_inputs(args.audio, args.list)
    if args.output_dir:
        check_outputs(inputs, "--output-dir", str)
    elif {"ctm", "stm"} & set(outputs.formats):
        from asr.formats.nist import replace_spaces

        check_outputs(inputs, f"--format {args.format}", lambda stem: replace_spaces(stem.name))
    options = decoding_options(args)
    named, inputs, errors = len(inputs), args.shard.take(inputs), args.shard.take(errors)
    if named and not inputs:
        tell(f"--shard {args.shard}: no recording is left for this shard, {named} are named")
    wanted, refused = _pending(inputs, args, options, outputs)
    errors += refused
    if wanted:
        outputs.check(len(wanted))
    for error in errors:
        complain(error)
    failed, drawn = len(errors), True
    if wanted or (args.picture and inputs):
        bad, drawn = _transcribe(args, options, inputs, wanted, outputs)
        failed += bad
    count = len(inputs) + len(errors) - len(refused)
    if args.output_dir:
        finished = len(inputs) - len(wanted) - len(refused)
        written = count - finished - failed
        tell(f"{written} transcribed, {finished} finished before")
    if failed and count > 1:
        complain(f"{failed} of {count} files failed")
    return int(failed > 0 or not drawn)


@dataclass(frozen=True)
class _Pending:
    """The formats in which a recording is to be written, and what it is written from."""

    formats: Sequence[str]
    source: Source


def _pending(
    inputs: Sequence[Input],
    args: argparse.Namespace,
    options: "DecodingOptions",
    outputs: Outputs,
) -> tuple[dict[Input, _Pending], list[UserError]]:
    """Find the recordings that are not finished, and those whose outputs stand in the way."""
    about: dict[str, object] = {"verb": "transcribe"}
    if outputs.folder is not None:
        about["model"] = digest(find_model(args.model))
        about["settings"] = describe_settings(_settings(args, options))
    pending: dict[Input, _Pending] = {}
    refused = []
    for one in inputs:
        source = make_source(one.name, **about)
        try:
            formats = outputs.formats if one.is_stream else outputs.missing(str(one.stem), source)
        except UserError as error:
            refused.append(error)
            continue
        if formats or outputs.folder is None:
            pending[one] = _Pending(formats, source)
    return pending, refused


def _transcribe(
    args: argparse.Namespace,
    options: "DecodingOptions",
    inputs: Sequence[Input],
    wanted: Mapping[Input, _Pending],
    outputs: Outputs,
) -> tuple[int, bool]:
    """Transcribe `wanted`; returns how many failed, and whether the picture was drawn."""
    from asr.formats import About

    recognizer = _load(args, options)
    settings = _settings(args, options)
    failed: list[Input] = []
    with readable(wanted) as (paths, refused), naming(paths):
        for one, error in refused:
            complain(error)
            failed.append(one)
        selection = read_selection(args)
        for path, result in recognizer.transcribe_files(paths, selection):
            one = paths[Path(path)]
            about = About(one.name, str(args.model), settings)
            with beside_bars():
                try:
                    _put(_transcripts(result, path, one), one, outputs, about, wanted[one])
                except UserError as error:
                    complain(error)
                    failed.append(one)
        drawn = True
        if args.picture and inputs[0] not in failed:  # else its error is printed already
            first = next((path for path, one in paths.items() if one is inputs[0]), inputs[0].path)
            drawn = _draw(recognizer, first, args)
    return len(failed), drawn


@no_collection()
def _load(args: argparse.Namespace, options: "DecodingOptions") -> "Recognizer":
    from asr.inference.recognizer import load

    return load(args.model, options, args.vad, args.device, args.precision)


def _transcripts(
    result: "Sequence[Transcript] | UserError", path: str | Path, one: Input
) -> "Sequence[Transcript]":
    """Give a recording's transcripts, or raise its error, with the name that the user gave."""
    if isinstance(result, UserError):
        raise result.reworded(str(result).replace(str(path), one.name, 1)) from result
    return result


def _draw(recognizer: "Recognizer", path: Path, args: argparse.Namespace) -> bool:
    """Draw a recording; returns whether it could be drawn."""
    from asr.inference.plot import draw_transcription

    try:
        with contain_errors(str(path)):
            draw_transcription(recognizer, path, args.picture, read_selection(args))
    except UserError as error:
        complain(error)
        return False
    tell(f"picture: {args.picture}")
    return True


def _settings(args: argparse.Namespace, options: "DecodingOptions") -> dict[str, object]:
    """Collect the settings that an output file records."""
    from asr.audio.selection import Selection

    given = {name: value for name, value in asdict(options).items() if value is not None}
    plain = {n: str(v) if isinstance(v, Path) else v for n, v in given.items()}
    part = {
        name: value
        for name, value in asdict(read_selection(args)).items()
        if name == "channel" or value != getattr(Selection, name)
    }
    return part | {"vad": args.vad, "precision": args.precision, "decoding": plain}


def _put(
    transcripts: "Sequence[Transcript]",
    one: Input,
    outputs: Outputs,
    about: "About",
    pending: _Pending,
) -> None:
    """Write a recording's transcripts, or print them, a line each where no format is asked for."""
    if outputs.formats:
        outputs.put(str(one.stem), transcripts, about, pending.source, pending.formats)
        return
    for transcript in transcripts:
        channel = f" [{transcript.channel}]" if len(transcripts) > 1 else ""
        show(f"{printable(one.name)}{channel}\t{printable(transcript.text)}")
