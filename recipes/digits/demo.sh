#!/usr/bin/env bash
# From nothing to a word error rate: corpus, training, score, transcripts, picture.
# Each step is a command to type yourself. Usage: demo.sh [path of asr]
set -euo pipefail
asr=${1:-asr}

run() {
    printf '\n$ asr %s\n' "$*"
    "$asr" "$@"
}

run prepare digits --output data/digits
run train digits
run evaluate data/digits/test.jsonl.gz --model runs/digits/default/1 --worst 3
run transcribe data/digits/audio/test/*1.wav --model runs/digits/default/1 --picture demo.png
