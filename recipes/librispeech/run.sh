#!/usr/bin/env bash
# Train on the five hours of mini LibriSpeech from nothing and score dev and test, with the language
# models of en-small; one seed. The same command continues after Ctrl-C.
# Usage: run.sh [path of asr] [folder of LibriSpeech, downloaded if not given] [seed]
set -euo pipefail
asr=${1:-asr}
seed=${3:-1}
scripts=$(dirname "$0")
lms=asr/models/en-small
model=runs/librispeech/5h/default/$seed

bash "$scripts/train.sh" "$asr" "${2:-}" "$seed" 5h $lms
bash "$scripts/score.sh" "$asr" "$model" data/librispeech-5h $lms "$model/decoding.yaml"
