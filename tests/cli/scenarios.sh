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
run 1 explain last --task words2; one_line

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
