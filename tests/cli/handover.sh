#!/bin/sh
# A small model is asked again, by sampling and by moving options, and says how sure it is.
. "$(dirname "$0")/lib.inc"
"$tool" "$work/large.gguf" Q8_0 || exit 1
# ask MODEL TASKS WORDS...: the run's id in $id, its outputs in $work/texts.
ask() {
    m=$1; t=$2; shift 2
    run 0 eval "$m" --tasks "$t" --limit 5 -q --json "$@"
    id=$(sed -n 's/^ *"run": "\([0-9a-f]*\)".*/\1/p' "$work/out" | head -n 1)
    run 0 items "$id" --json
    grep '"output"' "$work/out" >"$work/texts"
}

# Sampling is by the seed, and is not what is generated greedily.
ask "$model" intent; small=$id; cp "$work/texts" "$work/greedy"
ask "$model" intent --temperature 1 --seed 1; one=$id; cp "$work/texts" "$work/first"
ask "$model" intent --temperature 1 --seed 2; two=$id
cmp -s "$work/texts" "$work/first" && fail "two seeds give the same texts"
cmp -s "$work/greedy" "$work/first" && fail "sampled texts are the greedy ones"
ask "$model" intent --temperature 1 --seed 1 --sampling by_doc
cmp -s "$work/texts" "$work/first" || fail "one seed gives two texts"
run 0 show "$one" --json; prints '"temperature": *1'
ask "$work/large.gguf" intent; large=$id

run 0 handover "$small" "$large"; prints 'not offered: no --rerun'
run 0 handover "$small" "$large" --rerun "$one,$two" --json
prints '"best_signal": "self_consistency"'
run 3 handover "$small" "$large" --rerun "$one,$large"; says 'is of another model'; one_line
run 3 handover "$small" "$large" --rerun "$small"; says 'it repeats itself'; one_line
run 1 handover "$small" "$large" --rerun nobody; one_line
finish
