#!/bin/sh
# kill -9 at whatever moment: the same command line goes on, every item is there once, and the
# numbers are those of a run that nobody killed.
. "$(dirname "$0")/lib.inc"

set -- eval "$model" --tasks perplexity_text,facts --limit 80 -t 1 --bootstrap 200 -q
items() { "$DENSIMETER" items last --jsonl | sed 's/"latency_s".*//'; }
scores() { "$DENSIMETER" export last --format csv | cut -d, -f2-9; }

run 0 "$@"
items >"$work/whole"; scores >"$work/whole.csv"
[ "$(wc -l <"$work/whole")" -ge 80 ] || fail "the whole run has too few items"

export DENSIMETER_DB="$work/killed.db"
for moment in 0.05 0.2 0.3 0.1; do
    "$DENSIMETER" "$@" >/dev/null 2>&1 &
    pid=$!
    sleep $moment
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    # Killed before its first transaction, it leaves a file without anything in it.
    [ ! -e "$DENSIMETER_DB" ] || "$DENSIMETER" db check >"$work/out" 2>"$work/err" ||
        grep -q 'no results yet' "$work/err" || fail "db check: $(cat "$work/out" "$work/err")"
done
run 0 "$@"
items >"$work/pieces"; scores >"$work/pieces.csv"
cmp -s "$work/whole" "$work/pieces" || fail "items of a run that was killed differ"
cmp -s "$work/whole.csv" "$work/pieces.csv" || fail "scores of a run that was killed differ"
run 0 runs --csv
[ "$(grep -c complete "$work/out")" -eq "$(($(wc -l <"$work/out") - 1))" ] ||
    fail "an unfinished run is left: $(cat "$work/out")"
run 0 db check; prints 'no defects'

# Two at once on one database: another command line shares it, the same one is told who is first.
export DENSIMETER_DB="$work/shared.db"
"$DENSIMETER" "$@" >/dev/null 2>"$work/err1" & one=$!
"$DENSIMETER" "$@" >/dev/null 2>"$work/err2" & two=$!
"$DENSIMETER" "$@" --seed 7 >/dev/null 2>&1 & other=$!
wait $one; a=$?
wait $two; b=$?
wait $other || fail "another command line did not share the database"
case $a$b in
00) ;; # one was done before the other began
01) grep -q "process $one is already writing run" "$work/err2" || fail "$(cat "$work/err2")" ;;
10) grep -q "process $two is already writing run" "$work/err1" || fail "$(cat "$work/err1")" ;;
*) fail "two at once end with $a and $b: $(cat "$work/err1" "$work/err2")" ;;
esac
run 0 db check; prints 'no defects'

# SIGTERM ends what only reads, too: the check of a large database, once it has it open.
python3 - "$DENSIMETER_DB" <<'PY' || fail "the database does not grow"
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
                  INSERT INTO docs SELECT printf('%064d', i), '{}' FROM n""")
PY
"$DENSIMETER" db check >"$work/out" 2>"$work/err" &
pid=$!
until ls -l /proc/$pid/fd 2>/dev/null | grep -q 'shared.db$' || ! kill -0 $pid 2>/dev/null; do :; done
kill -TERM $pid 2>/dev/null
wait $pid; rc=$?
[ $rc -eq 130 ] || fail "db check ends with $rc after SIGTERM: $(cat "$work/out" "$work/err")"
says "shared.db: interrupted"; one_line
run 0 db check; prints 'no defects'
finish
