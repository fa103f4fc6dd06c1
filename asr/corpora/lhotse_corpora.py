"""Published corpora by lhotse's recipes: ``asr prepare NAME`` where a folder suffices."""

import inspect
import linecache
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from traceback import extract_tb
from typing import Any

from asr.corpora.collection import Collection
from asr.corpora.lhotse_recipes import JOBS, OUTPUT, Recipe, find_recipes
from asr.util.errors import DISK_FULL, UserError

#: Where recipes that cannot do without a folder for manifests write them, below the output.
WRITTEN = "lhotse"


def find_reader(name: str) -> Callable[..., Collection] | None:
    """Give the function `read` of a corpus that lhotse has a recipe for, or None.

    Raises:
        UserError: the recipe needs more than a folder; the message says how to call it.
    """
    recipe = find_recipes().get(name.replace("-", "_"))
    if recipe is None:
        return None
    if not recipe.has_transcripts:
        raise UserError(f"prepare {name}: this corpus has no transcripts, which training needs")
    if recipe.missing:
        raise UserError(
            f"prepare {name}: lhotse's recipe needs {' and '.join(recipe.missing)}; run "
            f"`{recipe.command}` (its help says how), then `asr prepare manifests DIR`"
        )

    def read(
        source: Path | None,
        output: Path,
        language: Sequence[str] | None = None,
        into: str | None = None,
    ) -> Collection:
        return _read(recipe, source, output, list(language or ()), into)

    return read


def _read(
    recipe: Recipe, source: Path | None, output: Path, languages: list[str], into: str | None
) -> Collection:
    """Read a corpus by its recipe; without a source, download it to ``output/download``.

    Raises:
        UserError: no source and no download, a source that is not this corpus, or a failed
            download; lhotse's exception is in the message.
    """
    import asr.data.manifests  # noqa: F401  (has lhotse read files by libsndfile, not by programs)
    from asr.corpora.lhotse_values import collect, parts_of

    if source is None:
        source = _downloaded(recipe, output / "download", languages)
    elif not source.exists():
        raise UserError(f"{source}: there is no such file or folder; check the path")
    with _listening() as warnings, _in_a_sentence(recipe, source, languages):
        value = recipe.prepare(source, **_arguments(recipe, output, languages))
        parts = list(parts_of(value))
    if languages and recipe.language is None:
        parts = [part for part in parts if set(languages) & set(part.names)]
        if not parts:
            raise UserError(
                f"{source}: it has no language {', '.join(languages)}; name one as its folder does"
            )
    collection = collect(parts, f"{source}: {recipe.name}")
    if warnings:
        collection.notes.append(f"lhotse warned {len(warnings)} times, first: {warnings[0]}")
    return collection.put_into(into)


def _arguments(recipe: Recipe, output: Path, languages: list[str]) -> dict[str, Any]:
    parameters = inspect.signature(recipe.prepare).parameters
    arguments: dict[str, Any] = {}
    if OUTPUT in parameters and parameters[OUTPUT].default is inspect.Parameter.empty:
        folder = output / WRITTEN
        for old in folder.glob("*.jsonl*"):  # of an earlier corpus; recipes would not read it anew
            old.unlink()
        arguments[OUTPUT] = folder
    if JOBS in parameters:
        arguments[JOBS] = os.cpu_count() or 1
    return arguments | _language(recipe, languages)


def _language(recipe: Recipe, languages: list[str]) -> dict[str, Any]:
    """Give the languages as the recipe takes them: a list, or the only one.

    Raises:
        UserError: several where the recipe takes one.
    """
    if not languages or recipe.language is None:
        return {}
    if recipe.language.endswith("s"):
        return {recipe.language: languages}
    if len(languages) > 1:
        raise UserError(f"prepare {recipe.name}: it takes one language, found {len(languages)}")
    return {recipe.language: languages[0]}


def _downloaded(recipe: Recipe, folder: Path, languages: list[str]) -> Path:
    """Download a corpus, and give its folder."""
    if recipe.download is None:
        raise UserError(
            f"prepare {recipe.name}: lhotse cannot download this corpus; get it from its publisher "
            "and name its folder as the source"
        )
    takes = inspect.signature(recipe.download).parameters
    arguments = {
        name: value for name, value in _language(recipe, languages).items() if name in takes
    }
    folder.mkdir(parents=True, exist_ok=True)
    with _listening():
        try:
            found = recipe.download(folder, **arguments)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise
            failed = f"{folder}: lhotse could not download {recipe.name}: {_told(error)}"
            raise UserError(failed, remedy="continue_download") from error
    return Path(found) if isinstance(found, str | Path) else folder


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect lhotse's warnings, and keep its other output and its bars off files and pipes."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage().partition("\n")[0])

    collector = Collector(logging.WARNING)
    logging.getLogger().addHandler(collector)
    try:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(sys.stderr))
            if not sys.stderr.isatty():
                nothing = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(redirect_stdout(nothing))
                stack.enter_context(redirect_stderr(nothing))
            yield messages
    finally:
        logging.getLogger().removeHandler(collector)


@contextmanager
def _in_a_sentence(recipe: Recipe, source: Path, languages: list[str]) -> Iterator[None]:
    """Turn an exception of lhotse into one sentence."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        advice = f"its layout is in `help(lhotse.recipes.{recipe.prepare.__name__})`"
        if recipe.language is not None and not languages:
            advice = f"name the language, or give another folder; {advice}"
        raise UserError(
            f"{source}: lhotse's recipe for {recipe.name} found: {_told(error)}; {advice}"
        ) from error


def _told(error: Exception) -> str:
    """Word an exception: its message, or the line that raised it."""
    message = " ".join(str(error).split())[:300].rstrip(".")
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if message and not isinstance(error, KeyError | IndexError):
        return message
    last = extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{type(error).__name__} {message}".rstrip() + f" at `{line}`"
