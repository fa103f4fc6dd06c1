"""Beam search speed and accuracy beside pyctcdecode and flashlight-text, in one run.

    python benchmarks/decoding.py --log-probs an4-dev-logprobs.npz --lm lm.arpa.gz --peers PYTHON
    python benchmarks/decoding.py --model runs/an4/default/1 --manifest dev.jsonl.gz ...

PYTHON is an interpreter that has the peers (`peers.txt`). Every search runs on one core and is
timed in CPU seconds, so that other work on the machine does not change the ratios. Every search
prunes by its beam alone (no token and no score threshold), sums over paths, and gets equal weights.
The npz holds log_probs (B, U, V) float, lengths (B,), references (B,), tokens (V,), blank first,
frame_s, and the boundary that begins the tokens' words where it is not a space. Subwords are
decoded without flashlight, which needs every word of the lexicon spelled in subwords.

Each line gives audio seconds decoded per CPU second, the ratio to a peer's, and the word error
rate. The peers decode the first --peer-utterances, and a ratio compares equal utterances.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from asr.decoding.beam import BeamSearch
from asr.decoding.lexicon import Lexicon, lm_words
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.lm.store import open_ngram

NO_THRESHOLD = 1e9
HOTWORDS = (0, 100, 1000)
WORKER = Path(__file__).with_name("decoding_peers.py")


@dataclass(frozen=True)
class Speech:
    """Held-out speech as log-probs, (U, V) an utterance, with its transcripts."""

    path: Path
    log_probs: list[np.ndarray]
    references: list[str]
    tokens: Tokens
    frame_s: float

    def seconds(self, utterances: int) -> float:
        """Sum the audio of the first utterances."""
        return sum(len(row) for row in self.log_probs[:utterances]) * self.frame_s

    def wer(self, texts: Sequence[str]) -> float:
        """Word error rate of the first utterances' texts, in percent."""
        pairs = [(r.split(), t.split()) for r, t in zip(self.references, texts, strict=False)]
        words = sum(len(reference) for reference, _ in pairs)
        return 100 * sum(Levenshtein.distance(*pair) for pair in pairs) / words


def main() -> None:
    """Run the comparison and print it."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.log_probs or write_log_probs(
            arguments.model, arguments.manifest, Path(folder) / "log_probs.npz"
        )
        speech = read_speech(path)
        arpa = unpacked(arguments.lm, Path(folder))
        print(f"{speech.seconds(len(speech.references)):.0f} s of speech; {os.cpu_count()} cores")
        compare(speech, arpa, arguments)
        compare_hotwords(speech, arpa, arguments)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--log-probs", type=Path, metavar="NPZ")
    source.add_argument("--model", type=Path, help="a trained model, with --manifest")
    parser.add_argument("--manifest", type=Path, help="cuts to compute log-probs of")
    parser.add_argument("--lm", type=Path, required=True, help="word n-gram model, ARPA or ARPA.gz")
    parser.add_argument("--peers", type=Path, help="a Python that has the peers")
    parser.add_argument("--beams", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--lm-weight", type=float, default=0.5)
    parser.add_argument("--word-score", type=float, default=1.0)
    parser.add_argument("--peer-utterances", type=int, default=20)
    return parser.parse_args()


def read_speech(path: Path) -> Speech:
    """Load an npz of log-probs."""
    data = np.load(path)
    rows = zip(data["log_probs"], data["lengths"], strict=True)
    return Speech(
        path=path,
        log_probs=[np.ascontiguousarray(row[:length], np.float32) for row, length in rows],
        references=[str(reference) for reference in data["references"]],
        tokens=Tokens(tuple(map(str, data["tokens"])), str(data.get("boundary", " "))),
        frame_s=float(data["frame_s"]),
    )


def write_log_probs(model: Path, manifest: Path, path: Path) -> Path:
    """Run a model over a manifest's cuts."""
    from asr import load
    from asr.decoding.options import DecodingOptions
    from asr.inference.evaluation import held_out_log_probs

    recognizer = load(model, DecodingOptions())
    rows, references = held_out_log_probs(recognizer, str(manifest))
    log_probs = np.full((len(rows), max(map(len, rows)), rows[0].shape[1]), -np.inf, np.float32)
    for place, row in enumerate(rows):
        log_probs[place, : len(row)] = row
    np.savez(
        path,
        log_probs=log_probs,
        lengths=[len(row) for row in rows],
        references=references,
        tokens=recognizer.tokenizer.tokens,
        boundary=recognizer.tokens.boundary,
        frame_s=recognizer.engine.frame_s,
    )
    return path


def unpacked(lm: Path, folder: Path) -> Path:
    """Return a plain ARPA file, as flashlight's KenLM reads no other."""
    if lm.suffix != ".gz":
        return lm
    plain = folder / lm.stem
    with gzip.open(lm) as packed:
        plain.write_bytes(packed.read())
    return plain


def compare(speech: Speech, arpa: Path, arguments: argparse.Namespace) -> None:
    """Time every search at every beam, without and with the model."""
    lm = open_ngram(arpa)
    words = lm_words(lm)
    kinds = [
        ("no LM", Lexicon(speech.tokens), None, ("pyctcdecode", "flashlight")),
        ("LM, open", Lexicon(speech.tokens, lm), arpa, ("pyctcdecode",)),
        ("LM, lexicon", Lexicon(speech.tokens, lm, words=words), arpa, ("flashlight",)),
    ]
    count = arguments.peer_utterances
    print(f"\n{'':12}{'beam':>5}  {'ours':>20}  peers, {speech.seconds(count):.0f} s of the speech")
    for name, lexicon, lm_path, named in kinds:
        peers = [peer for peer in named if peer != "flashlight" or speech.tokens.boundary == " "]
        for beam_size in arguments.beams:
            options = our_options(arguments, beam_size, with_lm=lm_path is not None)
            texts, speed = time_ours(speech, lexicon, options)
            line = f"{name:12}{beam_size:>5}  {speed:7.0f}x {speech.wer(texts):6.2f} % WER"
            if arguments.peers and peers:
                texts, speed = time_ours(speech, lexicon, options, utterances=count)
                line += f"  [{speech.wer(texts):.2f} % here]"
                for peer in peers:
                    job = peer_job(arguments, options, peer, lm_path, words)
                    texts, peer_speed = time_peer(speech, arguments.peers, job)
                    line += f"  {peer} {peer_speed:.0f}x {speech.wer(texts):.2f} %"
                    line += f" (ours {speed / peer_speed:.1f} times as fast)"
            print(line, flush=True)


def compare_hotwords(speech: Speech, arpa: Path, arguments: argparse.Namespace) -> None:
    """Time our search with more and more hot words: words of the references, then random ones."""
    lexicon = Lexicon(speech.tokens, open_ngram(arpa))
    rng = np.random.default_rng(0)
    letters = sorted(letter for letter in speech.tokens.letter_ids if letter.isalpha())
    names = ["".join(rng.choice(letters, size)) for size in rng.integers(4, 11, max(HOTWORDS))]
    known = sorted({word for line in speech.references for word in line.split() if len(word) > 3})
    print("\nhot words (LM, open vocabulary)")
    for beam_size in arguments.beams:
        options = our_options(arguments, beam_size, with_lm=True)
        speeds = []
        for count in HOTWORDS:
            hotwords = (known[: count // 2] + names)[:count]
            texts, speed = time_ours(speech, lexicon, options, hotwords)
            speeds.append(speed)
            print(
                f"{'':12}{beam_size:>5}  {speed:7.0f}x {speech.wer(texts):6.2f} % WER"
                f"  {count:>4} hot words, {speeds[0] / speed:.2f} times the time",
                flush=True,
            )


def our_options(arguments: argparse.Namespace, beam_size: int, with_lm: bool) -> DecodingOptions:
    """Prune by the beam alone."""
    return DecodingOptions(
        search="beam",
        beam_size=beam_size,
        beam_threshold=NO_THRESHOLD,
        token_threshold=NO_THRESHOLD,
        lm_weight=arguments.lm_weight if with_lm else 0.0,
        word_score=arguments.word_score if with_lm else 0.0,
    )


def time_ours(
    speech: Speech,
    lexicon: Lexicon,
    options: DecodingOptions,
    hotwords: Sequence[str] = (),
    utterances: int | None = None,
) -> tuple[list[str], float]:
    """Decode in one thread; return the texts and audio seconds a CPU second."""
    search = BeamSearch(lexicon, options, hotwords, threads=1)
    rows = speech.log_probs[:utterances]
    search.decode(rows[:1])  # loads the compiled code
    found, cpu_s = timed(lambda: search.decode(rows))
    texts = [speech.tokens.text(best.token_ids) for best, *_ in found]
    return texts, speech.seconds(len(rows)) / cpu_s


def timed(work: Callable[[], list]) -> tuple[list, float]:
    """Run work three times; return its result and the least CPU seconds."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return result, best


def peer_job(
    arguments: argparse.Namespace,
    options: DecodingOptions,
    peer: str,
    lm: Path | None,
    words: list[str],
) -> dict:
    """Describe our decoding to the worker."""
    return {
        "peer": peer,
        "utterances": arguments.peer_utterances,
        "beam_size": options.beam_size,
        "lm": None if lm is None else str(lm),
        "words": words,
        "lm_weight": options.lm_weight,
        "word_score": options.word_score,
        "unk_score": options.unk_score,
    }


def time_peer(speech: Speech, python: Path, job: dict) -> tuple[list[str], float]:
    """Decode under the peers' interpreter, on one thread."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(python), str(WORKER)],
        input=json.dumps(job | {"log_probs": str(speech.path)}),
        env=os.environ | threads,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{job['peer']} failed under {python}:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result["texts"], speech.seconds(job["utterances"]) / result["cpu_s"]


if __name__ == "__main__":
    main()
