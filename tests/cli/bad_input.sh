#!/bin/sh
# Every kind of bad input: one line that names file, place and reason, and the status of cli.md.
. "$(dirname "$0")/lib.inc"

# The texts in the sources have one form.
python3 tests/error_texts.py >"$work/texts" || fail "$(cat "$work/texts")"

# Usage: 64, with the nearest name.
run 64; says 'no command given'; one_line
run 64 evla; says "unknown command 'evla'"; says "did you mean 'eval'"
run 64 eval "$model"; says 'tasks is missing'
run 64 eval "$model" --tasks fatcs; says 'fatcs: no such task'; says "did you mean 'facts'"
run 64 eval "$model" --tasks facts --limt 3; says 'did you mean --limit'
run 64 eval "$model" --tasks facts --limit many; says "'many' is not a whole number"
run 64 bench "$model" -p 0 -n 0; says 'nothing to measure'
run 64 logits "$model" --ids 1,2,9999999; says '9999999 is not in'
run 64 quantize "$model" "$work/o.gguf" --type q4; says 'option --type'
run 1 quantize "$model" "$work/o.gguf" --type q4_0 --imatrix "$work/none"; says 'none: '; one_line
run 64 generate "$model" hi -n 2 --stop ''; says 'option --stop'; one_line
run 64 generate "$model" hi -n 2 --device gpu; says "gpu: no such device"
run 64 generate "$model" hi -n 2 --kv-memory 1; says 'at least 4 pages'; one_line
run 64 generate "$model" hi -n 2 --system 'be kind'; says 'needs --chat'; one_line
run 64 quantize "$model" "$work/../${work##*/}/tiny.gguf" --type q8_0; says 'is MODEL itself'
run 64 completions basch; says "did you mean 'bash'"
run 64 models extra; grep -q ' $' "$work/err" && fail "the usage line ends in a blank"

# Model files: 1.
head -c 2000 "$model" >"$work/cut.gguf"
run 1 info "$work/cut.gguf"; says 'cut.gguf'; one_line
run 1 eval "$work/cut.gguf" --tasks facts; says 'cut.gguf'; one_line
run 1 tokenize "$work/cut.gguf" x; says 'cut.gguf'; one_line
echo 'not a model' >"$work/text.gguf"
run 1 info "$work/text.gguf"; says 'text.gguf'; one_line
: >"$work/empty.gguf"
run 1 info "$work/empty.gguf"; says 'empty.gguf'; one_line
sed 's/llama/lmaal/g' "$model" >"$work/strange.gguf"
run 1 info "$work/strange.gguf"; says 'lmaal'; one_line
sed 's/smollm/smolll/g' "$model" >"$work/pre.gguf"
run 1 tokenize "$work/pre.gguf" x; says 'smolll'; one_line
run 1 info "$work/nothing.gguf"; says 'nothing.gguf: No such file'; one_line
run 1 info ''; says 'MODEL is empty'; one_line

# What the header says of a tensor: its rows (a little-endian number behind the name), its place.
edited() { LC_ALL=C sed "$2" "$model" >"$1"; cmp -s "$model" "$1" && fail "$1 is not edited"; }
edited "$work/rows.gguf" 's/\(blk\.0\.ffn_up\.weight\x02\x00\x00\x00\)./\1\x41/'
run 1 info "$work/rows.gguf"; says 'rows.gguf: tensor .blk.0.ffn_up.weight.: rows of 65'; one_line
edited "$work/over.gguf" \
    's/\(blk\.0\.ffn_norm\.weight\x01\x00\{3\}.\{8\}\x00\{4\}\).\{8\}/\1\x00\x00\x00\x00\x00\x00\x00\x00/'
run 1 eval "$work/over.gguf" --tasks facts; says 'over.gguf: tensors .* overlap'; one_line

# A weight that is no number: the first output that it spoils is named, and nothing is stored of it.
"$tool" "$work/nan.gguf" f32 || fail "no model of f32"
printf '\377\377\377\377' | dd of="$work/nan.gguf" bs=1 conv=notrunc status=none \
    seek=$(($(wc -c <"$work/nan.gguf") - 4))
run 1 eval "$work/nan.gguf" --tasks facts --limit 1 -q; one_line
says 'nan.gguf: the .* not finite'

# Task data: 1.
run 1 eval "$model" --tasks arc_easy; says 'arc_easy'; one_line
mkdir -p "$work/data/arc_easy"
printf '%s\n' '{"question": "broken' >"$work/data/arc_easy/test.jsonl"
run 1 eval "$model" --tasks arc_easy --data "$work/data"; says 'test.jsonl:1'; one_line
printf '%s\n' '{"context":"a"}' >"$work/pairs.jsonl"
run 1 score "$model" --jsonl "$work/pairs.jsonl"; says 'pairs.jsonl:1'; one_line
printf '%s\n' '{"context":"a","continuation":""}' >"$work/pairs.jsonl"
run 1 score "$model" --jsonl "$work/pairs.jsonl"; says 'pairs.jsonl:1: the continuation is empty'
printf '%s\n' '{"context":"a","continuation":"b"}' '[' >"$work/pairs.jsonl"
run 1 score "$model" --jsonl "$work/pairs.jsonl"; says 'pairs.jsonl:2'; one_line
run 1 eval "$model" --tasks facts --limit 1 --data "$work/no_data"; says '--data: .*no_data: No such'
one_line
printf '%s\n' '{"text":"a"}' '[' >"$work/texts.jsonl"
run 1 tokenize "$model" --jsonl "$work/texts.jsonl"; says 'texts.jsonl:2'; one_line
printf '%s\n' '{"id":"x"}' >"$work/bank.jsonl"
run 1 tasks check "$work/bank.jsonl"; prints 'bank.jsonl:1: '
printf '%s\n' '{"x":' >"$work/vars.json"
run 1 template "$model" --vars "$work/vars.json"; says 'vars.json'; one_line

# The database: 1.
run 1 runs --db "$work/none.db"; says "no results yet"
run 1 show last --db "$work/none.db"; says "no results yet"
echo 'this is no database at all, only some text in a file' >"$work/text.db"
run 1 runs --db "$work/text.db"; says 'text.db'; one_line
run 0 eval "$model" --tasks facts --limit 1 -q
run 1 show nosuchrun; says 'nosuchrun'; one_line
run 1 show last~7; says 'last~7'; one_line
run 64 export last --format lm-eval; says 'out is missing'; one_line
run 64 export last --format sqlite; says 'out is missing'; one_line
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w "$DENSIMETER_DB" "$work"
    run 1 eval "$model" --tasks facts --limit 1; says 'results.db'; one_line
    chmod u+w "$DENSIMETER_DB" "$work"
fi
run 1 eval "$model" --tasks facts --limit 1 --db /proc/densimeter.db
says '/proc/densimeter.db'; one_line

# A disk that is full, then one that cannot be written: mounted where the user may.
mkdir "$work/disk"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=300k tmpfs "$work/disk" 2>/dev/null; then
    trap 'umount "$work/disk"; rm -rf "$work"' EXIT
    run 1 eval "$model" --tasks facts --limit 300 --db "$work/disk/r.db" -q
    says 'r.db: the disk is full'; one_line
    run 0 db check --db "$work/disk/r.db"; prints 'no defects'
    mount -o remount,size=9m "$work/disk"
    run 0 eval "$model" --tasks facts --limit 2 --db "$work/disk/r.db" -q
    mount -o remount,ro "$work/disk"
    run 1 eval "$model" --tasks facts --limit 3 --db "$work/disk/r.db" -q
    says 'r.db: .*cannot be written'; one_line
    run 0 runs --db "$work/disk/r.db"
fi

# Standard output: a full disk is an error, a reader that goes away is none.
"$DENSIMETER" help >/dev/full 2>"$work/err"
[ $? -eq 1 ] || fail "a full disk is not an error"
says 'No space left'
"$DENSIMETER" help 2>"$work/err" | true
[ ! -s "$work/err" ] || fail "a closed pipe is complained about: $(cat "$work/err")"
finish
