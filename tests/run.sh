#!/bin/sh
# Runs every script in tests/cli and every test program under $1, as many at a time as there are
# processors, and prints one closing line.  EMULATOR: a command that runs programs built for another
# machine.  TEST_JOBS: how many at a time.
cd "$(dirname "$0")/.." || exit 1
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$PWD/$build/densimeter
if [ -n "$EMULATOR" ]; then
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$EMULATOR" "$program" >"$program.sh"
    chmod +x "$program.sh"
    program=$program.sh
fi
jobs=${TEST_JOBS:-$(nproc)}
[ "$jobs" -le 8 ] || jobs=8 # each has threads of its own

# The scripts come first: they wait longest.
for t in tests/cli/*.sh; do [ -e "$t" ] && echo "cli $t"; done >"$work/list"
for t in "$build"/tests/test_*; do
    case $t in *.o|*.d|*.gcda|*.gcno) ;; *) echo "test $t" ;; esac
done >>"$work/list"
for t in "$build"/fuzz/*; do [ -x "$t" ] && echo "fuzz $t"; done >>"$work/list"
DENSIMETER=$program RESULTS=$work xargs -P "$jobs" -n 2 sh tests/run_one.sh <"$work/list"

# Each leaves a line "passed failed"; one that left none was killed.
set -- $(cat "$work"/*.count | awk '{p += $1; f += $2} END {print p + 0, f + 0, NR}')
lost=$(($(wc -l <"$work/list") - $3))
[ "$lost" -eq 0 ] || echo "$lost of the tests left no result"
echo "$1 passed, $(($2 + lost)) failed"
[ $(($2 + lost)) -eq 0 ]
