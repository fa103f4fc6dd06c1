"""`asr train RECIPE [OVERRIDE ...]`: Hydra composes a recipe's settings, then training runs."""

import difflib
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from asr.config import UNNAMED, TrainConfig, flatten
from asr.errors import UserError
from asr.paths import CONF, find_recipe

LONGEST_NAME = 150


def main(recipe: str, arguments: Sequence[str]) -> None:
    """Compose and run a recipe.

    Args:
        recipe: a recipe's name (``an4``, ``an4/small``) or the path of its YAML file.
        arguments: Hydra's overrides and flags (``-m``, ``--cfg job``, ...).

    Raises:
        UserError: an unknown recipe, key or value, or anything training refuses.
    """
    path = find_recipe(recipe)
    ConfigStore.instance().store("schema", TrainConfig)
    OmegaConf.register_new_resolver("overrides", override_name, replace=True)
    run = hydra.main(version_base="1.3", config_path=str(path.parent), config_name=path.stem)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors arrive here instead of being printed
    sys.argv = ["asr train", *arguments, f"hydra.searchpath=[file://{CONF}]"]
    try:
        run(_job)()
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error)) from error


def _job(config: DictConfig) -> None:
    """Train with one composed configuration; Hydra calls this, once a job of a sweep."""
    from asr.training.recipe import train

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise UserError(f"{config.recipe}: give {missing[0]} a value, as in {missing[0]}=...")
    settings = OmegaConf.to_object(config)
    assert isinstance(settings, TrainConfig)
    train(settings)


def override_name() -> str:
    """Name a run after its overrides, leaving out the seed and the machine's settings."""
    overrides = HydraConfig.get().overrides.task
    named = sorted(o for o in overrides if o.lstrip("+~").split("=")[0] not in UNNAMED)
    name = re.sub(r"[^\w.,=+~@-]+", "-", ",".join(named)) or "default"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}-{digest}"


def explain(error: Exception) -> str:
    """Word Hydra's refusal in one sentence, with the nearest right name for a wrong one."""
    cause = error.__cause__ or error
    key = getattr(cause, "full_key", None) or getattr(cause, "key", None)
    first = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if isinstance(cause, MissingMandatoryValue):
        return f"{key}: has no value; give it one, as in {key}=..."
    if key and ("not in" in first or "Could not override" in str(error)):
        if "not in" in first:
            return f"{key}: there is no such setting{_nearest(str(key), _known_keys())}"
        return f"{key}: {first[0].lower()}{first[1:]}; give a value of the right type"
    if isinstance(error, MissingConfigException) or "Could not find" in str(error):
        return _missing_option(str(error))
    return " ".join(str(error).split())


def _known_keys() -> list[str]:
    schema: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(TrainConfig))  # type: ignore[assignment]
    return list(flatten(schema))


def _nearest(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else "; `asr train RECIPE --cfg job` lists them"


def _missing_option(message: str) -> str:
    match = re.search(r"'([^']+)'", message)
    wanted = match.group(1) if match else message
    group = wanted.split("/")[0]
    options = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    known = f"; choose one of {', '.join(options)}" if options else ""
    return f"{wanted}: there is no such option{known}"
