#!/bin/sh
# Densities of published models, and the rulers they are measured with.
. "$(dirname "$0")/lib.inc"

run 0 density --source catalogue mistral-7b minicpm4-0.5b gemma-3-1b --csv
prints 'minicpm4-0.5b,mmlu,0.5555,500000000,1054217271'
prints 'gemma-3-1b,mmlu,0.26295'
prints 'at chance: 26.3 % is no 3.0 points above 25.0 %'
run 0 density --source catalogue qwen3-30b-a3b --per active --json
prints '"schema": "densimeter.density/1"'
prints '"density": 6.776'
run 0 density --source catalogue llama-2-7b
prints '< 0.071'
run 0 density --source catalogue phi --ruler qwen2.5-arc_challenge --per non-embedding
run 1 density --source catalogue mistrall; says "no published model is called 'mistrall'"; says "did you mean 'mistral"
run 1 density --source catalogue --ruler qwen2.5-mmul; says "qwen2.5-mmul: no such ruler"; says "did you mean 'qwen2.5-mmlu'"
run 64 density --per parameter; says 'option --per'
printf '%s' '{"schema":"densimeter.published/1","rows":[{"model":"m"}]}' >"$work/published.json"
export DENSIMETER_PUBLISHED="$work/published.json"
run 1 density; says 'published.json: row 1: variant is missing'; one_line
unset DENSIMETER_PUBLISHED

run 0 ruler list; prints 'pythia-lambada-loss-no-e'
run 0 ruler show pythia-piqa; prints 'leave-one-out: a factor of 1.16'
run 0 ruler show pythia-piqa --json; prints '"half_range": 0.0'
run 64 ruler show; says 'which one'; one_line
run 0 ruler check pythia-piqa; prints 'pythia-piqa: PASS'
run 1 ruler check qwen1.5-gsm8k; prints 'FAIL  scores rise with size'
run 64 ruler drop pythia-piqa; says 'published, not one'; one_line
run 64 ruler fit pythia a b c; says "a published ladder's name"; one_line
run 64 ruler fit mine a b; says 'at least three runs'; one_line
run 1 density --db "$work/none.db"; says 'no results yet'; says 'source catalogue'; one_line
run 0 eval "$model" --tasks facts --limit 2 -q
run 1 density; says 'no run answers what ruler pythia asks'
run 3 ruler fit mine last last last; says 'no task carries a ruler'
finish
