#!/usr/bin/env bash
# Train the encoder comparison and write its table, two runs at a time, one core each. Finished runs are
# skipped, and the same command continues after Ctrl-C. Usage: run.sh [path of asr] [runs at a time]
set -euo pipefail
asr=$(command -v "${1:-asr}") || { echo "${1:-asr}: not found; give the path of asr" >&2; exit 1; }
jobs=${2:-2}
table=("$(dirname "$asr")/python" "$(dirname "$0")/table.py")
cuts=data/an4-cuts

[ -e $cuts/test.jsonl.gz ] || "$asr" prepare an4 --output $cuts
"${table[@]}" --missing | xargs -r -P "$jobs" -L 1 "$asr" train encoder_comparison ||
    echo "some runs are not done; see above"
"${table[@]}"
