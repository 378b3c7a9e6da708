#!/bin/sh
# Results that travel: made from a real run, signed, checked, and asked again on this machine.
. "$(dirname "$0")/lib.inc"
export TMPDIR="$work/tmp"; mkdir "$TMPDIR"
sql=$(tool_of sql) || exit 1

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

# Speeds follow from samples, latencies from requests, joules from meters.
hwmon=$work/board/sys/class/hwmon/hwmon0
mkdir -p "$hwmon"; echo ina219 >"$hwmon/name"; echo 5000000 >"$hwmon/power1_input"
run 0 bench "$model" --scenario single,multi,server,sustained,load,offline --rate 80 --requests 64 \
    --duration 0.3 -p 4,9 -n 2,5 -b 3 -r 3 --sysroot "$work/board" --declared-watts 3 --vanish .2 \
    --patience 0.05 -q
run 0 bench "$model" -p 8 -n 4 --prompt-generate 8,4 -b 1,2 -r 3 --sysroot "$work/board" -q
run 0 bundle make last last~1 -o "$work/s.tar"
run 0 bundle verify "$work/s.tar"; prints '^PASS'
tampered() { # tampered STATEMENT FINDING: the bundle with every database so changed
    rm -rf "$work/y"; mkdir "$work/y"; tar -C "$work/y" -xf "$work/s.tar"
    for db in "$work"/y/runs/*/run.sqlite; do "$sql" "$db" "$1"; done
    (cd "$work/y" && tar -cf "$work/t.tar" manifest.json runs/*/*)
    run 1 bundle verify "$work/t.tar"; prints "$2"
}
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'ttft_p90_s'" \
    'single: ttft_p90_s is .*, its requests give'
tampered "UPDATE served SET first_s = first_s / 2" 'its tokens do not fit its times'
tampered "UPDATE served SET state = 'completed' WHERE state = 'cancelled'" \
    'its tokens do not fit\|completed is .*, its requests give'
tampered "DELETE FROM served WHERE idx = 63" ': arrived is 64, its requests give 63'
tampered "UPDATE bench_values SET value = 1 - value WHERE metric = 'meets_limits'" \
    'meets_limits is .*, its requests give'
tampered "UPDATE bench_values SET value = value * 2 WHERE metric = 'sustained_ratio'" \
    'sustained_ratio is .*, its requests give'
tampered "UPDATE bench_samples SET seconds = seconds / 2" 'pp8: tok_s is .*, its samples give'
tampered "UPDATE energy SET joules = joules / 2" 'energy_j is .*, its meters give'
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'joule_per_decode_token'" \
    'tg4: joule_per_decode_token is .*, its meters give'
tampered "UPDATE bench_values SET value = 9 WHERE metric = 'declared_energy_j'" \
    'declared_energy_j is 9, what was declared'

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
