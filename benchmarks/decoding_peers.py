"""Decode log-probs with pyctcdecode or flashlight-text and print JSON; run by `decoding.py`.

This runs under a Python that has the peers (see `peers.txt`), so it imports nothing of `asr`.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np

LN_10 = float(np.log(10.0))
NO_THRESHOLD = 1e9


def main() -> None:
    """Read a job from standard input, decode, and print texts and the CPU seconds it took."""
    job = json.load(sys.stdin)
    data = np.load(job["log_probs"])
    tokens = [str(token) for token in data["tokens"]]
    decode = {"pyctcdecode": pyctcdecode, "flashlight": flashlight}[job["peer"]](job, tokens)
    count = job["utterances"]
    pairs = zip(data["log_probs"][:count], data["lengths"][:count], strict=True)
    rows = [np.ascontiguousarray(row[:length], dtype=np.float32) for row, length in pairs]
    decode(rows[0])
    best = float("inf")
    for _ in range(3 if job["peer"] == "flashlight" else 1):  # pyctcdecode is slow: once
        start = time.process_time()
        texts = [decode(row) for row in rows]
        best = min(best, time.process_time() - start)
    print(json.dumps({"texts": texts, "cpu_s": best}))


def pyctcdecode(job: dict, tokens: list[str]) -> Callable[[np.ndarray], str]:
    """Open vocabulary; the weights apply to natural logs, as in `asr`."""
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(
        ["", *tokens[1:]],
        job["lm"],
        unigrams=job["words"] if job["lm"] else None,
        alpha=job["lm_weight"],
        beta=job["word_score"],
        unk_score_offset=job["unk_score"],
        lm_score_boundary=True,
    )
    return lambda row: decoder.decode(
        row,
        beam_width=job["beam_size"],
        beam_prune_logp=-NO_THRESHOLD,
        token_min_logp=-NO_THRESHOLD,
    )


def flashlight(job: dict, tokens: list[str]) -> Callable[[np.ndarray], str]:
    """Lexicon with the LM, or tokens alone."""
    from flashlight.lib.text import decoder as peer
    from flashlight.lib.text.dictionary import Dictionary

    space, blank = tokens.index(" "), 0
    common = {
        "beam_size": job["beam_size"],
        "beam_size_token": len(tokens),
        "beam_threshold": NO_THRESHOLD,
        "lm_weight": job["lm_weight"] * LN_10,  # its KenLM scores are decimal logs
        "sil_score": 0.0,
        "log_add": True,
        "criterion_type": peer.CriterionType.CTC,
    }
    if not job["lm"]:
        options = peer.LexiconFreeDecoderOptions(**common)
        free = peer.LexiconFreeDecoder(options, peer.ZeroLM(), space, blank, [])
        return lambda row: _spell(free.decode(row.ctypes.data, *row.shape)[0].tokens, tokens)
    words = Dictionary([*job["words"], "<unk>"])
    lm = peer.KenLM(job["lm"], words)
    trie, start = peer.Trie(len(tokens), space), lm.start(False)
    for word in job["words"]:
        number = words.get_index(word)
        letters = [*(tokens.index(letter) for letter in word), space]
        trie.insert(letters, number, lm.score(start, number)[1])
    trie.smear(peer.SmearingMode.MAX)
    options = peer.LexiconDecoderOptions(**common, word_score=job["word_score"], unk_score=-np.inf)
    search = peer.LexiconDecoder(
        options, trie, lm, space, blank, words.get_index("<unk>"), [], False
    )

    def decode(row: np.ndarray) -> str:
        # A lexicon's words end in a space, so the last one needs a frame of space after the speech.
        closing = np.full((1, len(tokens)), -30.0, dtype=np.float32)
        closing[0, space] = 0.0
        closed = np.concatenate([row, closing])
        best = search.decode(closed.ctypes.data, *closed.shape)[0]
        return " ".join(words.get_entry(number) for number in best.words if number >= 0)

    return decode


def _spell(path: list[int], tokens: list[str]) -> str:
    merged = [t for i, t in enumerate(path) if t != 0 and (i == 0 or path[i - 1] != t)]
    return " ".join("".join(tokens[t] for t in merged).split())


if __name__ == "__main__":
    main()
