"""Several cut manifests as one training set."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from lhotse import CutSet
from lhotse.cut import Cut

from asr.data.manifests import read_cuts
from asr.util.errors import UserError


class TrainingCuts(NamedTuple):
    """The cuts of one manifest or several, each with an id of its own.

    Attributes:
        cuts: in the order of the manifests.
        places: of each cut, ``manifest:line``.
        weights: of each cut's id, how many times an epoch has the cut.
    """

    cuts: CutSet
    places: list[str]
    weights: dict[str, int]


def read_training_cuts(
    manifests: str | Sequence[str], weights: Sequence[int] | None, longest_s: float
) -> TrainingCuts:
    """Read one manifest, or several one after the other.

    Args:
        manifests: a path, or paths.
        weights: how many times an epoch has each utterance of each manifest; None: once.
        longest_s: the longest utterance that the caller can take.

    Raises:
        UserError: as `read_cuts`, or there are not as many weights as manifests.
    """
    paths = [manifests] if isinstance(manifests, str) else list(manifests)
    if weights is not None and len(weights) != len(paths):
        raise UserError(
            f"data.weights: expected {len(paths)} numbers, one a manifest of data.train, "
            f"found {len(weights)}"
        )
    cuts: dict[str, Cut] = {}
    places: list[str] = []
    weight_of: dict[str, int] = {}
    for number, path in enumerate(paths):
        for line, cut in enumerate(read_cuts(path, longest_s), start=1):
            own = cut.id if cut.id not in cuts else next(_free_ids(cut.id, cuts))
            cuts[own] = cut if own == cut.id else cut.with_id(own)
            places.append(f"{path}:{line}")
            weight_of[own] = 1 if weights is None else weights[number]
    return TrainingCuts(CutSet.from_cuts(cuts.values()), places, weight_of)


def repeat_cuts(cuts: CutSet, weights: dict[str, int]) -> CutSet:
    """Give each cut as often as its weight says, under ids of their own, by which they vary."""
    taken = {cut.id: cut for cut in cuts}
    for cut in list(cuts):
        free = _free_ids(cut.id, taken)
        for _ in range(weights[cut.id] - 1):
            own = next(free)
            taken[own] = cut.with_id(own)
    return CutSet.from_cuts(taken.values())


def _free_ids(name: str, taken: dict[str, Cut]) -> Iterator[str]:
    """Yield ids like a name that are not taken."""
    return (own for own in (f"{name}#{number}" for number in count(2)) if own not in taken)
