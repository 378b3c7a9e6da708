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
run 0 bench "$model" --scenario single,multi,server,sustained,load,offline,peaks --rate 80 --requests 64 \
    --duration 1 -p 4,9 -n 2,5 -b 3 -r 3 --sysroot "$work/board" --declared-watts 3 --vanish .2 \
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
tampered "UPDATE bench_values SET value = 7 WHERE metric = 'sustained_ratio'" \
    'sustained_ratio is .*, its requests give'
tampered "UPDATE bench_samples SET seconds = seconds / 2" 'pp8: tok_s is .*, its samples give'
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'read_bytes_s'" \
    'peaks: read_bytes_s is .*, its reads give'
tampered "UPDATE energy SET joules = joules / 2" 'energy_j is .*, its meters give'
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'joule_per_decode_token'" \
    'tg4: joule_per_decode_token is .*, its meters give'
tampered "UPDATE bench_values SET value = 9 WHERE metric = 'declared_energy_j'" \
    'declared_energy_j is 9, what was declared'
tampered "UPDATE served SET arrival_s = arrival_s / 2" ': ttft_s is .*, its requests give'
tampered "UPDATE served SET end_s = end_s * 2" ': requests_s is .*, its requests give'
tampered "UPDATE served SET token_s = '[]'" 'its tokens do not fit its times'
tampered "UPDATE served SET generated_tokens = generated_tokens + 1" 'its tokens do not fit'
tampered "UPDATE served SET prompt_tokens = prompt_tokens * 10" "none of the settings' lengths"
tampered "UPDATE served SET output_sha256 = 'ff' WHERE idx = 3" 'request 3: its tokens do not fit'
tampered "UPDATE served SET start_s = first_s + 1" 'its tokens do not fit its times'
tampered "DELETE FROM served" ': arrived is 64, its requests give 0'
tampered "UPDATE bench_samples SET seconds = seconds * 2 WHERE idx = 0" 'pp8: .*its samples give'
tampered "DELETE FROM bench_samples WHERE idx = 2" 'load@warm: .*its samples give'
tampered "INSERT INTO bench_samples SELECT bench_row_id, 99, 1e-9 FROM bench_samples WHERE idx = 0" \
    'lacks a sample'
tampered "UPDATE bench_rows SET tokens = tokens * 2" ': 16 tokens, .*are not those of its name'
tampered "UPDATE bench_rows SET test = 'pp512' WHERE test = 'pp8'" 'pp512: 8 tokens.*of its name'
tampered "UPDATE bench_rows SET batch = batch * 2" 'pp8: 8 tokens, depth 0 and batch 2 are not'
tampered "UPDATE bench_rows SET device = 'cuda:0'" 'said to have run on cuda:0, the run on cpu'
tampered "UPDATE bench_values SET low = value, high = value WHERE metric = 'tok_s'" \
    'pp8: tok_s lies in .*, its samples give'
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'tpot_s'" 'tg4: tpot_s is'
tampered "DELETE FROM bench_values WHERE metric = 'tpot_p90_s'" 'tpot_p90_s is nan, its requests'
tampered "UPDATE bench_values SET value = value * 2 WHERE metric = 'bandwidth_bytes_s'" \
    'tg4: bandwidth_bytes_s is .*, its samples and weights give'
tampered "UPDATE bench_values SET value = value / 2 WHERE metric = 'weights_bytes_per_token'" \
    'tg4: bandwidth_bytes_s is .*, its samples and weights give'
tampered "UPDATE energy SET seconds = seconds / 2" ': hwmon was read for .* s, it took'
tampered "UPDATE energy SET is_headline = 0" 'energy_j is .*, its meters give nan'
tampered "UPDATE energy SET origin = 'measured'" 'declared_energy_j is .*, what was declared gives nan'
tampered "UPDATE energy SET joules = NULL, reason = 'no_meter' WHERE is_headline = 1" \
    'energy_j is .*, its meters give nan'
tampered "DELETE FROM energy" 'energy_j is .*, its meters give nan'
tampered "UPDATE runs SET settings = replace(settings, ':3', ':4')" 'does not have the hash beside it'
tampered "UPDATE machines SET json = '{}'" 'system.json is not the machine of its database'

# Audits of the device that the runs are of: verdicts follow from samples, limits are fixed.
"$DENSIMETER" device audit cpu "$model" --items 3 --prompts 1 --tokens 12 --out "$work/audit.json" \
    >"$work/out" 2>"$work/err"
rc=$?; [ $rc -eq 0 ] || [ $rc -eq 2 ] || fail "the CPU is audited: status $rc"
run 0 bundle make last~3 --audit "$work/audit.json" -o "$work/a.tar"
run 0 bundle verify "$work/a.tar"; prints '^PASS .* 1 run, 1 audit,'
audit_tampered() { # audit_tampered SED FINDING
    rm -rf "$work/y"; mkdir "$work/y"; tar -C "$work/y" -xf "$work/a.tar"
    sed -i "$1" "$work/y/audit/1.json"
    cmp -s "$work/y/audit/1.json" "$work/audit.json" && fail "nothing was changed: $1"
    (cd "$work/y" && tar -cf "$work/t.tar" manifest.json audit/1.json runs/*/*)
    run 1 bundle verify "$work/t.tar"; prints "$2"; prints 'the manifest says\|SHA-256 differs'
}
audit_tampered '0,/"verdict":/s/"verdict": *"[A-Z]*"/"verdict":"FAIL"/' 'its verdict is FAIL, its audits'
audit_tampered '0,/"found":/s/"found": *"/&not /' 'found something else than its samples say'
audit_tampered '0,/"samples":/{s/"samples": *\[/&9,/}' "failed the audit 'precision'"
audit_tampered 's/"limit": *0.001/"limit":0.5/' 'limit 0.5, and at most 0.001 is allowed'
audit_tampered 's/"device": *"cpu"/"device":"gpu"/' 'of device gpu and a model that no run'
audit_tampered 's/"model_sha256": *"[0-9a-f]/&f/' 'a model that no run of the bundle has'
audit_tampered 's/"numerics": *"exact/"numerics":"fast/' 'a model that no run of the bundle has'
audit_tampered 's/"audit": *"known"/"audit":"other"/' "where is the audit 'known'"
audit_tampered 's/densimeter.device/densimeter.show/' "no document of 'device audit"
sed 's/"device": *"cpu"/"device":"gpu"/' "$work/audit.json" >"$work/other.json"
run 3 bundle make last --audit "$work/other.json" -o "$work/z.tar"; one_line
run 1 bundle make last --audit "$model" -o "$work/z.tar"; one_line

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
