"""`asr tune`: fit a decoder's weights and confidence to held-out speech."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr.cli.flags import Verbs, add_beam, add_device, add_model, decoding_options
from asr.cli.messages import complain, show
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.inference.descent import Trial

SHOWN = 5
#: Of fewer utterances no difference between settings is beyond chance (`asr.scoring.compare`).
FEWEST = 6


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("tune", help="fit the decoder's weights to a dev set")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest of the dev set")
    add_model(verb)
    add_device(verb)
    add_beam(verb)
    verb.add_argument(
        "--keep-search", action="store_true", help="fit the second pass of --neural-lm alone"
    )
    verb.add_argument(
        "--output", type=Path, required=True, metavar="YAML", help="receives the decoding options"
    )
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Search the weights and write the options."""
    from asr.decoding.decoder import load_hotwords, load_lexicon
    from asr.decoding.options import DecodingOptions, write_options
    from asr.inference.descent import SECOND_PASS_STEPS, STEPS
    from asr.inference.evaluation import held_out_log_probs
    from asr.inference.recognizer import load
    from asr.inference.second_pass import open_scorer
    from asr.inference.tuning import Tuner

    options = decoding_options(args)
    if args.keep_search and options.neural_lm is None:
        raise UserError("--keep-search: leaves nothing to fit; give a --neural-lm, or leave it out")
    recognizer = load(  # the tuner has a decoder of its own
        args.model, DecodingOptions(), device=args.device, precision=args.precision
    )
    normalize = recognizer.tokenizer.normalize
    lexicon = load_lexicon(recognizer.tokens, options, normalize)
    hotwords = load_hotwords(options, normalize)
    log_probs, references = held_out_log_probs(recognizer, args.manifest)
    scorer = open_scorer(options)
    tuner = Tuner(log_probs, references, lexicon, options, hotwords, scorer)
    if len(references) < FEWEST:
        words = sum(len(reference.split()) for reference in references)
        complain(
            f"note: {args.manifest}: utterances: {len(references)}, words: {words}; weights fitted "
            "to so few are chance; tune on a larger dev set"
        )
    best, trials = tuner.tune(keep_search=args.keep_search)
    try:  # a file that cannot be written must not take the work of hours with it
        write_options(best, args.output)
    finally:
        if trials:
            show(_format_trials(trials, STEPS))
        if tuner.second_pass_trials:
            show(_format_trials(tuner.second_pass_trials, SECOND_PASS_STEPS, " of the second pass"))
        fitted = "" if tuner.calibrated else ", not fitted: the best settings recognize no word"
        show(f"confidence temperature {best.confidence_temperature:.2f}{fitted}")
    show(f"written to {args.output}")


def _format_trials(trials: "Sequence[Trial]", names: Iterable[str], what: str = "") -> str:
    """The best settings, a line each."""
    lines = [
        f"{len(trials)} settings{what} tried; the best:",
        "   WER    CER  " + "  ".join(names),
    ]
    lines += [
        "  ".join(
            [f"{100 * trial.wer:6.2f} {100 * trial.cer:6.2f}"]
            + [f"{getattr(trial.options, name):{len(name)}.3f}" for name in names]
        )
        for trial in trials[:SHOWN]
    ]
    return "\n".join(lines)
