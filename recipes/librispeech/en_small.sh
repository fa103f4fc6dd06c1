#!/usr/bin/env bash
# Make a model like en-small from nothing: language models of a text, eight hours of LibriSpeech, and
# a folder of weights of 8 bits. The same command continues after Ctrl-C.
# Usage: en_small.sh [path of asr] PROSE [folder of LibriSpeech, downloaded if not given] [seed]
# PROSE is a file of sentences, one a line; README.md says which text en-small's is.
set -euo pipefail
asr=${1:-asr}
prose=${2:?a file of sentences is needed for the language models, one sentence a line}
source=${3:-}
seed=${4:-1}
output=data/en-small
model=runs/librispeech/8h/restarted/$seed
mkdir -p $output

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

if [ ! -e $output/lm.xz ]; then
    run "$asr" lm train "$prose" --order 4 --entropy 7.5e-8 --decimals 1 --normalizer lower \
        --output $output/lm.arpa.gz
    run "$asr" lm pack $output/lm.arpa.gz --output $output/lm.xz
fi
run "$asr" lm train "$prose" --kind lstm --normalizer lower --output $output/lstm
cp $output/lstm/lm.safetensors $output/lstm.safetensors

bash "$(dirname "$0")/run.sh" "$asr" "$source" "$seed" 8h $output
run "$asr" export "$model" --bits 8 --output $output/model.safetensors
run "$asr" tune data/librispeech-8h/quarter.jsonl.gz --model $output/model.safetensors \
    --lm $output/lm.xz --neural-lm $output/lstm.safetensors --beam 256 --output $output/decoding.yaml
for split in dev test; do
    run "$asr" evaluate data/librispeech-8h/$split.jsonl.gz --model $output/model.safetensors --greedy
    run "$asr" evaluate data/librispeech-8h/$split.jsonl.gz --model $output/model.safetensors \
        --decoding $output/decoding.yaml
done
