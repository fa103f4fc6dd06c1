"""Which hypothesis belongs to which reference, and what of their text counts."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

from asr.util.errors import UserError

IDS_SHOWN = 3


class Pair(NamedTuple):
    """What was said and what was recognised, each as words with single spaces between."""

    utterance_id: str
    reference: str
    hypothesis: str


def pair_up(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    normalize: Callable[[str], str] | None = None,
    hypotheses_name: str = "hypotheses",
) -> list[Pair]:
    """Join the two by utterance id, in the order of the references.

    Both texts go through `normalize` where it is given; then any run of whitespace (also tabs,
    line ends and no-break spaces) becomes one space and what stands at the ends is dropped, so
    that spacing is never an error. Nothing else is changed: letter case, punctuation and Unicode
    form (NFC or NFD) count as they are.

    Raises:
        UserError: there is nothing to score, or the ids differ.
    """
    if not references:
        raise UserError("references: there is no utterance to score; give at least one")
    require_same_ids(references, hypotheses, "references", hypotheses_name)
    clean = normalize or (lambda text: text)
    return [
        Pair(
            utterance_id,
            " ".join(clean(reference).split()),
            " ".join(clean(hypotheses[utterance_id]).split()),
        )
        for utterance_id, reference in references.items()
    ]


def require_same_ids(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    references_name: str,
    hypotheses_name: str,
) -> None:
    """Refuse to score part of a test set: a left-out utterance would flatter the result.

    Raises:
        UserError: ids are on one side only; names how many and the first few.
    """
    missing = [key for key in references if key not in hypotheses]
    extra = [key for key in hypotheses if key not in references]
    if not missing and not extra:
        return
    found = []
    if missing:
        found.append(f"{len(missing)} of {len(references)} are missing ({some_of(missing)})")
    if extra:
        found.append(f"{len(extra)} of {len(hypotheses)} are not in {references_name}")
        found[-1] += f" ({some_of(extra)})"
    raise UserError(
        f"{hypotheses_name}: the utterance ids differ from those of {references_name}: "
        f"{' and '.join(found)}; give exactly one hypothesis for every reference"
    )


def require_speakers(references: Mapping[str, str], speakers: Mapping[str, str]) -> None:
    """Refuse speakers that are known of some utterances only.

    Raises:
        UserError: the speaker of an utterance is not given; names how many and the first few.
    """
    unknown = [key for key in references if key not in speakers]
    if unknown:
        raise UserError(
            f"speakers: those of {len(unknown)} of {len(references)} utterances are not given "
            f"({some_of(unknown)}); give the manifest of these utterances, by their ids, or none"
        )


def some_of(utterance_ids: list[str]) -> str:
    """The first few ids, and a sign that there are more."""
    shown = ", ".join(islice(utterance_ids, IDS_SHOWN))
    return shown if len(utterance_ids) <= IDS_SHOWN else f"{shown}, ..."
