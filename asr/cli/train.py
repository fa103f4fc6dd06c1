"""`asr train`: run a recipe, or resume it."""

import argparse

from asr.cli.flags import Verbs


def add(verbs: Verbs) -> None:
    """Add the verb."""
    verb = verbs.add_parser("train", help="run a training recipe, or resume it")
    verb.add_argument("recipe", metavar="RECIPE", help="an4, an4/small, ... or a YAML file")
    verb.add_argument(
        "overrides", nargs=argparse.REMAINDER, metavar="OVERRIDE",
        help="Hydra's, such as optimizer.lr=1e-3; -m sweeps, --cfg job shows the settings",
    )  # fmt: skip
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Train; Hydra reads the overrides."""
    from asr.training.main import main

    main(args.recipe, args.overrides)
