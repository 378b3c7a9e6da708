# Every command that takes --json prints a document that docs/schema describes; every schema is one
# of a document, and sound.
. "$(dirname "$0")/lib.inc"
"$conforms" "$schemas" || fail "schemas that are not sound"

for name in $(sed -n 's/.*context_json_begin([^,]*, "\([^"]*\)").*/\1/p; s/.*print_json(c, "\([a-z]*\)".*/\1/p' harness/*.c); do
    [ -e "docs/schema/$name.json" ] || fail "docs/schema/$name.json is missing"
done
for schema in docs/schema/*.json; do
    grep -q "(.*, \"$(basename "$schema" .json)\"[,)]" harness/*.c || fail "$schema is of no document"
done

"$tool" "$work/other.gguf" q8_0; other=$work/other.gguf
printf '{"context":"the","continuation":" city"}\n' >"$work/pairs"
printf '{"messages":[{"role":"user","content":"hi"}]}\n' >"$work/vars"
echo '{{ messages[0].content }}' >"$work/t.jinja"
printf '{"text":"a b"}\n' >"$work/texts"
echo '{"name": "p", "models": ["tiny"], "tasks": [{"tasks": "facts", "limit": 4}], "settings": [{"threads": 1}]}' >"$work/plan.json"
ask="--tasks facts --limit 40 -t 1 -q --json"
run 0 eval "$model" $ask; run 0 label last one; run 0 eval "$other" $ask; run 0 label last two
run 0 bench "$model" -p 8 -n 2 -r 2 -t 1 -q --json
run 0 bench "$model" --scenario single -p 4 -n 4 --requests 4 -t 1 -q --json
while IFS='|' read -r status words; do
    eval "run $status $words --json"
done <<'ROWS'
0|help
0|completions bash
0|models
0|info "$model"
0|quantize "$model" "$work/q.gguf" --type q8_0
0|tokenize "$model" "a b"
0|tokenize "$model" --jsonl "$work/texts"
0|logits "$model" --ids 1,2,3 --out "$work/l.f32"
0|score "$model" --jsonl "$work/pairs"
0|template "$work/t.jinja" --vars "$work/vars"
0|generate "$model" "a b" -n 4
0|pull --list
0|probe "$model" --tasks facts --limit 4 --vary shots -t 1
0|run "$work/plan.json" -q
0|tasks
0|tasks show facts --doc 1
0|tasks show facts --doc 1 --convention lm-eval --model "$model"
0|tasks check facts
0|runs
0|runs --probes
0|show last
0|items one
0|explain one
0|label last mine@2025-03-14
0|export one --format lm-eval -o "$work/samples"
0|import "$work/samples"/results*.json
0|db check
0|ruler
0|ruler show pythia-oll-hellaswag
0|ruler check pythia-oll-hellaswag
0|report -o "$work/page.html" --gnuplot /nonexistent
0|trend
0|tracker
0|envelope --device raspberry-pi-5
0|devices
0|verify --list
0|compare one two
0|handover one two
0|bundle key "$work/key.pem"
0|bundle make one -o "$work/b.tar" --key "$work/key.pem"
0|bundle verify "$work/b.tar"
0|nightly install "$work/plan.json" --user --to "$work/units"
0|nightly pin last
0|device check cpu --only linear
ROWS
missing=$("$DENSIMETER" help --json | sed -n '/"commands"/,/\]/s/^ *"\([a-z]*\)",\{0,1\}$/\1/p' | while read -r c; do
    grep -q "^$c\(\.\|$\)" "$work/seen" || ls docs/schema | grep -q "^$c\(\.[a-z]*\)*\.json" || echo "$c"; done)
[ -z "$missing" ] || fail "without a schema: $missing"
finish
