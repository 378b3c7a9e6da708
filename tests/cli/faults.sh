#!/bin/sh
# One call of each kind is refused to each of a few commands (tests/long/faults.py; `make faults`
# refuses many more).
. "$(dirname "$0")/lib.inc"
case $mode in asan|tsan|fuzz) echo "skipped: the sanitizer has the allocator"; exit 77 ;; esac
[ -z "$EMULATOR" ] || { echo "skipped: the emulator's own calls would be refused"; exit 77; }
getconf GNU_LIBC_VERSION >/dev/null 2>&1 || { echo "skipped: needs glibc"; exit 77; }
python3 tests/long/faults.py "$DENSIMETER" "$tool" --points 1 --jobs 1 \
    eval import export copy bundle gate report quantize >"$work/faults" 2>&1 ||
    fail "$(cat "$work/faults")"
finish
