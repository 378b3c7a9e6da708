#!/bin/sh
# The examples of devices, made from what `make install` installs and from nothing else.
. "$(dirname "$0")/lib.inc"
command -v cc >/dev/null || { echo "skipped: no C compiler"; exit 77; }

make -s MODE="$mode" PREFIX="$work/usr" install || fail "make install"
[ -x "$work/usr/bin/densimeter" ] || fail "no program was installed"
mkdir "$work/empty" "$work/devices"
cp "$work"/usr/share/densimeter/examples/*.c "$work/empty"
# build NAME WORDS...: warnings are failures
build() {
    name=$1; shift
    (cd "$work/empty" && ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -O2 \
        -I"$work/usr/include" -o "$work/devices/lib$name.so" "device_$name.c" "$@") 2>"$work/cc"
}
build naive -lm || { fail "the example does not compile"; cat "$work/cc"; }
blas=
for library in -lopenblas -lblas -l:libopenblas.so.0 -l:libblas.so.3; do
    build blas "$library" && { blas=1; break; }
done
[ "$blas" ] || echo "skipped: no BLAS is here"

# Named by path, and by $DENSIMETER_DEVICES.
echo '{"context":"The cat","continuation":" sat on the mat"}' >"$work/pairs"
score() { "$DENSIMETER" score "$model" --jsonl "$work/pairs" "$@" | sed 's/.*hood":\(-[0-9.]*\).*/\1/'; }
plain=$(score)
near() { echo "$plain $1" | awk '{ d = $1 - $2; exit !(d < 1e-3 && d > -1e-3 && $1 < -1) }'; }
near "$(score --device "$work/devices/libnaive.so")" || fail "the example's likelihood"
export DENSIMETER_DEVICES="$work/devices"
near "$(score --device naive)" || fail "the example by name"
run 0 devices
prints '^naive  *-  *float32  *plain C'
run 0 devices --json
prints '"numerics": "naive/1"'

# What it leaves to the CPU is in the result.
run 0 eval "$model" --tasks facts --limit 4 --device naive --json
prints '"device": "naive"'
prints '"device_sha256":"'
prints '"numerics": "naive/1"'
prints '"cpu_ops": 0,'
if [ "$blas" ]; then
    near "$(score --device blas)" || fail "the likelihood by BLAS"
    run 0 eval "$model" --tasks facts --limit 4 --device blas --json
    prints '"attention": [1-9]'
    prints '"linear Q4_0": [1-9]'
    run 0 show last
    prints 'facts: left to the CPU: .*attention [1-9]'
    run 0 bench "$model" -p 8 -n 2 -r 2 --device blas --json
    prints '"rms_norm": [1-9]'
fi

# In a process of its own: the same numbers, and what goes wrong there is a line here.
near "$(score --device naive --isolate-device)" || fail "the example in a process of its own"
${CC:-cc} -std=c11 -D_GNU_SOURCE -shared -fPIC -O2 -I"$work/usr/include" -I. -o "$work/planted.so" \
    tests/plugins/planted.c -lm || fail "the planted device"
for fault in crash:'ended by signal 11' abort:'ended by signal 6' outside:'its process' \
    hang:'no answer within 0.5 s' exit:'its process ended'; do
    PLANTED=5:${fault%%:*} run 1 score "$model" --jsonl "$work/pairs" --device "$work/planted.so" \
        --isolate-device --device-timeout 0.5
    one_line; says "device planted: .*${fault#*:}"
done
run 64 device host 3
one_line

# Of a run, the items that it happens to are rows that say why, in no score; the others are answered.
for fault in 5:crash:'ended by signal 11' 2:nan:'is not finite' 8:outside:'its process' \
    6:refuse:'no?more'; do
    how=${fault%:*}
    PLANTED=$how PLANTED_TOKEN=90 run 0 eval "$model" --tasks facts --limit 12 \
        --device "$work/planted.so" --isolate-device
    prints 'facts: [1-9][0-9]* of 12 items failed on the device and are in no score'
    run 0 items last --jsonl
    [ "$(wc -l <"$work/out")" -eq 12 ] || fail "$how: not every item is there"
    failed=$(grep -c "\"error\":\".*${fault##*:}" "$work/out")
    [ "$failed" -ge 1 ] && [ "$failed" -le 11 ] || fail "$how: $failed items failed"
    run 0 show last --json
    prints "\"failed_items\": $failed,"
    prints '"status": "complete"'
    run 0 export last --format lm-eval -o "$work/answered $how"
    run 0 import "$work/answered $how"/results_*.json --db "$work/answered.db"
    prints " $((12 - failed)) item"
done
run 0 db check
run 0 bundle make last -o "$work/failed.tar"
run 0 bundle verify "$work/failed.tar"
# A device that answers nothing ends the run.
PLANTED=5:refuse run 1 eval "$model" --tasks facts --limit 30 --device "$work/planted.so" --quiet
one_line; says 'device planted: no?more'

# A new one compiles and passes; what is there stays.
program=$PWD/$DENSIMETER
case $DENSIMETER in /*) program=$DENSIMETER ;; esac
(cd "$work/empty" && "$program" device new my-own >"$work/out" 2>"$work/err") || fail "device new"
prints 'device check ./libmy-own.so'
(cd "$work/empty" && ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC -O2 -I"$work/usr/include" \
    -o libmy-own.so my-own.c -lm) || fail "what device new wrote does not compile"
(cd "$work/empty" && "$program" device new my-own 2>"$work/err") && fail "a file was overwritten"
one_line; says 'my-own.c is there already'
run 64 device new 'a b'
one_line
for only in rope kv_store gate; do
    run 0 device check "$work/empty/libmy-own.so" --only "$only"
    prints '^my-own, my-own/1: [1-9][0-9]* cases, 0 failed, 0 left'
done
if [ "$blas" ]; then
    run 0 device check blas --only 'linear, a' --json
    prints '"verdict": "cpu"'
    prints '"failed": 0'
fi
if "$DENSIMETER" devices | grep -q '^opencl:0 '; then
    for kernels in vector lanes; do
        run 0 device check opencl:0 --kernels $kernels --only gate
        prints '^opencl:0, opencl/2: [1-9][0-9]* cases, 0 failed, 0 left'
    done
fi
(
    export DENSIMETER_OPENCL=/nonexistent DENSIMETER_CUDA=/nonexistent
    run 0 devices --json
    prints '"error": *"no OpenCL: '; prints '"error": *"no CUDA: '
    for name in opencl:0 cuda; do
        run 1 eval "$model" --tasks facts --limit 1 --device $name
        says "^densimeter: .*no \(OpenCL\|CUDA\): "; one_line
    done
    finish
) || failures=$((failures + 1))
run 1 device check null --only add
prints 'FAIL'
run 64 device check naive --only nothing
one_line
run 64 device look naive

# A whole model on it.
run 0 device check naive "$model" --tokens 12 --prompts 2
prints '^logits  *PASS'; prints '^one by one: 24 rows have the same bits'; prints '^PASS  naive'
${CC:-cc} -std=c11 -D_GNU_SOURCE -shared -fPIC -O2 -I"$work/usr/include" -I. -o "$work/skip.so" \
    tests/plugins/cheat_skip.c -lm || fail "the device that skips"
run 1 device check "$work/skip.so" "$model" --tokens 12 --prompts 2 --json
prints '"check": "one by one"'; prints '"verdict": "FAIL"'

# Is it honest?  Times of a busy machine may be open.
cheap='--items 3 --prompts 1 --tokens 12'
# shellcheck disable=SC2086
"$DENSIMETER" device audit naive "$model" $cheap --json >"$work/out" 2>"$work/err"
rc=$?; [ $rc -eq 0 ] || [ $rc -eq 2 ] || fail "an honest device is audited: status $rc"
prints '"audit": "renamed"'; prints '"device": "naive"'
# shellcheck disable=SC2086
for how in '' --isolate-device; do
    run 1 device audit "$work/skip.so" "$model" $cheap $how --seed 5
    prints '^end  *FAIL'; prints '^end: .* of .* are over 0.02 .*the reference has'
    prints '^known  *PASS'; prints '^FAIL  cheat_skip, naive/1, seed 5'
done
run 64 device audit naive; one_line; says 'which model?'
run 1 device audit null "$model"; prints "^FAIL"

# Anything else is an error line.
run 64 score "$model" --jsonl "$work/pairs" --device nave
one_line; says "nave: no such device"
run 1 score "$model" --jsonl "$work/pairs" --device "$model".so
one_line
echo 'not a library' >"$work/devices/x.so"
run 1 score "$model" --jsonl "$work/pairs" --device x
one_line; says 'file too short'
run 0 devices --csv
prints '^x.so,.*file too short'
finish
