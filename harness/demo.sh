#!/bin/sh
# The main job on real models, from nothing to a report: what 'make demo' runs.
#
# DENSIMETER_ACCEPT_GEMMA=1 agrees to Gemma's terms beforehand; DEMO_FACTS is how many facts to ask.
set -u
densimeter=build/densimeter
out=build/demo
db=$out/demo.db
facts=${DEMO_FACTS:-50}
smollm="smollm2-135m-instruct:q4_1"
gemma="gemma-3-270m:q4_k_m"
mkdir -p "$out"

say() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

in_store() { $densimeter models --csv 2>/dev/null | grep -q "^$1,"; }

agreed_to_gemma() {
    [ "${DENSIMETER_ACCEPT_GEMMA:-}" = 1 ] && return 0
    [ -t 0 ] || return 1
    printf 'Gemma 3 270M comes under https://ai.google.dev/gemma/terms.  Agree and fetch it? [y/N] '
    read -r answer
    case $answer in [yY]*) return 0 ;; esac
    return 1
}

say "Models"
models=
run $densimeter pull $smollm && models=$smollm
if [ -n "$models" ]; then
    if in_store $gemma; then
        models="$models $gemma"
    elif agreed_to_gemma; then
        run $densimeter pull $gemma --accept-licence && models="$models $gemma"
    else
        echo "Gemma 3 270M is left out: its terms were not agreed to (DENSIMETER_ACCEPT_GEMMA=1 does)."
    fi
else
    echo "Nothing could be fetched: going on with a random model, which knows nothing."
    make -s build/release/tests/tool_tiny && build/release/tests/tool_tiny "$out/random.gguf" || exit 1
    models=$out/random.gguf
fi

say "What they know, and what it costs: $facts facts, a text"
# shellcheck disable=SC2086 # the names hold no blanks
run $densimeter eval $models --tasks facts,perplexity_text --limit "$facts" --db "$db" || exit 1

say "How fast they are"
# shellcheck disable=SC2086
run $densimeter bench $models --numerics fast -p 512 -n 64 -r 3 --db "$db" || exit 1

say "Report"
run $densimeter report -o "$out/report.html" --db "$db" || exit 1
echo "Open $out/report.html in a browser."
