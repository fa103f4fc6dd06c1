"""`asr serve`: a model for programs, over the network."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs, add_decoding, add_device, add_model, decoding_options
from asr.cli.messages import tell
from asr.cli.stream_flags import add_streaming, stream_options
from asr.util.paths import MODEL_NAME, find_model


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "serve",
        help="a server that OpenAI's and vosk's clients speak to, with a page",
        description="Serve one model to many clients: OpenAI's POST /v1/audio/transcriptions, "
        "vosk-server's WebSocket and a page, all at one address. Ctrl-C ends it.",
    )
    add_model(verb)
    verb.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    verb.add_argument("--port", type=int, default=8000, help="the port; 0 takes a free one (8000)")
    add_streaming(verb.add_argument_group("streaming"))
    add_device(verb)
    add_decoding(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    from asr.inference.recognizer import load
    from asr.server.main import ServerOptions, serve
    from asr.server.service import Service

    options, streaming = decoding_options(args), stream_options(args)
    recognizer = load(args.model, options, device=args.device, precision=args.precision)
    tell(f"listening on http://{args.host}:{args.port}; Ctrl-C ends")
    serve(Service(recognizer, _name(args.model), streaming), ServerOptions(args.host, args.port))
    return 0


def _name(model: Path) -> str:
    """Name a model as clients do: by its folder where its file has the name of all models."""
    file = find_model(model).resolve()
    return file.parent.name if file.name == MODEL_NAME else file.stem
