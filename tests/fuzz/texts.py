"""Sound text files of every kind, to be spoilt."""

import itertools
import json

import numpy as np

LETTERS = "abcdefg"
SENTENCES = "abba\nbad cab\nfeed a cab\na bad bed\n" * 4
DECODING = """\
search: beam
beam_size: 4
beam_threshold: 20.0
token_threshold: 15.0
blank_penalty: 0.0
prior_weight: 0.0
lm: lm.arpa
lm_digest: null
lm_unit: word
lm_weight: 0.5
word_score: 0.0
unk_score: -5.0
lexicon: words.txt
hotwords: hot.txt
hotword_boost: 1.0
confidence_temperature: 1.0
"""
#: What YAML makes something of that no option is, or cannot make anything of.
YAML_VALUES = (
    "2020-99-99", "2020-01-01", "!!int x", "!!float x", "!!binary x", "!!timestamp x", "!!set {a}",
    "!!python/object/apply:os.system ['touch canary']", "&a [*a]", "*a", "{? [a] : b}", "~", "yes",
    "1" * 400, "1" * 5000, "1e400", ".nan", "-.inf", "0x7fffffffffffffff", "100000000", "1:30:00",
    "'\0'", '"\\0"', '"\\ud800"', '"\\x1b[2J"', "/dev/zero", "fifo", ".", "[" * 5000, "{a: " * 5000,
    "[&a [x,x,x,x,x,x,x,x,x]," + ",".join(f"&{b} [{','.join([f'*{a}'] * 9)}]" for a, b in (
        "ab", "bc", "cd", "de", "ef", "fg", "gh", "hi", "ij")) + "]",
    "|\n  " + "a" * 100_000, "a\nsearch: greedy", "lm.arpa", "reference.txt", "../" * 2000,
)  # fmt: skip
WORDS = "abba\nbad\ncab\nfeed\na\nbed\n"
HOTWORDS = "bad cab\nabba\nfeed a\n"
LEXICON = "abba A B A\nbad B A D\nbad(2) B D\ncab C A B # a comment\na 0.7 A\n<UNK> SIL\n"
REFERENCE = "".join(f"spk_{n:02d} {line}\n" for n, line in enumerate(SENTENCES.splitlines()))
HYPOTHESIS = REFERENCE.replace("cab", "cat").replace("abba", "")
NAMES = ("one.wav", "two.flac", "three.ogg")
CSV = "path,text,start,end,speaker\n" + "".join(f"{n},a bad cab,0.1,0.4,s\n" for n in NAMES)
TSV = CSV.replace(",", "\t")
JSONL = "".join(
    json.dumps({"audio_filepath": name, "text": "a bad cab", "offset": 0.1, "duration": 0.3}) + "\n"
    for name in NAMES
)
KALDI = {
    "wav.scp": "".join(f"r{n} {name}\n" for n, name in enumerate(NAMES)),
    "segments": "".join(f"u{n} r{n} 0.1 0.4\n" for n in range(3)),
    "text": "".join(f"u{n} a bad cab\n" for n in range(3)),
    "utt2spk": "".join(f"u{n} s{n}\n" for n in range(3)),
}


def random_arpa() -> str:
    """Write an n-gram model of the letters, with half of all bigrams and an eighth of trigrams."""
    rng = np.random.default_rng(0)
    words = ["<s>", *LETTERS, "</s>"]
    ones = [("<unk>",), *((word,) for word in words)]
    twos = [pair for pair in itertools.product(words[:-1], words[1:]) if rng.integers(2)]
    threes = [
        (*one, two[1]) for one in twos for two in twos if one[1] == two[0] and rng.integers(2)
    ]
    orders = ones, twos, threes
    lines = ["\\data\\", *(f"ngram {n}={len(grams)}" for n, grams in enumerate(orders, 1))]
    for order, grams in enumerate(orders, 1):
        lines += ["", f"\\{order}-grams:"]
        for gram in grams:
            back_off = (
                f"\t{-rng.random():.4f}" if order < len(orders) and gram[-1] != "</s>" else ""
            )
            lines.append(f"{-3 * rng.random():.4f}\t{' '.join(gram)}{back_off}")
    return "\n".join([*lines, "", "\\end\\", ""])
