#!/usr/bin/env bash
# Make a model like en-small from nothing: language models of a text, eight hours of LibriSpeech, and
# a folder of weights of 8 bits. The same command continues after Ctrl-C.
# Usage: en_small.sh [path of asr] PROSE [folder of LibriSpeech, downloaded if not given] [seed]
# PROSE is a file of sentences, one a line; README.md says which text en-small's is.
set -euo pipefail
source "$(dirname "$0")/../run_step.sh"
asr=${1:-asr}
prose=${2:?a file of sentences is needed for the language models, one sentence a line}
source=${3:-}
seed=${4:-1}
output=data/en-small
scripts=$(dirname "$0")
mkdir -p $output

if [ ! -e $output/lm.xz ]; then
    run "$asr" lm train "$prose" --order 4 --entropy 7.5e-8 --decimals 1 --normalizer lower \
        --output $output/lm.arpa.gz
    run "$asr" lm pack $output/lm.arpa.gz --output $output/lm.xz
fi
run "$asr" lm train "$prose" --kind lstm --normalizer lower --output $output/lstm
cp $output/lstm/lm.safetensors $output/lstm.safetensors

bash "$scripts/train.sh" "$asr" "$source" "$seed" 8h $output
run "$asr" export "runs/librispeech/8h/default/$seed" --bits 8 --output $output/model.safetensors
bash "$scripts/score.sh" "$asr" $output/model.safetensors data/librispeech-8h $output \
    "$output/decoding-$seed.yaml"
cp "$output/decoding-$seed.yaml" $output/decoding.yaml
