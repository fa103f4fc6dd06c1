#!/usr/bin/env bash
# The odyssey from nothing to its table, two runs at a time, one core each. What is done is not done
# again, and Ctrl-C saves: the same command goes on. Usage: run.sh [path of asr] [runs at a time]
set -euo pipefail
asr=$(command -v "${1:-asr}") || { echo "${1:-asr}: not found; give the path of asr" >&2; exit 1; }
run_concurrently=${2:-2}
table=("$(dirname "$asr")/python" "$(dirname "$0")/table.py")
cuts=data/an4-cuts

[ -e $cuts/test.jsonl.gz ] || "$asr" prepare an4 --output $cuts
"${table[@]}" --missing | xargs -r -P "$run_concurrently" -L 1 "$asr" train encoder_comparison ||
    echo "some runs are not done; see above"
"${table[@]}"
