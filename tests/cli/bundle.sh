#!/bin/sh
# Results that travel: made from a real run, signed, checked, and asked again on this machine.
. "$(dirname "$0")/lib.inc"
sql=$(dirname "$DENSIMETER")/tests/tool_sql
export TMPDIR="$work/tmp"; mkdir "$TMPDIR"
[ -x "$sql" ] || make -s MODE="$mode" "${sql#"$PWD"/}" || exit 1

run 0 eval "$model" --tasks facts --limit 60 -q
run 0 eval "$model" --tasks perplexity_text -q --keep-prompts
run 0 bundle key "$work/key.pem"; key=$(cat "$work/out")
[ "$(stat -c %a "$work/key.pem")" = 600 ] || fail 'others may read the key'
run 1 bundle key "$work/key.pem"; one_line
run 0 bundle make last last~1 -o "$work/b.tar" --key "$work/key.pem"; prints "2 runs, 8 files, signed by $key"
run 0 bundle make last last~1 -o "$work/c.tar" --key "$work/key.pem"
cmp -s "$work/b.tar" "$work/c.tar" || fail 'the same runs gave another bundle'
run 0 bundle verify "$work/b.tar" --signer "$key"; prints '^PASS .* 2 runs, signed by'
run 0 bundle verify "$work/b.tar" --model "$model" --items 15 --threads 1 --json
prints '"verdict": "PASS"'; prints '"items_asked_again": 30'

# Likelihoods made better, with numbers that follow from them, are found by asking again.
mkdir "$work/x"; tar -C "$work/x" -xf "$work/b.tar"
for db in "$work"/x/runs/*/run.sqlite; do "$sql" "$db" 'UPDATE requests SET loglikelihood = loglikelihood / 2'; done
(cd "$work/x" && tar -cf "$work/d.tar" manifest.json signature.json runs/*/*)
run 1 bundle verify "$work/d.tar"; prints 'SHA-256 differs'; prints '^FAIL'
run 1 bundle verify "$work/d.tar" --model "$model"; prints 'log-likelihood -.* in the bundle, -.* here'

# A folder's entries, as tar makes them, are no bundle; neither is anything else.
(cd "$work/x" && tar -cf "$work/e.tar" .)
run 1 bundle verify "$work/e.tar"; prints 'is no name'
run 1 bundle verify "$model"; prints 'FAIL'
run 1 bundle verify "$work/nothing.tar"; one_line
"$tool" "$work/other.gguf" q2_k
run 3 bundle verify "$work/b.tar" --model "$work/other.gguf"; says 'no evaluation in the bundle'
run 64 bundle make last; says '--out is missing'
run 64 bundle pack; one_line
[ -z "$(ls "$TMPDIR")" ] || fail 'a folder was left'
finish
