#!/bin/sh
# Includes point down only: harness -> tasks, runners, results, reports -> base; siblings never meet.
cd "$(dirname "$0")/.." || exit 1
bad=$(
    grep -nE '^#include "(harness|tasks|runners|results|reports|tests)/' base/*.[ch]
    for room in tasks runners results reports; do
        others=$(echo harness tasks runners results reports tests | tr ' ' '\n' | grep -vx "$room" | paste -sd'|' -)
        for f in "$room"/*.[ch]; do
            [ -e "$f" ] && grep -nHE "^#include \"($others)/" "$f"
        done
    done
    grep -nE '^#include "tests/' harness/*.[ch]
    grep -nHE '^#include "[^/"]*"' base/*.[ch] tasks/*.[ch] runners/*.[ch] results/*.[ch] reports/*.[ch] harness/*.[ch] 2>/dev/null
)
if [ -n "$bad" ]; then
    echo "layers: includes against the arrows (or not written from the root):" >&2
    echo "$bad" >&2
    exit 1
fi
