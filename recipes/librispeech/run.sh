#!/usr/bin/env bash
# Train on five or eight hours of LibriSpeech from nothing, and score dev and test; one seed. Each
# step can be typed by hand, and the same command continues after Ctrl-C.
# Usage: run.sh [path of asr] [folder of LibriSpeech, downloaded if not given] [seed] [5h or 8h] [folder
# with lm.xz and lstm.safetensors, en-small's if not given]
set -euo pipefail
asr=${1:-asr}
source=${2:-}
seed=${3:-1}
hours=${4:-5h}
lms=${5:-asr/models/en-small}
bin=$(dirname "$(command -v "$asr")")
cuts=data/librispeech-$hours
concatenated=$cuts-concatenated
start=runs/librispeech/${hours}_start/default/$seed
first=runs/librispeech/$hours/default/$seed
model=runs/librispeech/$hours/restarted/$seed
parts=(train-clean-5)
[ "$hours" = 5h ] || parts+=(train-clean-100)

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

train() { # a process of one thread for each of two cores: other numbers change the results
    run env OMP_NUM_THREADS=1 "$bin/torchrun" --nproc-per-node 2 -m asr train "$@"
}

[ -e "$cuts/test.jsonl.gz" ] || run "$asr" prepare librispeech ${source:+--source "$source"} \
    --train "${parts[@]}" --dev dev-clean --halve-dev --output "$cuts"
[ -e "$cuts/lexicon.txt" ] || run "$asr" lexicon "$lms/lm.xz" "$cuts/train.jsonl.gz" \
    --output "$cuts/lexicon.txt"
train "librispeech/${hours}_start" seed="$seed"
[ -e "$concatenated/train.jsonl.gz" ] || run "$bin/python" recipes/concatenate.py \
    "$cuts/train.jsonl.gz" --model "$start" --times 3 --length 2 7 --mp3 0.5 --output "$concatenated"
train "librispeech/$hours" seed="$seed"
train "librispeech/$hours" seed="$seed" init="$first" optimizer.lr=1e-3 trainer.epochs=5 run_dir="$model"

gzip -dc "$cuts/dev.jsonl.gz" | awk 'NR % 4 == 1' | gzip > "$cuts/quarter.jsonl.gz"
[ -e "$model/decoding.yaml" ] || run "$asr" tune "$cuts/quarter.jsonl.gz" --model "$model" \
    --lm "$lms/lm.xz" --neural-lm "$lms/lstm.safetensors" --beam 256 --output "$model/decoding.yaml"
for split in dev test; do
    run "$asr" evaluate "$cuts/$split.jsonl.gz" --model "$model" --greedy --worst 2
    run "$asr" evaluate "$cuts/$split.jsonl.gz" --model "$model" --decoding "$model/decoding.yaml" \
        --worst 2
done
