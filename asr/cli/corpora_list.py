"""The list of `asr prepare --list`: every corpus, and what it needs."""

from asr.corpora import CORPORA


def list_corpora() -> str:
    """List the corpora that one command prepares, those that two do, and those without words."""
    from asr.corpora.lhotse_recipes import find_recipes

    recipes = [recipe for recipe in find_recipes().values() if recipe.name not in CORPORA]
    one = [recipe for recipe in recipes if recipe.is_one_line]
    two = [recipe for recipe in recipes if recipe.has_transcripts and recipe.missing]
    without = [recipe.name for recipe in recipes if not recipe.has_transcripts]
    lines = [f"Readers of this toolkit: {', '.join(CORPORA)}", ""]
    lines += [f"By one command ({len(one)}): asr prepare NAME --source FOLDER --output DIR"]
    for recipe in one:
        about = ["downloads it without --source"] if recipe.download else []
        about += ["--language"] if recipe.has_languages else []
        lines.append(f"  {recipe.name:20}{', '.join(about)}".rstrip())
    lines += ["", f"By two ({len(two)}): lhotse prepare ..., then asr prepare manifests DIR"]
    for recipe in two:
        lines.append(f"  {recipe.name:20}{recipe.command} --help: {', '.join(recipe.missing)}")
    lines += ["", f"Without transcripts ({len(without)}): {', '.join(without)}"]
    return "\n".join(lines)
