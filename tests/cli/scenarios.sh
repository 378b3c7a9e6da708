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
