"""LibriSpeech: 960 h of read English audiobooks, 16 kHz, CC BY 4.0, and its small parts.

Published at https://www.openslr.org/12 and, for mini LibriSpeech, https://www.openslr.org/31.
lhotse's recipe is not used, since it skips missing recordings, stops at the first unreadable one,
and follows the order of the file system; a test compares the utterances of both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from asr.corpora.archive import check_md5, unpack
from asr.corpora.collection import SPLITS, Collection, Utterance, numbered_lines
from asr.corpora.download import download
from asr.util.errors import UserError
from asr.util.suggest import did_you_mean

#: OpenSLR's resource number of each part, and its archive's MD5 from md5sum.txt.
PARTS = {
    "train-clean-5": (31, "5df7d4e78065366204ca6845bb08f490"),
    "train-clean-100": (12, "2a93770f6d5c6c964bc36631d331a522"),
    "train-clean-360": (12, "c0e676e450a7ff2f54aeade5171606fa"),
    "train-other-500": (12, "d1a0fd59409feb2c614ce4d30c387708"),
    "dev-clean-2": (31, "6d7ab67ac6a1d2c993d050e16d61080d"),
    "dev-clean": (12, "42e2234ba48799c1f50f24a7926300a1"),
    "dev-other": (12, "c8d0bcc9cca99d4f8b62fcc847357931"),
    "test-clean": (12, "32fa31d27d2e1cad72775fee3f4849a9"),
    "test-other": (12, "fb5a50374b501bb3bac4815ee91d3135"),
}
URL = "https://www.openslr.org/resources/{resource}/{part}.tar.gz"


def read(
    source: Path | None,
    output: Path,
    *,
    train: Sequence[str] = (),
    dev: Sequence[str] = (),
    test: Sequence[str] = (),
    halve_dev: bool = False,
) -> Collection:
    """Read parts of LibriSpeech; without a source, download the named ones to ``output/download``.

    Args:
        source: The folder of the parts, or its parent folder, where it is called ``LibriSpeech``.
        output: The folder of the folder ``download``.
        train: Parts of train; by default every ``train-*`` found in the source.
        dev: Parts of dev; by default ``dev-clean``, or ``dev-clean-2`` without it.
        test: Parts of test; by default ``test-clean`` where it is found.
        halve_dev: Make test from dev, for copies without a test part: of dev's speakers in the
            order of their numbers, the first, third, fifth... stay in dev, the others are test.

    Raises:
        UserError: an unknown part, a part that the source lacks, or a failed download.
    """
    if halve_dev and test:
        raise UserError("prepare librispeech: halve_dev makes test from dev; name no test part")
    parts = {"train": list(train), "dev": list(dev), "test": list(test)}
    for part in [part for chosen in parts.values() for part in chosen]:
        _check_known(part)
    if source is not None:
        folders = _found(source)
        parts = {split: parts[split] or _default(split, folders) for split in SPLITS}
        _check_found(parts, folders, source)
    if halve_dev and not parts["dev"]:
        raise UserError("prepare librispeech: halve_dev found no dev part; name one")
    if source is None:
        folders = _downloaded(parts, output / "download")
    notes = [f"{split}: {', '.join(chosen)}" for split, chosen in parts.items() if chosen]
    if halve_dev:
        parts["test"] = []
        notes[1:] = [f"dev and test: half the speakers each of {', '.join(parts['dev'])}"]
    utterances, repeated = _once(
        replace(utterance, split=split)
        for split in SPLITS
        for part in parts[split]
        for utterance in _part(folders[part])
    )
    if repeated:
        notes.append(f"{repeated} utterances are in several parts of a split and count once.")
    return Collection(_halved(utterances) if halve_dev else utterances, notes)


def _check_known(part: str) -> None:
    if part not in PARTS:
        hint = did_you_mean(part, PARTS, show=repr)
        raise UserError(f"prepare librispeech: no part is called {part!r}; {hint}")


def _downloaded(parts: dict[str, list[str]], folder: Path) -> dict[str, Path]:
    if not parts["train"]:
        found = "prepare librispeech: neither the corpus nor parts to download are named"
        raise UserError(found, remedy="librispeech_parts")
    folders = {}
    for part in [part for chosen in parts.values() for part in chosen]:
        unpacked = folder / part
        if not unpacked.is_dir():
            archive = folder / f"{part}.tar.gz"
            resource, md5 = PARTS[part]
            download(URL.format(resource=resource, part=part), archive)
            check_md5(archive, md5)
            unpack(archive, unpacked)
        folders[part] = unpacked / "LibriSpeech" / part
    return folders


def _found(source: Path) -> dict[str, Path]:
    root = source / "LibriSpeech" if (source / "LibriSpeech").is_dir() else source
    folders = {part: root / part for part in PARTS if (root / part).is_dir()}
    if not folders:
        raise UserError(
            f"{source}: not LibriSpeech, it holds no folder such as train-clean-5 or dev-clean; "
            f"give the folder that does"
        )
    return folders


def _default(split: str, folders: dict[str, Path]) -> list[str]:
    if split == "train":
        return [part for part in folders if part.startswith("train-")]
    return [part for part in (f"{split}-clean", f"{split}-clean-2") if part in folders][:1]


def _check_found(parts: dict[str, list[str]], folders: dict[str, Path], source: Path) -> None:
    for part in [part for chosen in parts.values() for part in chosen]:
        if part not in folders:
            raise UserError(f"{source}: it has no {part}, only {', '.join(folders)}; name those")


def _part(folder: Path) -> Iterator[Utterance]:
    """Read each ``SPEAKER/CHAPTER``: its transcripts, then recordings without a transcript."""
    for chapter in sorted(folder.glob("*/*/")):
        transcribed = set()
        for transcript in sorted(chapter.glob("*.trans.txt")):
            for where, line in numbered_lines(transcript):
                utterance_id, _, text = line.partition(" ")
                transcribed.add(utterance_id)
                yield _utterance(chapter / f"{utterance_id}.flac", text, where)
        for audio in sorted(chapter.glob("*.flac")):
            if audio.stem not in transcribed:
                yield _utterance(audio, "", str(audio))


def _utterance(audio: Path, text: str, where: str) -> Utterance:
    return Utterance(audio.stem, audio, text, where, speaker=audio.stem.partition("-")[0])


def _once(utterances: Iterator[Utterance]) -> tuple[list[Utterance], int]:
    """Keep the first of utterances repeated in a split: mini LibriSpeech is part of LibriSpeech."""
    first: dict[tuple[str, str | None], Utterance] = {}
    repeated = 0
    for utterance in utterances:
        kept = first.setdefault((utterance.id, utterance.split), utterance)
        repeated += kept.audio != utterance.audio
    return list(first.values()), repeated


def _halved(utterances: list[Utterance]) -> list[Utterance]:
    speakers = {str(utterance.speaker) for utterance in utterances if utterance.split == "dev"}
    held_out = sorted(speakers, key=lambda speaker: (len(speaker), speaker))[1::2]
    return [
        replace(utterance, split="test")
        if utterance.split == "dev" and utterance.speaker in held_out
        else utterance
        for utterance in utterances
    ]
