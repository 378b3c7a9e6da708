#!/bin/sh
# Runs every test program under $1 and every script in tests/cli, and prints one closing line.
# A test program's own report is shown only when something in it failed.
# EMULATOR: a command that runs programs built for another machine.
cd "$(dirname "$0")/.." || exit 1
build=$1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
program=$PWD/$build/densimeter
if [ -n "$EMULATOR" ]; then
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$EMULATOR" "$program" >"$program.sh"
    chmod +x "$program.sh"
    program=$program.sh
fi
for t in "$build"/tests/test_*; do
    case $t in *.o|*.d|*.gcda|*.gcno) continue ;; esac
    start=$(date +%s)
    $EMULATOR "$t" >"$log" 2>&1
    rc=$?
    p=$(grep -c '^\[       OK \]' "$log")
    f=$(sed -n 's/^\[  FAILED  \] .*: \([0-9]*\) test(s), listed below:.*/\1/p' "$log" | head -n 1)
    f=${f:-0}
    if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi # a crash, or a sanitizer's report
    passed=$((passed + p)) failed=$((failed + f))
    skipped=$(grep -c 'skipped: ' "$log")
    printf '%-28s %4d passed %3d failed%s  %ds\n' "$(basename "$t")" "$p" "$f" \
        "$([ "$skipped" -gt 0 ] && echo ", $skipped skipped (reference files absent)")" $(($(date +%s) - start))
    [ "$f" -gt 0 ] && cat "$log"
done
for t in "$build"/fuzz/*; do
    [ -x "$t" ] || continue
    name=$(basename "$t")
    if $EMULATOR "$t" tests/fuzz/corpus/"$name"/* >"$log" 2>&1; then passed=$((passed + 1)); r=passed
    else failed=$((failed + 1)); r=FAILED; fi
    printf '%-28s %s  %s\n' "fuzz/$name" "$r" "$(tail -n 1 "$log" | grep inputs)"
    [ $r = FAILED ] && cat "$log"
done
for t in tests/cli/*.sh; do
    [ -e "$t" ] || continue
    start=$(date +%s)
    DENSIMETER=$program sh "$t" >"$log" 2>&1
    rc=$?
    if [ $rc -eq 0 ]; then passed=$((passed + 1)); r=passed; elif [ $rc -eq 77 ]; then r=skipped; else failed=$((failed + 1)); r=FAILED; fi
    printf '%-28s %s  %ds\n' "cli/$(basename "$t" .sh)" "$r" $(($(date +%s) - start))
    if [ $r = FAILED ]; then cat "$log"; elif [ $r = skipped ]; then tail -n 1 "$log"; fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
