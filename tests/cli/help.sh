#!/bin/sh
# Help, man page and completions come from one table, and other programs accept them.
. "$(dirname "$0")/lib.inc"

run 0 help; prints '^Models:'; prints '^Concluding:'
commands=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$work/out")
for command in pull models info quantize tokenize logits score template generate bench eval run tasks \
    runs show items label export import db report compare gate nightly devices doctor help completions; do
    echo "$commands" | grep -qx "$command" || fail "help does not list $command"
done
# An option is the same everywhere: one short letter, and a value always or never.  Contracts of their
# own: tokenize puts BOS or does not, items prints JSON lines, bench profiles itself.
for command in $commands; do
    "$DENSIMETER" help "$command" | sed -nE '/^Every command/q; s/^  (-.,|   ) (--[a-z-]+)( [^ ]+)?.*/\2 \1 \3/p' |
        awk -v c="$command" '{ short = $2 ~ /^-.,$/ ? $2 : "none"; value = NF > 2 || (NF == 2 && short == "none")
                               print $1, short, value ? "value" : "flag", c }'
done | sort -u >"$work/options"
[ "$(wc -l <"$work/options")" -ge 200 ] || fail "only $(wc -l <"$work/options") options were found"
grep -vE -- '^--(bos .* tokenize|jsonl .* items|profile .* bench)$' "$work/options" | sort |
    awk '{ what = $2 " " $3; if ($1 == last && what != known) print $1 ": " $2, $3, "in", $4 ", but", known, "in", where
           last = $1; known = what; where = $4 }' >"$work/odd"
[ ! -s "$work/odd" ] || fail "options differ from command to command: $(cat "$work/odd")"
for command in $commands; do
    run 0 help "$command"; prints "^Usage: densimeter $command"
    cp "$work/out" "$work/help"
    run 0 "$command" --help; cmp -s "$work/out" "$work/help" ||
        fail "$command --help is not help $command"
    awk 'length($0) > 80 { exit 1 }' "$work/out" || fail "help $command is wider than 80 columns"
done
run 64 help evla; says "did you mean 'eval'"
run 0 --version; prints '^densimeter [0-9]'; prints '^numerics exact/1 .*fast-kv-q8_0/'
run 0 help --man; prints '^.TH DENSIMETER 1'
if command -v man >/dev/null 2>&1; then
    man --warnings -l "$work/out" >/dev/null 2>"$work/err" </dev/null
    [ ! -s "$work/err" ] || fail "man complains: $(cat "$work/err")"
fi
for shell in bash zsh fish; do
    run 0 completions $shell; prints numerics
    if command -v $shell >/dev/null 2>&1; then
        $shell -n "$work/out" || fail "$shell does not accept its completions"
    fi
done
"$DENSIMETER" completions bash >"$work/bash"
bash -c ". '$work/bash'; COMP_WORDS=(densimeter eval --num); COMP_CWORD=2; _densimeter
    echo \"\${COMPREPLY[*]}\"" | grep -qx -- --numerics || fail "bash does not complete --num"
bash -c ". '$work/bash'; COMP_WORDS=(densimeter eval --numerics f); COMP_CWORD=3; _densimeter
    echo \"\${COMPREPLY[*]}\"" | grep -qx fast || fail "bash does not complete a choice"
finish
