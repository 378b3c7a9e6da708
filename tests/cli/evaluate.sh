#!/bin/sh
# A run from the first item to the page about it: stored, interrupted, resumed, listed, reported.
. "$(dirname "$0")/lib.inc"

run 0 eval "$model" --tasks facts,perplexity_text --limit 6 --json
for key in '"schema": "densimeter.eval/1"' '"run": "' '"task": "facts"' '"knowledge_bits": {' \
    '"stderr": null' '"computed_tokens": ' '"peak_rss_bytes": ' '"energy_j": ' '"n": 6,' \
    '"cpu_ops": 0,'; do
    prints "$key"
done
first=$(sed -n 's/.*"run": "\([0-9a-f]*\)".*/\1/p' "$work/out" | head -n 1)

# The same command line makes a new run once the first is complete, and the same numbers; nothing is
# computed for them, and no time is told.
run 0 eval "$model" --tasks facts,perplexity_text --limit 6 --json
prints '"computed_tokens": 0,'; prints '"wall_s": null'
second=$(sed -n 's/.*"run": "\([0-9a-f]*\)".*/\1/p' "$work/out" | head -n 1)
[ "$first" != "$second" ] || fail "a complete run was written again"
lls() { "$DENSIMETER" items "$1" --jsonl | sed 's/.*"loglikelihoods":\(\[[^]]*\]\).*/\1/'; }
lls "$first" >"$work/a"; lls "$second" >"$work/b"
cmp -s "$work/a" "$work/b" || fail "two runs of the same items differ"
[ "$(wc -l <"$work/a")" -eq "$("$DENSIMETER" items last --csv | tail -n +2 | wc -l)" ] ||
    fail "items as CSV and as JSON lines differ in number"

# Neither threads nor the size of batches changes a bit.
run 0 eval "$model" --tasks facts,perplexity_text --limit 6 -t 1 --batch-tokens 7 --no-cache -q
lls last >"$work/b"
cmp -s "$work/a" "$work/b" || fail "threads and batches change scores"
run 0 eval "$model" --tasks facts --limit 6
prints '^tokens: 0 computed (least 0), 0 shared, [1-9][0-9]* kept$'
says '^densimeter: [1-9][0-9]* tokens were encoded by earlier runs$'
run 0 items last --json; prints '"latency_s": null'; prints '"latency_reason": "not measured'
run 0 eval "$model" --tasks facts --limit 6 --no-cache; prints ', 0 kept$'

# Whole texts in windows, too: the same bits, and no text is encoded.
run 0 eval "$model" --tasks facts,perplexity_text --limit 6; prints '^tokens: 0 computed'
lls last >"$work/b"
cmp -s "$work/a" "$work/b" || fail "what was kept is not what was computed"

# What is spared is stored as unknown; facts asks for every likelihood.
run 0 eval "$model" --tasks facts --limit 6 --prune --json; prints '"pruned_tokens": 0,'
run 0 show last --json; prints '"prune": *true'

# Kept likelihoods are bounded, pruned, and not believed when they are damaged.
run 0 db prune --keep likelihoods=0 --dry-run; prints '^[1-9][0-9]* likelihoods would be deleted, [1-9][0-9]* encodings$'
run 0 db check
sqlite3 "$DENSIMETER_DB" "UPDATE likelihoods SET nats = nats / 2" 2>/dev/null && {
    run 1 db check; prints 'likelihood of request [0-9a-f]*: not as it was kept'
    run 0 eval "$model" --tasks facts,perplexity_text --limit 6 -q
    lls last >"$work/b"
    cmp -s "$work/a" "$work/b" || fail "a damaged likelihood is believed"
    run 0 db check
    sqlite3 "$DENSIMETER_DB" "UPDATE encodings SET requests = replace(requests, ' ', '  ')"
    run 1 db check; prints 'encoding of query [0-9a-f]*: not as it was kept'
    run 0 eval "$model" --tasks facts,perplexity_text --limit 6
    lls last >"$work/b"
    cmp -s "$work/a" "$work/b" || fail "a damaged encoding is believed"
    run 0 db check
}
run 0 db prune --keep likelihoods=0; prints '^[1-9][0-9]* likelihoods deleted'
run 0 eval "$model" --tasks facts --limit 6; prints ', 0 kept$'

# Ctrl-C: what was measured is kept, the status is 130, and the same command line goes on.
"$DENSIMETER" eval "$model" --tasks facts --limit 1500 >"$work/out" 2>"$work/err" &
pid=$!
i=0
while [ "$("$DENSIMETER" runs --csv 2>/dev/null | sed -n 2p | cut -d, -f8)" = 0 ] ||
    [ "$("$DENSIMETER" runs --csv 2>/dev/null | sed -n 2p | cut -d, -f4)" != running ]; do
    i=$((i + 1)); [ $i -gt 300 ] && { fail "no item was stored in 30 s"; break; }
    kill -0 $pid 2>/dev/null || { fail "it ended too early to be interrupted"; break; }
    sleep 0.1
done
kill -INT $pid
wait $pid
rc=$?
[ $rc -eq 130 ] || fail "an interrupted run ends with $rc"
says 'interrupted: [0-9]* of 1500 items are kept'
says 'hint: the same command line goes on from there'
run 0 runs --csv
grep -q 'interrupted' "$work/out" || fail "the run is not called interrupted"
kept=$(sed -n 's/.*: \([0-9]*\) of 1500.*/\1/p' "$work/err")
run 0 db check

# Listing, labels, files.
run 0 label "$first" base
run 0 show base; prints 'knowledge_bits'
run 0 items base --task facts --wrong --json; prints '"schema": "densimeter.items/1"'
run 0 export base --format csv; prints '^model,task,metric'
run 0 export base --format lm-eval -o "$work/lmeval"
run 0 import "$work/lmeval"/results_*.json --db "$work/other.db"; prints 'lm-eval'
run 0 import "$work/lmeval"/results_*.json --db "$work/other.db"; prints 'imported before'
run 0 db backup "$work/copy.db"; run 0 show base --db "$work/copy.db"
run 0 db vacuum; run 0 db schema; prints 'runs'

# The report in every form.
for suffix in html md csv json txt; do
    run 0 report base last -o "$work/report.$suffix"
    [ -s "$work/report.$suffix" ] || fail "report.$suffix is empty"
done
grep -q '<svg\|gnuplot' "$work/report.html" || fail "the page has neither plots nor the reason"
run 0 report --json; prints '"schema": "densimeter.report/1"'
run 64 report -o "$work/report.pdf"; one_line

# Tables fit 80 columns.
for list in runs 'show base' 'items base' tasks models devices; do
    "$DENSIMETER" $list | awk -v list="$list" 'length($0) > 82 { bad = 1 } END { exit bad }' ||
        fail "$list is wider than 80 columns"
done
finish
