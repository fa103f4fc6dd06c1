"""Recordings of a manifest by other recognizers and by this toolkit, on one core.

pocketsphinx transcribes with its own models, this toolkit as `asr transcribe` does. sherpa-onnx
runs the network of the same model, exported, and takes the best path of tokens; so does this
toolkit in the row beside it. sherpa-onnx spells characters alone, so each phone is exported under
the name of a character.
"""

import json
import string
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from exported import SHERPA_RATE, run_python, timed, write_recordings
from rapidfuzz.distance import Levenshtein
from timing import print_row

import asr
from asr.audio import Waveform
from asr.audio.opening import read_audio
from asr.decoding.greedy import greedy_decode
from asr.model.model_file import StoredModel, read_model
from asr.onnx.export import export_onnx
from asr.text.tokenizer import BLANK, CharTokenizer

PEER = Path(__file__).with_name("transcribe_peer.py")
#: pocketsphinx takes a minute or two for so much.
SECONDS = 120.0
WIDTHS = (34, 12, 10, 14)
_NAMES = [" ", *string.ascii_lowercase, *string.ascii_uppercase, *string.digits]


def print_peers(python: str, model: str, recordings: Sequence[tuple[str, str]]) -> None:
    """Print speeds by CPU time, and error rates, of the first recordings; models opened before.

    Args:
        python: one that has pocketsphinx.
        model: stored with 8 bits, of phones.
        recordings: audio and text.
    """
    waveforms, texts, audio_s = list[Waveform](), list[str](), 0.0
    for audio, text in recordings:
        waveforms.append(read_audio(audio, SHERPA_RATE))
        texts.append(text)
        audio_s += len(waveforms[-1]) / SHERPA_RATE
        if audio_s > SECONDS:
            break
    print(f"\n{len(texts)} files of {audio_s:,.0f} s in all, 1 core\n")
    print_row(("", "by CPU time", "WER", "other tokens"), WIDTHS)
    recognizer = asr.load(model)
    own = timed(lambda waveform: recognizer.transcribe(waveform, SHERPA_RATE).text, waveforms)
    _print("this toolkit", audio_s / own.cpu_s, _wer(own.texts, texts))
    with TemporaryDirectory() as name:
        folder = Path(name)
        peer = run_peer(python, write_recordings(waveforms, folder))
        _print("pocketsphinx", audio_s / peer["cpu_s"], _wer(peer["texts"], texts))
        named = _name_tokens(read_model(model))
        exported = export_onnx(named, folder / "exported", "sherpa-onnx", 8)
        sherpa = run_python(exported, waveforms)
    tokens = named.tokenizer.tokens

    def spell_best_path(waveform: Waveform) -> str:
        (path,) = greedy_decode(
            *recognizer.engine.log_probs(waveform[None], np.array([len(waveform)]))
        )
        return "".join(tokens[token] for token in path.token_ids).strip()

    own = timed(spell_best_path, waveforms)
    _print("this toolkit, best path", audio_s / own.cpu_s)
    pairs = zip(own.texts, sherpa.texts, strict=True)
    other = sum(Levenshtein.distance(*pair) for pair in pairs) / sum(map(len, own.texts))
    _print("sherpa-onnx, the same network", audio_s / sherpa.cpu_s, "", f"{100 * other:.2f} %")


def run_peer(python: str, files: Sequence[Path]) -> dict[str, Any]:
    """Transcribe files with pocketsphinx; return the texts and the seconds."""
    command = [python, str(PEER), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pocketsphinx failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _name_tokens(stored: StoredModel) -> StoredModel:
    """Name a model's tokens by characters."""
    letters = [BLANK, *_NAMES][: len(stored.tokenizer)]
    return replace(stored, tokenizer=CharTokenizer(letters, "none"))


def _wer(found: Sequence[str], texts: Sequence[str]) -> str:
    pairs = [(a.upper().split(), b.upper().split()) for a, b in zip(texts, found, strict=True)]
    errors = sum(Levenshtein.distance(*pair) for pair in pairs)
    return f"{100 * errors / sum(len(reference) for reference, _ in pairs):.2f} %"


def _print(name: str, speed: float, wer: str = "", other: str = "") -> None:
    print_row((name, f"{speed:,.0f}", wer, other), WIDTHS)
