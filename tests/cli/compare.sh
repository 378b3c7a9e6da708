#!/bin/sh
# Two runs side by side, as a person asks for them.
. "$(dirname "$0")/lib.inc"

run 0 eval "$model" --tasks facts,perplexity_text --limit 6 -q
"$tool" "$work/other.gguf" Q8_0 || fail "no second model"
run 0 eval "$work/other.gguf" --tasks facts,perplexity_text --limit 6 -q

run 0 compare last~1 last; prints 'What differs besides the results'; prints '^model: '; prints facts
[ "$(awk '{ n = length($0); if (n > m) m = n } END { print m }' "$work/out")" -le 100 ] ||
    fail "a line of the comparison is wider than a terminal"
run 0 compare last~1 last --json; prints '"schema": "densimeter.compare/1"'; prints '"nats_per_byte": {'
run 0 compare last~1 last --html "$work/page.html" -q
run 0 compare last~1 last -o "$work/same.html" -q
cmp -s "$work/page.html" "$work/same.html" || fail "-o page.html is not what --html writes"
grep -q '</html>' "$work/page.html" || fail "no page"
grep -q 'src=.http\|href=.http' "$work/page.html" && fail "the page needs the network"

# Equal runs have nothing to tell.
run 0 eval "$model" --tasks facts,perplexity_text --limit 6 -q
run 0 compare last~2 last --json; prints '"lost": \[\]'

# What only one of them has is named.
run 0 eval "$model" --tasks facts --limit 6 -q
run 3 compare last~1 last; says 'has tasks that run .* has not: perplexity_text'; one_line
run 0 eval "$model" --tasks facts --limit 5 -q
run 3 compare last~1 last; says 'facts: 1 item of run .* not in run'; one_line
run 64 compare last; one_line
run 1 compare last nobody; one_line

# Benches.
run 0 bench "$model" -p 8 -n 2 -r 3 -q; run 0 bench "$model" -p 8 -n 2 -r 3 -q
run 0 compare last~1 last; prints 'pp8'; prints 'B/A'
run 3 compare last~2 last; says 'of kind'
finish
