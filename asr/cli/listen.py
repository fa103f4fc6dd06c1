"""`asr listen`: live text of a microphone, or of a file that is played at its own speed."""

import argparse
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import (
    Verbs,
    add_decoding,
    add_device,
    add_model,
    decoding_options,
)
from asr.cli.live_text import LiveText
from asr.cli.made_from import make_source
from asr.cli.messages import tell
from asr.cli.outputs import Outputs, add_outputs, make_outputs
from asr.cli.stream_flags import add_streaming, stream_options
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.audio import Waveform
    from asr.inference.streaming import Stream
    from asr.transcript import Segment

#: Seconds of a packet.
PACKET_S = 0.1


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "listen",
        help="live text of a microphone",
        description="Print text while it is spoken: final text in lines, and below them, on a "
        "terminal, the words under way. Ctrl-C ends with the last words.",
    )
    verb.add_argument(
        "--file",
        type=Path,
        metavar="AUDIO",
        help="take a file in place of a microphone, at its speed",
    )
    verb.add_argument(
        "--input", metavar="NAME", help="the microphone, by a part of its name or its number"
    )
    add_model(verb)
    add_outputs(verb, default="txt")
    add_streaming(verb.add_argument_group("streaming"))
    add_device(verb)
    add_decoding(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Transcribe until the file ends, or until Ctrl-C."""
    from asr.formats import About
    from asr.inference.recognizer import load
    from asr.transcript import Transcript

    if args.file is not None and args.input is not None:
        raise UserError("--input: names a microphone, --file plays a file; leave one out")
    outputs = _outputs(args)
    path = args.file or Path(time.strftime("listen-%Y%m%d-%H%M%S"))
    source = make_source(path, verb="listen", model=str(args.model))
    outputs.missing(path.stem, source)  # refuses to replace other files
    options, streaming = decoding_options(args), stream_options(args)
    recognizer = load(args.model, options, device=args.device, precision=args.precision)
    live = LiveText()
    with _interrupts() as interrupts:
        rate, packets = _open(args, recognizer.sample_rate, lambda: bool(interrupts))
        stream = recognizer.stream(rate, streaming)
        if args.file is None:
            tell("listening; Ctrl-C ends")
        segments, samples = _follow(packets, stream, live)
    if outputs.folder is not None:
        about = About(os.fspath(path), str(args.model), {})
        outputs.put(path.stem, [Transcript((*segments,), samples / rate)], about, source)
    return 0


def _outputs(args: argparse.Namespace) -> Outputs:
    """Read the flags of the output; live text is printed, so files are all that formats can be."""
    if args.format and args.output_dir is None:
        raise UserError(f"--format {args.format}: text is printed live; add --output-dir for files")
    outputs = make_outputs(args)
    outputs.check(1)
    return outputs


def _open(
    args: argparse.Namespace, model_rate: int, has_ended: Callable[[], bool]
) -> "tuple[int, Generator[Waveform]]":
    """Open the file or the microphone: its sample rate, and its packets as they come."""
    if args.file is not None:
        return model_rate, _play(args.file, model_rate, has_ended)
    from asr.audio.microphone import open_microphone

    return open_microphone(args.input, model_rate, PACKET_S, has_ended)


def _play(path: Path, rate: int, has_ended: Callable[[], bool]) -> "Generator[Waveform]":
    """Yield packets of a file when their last sample would have been played."""
    from asr.audio.opening import open_recording
    from asr.inference.streaming.blocks import Blocks

    length = round(PACKET_S * rate)
    blocks, played_s, started = Blocks(length, length), 0.0, time.monotonic()
    with open_recording(path) as recording:
        for block in recording.waveform(None, rate):
            for packet in blocks.feed(block):
                played_s += len(packet) / rate
                time.sleep(max(0.0, started + played_s - time.monotonic()))
                yield packet
                if has_ended():
                    return
        yield blocks.rest()


def _follow(
    packets: "Generator[Waveform]", stream: "Stream", live: LiveText
) -> "tuple[list[Segment], int]":
    """Show what a stream brings, until it ends: its segments, and how many samples it had."""
    segments: list[Segment] = []
    samples = 0
    with closing(packets):
        for packet in packets:
            samples += len(packet)
            live.level(packet)
            segments += live.show(stream.accept(packet))
    segments += live.show(stream.finish())
    live.close()
    return segments, samples


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collect the first Ctrl-C, so that none comes in the middle of a step; a second one stops."""
    found: list[int] = []

    def keep(number: int, _frame: object) -> None:
        found.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, keep)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
