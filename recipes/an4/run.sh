#!/usr/bin/env bash
# AN4 from nothing to a word error rate, greedy and with a language model: one seed.
# Each step is a command to type yourself. Usage: run.sh [path of asr] [seed]
set -euo pipefail
asr=${1:-asr}
seed=${2:-1}
cuts=data/an4-cuts
model=runs/an4/phones/default/$seed

run() {
    printf '\n$ asr %s\n' "$*"
    "$asr" "$@"
}

[ -e $cuts/test.jsonl.gz ] || run prepare an4 --output $cuts
run lexicon $cuts/train.jsonl.gz --normaliser upper --output $cuts/words.txt
grep -v '^A ə$' $cuts/words.txt > $cuts/lexicon.txt # the letter A, never the article
run train an4/phones seed="$seed"
run evaluate $cuts/test.jsonl.gz --model "$model" --worst 2

run lm train $cuts/train.jsonl.gz --order 3 --output $cuts/lm.arpa.gz
run tune $cuts/dev.jsonl.gz --model "$model" --lm $cuts/lm.arpa.gz --output "$model/decoding.yaml"
run evaluate $cuts/test.jsonl.gz --model "$model" --decoding "$model/decoding.yaml" --worst 2
