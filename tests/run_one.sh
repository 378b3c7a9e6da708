#!/bin/sh
# Runs one test of a KIND (cli, test, fuzz), prints its line and leaves "passed failed" in $RESULTS.
# What it printed itself is shown only when something in it failed.
kind=$1 t=$2
name=$(basename "$t" .sh)
log=$RESULTS/$kind.$name.log
start=$(date +%s)
note=''
# A process that is killed while it writes its counters (MODE=cov) spoils them for all later ones.
if [ "$MODE" = cov ] && grep -qE 'kill -(9|KILL)' "$t"; then
    GCOV_PREFIX=$PWD/build/cov/apart/$name GCOV_PREFIX_STRIP=$(pwd | tr -cd / | wc -c)
    export GCOV_PREFIX GCOV_PREFIX_STRIP
fi
case $kind in
cli)
    sh "$t" >"$log" 2>&1
    rc=$?
    p=1 f=0
    [ $rc -eq 0 ] || p=0
    if [ $rc -eq 77 ]; then note=", $(tail -n 1 "$log")"; elif [ $rc -ne 0 ]; then f=1; fi
    name=cli/$name ;;
test)
    $EMULATOR "$t" >"$log" 2>&1
    rc=$?
    p=$(grep -c '^\[       OK \]' "$log")
    f=$(sed -n 's/^\[  FAILED  \] .*: \([0-9]*\) test(s), listed below:.*/\1/p' "$log" | head -n 1)
    f=${f:-0}
    if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi # a crash, or a sanitizer's report
    skipped=$(grep -c 'skipped: ' "$log")
    [ "$skipped" -eq 0 ] || note=", $skipped skipped (reference files absent)" ;;
fuzz)
    if $EMULATOR "$t" tests/fuzz/corpus/"$name"/* >"$log" 2>&1; then p=1 f=0; else p=0 f=1; fi
    note=", $(tail -n 1 "$log" | grep inputs)"
    name=fuzz/$name ;;
esac
{
    printf '%-28s %4d passed %3d failed%s  %ds\n' "$name" "$p" "$f" "$note" $(($(date +%s) - start))
    [ "$f" -eq 0 ] || cat "$log"
} >"$log.shown"
cat "$log.shown"
echo "$p $f" >"$log.count"
