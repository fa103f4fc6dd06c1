#!/usr/bin/env bash
# Fit a model's decoding weights on half of dev, and score dev and test.
# Usage: score.sh ASR MODEL CUTS LMS OUTPUT: the path of asr; the model; the folder of manifests; a
# folder with lm.xz and lstm.safetensors; the file of the decoding weights, taken as it is if there.
set -euo pipefail
source "$(dirname "$0")/../run_step.sh"
asr=$1 model=$2 cuts=$3 lms=$4 output=$5

gzip -dc "$cuts/dev.jsonl.gz" | awk 'NR % 2 == 1' | gzip > "$cuts/half.jsonl.gz"
[ -e "$output" ] || run "$asr" tune "$cuts/half.jsonl.gz" --model "$model" \
    --decoding asr/models/en-small/decoding.yaml --lm "$lms/lm.xz" \
    --neural-lm "$lms/lstm.safetensors" --output "$output"
for split in dev test; do
    run "$asr" evaluate "$cuts/$split.jsonl.gz" --model "$model" --greedy --worst 2
    run "$asr" evaluate "$cuts/$split.jsonl.gz" --model "$model" --decoding "$output" --worst 2
done
