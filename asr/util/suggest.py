"""What somebody may have meant by a name that is unknown."""

import difflib
from collections.abc import Callable, Iterable


def did_you_mean(
    name: str,
    known: Iterable[str],
    otherwise: str | None = None,
    *,
    cutoff: float = 0.6,
    show: Callable[[str], str] = str,
) -> str:
    """Word a question for the known name nearest to an unknown one.

    Args:
        name: the unknown name.
        known: the names to choose from.
        otherwise: the answer where no name is near; without it, all known names are listed.
        cutoff: 0 to 1, how similar a near name is at least (`difflib.get_close_matches`).
        show: how the near name is written; `repr` puts it in quotes.
    """
    names = list(known)
    if near := difflib.get_close_matches(name, names, n=1, cutoff=cutoff):
        return f"did you mean {show(near[0])}?"
    return otherwise or f"choose one of {', '.join(names)}"
