#!/bin/sh
# The page about stored runs: measured here, written in every form, referring to nothing outside.
. "$(dirname "$0")/lib.inc"

run 1 report -o "$work/r.html"; one_line; says 'no results yet'
[ ! -e "$work/r.html" ] || fail "a page about nothing was written"

run 0 eval "$model" --tasks facts,perplexity_text --limit 6
run 0 eval "$model" --tasks facts --limit 6 --numerics fast
run 0 bench "$model" -p 16 -n 4 -r 3
run 0 runs --csv
evaluated=$(sed -n 's/^\([0-9a-f]*\),.*,eval,.*/\1/p' "$work/out" | head -n 1)
[ -n "$evaluated" ] || fail "no eval run is listed"

for suffix in html md csv json txt; do
    run 0 report -o "$work/r.$suffix"; says "r.$suffix"
    grep -q "$evaluated" "$work/r.$suffix" || fail "r.$suffix does not name run $evaluated"
    [ "$suffix" = csv ] || grep -q 'Numerics exact/1' "$work/r.$suffix" ||
        fail "r.$suffix lacks the method"
done
grep -qi '<script\|<iframe\|<img\|@import\|url([^#]\|<link [^>]*href="[^d]' "$work/r.html" &&
    fail "the page runs or fetches something"
grep -o 'https\{0,1\}:[^"<> ]*' "$work/r.html" | grep -qv '^http://www.w3.org/' &&
    fail "the page refers to another one: $(grep -o 'https\{0,1\}:[^"<> ]*' "$work/r.html" | head -n 3)"
wide=$(awk '/^(test|task|model|point|run|kind) / { t = 1 } /^$/ { t = 0 } t && length($0) > 100' "$work/r.txt")
[ -z "$wide" ] || fail "tables are too wide: $wide"

# Standard output, the default page, both at once.
run 0 report -o -; prints 'Knowledge density'; prints 'Decode speed against file size'
run 0 report --json; prints '"schema": "densimeter.report/1"'
[ "$(head -c 1 "$work/out")" = '{' ] || fail "--json prints something else first"
run 0 report --csv; prints 'bits_per_mparam_active'
(cd "$work" && "$DENSIMETER" report --quiet) && [ -s "$work/report.html" ] ||
    fail "report.html is not what is written by itself"
run 0 report --json -o "$work/both.html"; prints '"schema"'; [ -s "$work/both.html" ] || fail "no both.html"

# The index: a row for every task and test, which leads to its run.
(cd "$work" && "$DENSIMETER" report --index --quiet) && [ -s "$work/index.html" ] ||
    fail "index.html is not what is written by itself"
grep -q "<a href=\"#run-$evaluated\">" "$work/index.html" || fail "the index does not lead to $evaluated"
grep -q "<dt id=\"run-$evaluated\">" "$work/index.html" || fail "the index has no $evaluated to lead to"
for suffix in md csv json; do run 0 report --index -o "$work/i.$suffix"; done
run 0 report --index --csv; prints 'index,1,task,facts'

# One run by name has nothing of the others.
run 0 report "$evaluated" -o "$work/one.txt"
grep -q 'Prefill and decode speed: unknown' "$work/one.txt" || fail "a run by name: others are there"

# Without gnuplot there are numbers, and the reason.
run 0 report -o "$work/plain.html" --gnuplot "$work/absent"
grep -q 'Not drawn' "$work/plain.html" || fail "no reason for the missing plots"

# What cannot be done.
run 64 report -o "$work/r.pdf"; one_line; says '.html, .md, .csv, .json or .txt'
run 64 report -o "$work/report"; one_line
run 64 report --json --open; one_line
run 1 report nosuchrun -o "$work/r.html"; one_line
run 1 report -o "$work/absent/r.html"; one_line; says 'absent/r.html'

# --open hands the page to xdg-open; where that is missing the page is there all the same.
mkdir "$work/bin"
printf '#!/bin/sh\necho "$1" >"%s/opened"\n' "$work" >"$work/bin/xdg-open"
chmod +x "$work/bin/xdg-open"
(PATH=$work/bin:$PATH "$DENSIMETER" report -o "$work/r.html" --open --quiet) ||
    fail "with xdg-open: exit status $?"
[ "$(cat "$work/opened" 2>/dev/null)" = "$work/r.html" ] || fail "xdg-open was not given the page"
rm "$work/r.html"
(PATH=$work/nothing "$DENSIMETER" report -o "$work/r.html" --open >"$work/out" 2>"$work/err") ||
    fail "without xdg-open: exit status $?"
says 'was not opened'
[ -s "$work/r.html" ] || fail "without xdg-open there is no page"
finish
