#!/bin/sh
# load.sh BUILD [PART...]: figures of what is large, as rows of docs/limits.md.  Parts: database (ten
# million rows), series (1,000 runs), nights (1,000 of them measured, judged and kept by
# `nightly`), task (100,000 items), cells (200, of which one in a hundred is
# killed), model (4 GB of weights, 2 GB of memory).  SCALE=1..100: a smaller one, in percent.
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/$1 scale=${SCALE:-100}; shift
[ $# -gt 0 ] || set -- database series nights task cells model
densimeter=$build/densimeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DENSIMETER_DB="$work/results.db" XDG_DATA_HOME="$work/home" DENSIMETER_MODELS="$work"
failed=0
fail() { echo "FAILED: $*" >&2; failed=1; }
of() { echo $(($1 * scale / 100)); }
row() { printf '| %s | %s | %s |\n' "$1" "$2" "$3"; }
# took WHAT WORDS...: a row with the seconds and the memory of a command that must succeed
took() {
    what=$1; shift
    python3 - "$@" >"$work/took" 2>"$work/err" <<'PY' || { fail "$*: $(cat "$work/err")"; return; }
import resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{time.monotonic() - start:.2f} s | {used.ru_utime + used.ru_stime:.2f} s, {used.ru_maxrss / 1024:.0f} MB")
sys.exit(status)
PY
    printf '| %s | %s |\n' "$what" "$(cat "$work/took")"
}

database() { # an item is eight rows: itself, three metrics, four options
    nights=$(of 25); [ "$nights" -ge 3 ] || nights=3
    took "database: $nights runs of 50,000 items, $((nights * 400000)) rows, written" \
        "$build/tests/bench_store" "$nights" 50000 "$work/rows.db"
    for words in runs 'show last' "report last -o $work/rows.md" 'compare last~1 last' 'db check'; do
        took "database: \`${words%% -o*}\`" "$densimeter" $words --db "$work/rows.db"
    done
    row 'database: file' "$(($(wc -c <"$work/rows.db") / 1000000)) MB" ''
}

series() {
    took "series: $(of 1000) nights of 50 items, written" \
        "$build/tests/bench_store" "$(of 1000)" 50 "$work/series.db"
    for words in runs 'show last' "report -o $work/series.html"; do
        took "series: \`${words%% -o*}\`" "$densimeter" $words --db "$work/series.db"
    done
}

nights() {
    "$build/tests/tool_tiny" "$work/tiny.gguf" || return
    printf '{"name": "many", "models": ["tiny"], "settings": [{"threads": 1}],
        "tasks": [{"tasks": "facts", "limit": 20, "bootstrap": 100}]}\n' >"$work/many.json"
    n=$(of 1000)
    for i in $(seq "$n"); do
        set -- "$densimeter" nightly "$work/many.json" --now "$(date -d "2020-01-01 +$i day" +%F)" -q
        case $i in
            1) "$@" >"$work/out" 2>&1; [ $? -eq 2 ] || fail "nights: $(cat "$work/out")"
               "$densimeter" nightly pin last -q ;;
            2|"$n") took "nights: number $i, with the start of the model" "$@" ;;
            *) "$@" >"$work/out" 2>&1 || fail "nights: $(cat "$work/out")" ;;
        esac
    done
    took "nights: \`nightly status\` of $n" "$densimeter" nightly status -n "$n"
    took "nights: \`report\` of all" "$densimeter" report -o "$work/nights.html"
    "$densimeter" db check >"$work/out" 2>&1 || fail "nights: $(cat "$work/out")"
    row 'nights: file' "$(($(wc -c <"$DENSIMETER_DB") / 1000000)) MB" ''
}

task() {
    n=$(of 100000)
    {
        printf '%s' '{"format": "densimeter.scenario/1", "name": "large", "version": 1, "title": "many",
            "language": "en", "licence": "CC0-1.0", "fields": ["text"], "prompt": "{{ text }}:",
            "answer": {"kind": "choice", "choices": ["a", "b"]}, "items": [{"text": "0", "answer": "a"}'
        seq "$n" | awk 'NR > 1 {printf ",\n{\"text\": \"%d\", \"answer\": \"%s\"}", $1, $1 % 2 ? "a" : "b"}'
        echo ']}'
    } >"$work/large.json"
    "$build/tests/tool_tiny" "$work/tiny.gguf" || return
    took "task: $n items checked" "$densimeter" tasks check "$work/large.json"
    took "task: $n items asked of the null device" "$densimeter" eval "$work/tiny.gguf" \
        --tasks "$work/large.json" --device null -q --bootstrap 100
    took "task: \`compare\` of two such" "$densimeter" compare last last
}

cells() {
    "$build/tests/tool_tiny" "$work/tiny.gguf" || return
    n=$(of 200)
    printf '{"models": ["%s"], "tasks": [%s], "quiet": {"sample_s": 0.01}, "lease_s": 2}\n' \
        "$work/tiny.gguf" \
        "$(seq "$n" | sed 's/.*/{"tasks": "facts", "limit": 2, "seed": &}/' | paste -sd,)" \
        >"$work/night.json"
    start=$(date +%s) programs=0 killed=0
    # The whole program once in each two hundred cells, and as often a cell, whatever it is doing.
    while [ $programs -lt $(((n + 199) / 200)) ]; do
        "$densimeter" run "$work/night.json" -q >/dev/null 2>&1 &
        sleep $((2 + programs)); kill -9 $! 2>/dev/null && programs=$((programs + 1))
        wait $! 2>/dev/null
    done
    "$densimeter" run "$work/night.json" -q >/dev/null 2>&1 &
    pid=$!
    while [ $killed -lt $(((n + 199) / 200)) ] && kill -0 $pid 2>/dev/null; do
        child=$(pgrep -P $pid | head -n 1)
        [ -n "$child" ] && kill -9 "$child" 2>/dev/null && killed=$((killed + 1))
    done
    wait $pid
    # A cell that was killed is a row that says so.
    "$densimeter" run "$work/night.json" --status --json >"$work/out" 2>&1
    done=$(sed -n 's/.*"cells_done": *\([0-9]*\).*/\1/p' "$work/out")
    said=$(grep -c 'killed by signal 9' "$work/out")
    [ "$done" -eq $((n - said)) ] && [ "$said" -le $killed ] ||
        fail "cells: $done done, $said said to be killed"
    "$densimeter" db check >"$work/out" 2>&1 || fail "cells: $(cat "$work/out")"
    row "cells: $n, $programs programs and $killed cells killed" "$(($(date +%s) - start)) s" \
        "$done done, $said said to be killed, no defects"
}

model() { # read through the page cache, which a control group counts
    limit=$((2000000000 * scale / 100))
    for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do # version 1, version 2
        group=$root/densimeter-load.$$
        mkdir "$group" 2>/dev/null || continue
        for file in memory.limit_in_bytes memory.max; do
            [ -e "$group/cgroup.procs" ] && [ -e "$group/$file" ] && echo $limit >"$group/$file" && break 2
        done
        rmdir "$group"
        group=''
    done
    [ -n "$group" ] && [ -d "$group" ] ||
        { row 'model: 4 GB' 'not measured' 'no control group can be made here'; return; }
    "$build/tests/tool_tiny" "$work/big.gguf" f32 "$(of 18)" 2048 8192 32 4 || return
    dd if="$work/big.gguf" iflag=nocache count=0 status=none # what is cached already is not counted
    took "model: $(($(wc -c <"$work/big.gguf") / 1000000)) MB of weights in $((limit / 1000000)) MB" \
        sh -c "echo \$\$ >$group/cgroup.procs; exec '$densimeter' bench '$work/big.gguf' -p 8 -n 2 -r 1 -q"
    rmdir "$group"
}

echo '| what | wall | processor, memory |'
echo '|---|---|---|'
for part; do "$part"; done
[ $failed -eq 0 ]
