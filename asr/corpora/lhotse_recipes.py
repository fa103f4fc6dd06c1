"""The corpora that lhotse has recipes for, and what each recipe needs.

A recipe is a function ``prepare_NAME`` of `lhotse.recipes`. Where a folder and perhaps a language
are all it needs, `asr.corpora.lhotse_corpora` calls it; `lhotse prepare` serves the others.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

#: Corpora of noise, rooms, speakers or ratings: their supervisions have no text.
WITHOUT_TRANSCRIPTS = frozenset(
    [
        *("but_reverb_db", "musan", "rir_noise", "wham"),
        *("dihard3", "radio", "voxceleb", "voxconverse"),
        *("bvcc", "librilight", "librimix", "librimix_mini"),
    ]
)
#: Parameters that `asr.corpora.lhotse_corpora` gives, besides the first, which is the corpus.
OUTPUT, JOBS, LANGUAGES = "output_dir", "num_jobs", ("language", "lang", "languages", "langs")

LANGUAGES_OF_PARTS = "languages, each with parts"


@dataclass(frozen=True)
class Recipe:
    """A recipe of lhotse.

    `download` takes a folder; None where lhotse downloads nothing. `missing` names the parameters
    without a default that a person has to give. `language` is the parameter for the language, if
    there is one.
    """

    name: str
    prepare: Callable[..., Any]
    download: Callable[..., Any] | None
    missing: tuple[str, ...]
    language: str | None

    @property
    def has_transcripts(self) -> bool:
        """Whether its supervisions have text."""
        return self.name not in WITHOUT_TRANSCRIPTS

    @property
    def is_one_line(self) -> bool:
        """Whether ``asr prepare NAME`` works."""
        return self.has_transcripts and not self.missing

    @property
    def has_languages(self) -> bool:
        """Whether ``--language`` chooses among its languages."""
        return self.language is not None or self.shape == LANGUAGES_OF_PARTS

    @property
    def shape(self) -> str:
        """The return value, as its annotation states it."""
        stated = str(inspect.signature(self.prepare).return_annotation)
        if "RecordingSet" not in stated:
            return "cuts, or not stated"
        if stated.count("Dict[") == 0:
            return "recordings and supervisions"
        levels = stated.count("Dict[str") - 1
        return ("one part", "parts", LANGUAGES_OF_PARTS)[levels]

    @property
    def command(self) -> str:
        """The command of lhotse; its ``--help`` lists arguments and options."""
        return f"lhotse prepare {self.name.replace('_', '-')}"


@cache
def find_recipes() -> dict[str, Recipe]:
    """List the recipes of the installed lhotse by their names, in order. Takes seconds."""
    package = import_module("lhotse.recipes")
    modules = [
        import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    recipes = [recipe for module in modules for recipe in _recipes_in(module, package)]
    return {recipe.name: recipe for recipe in sorted(recipes, key=lambda recipe: recipe.name)}


def _recipes_in(module: ModuleType, package: ModuleType) -> Iterator[Recipe]:
    """Give the recipes of one of lhotse's modules, which has functions of its own besides."""
    own = module.__name__.rpartition(".")[2]
    public = [
        name
        for name, value in vars(module).items()
        if name.startswith("prepare_")
        and inspect.isfunction(value)
        and value.__module__ == module.__name__
        and (hasattr(package, name) or name == f"prepare_{own}")
    ]
    for name in public:
        corpus = own if len(public) == 1 else name.removeprefix("prepare_")
        exported = package if hasattr(package, name) else module
        download = getattr(exported, f"download_{corpus}", None)
        yield _recipe(corpus, getattr(module, name), download)


def _recipe(name: str, prepare: Callable[..., Any], download: Callable[..., Any] | None) -> Recipe:
    parameters = inspect.signature(prepare).parameters
    language = next((name for name in LANGUAGES if name in parameters), None)
    given = (OUTPUT, JOBS, language)
    needed = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty and parameter.name not in given
    ]
    first = next(iter(parameters))
    missing = tuple(needed) if len(needed) > 1 else tuple(set(needed) - {first})
    if download is not None and len(_required(download)) > 0:
        download = None
    return Recipe(name, prepare, download, missing, language)


def _required(function: Callable[..., Any]) -> list[str]:
    """List the parameters without a default, besides the first."""
    _, *others = inspect.signature(function).parameters.values()
    return [one.name for one in others if one.default is one.empty]
