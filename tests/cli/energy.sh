#!/bin/sh
# Energy: from a fake machine's files, from an external meter's file, and declared.
. "$(dirname "$0")/lib.inc"

near() { # near NAME WANTED: the first NAME of the output is WANTED, or at most a fifth more
    got=$(grep -o "\"$1\": *[0-9.e+-]*" "$work/out" | head -n 1 | sed 's/.*: *//')
    awk -v g="$got" -v w="$2" 'BEGIN { exit !(g >= w * .8 && g <= w * 1.2) }' ||
        fail "$1 is '$got', wanted about $2"
}

# No meter: null with a reason, everywhere.
mkdir "$work/bare"
run 0 bench "$model" -p 16 -n 0 -r 1 --sysroot "$work/bare" --json
prints '"energy_j": *null'; prints '"source": *"none"'; prints '"reason": *"no_meter'
run 0 show last; grep -q 'energy of' "$work/out" && fail "a table of meters that are not there"

# A board with one sensor of 5 W.
hwmon=$work/board/sys/class/hwmon/hwmon0
mkdir -p "$hwmon"; echo ina219 >"$hwmon/name"; echo 5000000 >"$hwmon/power1_input"
run 0 bench "$model" -p 64 -n 16 --prompt-generate 16,8 -r 3 --sysroot "$work/board" --idle 0.2 --json
prints '"source": *"hwmon"'; prints '"origin": *"measured"'; near watts 5; near idle_watts 5
for key in energy_j joule_per_token joule_per_prefill_token joule_per_decode_token above_idle_joules; do
    prints "\"$key\": *[0-9-]"
done
run 0 show last; prints '^idle before *hwmon  '; prints '^pp64 *hwmon \*'
run 0 bench "$model" --scenario single -p 8 -n 4 --requests 5 --sysroot "$work/board" --json
prints '"joule_per_item": *[0-9]'
# An OpenCL device that is this machine's processor is metered as that.
if "$DENSIMETER" devices | grep -q '^opencl:0 .*pthread'; then
    run 0 bench "$model" -p 16 -n 0 -r 2 --sysroot "$work/board" --device opencl:0 --json \
        --db "$work/opencl.db"
    prints '"energy_j": *[0-9]'; prints '"joule_per_token": *[0-9]'
fi
"$DENSIMETER" doctor --seconds 0.1 --sysroot "$work/board" --json >"$work/out" 2>"$work/err"
prints '"energy_meter": *"hwmon"'; prints '"channel": *"ina219 1"'; near watts 5
"$DENSIMETER" doctor --seconds 0.1 --sysroot "$work/board" >"$work/out" 2>"$work/err"
prints '^energy meter *hwmon \*, ina219 1: 5.0 W while'
"$DENSIMETER" doctor --seconds 0.1 --sysroot "$work/bare" >"$work/out" 2>"$work/err"
prints '^energy meter *not available: no_meter'

run 0 report last -o "$work/energy.md"
grep -q '^| single |.*| hwmon ina219 1 | measured, counts | [0-9.]*.*J | 5[0-9.]*[^|]*W | ' "$work/energy.md" ||
    fail "the report lacks joules and watts by meter: $(grep 'hwmon' "$work/energy.md")"

# What is declared is never called measured, and is no energy_j.
run 0 bench "$model" -p 64 -n 0 -r 2 --sysroot "$work/bare" --declared-watts 30 --json
prints '"energy_j": *null'; prints '"declared_energy_j": *[0-9]'; prints '"origin": *"declared"'
prints '"origin": *"declared"'
run 0 show last --json; prints '"declared-watts":30'
run 0 show last; prints '^pp64 *declared, not measured'
run 0 report last -o "$work/declared.md"
grep -q 'declared' "$work/declared.md" || fail "the report does not say declared"

# An external meter of 7 W whose clock is right.
now=$(date +%s)
{ echo time,watts; echo "$((now - 100)),7"; echo "$((now + 1000)),7"; } >"$work/meter.csv"
run 0 bench "$model" -p 64 -n 0 -r 2 --sysroot "$work/board" --meter-csv "$work/meter.csv" \
    --meter-offset 0 --json
prints '"source": *"external"'; prints '"channel": *"meter.csv"'
sed -n '/"external"/,/}/p' "$work/out" >"$work/part"; mv "$work/part" "$work/out"; near watts 7
run 0 show last; prints '^pp64 *external \*'; prints '^pp64 *hwmon  '
run 0 bench "$model" -p 64 -n 0 -r 2 --sysroot "$work/bare" --meter-csv "$work/meter.csv" --json
says 'no energy from the external meter'; says 'meter-offset'; prints '"energy_j": *null'
echo nonsense >"$work/bad.csv"
run 0 bench "$model" -p 64 -n 0 -r 2 --sysroot "$work/bare" --meter-csv "$work/bad.csv" --json
says 'the header needs columns'; prints '"reason": *".*bad.csv'

# Tasks: joules per item and right item; kept answers have none.
if [ -d "${DENSIMETER_SHARED:-../shared}/data" ]; then
    task=$("$DENSIMETER" tasks 2>/dev/null | sed -n 's/^\(arc_easy\) .*/\1/p' | head -n 1)
    if [ -n "$task" ]; then
        run 0 eval "$model" --tasks "$task" --limit 20 --sysroot "$work/board" --json \
            --data "${DENSIMETER_SHARED:-../shared}/data"
        for key in energy_j joule_per_item joule_per_correct joule_per_prefill_token; do
            prints "\"$key\": *[0-9]"
        done
        prints '"joule_per_decode_token": *null'; near watts 5
        run 0 eval "$model" --tasks "$task" --limit 20 --sysroot "$work/board" --seed 5 --json \
            --data "${DENSIMETER_SHARED:-../shared}/data"
        grep -q '"cached_tokens": *[1-9]' "$work/out" && prints 'answers of earlier runs were used'
    fi
fi
run 0 db check
finish
