#!/bin/sh
# nightly: a series of nights with everything that happens to one: a planted regression, a replaced
# model, other data, a clock set back, missed nights, a moved database, kills, two at once.
. "$(dirname "$0")/lib.inc"

plant=$(tool_of plant) || exit 1
cat >"$work/plan.json" <<EOF
{"name": "demo", "models": ["tiny"], "tasks": ["perplexity_text", {"tasks": "facts", "limit": 40, "bootstrap": 100}],
 "settings": [{"threads": 1}], "report": "$work/night.html", "lease_s": 2,
 "thresholds": {"nats": 0.005, "min_items": 10, "accuracy": 0.2, "memory": 0.5}}
EOF

# (The memory of so small a process is that of shared libraries, of which more or less is in memory.)

# The first night has nothing to compare with; pinned, the next one is identical to it.
run 64 nightly "$work/plan.json" --now yesterday; says 'a date is like'; one_line
run 1 nightly status; says 'no results yet'; one_line
run 2 nightly "$work/plan.json" --now 2026-11-01; prints '^INCONCLUSIVE  demo, night 1 of 2026-11-01'
prints 'nothing to compare with'
run 0 nightly pin last -q
run 0 nightly "$work/plan.json" --now 2026-11-02; prints '^PASS  demo, night 2'
run 0 nightly "$work/plan.json" --now 2026-11-02T05:00; says 'is measured already'; prints '^PASS  demo, night 2'
run 0 nightly "$work/plan.json" --now 2026-11-03 --json; prints '"schema": "densimeter.nightly/1"'
prints '"verdict": "PASS"'; prints '"identical": true'
if command -v python3 >/dev/null 2>&1; then python3 -m json.tool "$work/out" >/dev/null || fail "not JSON"; fi
grep -q 'Against the baseline' "$work/night.html" || fail "the page lacks the comparisons"
grep -q '<svg\|gnuplot' "$work/night.html" || fail "the page has neither plots nor the reason"

# A run made by hand is a baseline too; one that is not there is told before anything is measured.
run 0 eval "$model" --tasks facts --limit 40 -t 1 -q; run 0 label last by-hand
sed 's/"name": "demo"/"name": "hand", "baseline": "by-hand"/' "$work/plan.json" >"$work/hand.json"
run 0 nightly "$work/hand.json" --now 2026-11-03 -q; prints 'facts .*accuracy .*PASS'
sed 's/"name": "demo"/"name": "none", "baseline": "no-such"/' "$work/plan.json" >"$work/none.json"
run 1 nightly "$work/none.json" --now 2026-11-03; says 'none.json: "baseline": .*no run no-such'; one_line

# A planted regression: one layer on 2 bits.  It is in the first lines, with the cause.
cp "$model" "$work/kept"
"$plant" "$work/kept" "$work/planted" 0 && cp "$work/planted" "$model"
run 1 nightly "$work/plan.json" --now 2026-11-04
head -3 "$work/out" >"$work/first"
grep -q '^FAIL  demo, night 4 of 2026-11-04' "$work/first" || fail "the verdict is not first: $(cat "$work/first")"
grep -q '^REGRESSION  tiny .*perplexity_text: nats per byte -0.01' "$work/first" ||
    fail "the regression is not in the first lines: $(cat "$work/first")"
prints 'a new segment begins: model_sha256 [0-9a-f]* -> [0-9a-f]*'
head -c 30000 "$work/night.html" | grep -q 'REGRESSION: tiny' || fail "the page does not begin with the regression"
cp "$work/kept" "$model"

# Two nights were missed; then the clock is set back, and forward again.
run 0 nightly "$work/plan.json" --now 2026-11-07; prints '2 nights were missed'
run 0 nightly "$work/plan.json" --now 2026-11-05; prints 'the system clock was set back: night 6 is dated 2026-11-05'
run 0 nightly "$work/plan.json" --now 2026-11-05; prints 'night 6 of 2026-11-05'
run 0 nightly "$work/plan.json" --now 2026-11-08; prints 'night 7'
run 0 nightly status; prints 'set back'; prints 'perplexity_text bits_per_byte'; prints '█'
run 0 nightly status --json; prints '"schema": "densimeter.nightly.status/1"'
run 0 nightly status "$work/plan.json" --csv -n 3; [ "$(wc -l <"$work/out")" -eq 4 ] || fail "status -n 3: $(cat "$work/out")"

# The database is moved: the history moves with it.
mkdir "$work/elsewhere"; mv "$DENSIMETER_DB" "$work/elsewhere/moved.db"; rm -f "$DENSIMETER_DB"*
export DENSIMETER_DB="$work/elsewhere/moved.db"
run 0 nightly "$work/plan.json" --now 2026-11-10; prints '^PASS  demo, night 8'; prints '1 night was missed'

# A night that is killed, and never goes on: what it has is kept, the rest is called skipped.
"$DENSIMETER" nightly "$work/plan.json" --now 2026-11-11 >/dev/null 2>&1 & pid=$!
sleep 0.15; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
run 0 nightly "$work/plan.json" --now 2026-11-12; prints '^PASS  demo, night [0-9]* of 2026-11-12'
run 0 db check; prints 'no defects'

# Two at once measure one night.
"$DENSIMETER" nightly "$work/plan.json" --now 2026-11-13 >"$work/out1" 2>"$work/err1" & one=$!
"$DENSIMETER" nightly "$work/plan.json" --now 2026-11-13 >"$work/out2" 2>"$work/err2" & two=$!
wait $one || fail "the first of two ends with $?: $(cat "$work/err1")"
wait $two || fail "the second of two ends with $?: $(cat "$work/err2")"
head -1 "$work/out1" >"$work/a"; head -1 "$work/out2" >"$work/b"
cmp -s "$work/a" "$work/b" || fail "two runners of a night disagree: $(cat "$work/a" "$work/b")"
run 0 db check; prints 'no defects'

# A broken model is a failed cell in the first lines, and the others are judged.
cat >"$work/two.json" <<EOF
{"models": ["tiny", "other"], "tasks": ["perplexity_text"], "settings": [{"threads": 1}], "baseline": "first"}
EOF
"$tool" "$work/other.gguf" q8_0
run 0 nightly "$work/two.json" --now 2026-11-01; prints '^PASS  two, night 1'
head -c 1000 "$work/kept" >"$work/other.gguf"
run 1 nightly "$work/two.json" --now 2026-11-02; prints '^FAILED CELL  other .*error: '

# Other data is another question: a new segment, and not comparable.
mkdir -p "$work/data/piqa"
items() { for i in 1 2 3 4 5 6; do printf '{"goal":"%s %d","sol1":"a","sol2":"b","label":%d}\n' "$1" $i $((i % 2)); done; }
items first >"$work/data/piqa/valid.jsonl"
cat >"$work/data.json" <<EOF
{"models": ["tiny"], "tasks": ["piqa"], "data": "$work/data", "baseline": "first", "thresholds": {"min_items": 1}}
EOF
run 0 nightly "$work/data.json" --now 2026-11-01
items second >"$work/data/piqa/valid.jsonl"
run 3 nightly "$work/data.json" --now 2026-11-02; prints '^INVALID  data, night 2'
prints '^NOT COMPARABLE  tiny .*piqa'; prints 'a new segment begins: tasks.piqa.data_sha256'

# Speed tests: the program against itself in blocks; a floor is kept with every night.
cat >"$work/speed.json" <<EOF
{"models": ["tiny"], "bench": [{"prompt": 16, "generate": 8, "repeats": 2}], "baseline": "first", "quiet": {"sample_s": 0.02}}
EOF
"$DENSIMETER" nightly "$work/speed.json" --now 2026-11-01 -q >/dev/null
"$DENSIMETER" nightly "$work/speed.json" --now 2026-11-02 --json -q >"$work/out"; rc=$?
[ $rc -le 2 ] || fail "a night of speed tests ends with $rc"
prints '"quantity": "time"'; prints '"aa_floor": [0-9]'; prints '"quantity": "memory"'

# Retention: nothing without a rule, a dry run says what, pins and the series stay.
run 64 db prune; says 'keep is missing'; one_line
run 64 db prune --keep last=x; says 'rules are'; one_line
run 64 label last mine@2025-13-01; says 'no date of the calendar'
run 1 label last mine@4bit --db "$work/none.db"; says 'no results yet'
run 1 import "$work/absent.csv" --db "$work/none.db"; says 'No such file'
run 1 ruler drop mine --db "$work/none.db"; says 'no such ruler'
run 1 ruler fit mine a b c --db "$work/none.db"; says 'no results yet'
run 1 label last mine@2025-12 --db "$work/none.db"; says 'no results yet'
run 1 db prune --keep last=2 --db "$work/none.db"; says 'no results yet'
[ ! -e "$work/none.db" ] || fail 'what changes a database made one'
before=$("$DENSIMETER" runs --csv | wc -l)
run 0 db prune --keep last=2 --dry-run; prints 'runs would be deleted'
[ "$("$DENSIMETER" runs --csv | wc -l)" -eq "$before" ] || fail "a dry run deleted something"
run 0 db prune --keep last=2 --json; prints '"dry_run": false'
[ "$("$DENSIMETER" runs --csv | wc -l)" -lt "$before" ] || fail "nothing was deleted"
run 0 nightly status; prints 'perplexity_text bits_per_byte'
run 0 nightly "$work/plan.json" --now 2026-11-20; prints '^PASS'
run 0 db check; prints 'no defects'

# Units that systemd accepts, and a line that cron would.
run 0 nightly install "$work/plan.json" --user --at 03:15 --to "$work/units"
prints 'systemctl --user daemon-reload'; prints "^15 3 \* \* \* cd '"
if command -v systemd-analyze >/dev/null 2>&1; then
    systemd-analyze verify "$work/units/densimeter-demo.timer" "$work/units/densimeter-demo.service" >"$work/err" 2>&1 ||
        grep -q 'Failed to \(connect\|create\|initialize\)' "$work/err" || fail "systemd: $(cat "$work/err")"
    systemd-analyze calendar '*-*-* 03:15:00' >/dev/null || fail "systemd does not know the time"
fi
run 64 nightly install "$work/plan.json" --at 3:15 --to "$work/units"; says 'a time is like 02:30'; one_line
run 64 nightly stats "$work/plan.json"; says "did you mean 'status'"; one_line

# The same with a real model, for those who have minutes.
# Two tokens exchanged in the vocabulary: the likelihood of the text sees it.
cp "$work/kept" "$model"
run 2 nightly "$work/plan.json" --now 2026-11-01 -q --db "$work/tokens.db"
run 0 nightly pin last -q --db "$work/tokens.db"
"$plant" "$work/kept" "$model" i r
run 1 nightly "$work/plan.json" --now 2026-11-02 --db "$work/tokens.db"
head -3 "$work/out" | grep -q '^REGRESSION  tiny .*nats per byte -0.0' ||
    fail "exchanged tokens are not in the first lines: $(head -3 "$work/out")"
cp "$work/kept" "$model"

if [ -n "$DENSIMETER_LONG" ] && [ -e "$DENSIMETER_REAL_MODEL" ]; then
    cp "$DENSIMETER_REAL_MODEL" "$work/real.gguf"
    echo '{"models": ["real"], "tasks": [{"tasks": "facts", "limit": 60}], "baseline": "first"}' >"$work/real.json"
    run 0 nightly "$work/real.json" --now 2026-11-01
    "$plant" "$work/real.gguf" "$work/planted" 12 && mv "$work/planted" "$work/real.gguf"
    run 1 nightly "$work/real.json" --now 2026-11-02
    head -2 "$work/out" | grep -q '^REGRESSION  real .*nats per byte' || fail "$(head -3 "$work/out")"
fi
finish
