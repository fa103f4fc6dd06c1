#!/usr/bin/env bash
# Train on AN4 from random weights and score, greedily and with a language model; one seed.
# Each step can be typed by hand. Usage: run.sh [path of asr] [seed]
set -euo pipefail
asr=${1:-asr}
seed=${2:-1}
python=$(dirname "$(command -v "$asr")")/python
cuts=data/an4-cuts
phones=runs/an4/phones/default/$seed
model=runs/an4/concatenated/default/$seed

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

[ -e $cuts/test.jsonl.gz ] || run "$asr" prepare an4 --output $cuts
run "$asr" lexicon $cuts/train.jsonl.gz --normalizer upper --output $cuts/words.txt
grep -v '^A ə$' $cuts/words.txt > $cuts/lexicon.txt # the letter A, never the article
run "$asr" train an4/phones seed="$seed"
run "$python" recipes/concatenate.py $cuts/train.jsonl.gz --model "$phones" --output data/an4-concatenated \
    --pause 0.09 --segment 0.2 1.2 --length 1.2 6 --times 4 --whole
run "$asr" train an4/concatenated seed="$seed"
run "$asr" evaluate $cuts/test.jsonl.gz --model "$model" --worst 2

run "$asr" lm train $cuts/train.jsonl.gz --order 3 --output $cuts/lm.arpa.gz
run "$asr" tune $cuts/dev.jsonl.gz --model "$model" --lm $cuts/lm.arpa.gz \
    --output "$model/decoding.yaml"
run "$asr" evaluate $cuts/test.jsonl.gz --model "$model" --decoding "$model/decoding.yaml" --worst 2
