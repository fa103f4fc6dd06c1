"""`asr tune`: fit a decoder's weights and confidence to held-out speech."""

import argparse
from pathlib import Path

from asr.cli.flags import Verbs, add_beam, add_model, decoding_options

SHOWN = 5


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("tune", help="fit the decoder's weights to a dev set")
    verb.add_argument("manifest", metavar="MANIFEST", help="cut manifest of the dev set")
    add_model(verb)
    add_beam(verb)
    verb.add_argument(
        "--output", type=Path, required=True, metavar="YAML", help="receives the decoding options"
    )
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Search the weights and write the options."""
    from asr.decoding.decoder import load_fusion, load_hotwords
    from asr.decoding.options import DecodingOptions, write_options
    from asr.decoding.tune import Tuner
    from asr.evaluate import held_out_log_probs
    from asr.recognizer import load

    options = decoding_options(args)
    recognizer = load(args.model, DecodingOptions())  # the tuner has a decoder of its own
    fusion = load_fusion(recognizer.tokens, options)
    hotwords = load_hotwords(options, recognizer.tokenizer.normalise)
    log_probs, references = held_out_log_probs(recognizer, args.manifest)
    tuner = Tuner(log_probs, references, recognizer.tokens, fusion, options, hotwords)
    best, trials = tuner.tune()
    write_options(best, args.output)
    print(f"{len(trials)} settings tried; the best:")
    print("   WER    CER  lm_weight  word_score  unk_score")
    for trial in trials[:SHOWN]:
        print(
            f"{100 * trial.wer:6.2f} {100 * trial.cer:6.2f} {trial.lm_weight:10.3f} "
            f"{trial.word_score:11.2f} {trial.unk_score:10.1f}"
        )
    print(f"confidence temperature {best.confidence_temperature:.2f}; written to {args.output}")
