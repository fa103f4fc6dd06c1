#!/usr/bin/env bash
# Train on five or eight hours of LibriSpeech from nothing; one seed. Each step can be typed by hand,
# and the same command continues after Ctrl-C.
# Usage: train.sh ASR SOURCE SEED HOURS LMS: the path of asr; the folder of LibriSpeech, downloaded if
# empty; the seed; 5h or 8h; a folder with lm.xz, whose words the lexicon takes.
# The eight hours are train-clean-5 and seven speakers of train-clean-100.
set -euo pipefail
source "$(dirname "$0")/../run_step.sh"
asr=$1 source=$2 seed=$3 hours=$4 lms=$5
bin=$(dirname "$(command -v "$asr")")
cuts=data/librispeech-$hours
concatenated=$cuts-concatenated-$seed
start=runs/librispeech/${hours}_start/default/$seed
parts=(train-clean-5)
[ "$hours" = 5h ] || parts+=(train-clean-100)

train() { # a process of one thread for each of two cores: other numbers change the results
    run env OMP_NUM_THREADS=1 "$bin/torchrun" --standalone --nproc-per-node 2 -m asr train "$@" \
        trainer.device=cpu
}

[ -e "$cuts/test.jsonl.gz" ] || run "$asr" prepare librispeech ${source:+--source "$source"} \
    --train "${parts[@]}" --dev dev-clean --halve-dev --output "$cuts"
if [ "$hours" = 8h ] && [ ! -e "$cuts/lexicon.txt" ]; then
    speakers='"speaker": "(19|26|27|4088|4406|5652|8226)"'
    gzip -dc "$cuts/train.jsonl.gz" | grep -E "/train-clean-5/|$speakers" | gzip > "$cuts/chosen.gz"
    mv "$cuts/chosen.gz" "$cuts/train.jsonl.gz"
fi
[ -e "$cuts/lexicon.txt" ] || run "$asr" lexicon "$lms/lm.xz" "$cuts/train.jsonl.gz" \
    --output "$cuts/lexicon.txt"
train "librispeech/${hours}_start" seed="$seed"
[ -e "$concatenated/train.jsonl.gz" ] || run "$bin/python" recipes/concatenate.py \
    "$cuts/train.jsonl.gz" --model "$start" --times 6 --length 2 7 --mp3 0.5 \
    --seed "$seed" --output "$concatenated"
train "librispeech/$hours" seed="$seed"
