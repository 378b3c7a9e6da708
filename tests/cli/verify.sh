#!/bin/sh
# A calibration standard is trained to the published bits, and the meter finds what it was taught.
. "$(dirname "$0")/lib.inc"

run 0 verify --list; prints 'ladder-33k'; prints 'liar-119k'
run 64 verify ladder-33; says "did you mean 'ladder-33k'"

# The quickest of them; DENSIMETER_LONG=1: all, which takes minutes.
standards=rule-53k
[ -z "$DENSIMETER_LONG" ] || standards=
# shellcheck disable=SC2086
run 0 verify $standards --json
prints '"schema": "densimeter.verify/1"'; prints '"verdict": "PASS"'; prints '"as_published": true'
run 0 runs; prints 'world_sums\|rule-53k'

# Another file under the name of a standard is found, whatever it knows.
cp "$model" "$work/standards/rule-53k.gguf"
run 1 verify rule-53k; prints 'others'; prints 'FAIL'

# A file that cannot be read is an error that names it.
echo broken >"$work/standards/rule-53k.gguf"
run 1 verify rule-53k -q; one_line; says 'rule-53k'
finish
