"""`asr cache`: what the toolkit keeps between starts, and how to remove it."""

import argparse

from asr.cli.flags import Verbs
from asr.cli.messages import show
from asr.util.cache_folder import (
    COMPILED,
    DIGEST,
    UNFINISHED,
    UnsafeFolderError,
    make_cache_folder,
)
from asr.util.errors import UserError

#: Patterns of the files of each kind.
KINDS = {
    "language models": f"{DIGEST}.lm",
    "lexicons": f"{DIGEST}.lexicon",
    "decoders": f"{DIGEST}.decoder",
    "machine code": f"{DIGEST}.native",
    "compiled code": COMPILED,
    "unfinished files": UNFINISHED,
}


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "cache",
        help="show or clear what is kept between starts",
        description="List the files of the cache folder: language models, lexicons and "
        "decoders made ready, and compiled code, which the next start would make anew. The "
        "folder is ASR_CACHE, else asr in the platform's folder for caches.",
    )
    verb.add_argument("--clear", action="store_true", help="remove these files")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the folder, and the files of each kind with their sizes; remove them if asked to."""
    try:
        folder = make_cache_folder()
    except (UnsafeFolderError, RuntimeError) as error:  # RuntimeError: no home folder is known
        reason = str(error).rstrip(".")
        raise UserError(f"cache: {reason}; set ASR_CACHE to a folder of your own") from error
    show(folder)
    removed = " removed" if args.clear else ""
    for kind, pattern in KINDS.items():
        files = [*folder.glob(pattern)]
        megabytes = sum(file.lstat().st_size for file in files) / 1e6
        for file in files if args.clear else ():
            file.unlink(missing_ok=True)
        counted = "file " if len(files) == 1 else "files"
        show(f"  {kind:16}  {len(files):5,} {counted}  {megabytes:8,.1f} MB{removed}")
