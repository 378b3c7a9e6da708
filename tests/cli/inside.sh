#!/bin/sh
# tokenize, logits, score, template, generate, info: exact where they are deterministic.
. "$(dirname "$0")/lib.inc"

run 0 tokenize "$model" 'a b' --json; prints '"schema": "densimeter.tokenize/1"'
ids=$(tr -d ' \n' <"$work/out" | sed 's/.*"ids":\[\([0-9,]*\)\].*/\1/')
run 0 tokenize "$model" --ids "$ids"
[ "$(cat "$work/out")" = 'a b' ] || fail "ids $ids are not 'a b' again"
printf '%s\n' '{"text":"a b"}' '{"text":""}' >"$work/texts.jsonl"
run 0 tokenize "$model" --jsonl "$work/texts.jsonl"
printf '{"ids":[%s]}\n{"ids":[]}\n' "$ids" | cmp -s - "$work/out" ||
    fail "--jsonl: $(cat "$work/out")"
run 0 tokenize "$model" --jsonl "$work/texts.jsonl" --json
whole=$(tr -d ' \n' <"$work/out")
[ "$whole" = "{\"schema\":\"densimeter.tokenize/1\",\"lines\":[{\"ids\":[$ids]},{\"ids\":[]}]}" ] ||
    fail "--jsonl --json: $whole"
run 64 tokenize "$model"; says 'give one of'

run 0 logits "$model" --ids "$ids" --out "$work/l.f32" --json
n=$(sed -n 's/.*"n_ids": \([0-9]*\).*/\1/p' "$work/out")
vocab=$(sed -n 's/.*"n_vocab": \([0-9]*\).*/\1/p' "$work/out")
[ "$(wc -c <"$work/l.f32")" -eq $((n * vocab * 4)) ] || fail "logits: wrong size of the file"

# The same likelihood whether the blank stands before or after the join; in input order.
printf '%s\n' '{"context":"a ","continuation":"b"}' '{"context":"","continuation":"x"}' \
    '{"context":"a","continuation":" b"}' >"$work/pairs.jsonl"
run 0 score "$model" --jsonl "$work/pairs.jsonl"
[ "$(sed -n 1p "$work/out")" = "$(sed -n 3p "$work/out")" ] || fail "the blank at the join matters"
[ "$(wc -l <"$work/out")" -eq 3 ] || fail "not three answers"
"$DENSIMETER" score "$model" --jsonl - <"$work/pairs.jsonl" | cmp -s - "$work/out" ||
    fail "standard input gives other answers"
lines=$(paste -sd, "$work/out")
run 0 score "$model" --jsonl "$work/pairs.jsonl" --json
whole=$(tr -d ' \n' <"$work/out")
[ "$whole" = "{\"schema\":\"densimeter.score/1\",\"pairs\":[$lines]}" ] ||
    fail "score --json is not one document of the same numbers: $whole"

echo '{"messages":[{"role":"user","content":"hi"}],"add_generation_prompt":true}' >"$work/v.json"
run 0 template "$model" --vars "$work/v.json"; prints 'hi'
printf '{{ raise_exception("no " ~ messages[0].role) }}' >"$work/t.jinja"
run 1 template "$work/t.jinja" --vars "$work/v.json"; says 'no user'
printf '{{ strftime_now("%%Y-%%m-%%d") }}' >"$work/t.jinja"
run 0 template "$work/t.jinja" --vars "$work/v.json" --now 2026-11-23T12:00:00
[ "$(cat "$work/out")" = 2026-11-23 ] || fail "--now: $(cat "$work/out")"

run 0 generate "$model" 'a b' -n 8 --json; cp "$work/out" "$work/greedy"
prints '"finish": "'; prints '"margin": \['; prints '"prompt_tokens": '
same() { tr -d ' \n' <"$1" | sed 's/.*"ids":\(\[[0-9,]*\]\).*/\1/'; }
run 0 generate "$model" 'a b' -n 8 --json -t 1 --batch-tokens 3
[ "$(same "$work/out")" = "$(same "$work/greedy")" ] || fail "greedy text depends on threads"
run 0 generate "$model" 'a b' -n 8 --json --temperature 1 --seed 7; cp "$work/out" "$work/seven"
run 0 generate "$model" 'a b' -n 8 --json --temperature 1 --seed 7
[ "$(same "$work/out")" = "$(same "$work/seven")" ] || fail "a seed gives two texts"
run 0 generate "$model" hi --chat -n 4
# On a terminal the text's line ends before the speed is told.
"$DENSIMETER" generate "$model" hi -n 4 >"$work/out" 2>&1
[ "$(grep -c '^densimeter: 4 tokens' "$work/out")" -eq 1 ] || fail "$(cat "$work/out")"

run 0 info "$model" --json
for key in architecture parameters non_embedding file_bytes bits_per_weight tensor_types \
    context_length kv_bytes_per_token vocab chat_template sha256 memory_bytes; do
    prints "\"$key\": "
done
run 0 quantize "$model" "$work/small.gguf" --type q8_0
run 0 info "$work/small.gguf"; prints 'Q8_0'
run 0 info "$model" --participation 'the city' --tasks facts --limit 2; prints 'active, measured'
run 0 info "$model" --participation 'the city' --json
for key in parameters_active_measured weights_bytes_per_token_measured nonzero over_10_percent; do
    prints "\"$key\": "
done
run 1 info "$model" --participation a --device null; says 'does not count'; one_line
run 0 tasks show facts --doc 0 --model "$model"; prints 'tokens: '
run 0 tasks check facts
finish
