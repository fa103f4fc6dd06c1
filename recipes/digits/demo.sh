#!/usr/bin/env bash
# Make a corpus, train, score, transcribe and draw.
# Each step can be typed by hand. Usage: demo.sh [path of asr]
set -euo pipefail
asr=${1:-asr}
model=runs/digits/default/1

run() {
    printf '\n$ asr %s\n' "$*"
    "$asr" "$@"
}

run prepare digits --output data/digits
run train digits
run evaluate data/digits/test.jsonl.gz --model "$model" --worst 2
run transcribe data/digits/audio/test-000{0,1,2,3}.wav --model "$model" --picture demo.png

printf '\nThe reference transcripts of these four:\n'
gzip -dc data/digits/test.jsonl.gz | sed -n '1,4s/.*"text": "\([^"]*\)".*/    \1/p'
printf '\nThe picture of the first: %s\n' "$PWD/demo.png"
