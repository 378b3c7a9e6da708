#!/bin/sh
# run: a plan's cells, each in its own process; whatever becomes of one is a row, whatever is killed
# goes on, nothing is lost and nothing is there twice.  DENSIMETER_LONG=1: 200 kills.
. "$(dirname "$0")/lib.inc"

# What a database says, without times, ids and what is measured.
contents() {
    "$DENSIMETER" run --status --json "$1" --db "$2" |
        grep -e '"series"\|"arm"\|"status"\|"outcome"\|"reason"\|"failed_attempts"\|"model_sha256"' \
            -e '"block"\|"place"'
    "$DENSIMETER" run --status --json "$1" --db "$2" | sed -n 's/^ *"run": "\(.*\)".*/\1/p' |
        while read -r id; do
            "$DENSIMETER" items "$id" --jsonl --db "$2" | sed 's/"latency_s".*//'
            "$DENSIMETER" export "$id" --format csv --db "$2" | cut -d, -f2-8 |
                grep -v 'wall_s\|peak_rss\|latency\|tok_s\|ttft\|tpot\|bandwidth\|joule\|energy'
        done
}
runs_of() { "$DENSIMETER" runs --csv --db "$1" | tail -n +2 | wc -l; }

cat >"$work/plan.json" <<EOF
{"models": ["tiny"], "tasks": ["perplexity_text", {"tasks": "facts", "limit": 60, "bootstrap": 100}],
 "bench": [{"prompt": 8, "generate": 4, "repeats": 2}], "settings": [{"threads": 1}, {"threads": 2}],
 "quiet": {"sample_s": 0.02}, "lease_s": 5}
EOF

# Wrong plans, the schema.
run 0 run --schema; prints '"additionalProperties": false'
echo '{"models": ["tiny"], "taks": ["facts"]}' >"$work/bad.json"
run 64 run "$work/bad.json"; says 'bad.json:1:22: a plan has no "taks"'; says 'did you mean "tasks"'; one_line
run 64 run; says 'PLAN.json is missing'
run 1 run "$work/none.json"; says 'none.json: No such file'; one_line
run 1 run --status "$work/plan.json"; says 'no results yet'; one_line

# A whole plan, then the same again: done cells are not done again.
run 0 run "$work/plan.json" -q; prints '12 of 12 cells done'
contents "$work/plan.json" "$DENSIMETER_DB" >"$work/whole"
[ "$(runs_of "$DENSIMETER_DB")" -eq 12 ] || fail "not one run per cell"
[ ! -e "$DENSIMETER_DB.cells" ] || fail "the cells' databases are left"
run 0 run "$work/plan.json"; says 'is complete; --again'
[ "$(runs_of "$DENSIMETER_DB")" -eq 12 ] || fail "done cells were done again"
run 0 db check; prints 'no defects'
run 0 run --status --json "$work/plan.json"; prints '"schema": "densimeter.run/1"'; prints '"cells_pending": 0'
run 0 run "$work/plan.json" --csv -q; prints '^series,done,state,noisy,run'

# Two runners on one plan, both killed at any moment and started again.
chaos() { # MOMENTS: how often
    export DENSIMETER_DB="$work/chaos$1.db"
    i=0
    while [ $i -lt "$1" ]; do
        "$DENSIMETER" run "$work/plan.json" -q >/dev/null 2>"$work/err1" & one=$!
        "$DENSIMETER" run "$work/plan.json" -q >/dev/null 2>"$work/err2" & two=$!
        sleep "0.$(awk -v s="$1$i" 'BEGIN { srand(s); printf "%02d", 3 + int(rand() * 40) }')"
        if [ $((i % 3)) -ne 2 ]; then kill -9 $one 2>/dev/null; fi
        if [ $((i % 3)) -ne 1 ]; then kill -9 $two 2>/dev/null; fi
        wait $one 2>/dev/null; a=$?
        wait $two 2>/dev/null; b=$?
        for rc in $a $b; do
            case $rc in 0|137) ;; *) fail "a runner ends with $rc: $(cat "$work/err1" "$work/err2")" ;; esac
        done
        i=$((i + 1))
        if [ "$("$DENSIMETER" run --status "$work/plan.json" 2>/dev/null | grep -c '12 of 12')" -eq 1 ] && [ "$1" -gt 20 ]; then
            check_chaos; export DENSIMETER_DB="$work/chaos$1.$i.db"
        fi
    done
    check_chaos
}
check_chaos() {
    run 0 run "$work/plan.json" -q; prints '12 of 12 cells done'
    contents "$work/plan.json" "$DENSIMETER_DB" >"$work/pieces"
    cmp -s "$work/whole" "$work/pieces" ||
        fail "killed runners leave another database: $(diff "$work/whole" "$work/pieces" | head -5)"
    [ "$(runs_of "$DENSIMETER_DB")" -eq 12 ] || fail "$(runs_of "$DENSIMETER_DB") runs for 12 cells"
    [ ! -e "$DENSIMETER_DB.cells" ] || fail "the cells' databases are left"
    run 0 db check; prints 'no defects'
}
if [ -n "$DENSIMETER_LONG" ]; then chaos 200; else chaos 6; fi

# Ctrl-C: status 130, and on from there.
export DENSIMETER_DB="$work/stopped.db"
"$DENSIMETER" run "$work/plan.json" >/dev/null 2>"$work/err" & pid=$!
sleep 0.2; kill -INT $pid; wait $pid; rc=$?
[ $rc -eq 130 ] || [ $rc -eq 0 ] || fail "an interrupted run ends with $rc"
[ $rc -ne 130 ] || { says 'interrupted: finished cells are kept'; says 'hint: the same command line'; }
run 0 run "$work/plan.json" -q; prints '12 of 12 cells done'

# Cells that crash, hang, eat memory, fail: rows with reasons, and the others go on.
cat >"$work/crash" <<'EOF'
#!/bin/sh
kill -SEGV $$
EOF
cat >"$work/fails" <<'EOF'
#!/bin/sh
echo "densimeter: a reason of its own" >&2
exit 1
EOF
cat >"$work/hang" <<'EOF'
#!/bin/sh
trap '' TERM
while :; do sleep 0.05; done
EOF
chmod +x "$work/crash" "$work/hang" "$work/fails"
cat >"$work/faults.json" <<EOF
{"models": ["tiny", "gone"], "tasks": [{"tasks": "facts", "limit": 3, "bootstrap": 100}],
 "bench": [{"repeats": 2}], "builds": ["$work/crash", "$work/fails"], "quiet": {"sample_s": 0},
 "retries": {"crash": 1}}
EOF
cat >"$work/hangs.json" <<EOF
{"models": ["tiny"], "bench": [{"repeats": 2}], "builds": ["$work/hang", "$work/no-such-build"], "quiet": {"sample_s": 0},
 "limits": {"wall_s": 0.3, "grace_s": 0.1}}
EOF
export DENSIMETER_DB="$work/faults.db"
run 1 run "$work/faults.json"
prints 'failed (crash): tiny .*bench @A:crash: killed by signal 11'
prints 'failed (error): tiny .*bench @B:fails: a reason of its own'
prints 'failed (model): gone .*gone: no such model'
prints 'tiny \[cpu\] facts limit=3'
says '@A:crash: killed by signal 11.*; once more'
run 0 run --status --json "$work/faults.json"
[ "$(grep -c '"status": "done"' "$work/out")" -ge 1 ] || fail "the good cell was not done"
[ "$(grep -c '"failed_attempts": 2' "$work/out")" -eq 2 ] || fail "a crash was not retried as declared"
run 1 run "$work/hangs.json"
prints 'failed (time): tiny .*bench @A:hang: not done after 0.3 s'
prints 'failed (error): tiny .*bench @B:no-such-build: .*/no-such-build: No such file'
pgrep -f "$work/hang" >/dev/null && fail "a process that hung is left"
cat >"$work/memory.json" <<'EOF'
{"models": ["tiny"], "tasks": ["perplexity_text"], "limits": {"memory": "2M"}}
EOF
run 1 run "$work/memory.json"; prints 'failed (memory): .*: more than 2 MB of memory'

# Two builds take turns; an older one that knows nothing of plans is as good.
cp "$DENSIMETER" "$work/old"; cp "$DENSIMETER" "$work/new"
cat >"$work/builds.json" <<EOF
{"models": ["tiny"], "bench": [{"prompt": 16, "generate": 8, "repeats": 4}], "builds": ["$work/old", "$work/new"], "quiet": {"sample_s": 0}}
EOF
export DENSIMETER_DB="$work/builds.db"
run 0 run "$work/builds.json"; prints "@B:new: tg8: B's time is [0-9.]* of A's ([0-9]* %: .*4 and 4 processes"
run 0 run "$work/builds.json" --json; prints '"time_ratio": [0-9]'

# A noisy machine is waited for within the budget, and what ran on it is marked.
mkdir -p "$work/noisy/proc/pressure" "$work/calm/proc/pressure"
echo '8.00 8.00 8.00 9/100 1' >"$work/noisy/proc/loadavg"
echo '0.00 0.00 0.00 1/100 1' >"$work/calm/proc/loadavg"
echo 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' >"$work/calm/proc/pressure/cpu"
echo 'some avg10=80.00 avg60=0.00 avg300=0.00 total=0' >"$work/noisy/proc/pressure/cpu"
cat >"$work/quiet.json" <<'EOF'
{"models": ["tiny"], "bench": [{"prompt": 8, "generate": 4, "repeats": 2}], "quiet": {"sample_s": 0.1, "wait_s": 0.3}}
EOF
run 0 run "$work/quiet.json" --sysroot "$work/calm" --json; prints '"cells_noisy": 0'; prints '"quiet": true'
run 0 run "$work/quiet.json" --sysroot "$work/noisy" --again --json
says 'waiting for a quiet machine: .*load before 8'; prints '"cells_noisy": 4'
[ "$(grep -c 'waiting for' "$work/err")" -eq 1 ] || fail "it says more than once that it waits"

# The model's file is replaced in the middle: its cells say so, the others go on.
cat >"$work/replaced.json" <<EOF
{"models": ["tiny", "other"], "tasks": [{"tasks": "facts", "limit": 300, "bootstrap": 100}, {"tasks": "perplexity_text"}], "settings": [{"threads": 1}]}
EOF
export DENSIMETER_DB="$work/replaced.db"
"$tool" "$work/other.gguf" q8_0; cp "$model" "$work/tiny.kept"
"$DENSIMETER" run "$work/replaced.json" >"$work/out" 2>"$work/err" & pid=$!
i=0
until "$DENSIMETER" run --status "$work/replaced.json" 2>/dev/null | grep -q measured; do
    i=$((i + 1)); [ $i -gt 2000 ] && break; sleep 0.02
done
"$tool" "$work/tiny.new" q5_0; mv "$work/tiny.new" "$model"
wait $pid; rc=$?
[ $rc -eq 1 ] || fail "a replaced model ends with $rc"
prints 'failed (model): tiny .*tiny.gguf was replaced: the night began with sha256'
[ "$("$DENSIMETER" run --status --json "$work/replaced.json" | grep -c '"status": "done"')" -ge 2 ] ||
    fail "the other model's cells were not done"
mv "$work/tiny.kept" "$model"

# A database locked by another tool: it waits, says so once, and goes on.
if command -v sqlite3 >/dev/null 2>&1; then
    export DENSIMETER_DB="$work/locked.db"
    run 1 run "$work/memory.json" -q
    seconds=3; [ -n "$DENSIMETER_LONG" ] && seconds=60
    { echo 'BEGIN EXCLUSIVE;'; sleep $seconds; echo 'COMMIT;'; } | sqlite3 "$DENSIMETER_DB" & locker=$!
    sleep 0.3
    run 0 run "$work/plan.json"; says 'waiting: .*locked'; prints '12 of 12 cells done'
    wait $locker
    contents "$work/plan.json" "$DENSIMETER_DB" | cmp -s "$work/whole" - || fail "a lock changed what was measured"
fi

# A full disk: the night stops with a message, and goes on when there is room.
if unshare -m true 2>/dev/null; then
    cat >"$work/full.sh" <<'EOF'
mkdir "$work/small" && mount -t tmpfs -o size=1500k tmpfs "$work/small" || exit 77
DENSIMETER_DB="$work/small/r.db" "$DENSIMETER" run "$work/plan.json" >"$work/out" 2>"$work/err"
rc=$?
[ $rc -eq 1 ] || { echo "a full disk ends with $rc"; exit 1; }
mount -o remount,size=50m "$work/small"
DENSIMETER_DB="$work/small/r.db" "$DENSIMETER" run "$work/plan.json" -q >"$work/out" || exit 1
cp "$work/small/r.db"* "$work/copied/"
EOF
    mkdir "$work/copied"; export work
    unshare -m sh "$work/full.sh" || fail "the full disk: $(cat "$work/err")"
    says 'disk is full\|No space left'; one_line
    [ -e "$work/copied/r.db" ] && { contents "$work/plan.json" "$work/copied/r.db" | cmp -s "$work/whole" - ||
        fail "a full disk changed what was measured"; }
fi

# A database that cannot be written.
run 1 run "$work/plan.json" --db /proc/no/such.db; one_line
if unshare -m true 2>/dev/null; then
    cat >"$work/ro.sh" <<'EOF'
mount -t tmpfs tmpfs "$work/copied" || exit 77
"$DENSIMETER" run "$work/memory.json" -q --db "$work/copied/r.db" >/dev/null 2>&1
mount -o remount,ro "$work/copied" || exit 77
"$DENSIMETER" run "$work/plan.json" --db "$work/copied/r.db" 2>"$work/err"
[ $? -eq 1 ] || exit 1
"$DENSIMETER" run "$work/memory.json" --status --db "$work/copied/r.db" >"$work/out" || exit 1
EOF
    unshare -m sh "$work/ro.sh"; rc=$?
    [ $rc -eq 77 ] || { [ $rc -eq 0 ] || fail "the read-only database"; says 'cannot be written'; one_line; prints '0 of 1 cells'; }
fi
finish
