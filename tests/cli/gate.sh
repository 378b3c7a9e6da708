#!/bin/sh
# A release decided: real runs, then each verdict with its exit status and every output.
. "$(dirname "$0")/lib.inc"

other=$work/other.gguf
"$tool" "$other" q2_k || exit 1
evaluate() { run 0 eval "$@" --tasks facts -q --no-cache --json; sed -n 's/.*"run": "\([0-9a-f]*\)".*/\1/p' "$work/out" | head -n 1; }
a=$(evaluate "$model" --limit 60)
b=$(evaluate "$model" --limit 60 -t 1)
again=$(evaluate "$model" --limit 60 -t 1)
c=$(evaluate "$other" --limit 60)
few=$(evaluate "$model" --limit 20)
fast=$(evaluate "$model" --limit 60 --numerics fast)
halves=$(evaluate "$model" --limit 60 --kv-type f16)
gate() { status=$1 base=$2 cand=$3; shift 3; run "$status" gate --baseline "$base" --candidate "$cand" "$@"; }

# What --init prints is a policy, and its schema is JSON of its own.
run 0 gate --init; cp "$work/out" "$work/init.json"
run 0 gate --schema; prints '"title": "densimeter.gate-policy/1"'
gate 2 "$b" "$again" --policy "$work/init.json"; prints 'INCONCLUSIVE'; prints 'policy asks for 100'

# PASS: the same model again, on one thread.
echo '{"_": "comment", "minimum_items": 50, "accuracy": {"margin": 0.05}, "likelihood": {"margin": 0.001}}' >"$work/same.json"
gate 0 "$a" "$b" --policy "$work/same.json"; prints 'PASS'; prints 'threads'
# Times of runs on different numbers of threads are not compared.
echo '{"minimum_items": 50, "latency": {"margin": 1}}' >"$work/times.json"
gate 3 "$a" "$b" --policy "$work/times.json"; prints 'INVALID'

# FAIL: two bits a weight, and the likelihoods say so first.
echo '{"minimum_items": 50, "likelihood": {"margin": 0.05}}' >"$work/strict.json"
gate 1 "$a" "$c" --policy "$work/strict.json"; prints '^! FAIL: likelihood: -0\.'
gate 1 "$a" "$c" --policy "$work/strict.json" --json
prints '"schema": "densimeter.gate/1"'; prints '"verdict": "FAIL"'; prints '"exit_status": 1'
gate 0 "$c" "$a" --policy "$work/strict.json"

# INCONCLUSIVE: sixty items say nothing about a tenth of a point.
echo '{"minimum_items": 50, "looks": 3, "accuracy": {"margin": 0.001}}' >"$work/fine.json"
gate 2 "$a" "$b" --policy "$work/fine.json" --look 3 --json
prints '"verdict": "INCONCLUSIVE"'; prints '"mde": 0\.'; prints '"items_needed": '; prints '"look": 3'
gate 64 "$a" "$b" --policy "$work/fine.json" --look 4; says 'the policy declares 3'

# INVALID: an interrupted run says so, and how to go on with it; unmatched items are named; another arithmetic is forbidden.
gate 3 "$a" "$few" --policy "$work/same.json" --json
prints '"verdict": "INVALID"'; prints 'facts: 40 items of run'
gate 3 "$a" "$fast" --policy "$work/same.json"; prints 'numerics differs'
gate 3 "$a" "$halves" --policy "$work/same.json"; prints 'numerics differs'
run 0 compare "$a" "$halves"; prints 'numerics: exact/1 → exact-kv-f16/1'

# Speed runs are judged test by test, and not against answers.
for i in 1 2; do run 0 bench "$model" -p 16 -n 4 -r 8 -q; done
echo '{"latency": {"margin": 50}, "environment": {"noisy": "ignored"}}' >"$work/speed.json"
"$DENSIMETER" gate --baseline last~1 --candidate last --policy "$work/speed.json" >"$work/out" 2>"$work/err"
[ $? -le 2 ] || fail "speed runs are not judged" # which way depends on who else computes here
prints 'latency of pp16'; prints 'latency of tg4'
gate 3 "$a" last --policy "$work/speed.json"; prints 'measured speed, the other answers'

# The process is the unit of time: one brief run fails only when it is plainly slower.
echo '{"minimum_items": 50, "latency": {"margin": 0.05, "brief_s": 100000}, "environment": {"noisy": "ignored"}}' >"$work/brief.json"
"$DENSIMETER" gate --baseline "$b" --candidate "$again" --policy "$work/brief.json" --json >"$work/out" 2>"$work/err"
[ $? -eq 2 ] || fail "a brief pair of equal runs was decided"
prints '"method": "noise_floor"'; prints '"brief": true'; prints '"runs_needed": '
for i in 1 2 3 4; do b=$b,$(evaluate "$model" --limit 60 -t 1); again=$again,$(evaluate "$model" --limit 60 -t 1); done
"$DENSIMETER" gate --baseline "$b" --candidate "$again" --policy "$work/brief.json" --json >"$work/out" 2>"$work/err"
prints '"alternate": true'; prints '"method": "signed_ranks"'
gate 3 "$b" "$again,$a" --policy "$work/brief.json"; prints "threads differs"

# Every output, each read by its own consumer where that is here.
gate 2 "$a" "$b" --policy "$work/fine.json" --junit "$work/j.xml" --markdown "$work/m.md" --html "$work/p.html" -o "$work/o.md"
cmp -s "$work/m.md" "$work/o.md" || fail "-o and --markdown differ"
grep -q '<testsuite name="densimeter gate" tests="1" failures="0" errors="0" skipped="1"' "$work/j.xml" || fail "JUnit counts"
if command -v xmllint >/dev/null; then xmllint --noout "$work/j.xml" || fail "JUnit is not XML"; fi
grep -q '^# Release gate' "$work/m.md" || fail "no heading in the Markdown"
grep -q 'INCONCLUSIVE' "$work/p.html" || fail "no verdict on the page"
grep -Eq '(src|href)="https?:' "$work/p.html" && fail "the page needs a network"
echo 'before' >"$work/summary.md"
GITHUB_STEP_SUMMARY=$work/summary.md; export GITHUB_STEP_SUMMARY
gate 2 "$a" "$b" --policy "$work/fine.json" --github
prints '^::warning title=densimeter gate%3A INCONCLUSIVE::'
[ "$(head -n 1 "$work/summary.md")" = before ] || fail "the summary of other steps is gone"
grep -q 'INCONCLUSIVE' "$work/summary.md" || fail "the summary lacks the verdict"
GITHUB_STEP_SUMMARY=$work/absent/s.md
gate 1 "$a" "$b" --policy "$work/fine.json" --github; one_line
unset GITHUB_STEP_SUMMARY

# Wrong usage: one line with the place, and what was probably meant.
gate 64 "$a" "$b"; one_line; says 'gate: --policy is missing'
printf '{"accuracy": {\n  "margn": 0.01}}' >"$work/typo.json"
gate 64 "$a" "$b" --policy "$work/typo.json"; one_line; says 'typo.json:2:3: no member'; says "did you mean 'margin'"
gate 1 "$a" nothing --policy "$work/same.json"; one_line
finish
