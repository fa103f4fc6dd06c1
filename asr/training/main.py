"""`asr train RECIPE [OVERRIDE ...]`: Hydra composes a recipe's settings, then training runs."""

import hashlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from asr.config import SETTINGS, TrainConfig, check_paths, check_ranges
from asr.training.explain import NOT_A_RECIPE, explain, unknown_setting
from asr.training.overrides import is_override, quote_texts
from asr.util.errors import UserError
from asr.util.paths import CONF, find_recipe

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
    Plugins.instance().register(_EncoderOptions)
    Plugins.instance().register(_Groups)
    OmegaConf.register_new_resolver("overrides", override_name, replace=True)
    OmegaConf.register_new_resolver("case", case, replace=True)
    OmegaConf.register_new_resolver("beside", beside, replace=True)
    compose = hydra.main(version_base="1.3", config_path=str(path.parent), config_name=path.stem)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors arrive here instead of being printed
    # argparse, which Hydra uses, takes no positional arguments around an option
    sys.argv = ["asr train", *sorted(quote_texts(arguments), key=is_override)]
    job = _Job()
    try:
        compose(job)()
    except UserError as error:
        if not job.refused:
            raise
        jobs = "; ".join(job.refused)
        raise UserError(f"jobs of the sweep that failed, as shown above: {jobs}") from error
    except Exception as error:
        if job.started:
            raise
        raise UserError(explain(error, str(path))) from error
    except _EndOfSweepError as end:
        raise end.error from end.error.__cause__
    if job.refusal:
        raise job.refusal
    if job.started:
        from asr.training.distributed import close_group

        close_group()


class _Groups(SearchPathPlugin):
    """Lets a recipe in any folder use the groups in conf/."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add conf/, and below it the encoders without a file there."""
        search_path.append("asr", f"file://{CONF}")
        search_path.append("asr", f"{_EncoderOptions.scheme()}://")


class _EncoderOptions(ConfigSource):
    """Makes each name in `ENCODERS` an option: encoder=NAME is conf/encoder/blstm.yaml with NAME.

    Only an encoder that needs other defaults has a file in conf/encoder, which is found first.
    The table is imported when an option has no file, since the import takes seconds.
    """

    @staticmethod
    def scheme() -> str:
        """Name this source in Hydra's search path."""
        return "encoders"

    def available(self) -> bool:
        """Tell that the source can be read."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Tell whether a path is the group of encoders."""
        return config_path.rstrip("/") == "encoder"

    def is_config(self, config_path: str) -> bool:
        """Tell whether a path is an encoder."""
        group, _, name = config_path.removesuffix(".yaml").rpartition("/")
        return group == "encoder" and name in self.list(group, ObjectType.CONFIG)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the encoders."""
        if not self.is_group(config_path) or results_filter is ObjectType.GROUP:
            return []
        from asr.encoders import ENCODERS

        return sorted(ENCODERS)

    def load_config(self, config_path: str) -> ConfigResult:
        """Compose the settings of an encoder."""
        name = config_path.removesuffix(".yaml").rpartition("/")[2]
        config = OmegaConf.create({"defaults": ["blstm", "_self_"], "name": name})
        return ConfigResult(self.provider, self.full_path(), config, header={"package": None})


class _EndOfSweepError(BaseException):
    """Carries an error out of a sweep: after an `Exception` Hydra goes on with the next job."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class _Job:
    """The function that Hydra calls with the composed settings of each job of a sweep.

    Attributes:
        started: whether the settings were composed and a job began.
        refusal: the error of a single job, which Hydra would print in its own way.
        refused: the overrides of a sweep's jobs that were refused or failed.
    """

    def __init__(self) -> None:
        self.started = False
        self.refusal: UserError | None = None
        self.refused: list[str] = []

    def __call__(self, config: DictConfig) -> None:
        self.started = True
        from asr.training.distributed import processes

        sweep = HydraConfig.get().mode is RunMode.MULTIRUN
        try:
            self._train(config)
            return
        except Exception as error:
            # In a next job this process would exchange data with the others, still in this one.
            if sweep and processes() > 1:
                raise _EndOfSweepError(error) from None
            if not isinstance(error, UserError):
                if sweep:  # Hydra raises only the first error of a sweep
                    traceback.print_exc()
                    self.refused.append(_overrides())
                raise
            refusal = error.reworded(str(error))  # without the traceback, which holds a whole model
        if sweep:
            self._refuse(refusal)
        self.refusal = refusal

    def _refuse(self, refusal: UserError) -> NoReturn:
        """Print a refusal now, since Hydra raises only the first one, at the sweep's end.

        Raises:
            UserError: the refusal, since a launcher may run the job elsewhere.
        """
        sys.stderr.write(f"asr: {_overrides()}: {refusal}\n")
        self.refused.append(_overrides())
        raise refusal

    @staticmethod
    def _train(config: DictConfig) -> None:
        from asr.training.recipe import train

        train(to_settings(config))


def _overrides() -> str:
    return " ".join(HydraConfig.get().overrides.task)


def to_settings(config: DictConfig) -> TrainConfig:
    """Turn composed settings into the schema's classes.

    Raises:
        UserError: a setting is missing, unknown, or out of its range.
    """
    if OmegaConf.get_type(config) is not TrainConfig:
        raise UserError(NOT_A_RECIPE)
    try:
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise UserError(f"{missing[0]}: has no value; give it one, as in {missing[0]}=...")
        values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        settings: TrainConfig = OmegaConf.to_object(config)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise UserError(explain(error, "the recipe")) from error
    unknown = unknown_setting(values)
    if unknown:
        raise UserError(unknown)
    check_ranges(values)
    check_paths(values)
    return settings


def override_name() -> str:
    """Name a run by the overrides that are part of a run folder's name."""
    overrides = HydraConfig.get().overrides.task
    unnamed = {key for key, setting in SETTINGS.items() if not setting.names_run}
    named = sorted(o for o in overrides if o.lstrip("+~").split("=")[0] not in unnamed)
    name = re.sub(r"[^\w.,=+~@-]+", "-", ",".join(named).replace("'", "")) or "default"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}-{digest}"


def case(value: str, table: dict[str, Any]) -> Any:
    """Choose a setting's value by the value of another; the key `else` matches all others.

    A recipe writes ``${case:${encoder.name},{convlstm:640,else:256}}``.
    """
    if value not in table and "else" not in table:
        raise ValueError(f"{value!r} is none of {', '.join(table)}")
    return table[value] if value in table else table["else"]


def beside(path: str | Sequence[str], name: str) -> str:
    """Name a file in the folder of another, or of the first of several.

    A recipe writes ``${beside:${data.train},lexicon.txt}``.
    """
    return str(Path(path if isinstance(path, str) else path[0]).with_name(name))
