#!/usr/bin/env bash
# Train on AN4 from random weights and score, greedily and with a language model; one seed.
# Each step can be typed by hand, and the same command continues after Ctrl-C.
# Usage: run.sh [path of asr] [folder of AN4, downloaded if not given] [seed]
set -euo pipefail
source "$(dirname "$0")/../run_step.sh"
asr=${1:-asr}
source=${2:-}
seed=${3:-1}
python=$(dirname "$(command -v "$asr")")/python
cuts=data/an4-cuts
start=runs/an4/start/default/$seed
concatenated=data/an4-concatenated-$seed
model=runs/an4/concatenated/default/$seed

[ -e $cuts/test.jsonl.gz ] || run "$asr" prepare an4 ${source:+--source "$source"} --output $cuts
if [ ! -e $cuts/lexicon.txt ]; then
    run "$asr" lexicon $cuts/train.jsonl.gz --normalizer upper --output $cuts/words.txt
    grep -v '^A ə$' $cuts/words.txt > $cuts/lexicon.txt # the letter A, never the article
fi
run "$asr" train an4/start seed="$seed"
[ -e "$concatenated/train.jsonl.gz" ] || run "$python" recipes/concatenate.py $cuts/train.jsonl.gz \
    --model "$start" --pause 0.09 --segment 0.2 1.2 --length 1.2 6 --times 8 --whole \
    --seed "$seed" --output "$concatenated"
run "$asr" train an4/concatenated seed="$seed"
run "$asr" evaluate $cuts/test.jsonl.gz --model "$model" --worst 2

run "$asr" lm train $cuts/train.jsonl.gz --order 3 --output $cuts/lm.arpa.gz
run "$asr" tune $cuts/dev.jsonl.gz --model "$model" --lm $cuts/lm.arpa.gz \
    --output "$model/decoding.yaml"
run "$asr" evaluate $cuts/test.jsonl.gz --model "$model" --decoding "$model/decoding.yaml" --worst 2
