#!/bin/sh
# bench, with a stand-in for llama-bench that prints what llama-bench prints.
. "$(dirname "$0")/lib.inc"

run 0 bench "$model" -p 16 -n 4 -d 0,8 -b 1,2 -r 2 --prompt-generate 8,4 --json
prints '"schema": "densimeter.bench/1"'
for test in pp16 tg4 tg4@b2 pp16@d8 tg4@d8 tg4@d8@b2 pp8+tg4 pp8+tg4@d8; do
    prints "\"test\": \"$test\""
done
for key in tok_s median low high samples ttft_s tpot_s peak_rss_bytes weights_bytes_per_token \
    bandwidth_bytes_s energy_j joule_per_token noise; do
    prints "\"$key\":"
done

run 0 bench "$model" -p 16 -n 4 -b 2 -r 1 --profile --json
for key in profiles kinds operations busy_s wait_s flop bytes peak_flop_s peak_bytes_s; do
    prints "\"$key\":"
done
run 0 bench "$model" -p 16 -n 0 -r 1 --profile
prints 'linear ffn_gate'; prints '^barriers'; prints '^begin and end'
run 0 bench "$model" -p 16 -n 0 -r 1 --roofline -o "$work/roof.html"
prints 'GFLOP/s'; prints "linear ffn_gate"; prints 'barriers'; prints '^float32 peak: [0-9]'
grep -q '<svg' "$work/roof.html" || grep -q 'gnuplot' "$work/roof.html" || fail "no plot of the roofline"
run 0 bench "$model" -p 16 -n 0 -r 1 --roofline --numerics fast --json
prints '"peak_int8_s":'; prints '"counters":{'; prints '"page_faults":'
# Against what lm-eval has logged: here what this program wrote in its form.
run 0 eval "$model" --tasks world_people --limit 3 --keep-prompts -q
run 0 export last --format lm-eval -o "$work/lm"
run 0 bench "$model" --versus-lm-eval "$work"/lm/samples_*.jsonl -r 2
prints ' requests of 3 items$'; prints 'differ by 0 nats at most'; prints '^lm-eval  densimeter'
grep -q ' s there$' "$work/out" || fail "the time in the results beside the samples is not told"
run 0 bench "$model" --versus-lm-eval "$work"/lm/samples_*.jsonl -r 1 --lm-eval-seconds 60 --json
prints '"largest_difference":0,'; prints '"lm_eval_seconds":60'; prints '"program": "lm-eval"'
echo '{"doc_id": 0' >"$work/lm/samples_bad_x.jsonl"
run 1 bench "$model" --versus-lm-eval "$work/lm/samples_bad_x.jsonl"; one_line
run 64 bench "$model" -o x.html; says "out goes with --roofline"
run 1 bench "$model" -p 16 -n 0 -r 1 --profile --device null; says 'where its time goes'

cat >"$work/llama-bench" <<'END'
#!/bin/sh
echo "$@" >>"$0.args"
echo 'loading' >&2
echo '[{"n_prompt": 16, "n_gen": 0, "samples_ns": [ 1000000000 ], "avg_ns": 1000000000}]'
END
chmod +x "$work/llama-bench"
run 0 bench "$model" -p 16 -n 0 -r 6 --versus "$work/llama-bench" --json
prints '"program": "llama-bench"'; prints '"speed_ratio": {'
[ "$(wc -l <"$work/llama-bench.args")" -eq 6 ] || fail "the rival did not run six times"
grep -q -- "-m $model .*-r 1 -o json -p 16 -n 0" "$work/llama-bench.args" ||
    fail "the rival was asked for something else: $(head -n 1 "$work/llama-bench.args")"
grep -q -- ' -d ' "$work/llama-bench.args" && fail "a depth of 0 was asked for, which not every llama-bench knows"
run 0 bench "$model" -p 0 -n 2 -d 8 -r 1 --versus "$work/llama-bench" -q
tail -n 1 "$work/llama-bench.args" | grep -q -- '-p 0 -n 2 -d 8$' || fail "the rival was asked for another depth"

printf '#!/bin/sh\nexit 3\n' >"$work/broken"; printf '#!/bin/sh\necho "[]"\n' >"$work/silent"
chmod +x "$work/broken" "$work/silent"
run 1 bench "$model" -p 8 -n 0 --versus "$work/broken"; says 'broken: ended with status 3'
run 1 bench "$model" -p 8 -n 0 --versus "$work/silent"; says 'no samples_ns'; says 'hint: .*llama-bench'
run 1 bench "$model" -p 8 -n 0 --versus "$work/absent"; says 'absent'
run 0 show last --json

# Latency scenarios: every request is a row, and the figures add up.
run 0 bench "$model" --scenario single,multi,server,offline,sustained,load -p 4,9 -n 2,5 \
    --requests 64 -b 3 -r 2 --rate 50 --duration 0.3 --json
for test in single multi@b3 server@50/s offline sustained load@warm; do
    prints "\"test\": \"$test\""
done
for key in arrived completed refused cancelled failed queue_longest rate_s meets_limits ttft_p90_s \
    ttft_claim_s tpot_p99_s gap_p50_s gap_max_s latency_claim_s burst_tok_s sustained_ratio load_s \
    resident_share arrival_s first_s last_s token_s prompt_tokens wanted_tokens; do
    prints "\"$key\":"
done
run 0 show last; prints '^single'; prints '^load@warm'; prints '^multi@b3 *66 *66 *0 *0 *0 '
run 0 show last --csv; prints 'arrived,completed,refused'
run 0 report last -o "$work/served.md"; grep -q 'How far apart tokens come' "$work/served.md" || fail "the report lacks the gaps"
grep -q 'Latency as users meet it' "$work/served.md" ||
    fail "the report has no scenarios"
run 0 export last --format json -o "$work/served.json"
run 0 export last --format csv -o "$work/served.csv"
run 0 import "$work/served.csv" --db "$work/table.db"
run 3 export last --format lm-eval -o "$work/nothing"; one_line; says 'asked no task'
grep -q '"state": *"completed"' "$work/served.json" || fail "the export has no requests"
run 0 db check
hashes() { # of the first 64 requests of a test
    sed -n "/\"test\": *\"$1\"/,/\"noise\"/p" "$work/served.json" |
        grep -o '"output_sha256": *"[0-9a-f]*"' | head -n 64
}
[ "$(hashes single | wc -l)" -eq 64 ] || fail "the answers of single are not hashed"
for test in multi@b3 offline 'server@50\/s'; do
    [ "$(hashes single)" = "$(hashes "$test")" ] || fail "$test was answered otherwise than single"
done
run 0 export last --format sqlite -o "$work/copy.db"
run 0 db check --db "$work/copy.db"
"$DENSIMETER" show last --json --db "$work/copy.db" >"$work/out"; prints '"output_sha256"'
run 0 bench "$model" --scenario server -p 9 -n 5 --requests 100 --rate 100000 --queue 4 -b 2 \
    --vanish 0.5 --patience 0.01 --json
sum=0
for state in completed refused cancelled failed; do
    rows=$(grep -o "\"state\": *\"$state\"" "$work/out" | wc -l)
    prints "\"$state\": *${rows}[,}]*\$"
    sum=$((sum + rows))
done
[ $sum -eq 100 ] || fail "100 requests arrived, $sum are kept"
prints '"queue_longest": *4[,}]*$'
# Ctrl-C in a scenario: what was answered is a row that says so, and the same command plays it again
# from its beginning; nothing is in two rows of one name.
set -- bench "$model" --scenario offline,sustained -p 9 -n 5 --requests 5 -b 2 --duration 4 -q
for part in 1 2; do
    "$DENSIMETER" "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    until "$DENSIMETER" runs --csv 2>/dev/null | grep -q ',running' &&
        "$DENSIMETER" show last 2>/dev/null | grep -q '^offline '; do sleep 0.1; done
    sleep 0.7; kill -INT $pid; wait $pid
    rc=$?
    [ $rc -eq 130 ] || fail "an interrupted scenario ended with status $rc"
    says 'finished tests are kept'
    run 0 show last; prints "^sustained~$part .* 1  "
done
run 0 "$@"; prints '^sustained '; prints '^sustained~1 '; prints '^sustained~2 '
[ "$(grep -c '^offline ' "$work/out")" -eq 2 ] || fail "offline was played twice"
run 0 show last --json
python3 - "$work/out" <<'EOP' || fail "an interrupted scenario's figures do not add up"
import json, sys
rows = {b["test"]: b for b in json.load(open(sys.argv[1]))["bench"]}
assert sorted(rows) == ["offline", "sustained", "sustained~1", "sustained~2"], sorted(rows)
for name, row in rows.items():
    s, states = row["scenario"], [q["state"] for q in row["requests"]]
    assert len(states) == s["arrived"] == s["completed"] + s["cancelled"], name
    assert states.count("completed") == s["completed"] >= ("~" not in name), name
    assert ("~" in name) == (s.get("interrupted") == 1), name
    assert "~" in name or s["cancelled"] == 0, name
    assert ("~" in name) == ("sustained_ratio" not in s) or name == "offline", (name, s)
EOP
run 0 bundle make last -o "$work/parts.tar"; run 0 bundle verify "$work/parts.tar"
run 0 compare last last; grep -q 'sustained~' "$work/out" && fail "a part is compared as a whole"
run 64 bench "$model" --scenario nonsense; says "'nonsense' is none"
run 64 bench "$model" --scenario server -p 4 -n 2 --requests 5; says 'too few to claim'
run 64 bench "$model" --scenario multi -b 17; says 'at most 16 requests run together'
run 0 bench "$model" --scenario single -p 4000 -n 2 --requests 3 --json
says 'single: 3 of 3 requests failed: .*the context has'; prints '"failed": *3'
run 0 bench "$model" --scenario depths --json
says 'pp8192: left out, the context of the model has'
# Which factors of longrope the context has chosen is kept with the run.
long=${DENSIMETER_SHARED:-../shared}/golden/arch/phi3-long/model.gguf
if [ -r "$long" ]; then
    run 0 bench "$long" -p 8 -n 0 -r 1 --json
    run 0 show last --json; prints '"rope":"longrope, short factors"'
    run 0 bench "$long" -p 40 -n 0 -r 1 --json
    run 0 show last --json; prints '"rope":"longrope, long factors"'
fi
run 0 devices --json; prints '"device": "cpu"'
"$DENSIMETER" doctor --seconds 0.1 --json >"$work/out" 2>"$work/err"
rc=$?
[ $rc -eq 0 ] || [ $rc -eq 3 ] || fail "doctor ends with $rc"
prints '"bandwidth_bytes_s": [0-9]'; prints '"flop_s": [0-9]'; prints '"quiet": '
finish
