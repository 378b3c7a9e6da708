#!/bin/sh
# docs/scenarios.md, line by line: its files are written, its commands are run; then what it says of
# verdicts and of mistakes.
. "$(dirname "$0")/lib.inc"
page=$PWD/docs/scenarios.md
mkdir "$work/bin"
ln -s "$DENSIMETER" "$work/bin/densimeter"
PATH=$work/bin:$PATH
cd "$work" || exit 1
export model
awk '/^```console/ { on = 1; next } /^```json / { file = $2; json = 1; next }
     /^```/ { if (json) print "cp page-" file " " file; on = json = 0; next }
     on && /^\$ / { sub(/^\$ /, ""); gsub(/MODEL/, "$model"); print }
     json { print > ("page-" file) }' "$page" >commands
commands=0
while IFS= read -r line; do
    commands=$((commands + 1))
    sh -c "$line" >out 2>err </dev/null || { fail "$line: exit status $?"; cat out err; }
done <commands
[ $commands -ge 7 ] || fail "only $commands commands were found in $page"
run 0 show last --csv; prints '^timers,2,7,acc,'; prints '^timers,2,7,"acc,sums",'
run 0 items last --task timers --jsonl; prints '"gold":"120"'

# What lies behind a score: of texts, and of options.
run 0 tasks new words --kind choice -q
run 0 eval "$model" --tasks words.json,toxicity --limit 8
run 0 explain last --csv; prints '^words,ece,'; prints '^words,place_2,'; prints '^toxicity,repeating,'
run 0 explain last --task toxicity; prints 'toxicity: right (rows)'; prints ' fine$'
run 0 explain last --json; prints '"schema": "densimeter.explain/1"'; prints '"confusion"'
run 64 explain last --task words2; one_line

# What a score depends on: wording, examples, the order of options.
run 0 probe "$model" --tasks intent --vary wording --limit 4 --csv
prints '^intent,wording 2,'; prints '^intent,same answer in all,'
run 0 probe "$model" --tasks toxicity --vary shots --seeds 3 --limit 4 --json
prints '"schema": "densimeter.probe/1"'; prints '"name": "seed 1236"'; prints '"same_answer"'
cat >letters.json <<'EOF'
{"format": "densimeter.scenario/1", "name": "letters", "version": 1, "language": "en",
 "licence": "CC0-1.0", "fields": ["text"],
 "prompt": "{{ text }}{% for c in choices %}\n{{ 'ABC'[loop.index0] }}. {{ c }}{% endfor %}\nAnswer:",
 "answer": {"kind": "choice", "by": "letter"},
 "items": [{"text": "Sky?", "choices": ["red", "blue", "green"], "answer": 1},
           {"text": "Grass?", "choices": ["green", "pink", "blue"], "answer": 0}]}
EOF
run 0 tasks check letters.json
run 0 probe "$model" --tasks letters.json --csv
prints '^letters.json,as it is,'; prints '^letters.json,moved by 2,'
grep -q 'moved by 3' "$work/out" && fail "three options have three orders"
run 1 probe "$model" --tasks toxicity; one_line; says 'no options whose order could matter'
run 1 probe "$model" --tasks smart_reply; one_line; says 'does not list options'
run 64 probe "$model"; one_line
run 0 probe "$model" --tasks words.json --vary sequence --json
prints '"shards": [1-9]'; prints '"p": 0\.\|"p": 1\|"p": null'
run 3 probe "$model" --tasks toxicity --vary sequence --limit 2; one_line; says 'fewer than 3 items'

# An item's own text: the numbers are those that its logits and its twin's likelihood give.
cat >known.json <<'EOF'
{"format": "densimeter.scenario/1", "name": "known", "version": 1, "language": "en",
 "licence": "CC0-1.0", "fields": ["text"], "prompt": "{{ text }}", "answer": {"kind": "choice"},
 "items": [{"text": "The capital of France, said Anna, is a city on the Seine called", "choices": ["Paris", "Rome"], "answer": 0},
           {"text": "all of this is in small letters, so there is no twin of it at all, is there", "choices": ["no", "yes"], "answer": 0},
           {"text": "A", "choices": ["B", "C"], "answer": 1}]}
EOF
run 0 probe "$model" --tasks known.json --vary case --json --bos always
cp out found
for text in "The capital of France, said Anna, is a city on the Seine called Paris" \
    "all of this is in small letters, so there is no twin of it at all, is there no"; do
    run 0 tokenize "$model" "$text" --bos --json
    ids=$(python3 -c 'import json; print(",".join(map(str, json.load(open("out"))["ids"])))')
    echo "$ids" >>ids
    run 0 logits "$model" --ids "$ids" --out "$work/logits.$(wc -l <ids)" --json
done
printf '%s\n' '{"context": "", "continuation": "The capital of France, said Anna, is a city on the Seine called Paris"}' \
    '{"context": "", "continuation": "the capital of france, said anna, is a city on the seine called paris"}' >twins
printf '%s\n' '{"context": "", "continuation": "A C"}' '{"context": "", "continuation": "a c"}' >>twins
run 0 score "$model" --jsonl twins
python3 - found ids logits out <<'EOF' || fail "probe --vary case: other numbers than the logits give"
import array, json, math, sys
found = {v["name"]: v["value"] for v in json.load(open(sys.argv[1]))["tasks"][0]["values"]}
low, high, mean = [], [], []
for k, line in enumerate(open(sys.argv[2]), 1):
    ids = [int(x) for x in line.split(",")]
    rows = array.array("f", open("%s.%d" % (sys.argv[3], k), "rb").read())
    vocab, nats, z = len(rows) // len(ids), [], []
    for i in range(len(ids) - 1):
        row = rows[i * vocab:(i + 1) * vocab]
        lse = math.log(sum(math.exp(x) for x in row))
        lp = [x - lse for x in row]
        mu = sum(math.exp(x) * x for x in lp)
        nats.append(lp[ids[i + 1]])
        z.append((nats[-1] - mu) / math.sqrt(sum(math.exp(x) * (x - mu) ** 2 for x in lp)))
    n = -(-len(nats) // 5)
    low.append(sum(sorted(nats)[:n]) / n); high.append(sum(sorted(z)[:n]) / n); mean.append(sum(nats) / len(nats))
lls = [json.loads(line)["loglikelihood"] for line in open(sys.argv[4])]
want = {"min-20 %": sum(low) / 2, "min-20 %++": sum(high) / 2, "ln p of a token": sum(mean) / 2,
        "nats that small letters cost": (lls[0] - lls[1] + lls[2] - lls[3]) / 2,
        "likelier than in small letters": ((lls[0] > lls[1]) + (lls[2] > lls[3])) / 2}
assert found.keys() == want.keys(), found
for name in want:
    assert abs(found[name] - want[name]) < 1e-4, (name, found[name], want[name])
EOF
run 0 probe "$model" --tasks needle_4k --vary depth --limit 10 --max-length 512 --csv; prints '^needle_4k,depth 0.05,'; prints '^needle_4k,middle less ends,'
run 1 probe "$model" --tasks known.json --vary depth; one_line; says 'do not say at which depth'

# Probes are kept with the model, the same one once, and not where nobody wants that.
run 0 runs --probes --csv
prints '^case,known.json,min-20 %,\|^case,known,min-20 %,'; prints '^order,letters,range,'
before=$(wc -l <out)
run 0 probe "$model" --tasks known.json --vary case --bos always
run 0 probe "$model" --tasks known.json --vary case --bos never --no-store
run 0 runs --probes --csv; [ "$(wc -l <out)" -eq "$before" ] || fail "a probe was kept twice, or in spite of --no-store"
run 0 runs --probes --json; prints '"probe": "wording"'; prints '"schema": "densimeter.runs/1"'
run 0 show last --json; prints '"probes": \['; prints '"name": "min-20 %++"'
run 0 show last; prints 'nats that small letters cost'

# A judge reads what was generated: two likelihoods more, which the item does not pay for.
run 0 tasks new judged --kind judge -q
run 0 eval "$model" --tasks judged.json
run 0 show last --csv; prints '^judged,0,2,acc,'; prints '^judged,0,2,credit,'
run 0 items last --jsonl; prints '"loglikelihoods":\[null,-[0-9.]*,-[0-9.]*\]'

# Another model judges: what it was asked has the likelihoods that it gives by itself, the outputs
# stay the model's own, and the run says who judged.
"$tool" "$work/judge.gguf" q8_0 || exit 1
run 0 items last --jsonl; sed 's/.*"output":\("[^"]*"\).*/\1/' out >own
run 0 eval "$model" --tasks judged.json --judge "$work/judge.gguf" --keep-prompts
run 0 items last --jsonl; sed 's/.*"output":\("[^"]*"\).*/\1/' out >judged
cmp -s own judged || fail "the judge changed the outputs"
cp out lines
python3 - lines >asked <<'EOF' || fail "what the judge was asked"
import json, sys
for line in open(sys.argv[1]):
    for context, continuation in json.loads(line)["arguments"][1:]:
        print(json.dumps({"context": context, "continuation": continuation}))
EOF
run 0 score "$work/judge.gguf" --jsonl asked
python3 - lines out <<'EOF' || fail "the likelihoods are not the judge's"
import json, sys
kept = [x for line in open(sys.argv[1]) for x in json.loads(line)["loglikelihoods"][1:]]
own = [json.loads(line)["loglikelihood"] for line in open(sys.argv[2])]
assert len(kept) == len(own) == 4 and kept == own, (kept, own)
EOF
run 0 show last --json
sha=$(sha256sum "$work/judge.gguf" | cut -c1-64)
prints "$sha"
run 64 eval "$model" --tasks words.json --judge "$work/judge.gguf"; one_line; says 'none of the tasks asks a judge'
run 1 eval "$model" --tasks judged.json --judge "$work/none.gguf"; one_line

# Verdict and exit status.
sed 's/"slices": \["sums"\],$/&\n"pass": {"metric": "acc", "at_least": 0.9},/' timers.json >pass.json
run 0 tasks check pass.json
run 1 eval "$model" --tasks pass.json; prints 'timers: FAIL, acc must be 0.9 at least'
run 0 show last --json; prints '"verdict": *"FAIL"'
sed 's/0\.9}/0.2}/' pass.json >easy.json
run 2 eval "$model" --tasks easy.json; prints 'INCONCLUSIVE'

# Mistakes: the exit status is 1, the place is told, and nothing is measured with such a file.
sed 's/"fields"/"felds"/' timers.json >bad.json
run 1 tasks check bad.json; prints 'bad.json:8:3: a scenario has no "felds" (did you mean "fields"?)'
run 1 eval "$model" --tasks bad.json; one_line; says 'bad.json:8:3:'; says 'did you mean "fields"'
sed 's/"said": "two hours"/"said": "a quarter of an hour"/' timers.json >twice.json
run 1 tasks check twice.json; prints 'twice.json:23:5: asks the same as item 3'
run 1 eval "$model" --tasks missing.json; one_line; says 'missing.json'
run 64 tasks new timers; one_line; says 'is there already'
run 64 tasks new other --kind nmber; says "did you mean 'number'"
run 0 tasks new --kinds; prints '^call '
run 0 tasks new --schema; prints '"additionalProperties": false'
finish
