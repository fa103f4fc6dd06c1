"""CMU AN4: 1078 utterances of spelled words, numbers and commands by 84 speakers, 0.81 h, 16 kHz.

Published by Carnegie Mellon University for any purpose: https://github.com/cmusphinx/an4.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import soundfile

from asr.corpora.archive import read_files, unpack
from asr.corpora.collection import Collection, Utterance, numbered_lines
from asr.corpora.download import download
from asr.util.errors import UserError

COMMIT = "b567d132f43304e70a2b2eca6077f22255311812"
URL = f"https://github.com/cmusphinx/an4/archive/{COMMIT}.tar.gz"
# of decoded samples (see `samples_digest`), since the bytes of a commit's archive may change
SAMPLES_SHA256 = "bcd9fb461604de905aa079932c164658c57ac647d36311950244b98309bd8ac4"

FOLDS = 7
ESPNET_DEV = 100

_TRANSCRIPT = re.compile(r"(?:<s>)?(?P<text>.*?)(?:</s>)?\s*\((?P<id>[^()]+)\)$")


def read(
    source: Path | None, output: Path, *, fold: int = FOLDS - 1, split: str = "speakers"
) -> Collection:
    """Read AN4; without a source, download the pinned commit to ``output/download``.

    Args:
        source: The folder that holds ``etc`` and ``wav``.
        output: Where a download goes.
        fold: Dev is every seventh of the 74 training speakers in the order of their ids,
            beginning with speaker `fold`, counted from 0: the folds 0 to 6 are seven dev sets
            that share no speaker. Models are chosen on the default fold.
        split: ``speakers`` for the rule above, or ``espnet`` for ESPnet's dev set, the first 100
            training utterances sorted by speaker (all women), to compare with ESPnet's results.

    Test is as published: 130 utterances by 10 speakers who are not in train or dev.

    Raises:
        UserError: no such fold or split, or the corpus is missing or cannot be downloaded.
    """
    if split not in ("speakers", "espnet"):
        raise UserError(f"prepare an4: split is {split!r}, expected speakers or espnet")
    if not 0 <= fold < FOLDS:
        raise UserError(f"prepare an4: fold is {fold}, expected 0 to {FOLDS - 1}")
    folder = source or _downloaded(output / "download")
    known, test = list(_part(folder, "train")), list(_part(folder, "test"))
    dev = _espnet_dev(known) if split == "espnet" else _fold_dev(known, fold)
    utterances = [
        *(
            replace(utterance, split="dev" if utterance.id in dev else "train")
            for utterance in known
        ),
        *(replace(utterance, split="test") for utterance in test),
    ]
    return Collection(utterances)


def samples_digest(read_file: Callable[[str], bytes]) -> str:
    """Give the SHA-256 over id and 16-bit samples of every utterance, in the order of fileids.

    Args:
        read_file: gives the content of a file, by its path within the corpus.

    Raises:
        soundfile.SoundFileError: a recording cannot be read.
        Exception: of `read_file`, for a missing file.
    """
    digest = hashlib.sha256()
    for part in ("train", "test"):
        for line in read_file(f"etc/an4_{part}.fileids").decode().split():
            samples, _ = soundfile.read(io.BytesIO(read_file(f"wav/{line}.wav")), dtype="int16")
            digest.update(line.rpartition("/")[2].encode() + samples.astype("<i2").tobytes())
    return digest.hexdigest()


def _downloaded(folder: Path) -> Path:
    archive = folder / f"an4-{COMMIT}.tar.gz"
    corpus = folder / "an4"
    inner = f"an4-{COMMIT}"
    if not corpus.is_dir():
        download(URL, archive)
        _check_samples(archive, inner)
        unpack(archive, corpus)
    return corpus / inner


def _check_samples(archive: Path, inner: str) -> None:
    """Refuse an archive whose folder `inner` is not AN4, before it is unpacked."""
    files = read_files(archive)
    try:
        digest = samples_digest(lambda path: files[f"{inner}/{path}"])
    except (soundfile.SoundFileError, UnicodeDecodeError) as error:
        digest = f"an error ({error})"
    except KeyError as error:
        digest = f"an error (there is no {error})"
    if digest != SAMPLES_SHA256:
        raise UserError(
            f"{archive}: the samples are not AN4's, their SHA-256 is {digest}, expected "
            f"{SAMPLES_SHA256}; remove it and prepare again"
        )


def _part(folder: Path, part: str) -> Iterator[Utterance]:
    """Pair each line of ``an4_PART.fileids`` with its transcript."""
    listed = folder / "etc" / f"an4_{part}.fileids"
    if not listed.is_file():
        raise UserError(
            f"{folder}: not AN4, etc/{listed.name} is missing; give the folder with etc and wav"
        )
    texts = dict(_transcripts(listed.with_suffix(".transcription")))
    for where, line in numbered_lines(listed):
        utterance_id = line.rsplit("/", 1)[-1]
        where, text = texts.get(utterance_id, (where, ""))
        speaker = utterance_id.split("-")[1] if utterance_id.count("-") == 2 else None
        yield Utterance(utterance_id, folder / "wav" / f"{line}.wav", text, where, speaker)


def _transcripts(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Read lines such as ``<s> YES </s> (an251-fash-b)`` as id, (place, words)."""
    for where, line in numbered_lines(path):
        match = _TRANSCRIPT.match(line)
        if match is None:
            raise UserError(f"{where}: found {line!r}, expected words and an id in brackets")
        yield match["id"], (where, match["text"].strip())


def _fold_dev(utterances: list[Utterance], fold: int) -> set[str]:
    speakers = sorted({str(utterance.speaker) for utterance in utterances})
    chosen = set(speakers[fold::FOLDS])
    return {utterance.id for utterance in utterances if utterance.speaker in chosen}


def _espnet_dev(utterances: list[Utterance]) -> set[str]:
    def by_speaker(utterance_id: str) -> str:
        prefix, speaker, rest = utterance_id.split("-")
        return f"{speaker}-{prefix}-{rest}"

    return set(sorted((utterance.id for utterance in utterances), key=by_speaker)[:ESPNET_DEV])
