"""References matched with hypotheses by utterance id, and their whitespace normalized."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

from asr.util.errors import UserError

IDS_SHOWN = 3
#: The most characters of a reference times those of its hypothesis: an edit distance takes time in
#: proportion to the product, about a minute for this one.
MOST_CELLS = 10**12


class Pair(NamedTuple):
    """Reference and hypothesis of an utterance, each as words with single spaces between."""

    utterance_id: str
    reference: str
    hypothesis: str


def pair_up(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    normalize: Callable[[str], str] | None = None,
    hypotheses_name: str = "hypotheses",
) -> list[Pair]:
    """Pair the texts by utterance id, in the order of the references.

    `normalize`, if given, is applied to both texts. Then each run of whitespace (tabs, line ends
    and no-break spaces too) becomes one space and whitespace at the ends is dropped, so that
    spacing is never an error. Letter case, punctuation and Unicode form (NFC or NFD) count.

    Raises:
        UserError: there are no utterances, the ids differ, or an utterance is too long to align.
    """
    if not references:
        raise UserError("references: there is no utterance to score; give at least one")
    require_same_ids(references, hypotheses, "references", hypotheses_name)
    clean = normalize or (lambda text: text)
    pairs = [
        Pair(
            utterance_id,
            " ".join(clean(reference).split()),
            " ".join(clean(hypotheses[utterance_id]).split()),
        )
        for utterance_id, reference in references.items()
    ]
    for pair in pairs:
        _require_length(pair, hypotheses_name)
    return pairs


def _require_length(pair: Pair, hypotheses_name: str) -> None:
    """Refuse a pair of different texts whose alignment would take longer than about a minute."""
    lengths = len(pair.reference), len(pair.hypothesis)
    if lengths[0] * lengths[1] > MOST_CELLS and pair.reference != pair.hypothesis:
        raise UserError(
            f"{hypotheses_name}: utterance {pair.utterance_id} is too long to align with its "
            f"reference ({lengths[1]:,} and {lengths[0]:,} characters, whose product may be "
            f"{MOST_CELLS:,}); split both texts into shorter utterances"
        )


def require_same_ids(
    references: Mapping[str, str],
    hypotheses: Mapping[str, str],
    references_name: str,
    hypotheses_name: str,
) -> None:
    """Refuse to score part of a test set, which could improve the error rate.

    Raises:
        UserError: an id is on one side only; the message has their number and the first few.
    """
    missing = [key for key in references if key not in hypotheses]
    extra = [key for key in hypotheses if key not in references]
    if not missing and not extra:
        return
    found = []
    if missing:
        found.append(f"{len(missing)} of {len(references)} are missing ({list_first(missing)})")
    if extra:
        found.append(f"{len(extra)} of {len(hypotheses)} are not in {references_name}")
        found[-1] += f" ({list_first(extra)})"
    raise UserError(
        f"{hypotheses_name}: the utterance ids differ from those of {references_name}: "
        f"{' and '.join(found)}; give exactly one hypothesis for every reference"
    )


def require_speakers(references: Mapping[str, str], speakers: Mapping[str, str]) -> None:
    """Refuse utterances without a speaker.

    Raises:
        UserError: an utterance has none; the message has their number and the first few.
    """
    unknown = [key for key in references if key not in speakers]
    if unknown:
        raise UserError(
            f"speakers: those of {len(unknown)} of {len(references)} utterances are not given "
            f"({list_first(unknown)}); give the manifest of these utterances, by their ids, or none"
        )


def list_first(utterance_ids: list[str]) -> str:
    """List the first few ids, and dots if there are more."""
    shown = ", ".join(islice(utterance_ids, IDS_SHOWN))
    return shown if len(utterance_ids) <= IDS_SHOWN else f"{shown}, ..."
