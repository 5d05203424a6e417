#!/bin/sh
# GNU parallel: a process a shard, results in order.
# usage: parallel.sh null|fingerprint|all LIBRARY ACTIVES OUT_DIR SHARD_RECORDS PROCESSES PYTHON
set -eu
here=$(dirname "$0")
mkdir -p "$4"
# The first ordinal of job {#} is its number less one, times the records of a shard.
parallel --will-cite --jobs "$6" --keep-order --pipe -N "$5" \
    "$7" "$here/filter.py" "$1" "$3" '{= $_ = ($job->seq() - 1) * '"$5"' =}' <"$2" >"$4/summary.csv"
