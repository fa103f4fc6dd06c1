"""`asr lexicon`: how words are pronounced, for models of phones."""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from asr.cli.flags import Verbs
from asr.cli.messages import complain, show
from asr.cli.texts import read_content, without_tags
from asr.text.lexicon import Lexicon, phones_of, write_lexicon
from asr.text.normalizers import NORMALIZERS
from asr.util.errors import UserError
from asr.util.paths import is_model
from asr.util.text_files import decode_text

_LEFT_OUT_SHOWN = 5


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "lexicon",
        help="pronounce words, for a model of phones (tokens=phones)",
        description="Write a line for each word of the texts: the word and the phones that "
        "espeak-ng gives it (package espeakng-loader). A lexicon of your own, in the format of "
        "Kaldi or CMU, serves as well.",
    )
    verb.add_argument(
        "text", nargs="+", type=Path, metavar="TEXT",
        help="a text, plain or gzipped, a cut manifest, an n-gram model (.arpa, .arpa.gz, .xz), or "
        "a model of phones, whose pronunciations are kept",
    )  # fmt: skip
    verb.add_argument("--output", type=Path, required=True, metavar="FILE")
    verb.add_argument(
        "--language", default="en-us", help="espeak-ng's name of it: en-gb, de, fr (en-us)"
    )
    verb.add_argument(
        "--normalizer", choices=list(NORMALIZERS), default="lower",
        help="that of the recipe, text.normalizer (lower)",
    )  # fmt: skip
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Gather the words, the most frequent of each text first, and pronounce them."""
    from asr.text.g2p import make_lexicon

    known: Lexicon = {}
    words: list[str] = []
    for text in args.text:
        if is_model(text):
            known |= _pronunciations(text)
            words += known
        else:
            words += _words(text, args.normalizer)
    lexicon = make_lexicon(words, args.language, known)
    _name_left_out(dict.fromkeys(words), lexicon)
    write_lexicon(lexicon, args.output)
    show(f"{args.output}: {len(lexicon):,} words of {len(phones_of(lexicon))} phones")


def _name_left_out(words: Iterable[str], lexicon: Lexicon) -> None:
    """Tell which words got no pronunciation."""
    left_out = [word for word in words if word not in lexicon]
    if left_out:
        examples = ", ".join(word[:40] for word in left_out[:_LEFT_OUT_SHOWN])
        complain(
            f"note: {len(left_out):,} words get no pronunciation, and are left out: {examples}"
        )


def _pronunciations(model: Path) -> Lexicon:
    """Read the lexicon that is stored in a model."""
    from asr.model.model_file import read_model

    tokenizer = read_model(model).tokenizer
    if tokenizer.pronunciations is None:
        raise UserError(f"{model}: a model that spells, and has no lexicon; give one of phones")
    return dict(tokenizer.pronunciations)


def _words(path: Path, normalizer: str) -> list[str]:
    """List the words of a text once, the most frequent first."""
    normalize = NORMALIZERS[normalizer]
    if path.name.endswith((".arpa", ".arpa.gz", ".xz")):
        from asr.lm.store import open_ngram

        return [
            one for word in open_ngram(path).likeliest_words() for one in normalize(word).split()
        ]
    counted = Counter(word for line in _lines(path) for word in normalize(line).split())
    return [word for word, _ in counted.most_common()]


def _lines(path: Path) -> Sequence[str]:
    content = without_tags(read_content(path), path)
    return decode_text(content, str(path)).splitlines() if isinstance(content, bytes) else content
