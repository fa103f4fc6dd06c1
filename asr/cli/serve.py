"""`asr serve`: a model for programs, over the network."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

from asr.cli.flags import Verbs, add_decoding, add_device, add_model, decoding_options
from asr.cli.messages import complain, tell
from asr.cli.stream_flags import add_streaming, stream_options
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME, find_model

#: Names the variable that holds the key, since a command's flags are seen by all users.
KEY_VARIABLE = "ASR_API_KEY"
#: Flags whose value, where given, is a field of `asr.server.options.ServerOptions`.
_OPTIONS = ("host", "port", "language", "max_requests", "tls_cert", "tls_key")


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "serve",
        help="a server that OpenAI's and vosk's clients speak to, with a page",
        description="Serve one model to many clients: OpenAI's POST /v1/audio/transcriptions, "
        "vosk-server's WebSocket and a page, all at one address. SIGTERM and Ctrl-C end it once "
        "what was begun is finished; a second one ends it at once.",
    )
    add_model(verb)
    verb.add_argument("--host", help="the address to listen on (127.0.0.1)")
    verb.add_argument("--port", type=int, help="the port; 0 takes a free one (8000)")
    verb.add_argument(
        "--wyoming", type=int, metavar="PORT", help="also speak Home Assistant's protocol there"
    )
    verb.add_argument(
        "--language", metavar="CODE", help="the model's language, as clients are told (en)"
    )
    _add_access(verb.add_argument_group("who may use it"))
    _add_limits(verb.add_argument_group("limits"))
    add_streaming(verb.add_argument_group("streaming"))
    add_device(verb)
    add_decoding(verb)
    verb.set_defaults(run=run)


def _add_access(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"what clients must send as their key; better set as {KEY_VARIABLE} (none)",
    )
    group.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="URL",
        help="an address whose pages may use the server, such as https://example.org; also that "
        "of a proxy in front; * for all; may be repeated (none but its own)",
    )
    group.add_argument("--tls-cert", type=Path, metavar="PEM", help="speak HTTPS with this")
    group.add_argument("--tls-key", type=Path, metavar="PEM", help="the certificate's key")


def _add_limits(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--max-upload", type=float, metavar="MB", help="of a request (500)")
    group.add_argument("--max-audio", type=float, metavar="S", help="of a recording (14400)")
    group.add_argument(
        "--max-requests",
        type=int,
        metavar="N",
        help="requests and live sessions at once; more are told to come again (128)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UserError("serve: needs packages; pip install 'asr-toolkit[serve]'")
    from asr.inference.recognizer import load
    from asr.server.main import serve
    from asr.server.options import MEGABYTE, ServerOptions
    from asr.server.service import Service

    given = {name: getattr(args, name) for name in _OPTIONS} | {
        "wyoming_port": args.wyoming,
        "api_key": args.api_key or os.environ.get(KEY_VARIABLE),
        "max_upload": None if args.max_upload is None else args.max_upload * MEGABYTE,
        "max_audio_s": args.max_audio,
        "origins": tuple(args.allow_origin),
    }
    options = ServerOptions(**{name: value for name, value in given.items() if value is not None})
    if options.api_key is not None and options.wyoming_port is not None:
        complain("note: Wyoming knows no keys, so whoever reaches its port may use it")
    decoding, streaming = decoding_options(args), stream_options(args)
    recognizer = load(args.model, decoding, device=args.device, precision=args.precision)
    service = Service(recognizer, _name(args.model), options, streaming)
    serve(service, lambda url: tell(f"listening on {url}; Ctrl-C ends"))
    return 0


def _name(model: Path) -> str:
    """Name a model as clients do: by its folder where its file has the name of all models."""
    file = find_model(model).resolve()
    return file.parent.name if file.name == MODEL_NAME else file.stem
