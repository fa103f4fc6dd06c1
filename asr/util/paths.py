"""Where recipes, models and their decoding settings are.

conf/ and recipes/ are beside the package in a checkout, and inside the package once installed.
"""

from pathlib import Path

from asr.util.errors import UserError
from asr.util.suggest import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[1]


def _find(name: str) -> Path:
    """Find a folder inside the package or beside it."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


CONF = _find("conf")
RECIPES = _find("recipes")
DEFAULT_RECIPE = "blstm"
#: The folder of the models that come with the toolkit; a model is named by its own folder.
SHIPPED = _PACKAGE / "models"
#: The model of those who name none.
DEFAULT_MODEL = "en-small"
MODEL_NAME = "model.safetensors"
#: The neural language model in the folder that `asr lm train --kind lstm` makes.
LM_NAME = "lm.safetensors"
DECODING_NAME = "decoding.yaml"


def recipe_names() -> list[str]:
    """List the recipes by the names `asr train` takes; ``an4`` is short for ``an4/blstm``."""
    names = [path.relative_to(RECIPES).with_suffix("") for path in RECIPES.glob("*/*.yaml")]
    return sorted(
        str(name.parent) if name.name == DEFAULT_RECIPE else name.as_posix() for name in names
    )


def find_recipe(recipe: str) -> Path:
    """Resolve a recipe's name or path to its YAML file.

    Raises:
        UserError: there is no such recipe; the message names the nearest.
    """
    path = Path(recipe)
    if path.suffix == ".yml":  # Hydra reads no other suffix
        raise UserError(f"{recipe}: recipe files end in .yaml; rename it")
    if path.suffix == ".yaml":
        if not path.is_file():
            raise UserError(f"{recipe}: there is no such recipe file; check the path")
        if (path.parent / "train.yaml").is_file():  # Hydra would read it, not conf/
            raise UserError(
                f"{path.parent / 'train.yaml'}: recipes build on another train.yaml; rename it"
            )
        return path.resolve()
    if recipe in recipe_names():
        named = RECIPES / f"{recipe}.yaml"
        return named if named.is_file() else RECIPES / recipe / f"{DEFAULT_RECIPE}.yaml"
    raise UserError(f"{recipe}: there is no such recipe; {did_you_mean(recipe, recipe_names())}")


def is_manifest(path: str | Path) -> bool:
    """Tell by a file's name whether it is a cut manifest."""
    return str(path).endswith((".jsonl", ".jsonl.gz"))


def is_url(place: str | Path) -> bool:
    """Tell whether a place is an address on a web server."""
    return str(place).startswith(("http://", "https://"))


def is_shar(place: str | Path) -> bool:
    """Tell whether a place has lhotse's Shar: an address, or a folder with shards of cuts."""
    return is_url(place) or any(Path(place).glob("cuts.*jsonl.gz"))


def shipped_models() -> list[str]:
    """List the names of the models that come with the toolkit."""
    return sorted(file.parent.name for file in SHIPPED.glob(f"*/{MODEL_NAME}"))


def find_model(path: str | Path) -> Path:
    """Resolve a model's path or name to its file.

    Args:
        path: the file, its run folder, or the name of a shipped model, unless the current folder
            has a file or folder of that name.

    Raises:
        UserError: there is no such model.
    """
    path = Path(path)
    if not path.exists() and path.name == str(path) and (SHIPPED / path).is_dir():
        path = SHIPPED / path
    file = path / MODEL_NAME if path.is_dir() else path
    if not file.is_file():  # reading a pipe would wait, reading a device would not end
        wanted = f"no {MODEL_NAME} in this folder" if path.is_dir() else "no such file or folder"
        wanted = f"{file.name} is no ordinary file" if file.exists() else wanted
        names = " or ".join(shipped_models())
        raise UserError(f"{path}: {wanted}; give a run folder, a .safetensors model, or {names}")
    return file


def is_model(path: str | Path) -> bool:
    """Whether a path names a model: a model file, any folder, or a shipped model."""
    path = Path(path)
    return path.suffix == ".safetensors" or path.is_dir() or str(path) in shipped_models()


def shipped_decoding(model: str | Path) -> Path | None:
    """Find the decoding settings of a shipped model; None for any other model."""
    folder = find_model(model).parent.resolve()
    return folder / DECODING_NAME if folder.parent == SHIPPED else None
