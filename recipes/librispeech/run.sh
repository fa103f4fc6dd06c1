#!/usr/bin/env bash
# Train on the five hours of mini LibriSpeech and score dev and test, with the language model of
# en-small; one seed. Each step can be typed by hand, and the same command continues after Ctrl-C.
# Usage: run.sh [path of asr] [folder of LibriSpeech, downloaded if not given] [seed]
set -euo pipefail
asr=${1:-asr}
source=${2:-}
seed=${3:-1}
cuts=data/librispeech-5h
lm=asr/models/en-small/lm.xz
model=runs/librispeech/5h/default/$seed

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

[ -e $cuts/test.jsonl.gz ] || run "$asr" prepare librispeech ${source:+--source "$source"} \
    --train train-clean-5 --dev dev-clean --halve-dev --output $cuts
[ -e $cuts/lexicon.txt ] || run "$asr" lexicon $lm $cuts/train.jsonl.gz --output $cuts/lexicon.txt
run "$asr" train librispeech/5h seed="$seed"

gzip -dc $cuts/dev.jsonl.gz | awk 'NR % 4 == 1' | gzip > $cuts/quarter.jsonl.gz
run "$asr" tune $cuts/quarter.jsonl.gz --model "$model" --lm $lm --beam 256 --output "$model/decoding.yaml"
for split in dev test; do
    run "$asr" evaluate $cuts/$split.jsonl.gz --model "$model" --greedy --worst 2
    run "$asr" evaluate $cuts/$split.jsonl.gz --model "$model" --decoding "$model/decoding.yaml" --worst 2
done
