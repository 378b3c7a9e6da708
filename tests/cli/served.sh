#!/bin/sh
# eval of a model behind a server: its dialects, generations, and servers that lie, break and stall.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not here"; exit 77; }
. "$(dirname "$0")/lib.inc"
trap '[ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
python3 tests/servers/openai.py "$work" & server=$!
i=0
while [ ! -e "$work/port" ]; do
    i=$((i + 1)); [ $i -gt 100 ] && { echo "the test server does not start"; exit 1; }
    sleep 0.1
done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 OPENAI_API_KEY=sk-secret-0123456789
host=http://127.0.0.1:$(cat "$work/port")

cat >"$work/choice.json" <<'END'
{"format": "densimeter.scenario/1", "name": "pick", "version": 1, "language": "en",
 "licence": "CC0-1.0", "fields": ["text"], "prompt": "Question: {{ text }}\nAnswer:",
 "answer": {"kind": "choice", "choices": ["alarm", "some music", "été 天气"]},
 "items": [{"text": "Wake me at six", "answer": "alarm"},
           {"text": "Pleut-il à Orléans ?", "answer": "été 天气"},
           {"text": "Play something quiet", "answer": "some music"}]}
END
sed 's/alarm/xylophone/g; s/pick/other/' "$work/choice.json" >"$work/other.json"
cat >"$work/text.json" <<'END'
{"format": "densimeter.scenario/1", "name": "say", "version": 1, "language": "en",
 "licence": "CC0-1.0", "fields": ["text"], "prompt": "{{ text }}:",
 "answer": {"kind": "exact"},
 "items": [{"text": "abc", "answer": "The answer is 4."}, {"text": "abcdef", "answer": "no"}]}
END
# serve STATUS MODE TASKFILE WORDS...
serve() {
    status=$1; mode=$2; file=$3; shift 3
    run "$status" eval small --device "openai:$host/$mode/v1" --tasks "$work/$file" "$@"
}
# The likelihoods that the run has stored, as the server's model says itself.  By top_logprobs one
# token alone is the likeliest.
check_likelihoods() {
    "$DENSIMETER" items last --json >"$work/items.json" || fail "items"
    python3 - "$work/items.json" "$mode" <<'END' || fail "$mode: other likelihoods than the server's"
import json, re, sys, zlib
def nats(t):
    return -0.25 - zlib.crc32(t.encode()) % 1000 / 250
items = json.load(open(sys.argv[1]))["items"]
assert len(items) == 3
for it in items:
    told = zip(it["loglikelihoods"], it["is_greedy"], it["n_tokens"])
    for (value, greedy, n), option in zip(told, ["alarm", "some music", "été 天气"], strict=True):
        tokens = re.findall(r"\s?[^\s]+|\s", " " + option)
        assert abs(value - sum(map(nats, tokens))) < 1e-9, (value, tokens)
        words = [" alarm", " al", " some", " music", " so", " été", " 天气", " the", "\n"]
        assert greedy == all(t == max(words, key=nats) if sys.argv[2] == "llama" else
                             zlib.crc32(t.encode()) % 3 == 0 for t in tokens), tokens
        assert n == len(tokens), n
END
}

# What works.
for mode in echo plain vllm llama flaky; do
    serve 0 $mode choice.json
    prints "not measured, because a server answered:"
    prints "  weights: no file, no hash"
    check_likelihoods
done
run 0 show last --json
prints '"not_measured"'; prints '"likelihoods_by": *"echo"'; prints '"energy_j": *null'
prints '"peak_rss_bytes": *null'; prints '"computed_tokens": *null'; prints '"sha256": *null'
serve 0 echo text.json --json
prints '"ttft_s": *0\.'; prints '"generated_tokens": *16'; prints '"prompt_tokens": *22'
serve 0 plain text.json --json; prints '"generated_tokens": *14' # pieces that came
serve 0 llama text.json
serve 0 mute text.json
serve 0 echo text.json --chat --json
grep -q '"/echo/v1/chat/completions".*"role": "user"' "$work/requests" || fail "nothing went to chat"
run 0 items last --json; prints "The answer is"

# Facts are bits of knowledge; of how many parameters nobody knows.
run 0 eval small --device "openai:$host/echo/v1" --tasks facts --limit 4 --json
tr -d '\n' <"$work/out" | grep -q '"bits_per_mparam": { *"value": *null' ||
    fail "bits per parameter of unknown parameters"

# Sampled answers of the same server's model say how sure it is.
serve 0 echo text.json
serve 0 echo text.json --temperature 0.7
run 0 eval large --device "openai:$host/echo/v1" --tasks "$work/text.json"
run 0 handover last~2 last --rerun last~1 --json; prints '"best_signal": "self_consistency"'
run 3 handover last~2 last --rerun last; says "of another model"

# Several runs of one command line go on where the first was left, and are not asked again.
n=$(wc -l <"$work/requests")
serve 0 echo choice.json --limit 2
[ "$(wc -l <"$work/requests")" -eq $((n + 7)) ] || fail "not 1 + 2 * 3 requests"

# What a server does not have is said before anything is stored.
serve 1 mute choice.json; says "gives no likelihoods: by echo"; one_line
serve 1 llama other.json; says "none of its 9 likeliest tokens begins ' xylophone'"; one_line
run 1 eval tiny --device "openai:$host/echo/v1" --tasks "$work/choice.json"
says "it serves no model 'tiny'"
serve 64 echo choice.json --numerics fast; says "numerics says nothing to a server"
serve 1 echo choice.json --chat; says "through a server's chat template"
run 1 eval small --device "openai:$host/echo/v1" --tasks perplexity_text; one_line
run 64 eval small --device "openai:http://me:pass@127.0.0.1/v1" --tasks "$work/choice.json"
says "OPENAI_API_KEY"
run 64 eval small --device openai:ftp://127.0.0.1/v1 --tasks "$work/choice.json"

# Servers that lie: one line, whatever they say.
for pair in "short:token_logprobs" "above:above 1" "nothing:no likelihood" "back:begins before" \
        "cutprompt:it was cut" "many:tokens for a prompt" "nan:" "html:" "huge:bytes arrive" \
        "long:maximum context length"; do
    mode=${pair%%:*}
    serve 1 "$mode" choice.json; one_line; says "${pair#*:}"
done
serve 1 down choice.json; says "answers 500: out of memory"; says "tried 5 times"
serve 1 moved choice.json; says "answers 302"; says "moved"
serve 1 drip choice.json --request-timeout 0.4; says "imed out\|Timeout"; says "tried 5 times"
serve 1 break text.json; says "the answer breaks off"
serve 1 error text.json; says "the engine is gone"
serve 1 endless text.json; says "an answer of more than"
kill "$server"; wait "$server" 2>/dev/null; server=

# The key went to the server, and nowhere else.
grep -q 'Bearer sk-secret-0123456789' "$work/requests" || fail "the key was not sent"
python3 tests/servers/openai.py "$work" & server=$!
sleep 1; host=http://127.0.0.1:$(cat "$work/port")
serve 1 denied choice.json; says "answers 401"; says "OPENAI_API_KEY"
grep -q secret "$work/err" "$work/out" && fail "the key was printed"
for f in "$work"/results.db*; do grep -q sk-secret "$f" && fail "the key is in $f"; done
# Whose examples were shown is a setting of a served run, too: others are another run.
mkdir -p "$work/data/piqa"
for i in 1 2 3 4; do printf '{"goal":"g %d","sol1":"a","sol2":"b","label":%d}\n' $i $((i % 2)); done \
    >"$work/data/piqa/valid.jsonl"
run 0 eval small --device "openai:$host/echo/v1" --tasks piqa -k 1 --data "$work/data" -q
run 0 show last --json; prints '"examples_from":{"piqa":"valid.jsonl"}'

finish
