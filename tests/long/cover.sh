#!/bin/sh
# cover.sh BUILD [TEST...]: runs the tests of a build with --coverage (a program of tests/, cli/NAME;
# none: all of them, from the beginning) and prints which share of its lines and branches each room
# has seen, then the files that have seen least.  Every file's row: BUILD/files.csv.  What no test can
# reach on this machine (a processor without the instructions, no driver) is left out, and named.
cd "$(dirname "$0")/../.." || exit 1
build=$1; shift
export GCOV_ERROR_FILE=/dev/null # tests count the lines of stderr
if [ $# -eq 0 ]; then
    find "$build" -name '*.gcda' -delete
    rm -rf "$build/apart"
    sh tests/run.sh "$build" >"$build/tests.log" || echo "some tests failed: see $build/tests.log"
    # Counters that run_one.sh kept apart need the notes of the compiler beside them.
    (cd "$build" && find apart -name '*.gcda' 2>/dev/null) | while read -r counters; do
        notes=${counters#apart/*/"$build"/}
        ln -sf "$PWD/$build/${notes%.gcda}.gcno" "$build/${counters%.gcda}.gcno"
    done
fi
for t; do
    case $t in
        cli/*) DENSIMETER=$PWD/$build/densimeter sh "tests/$t.sh" >"$build/tests.log" 2>&1 ;;
        *) "$build/tests/$t" >"$build/tests.log" 2>&1 ;;
    esac || echo "$t failed: see $build/tests.log"
done
out=
without() { # WHY FILE...
    echo "left out, $1:$(shift; printf ' %s' "$@")"
    shift
    for file; do
        out="$out --exclude $file"
        rm -f "$build/${file%.c}.gcda" "$build/${file%.c}.gcno" # and what headers make of it there
    done
}
has() { grep -qw "$1" /proc/cpuinfo; }
has avx512f || without 'no AVX-512 here' runners/kernels_avx512.c
has avx512_vnni || without 'no AVX-512 VNNI here' runners/fast_vnni.c
has avx_vnni || without 'no AVX-VNNI here' runners/fast_avxvnni.c
has amx_int8 || without 'no AMX here' runners/fast_amx.c
"$build/densimeter" devices --csv | grep -q '^opencl:0' || without 'no OpenCL driver here' \
    runners/device_opencl.c runners/cl.c runners/cl_api.c runners/opencl_*.c
# shellcheck disable=SC2086
gcovr --root . --object-directory "$build" --csv -o "$build/files.csv" -j "$(nproc)" \
    --exclude-unreachable-branches --gcov-ignore-parse-errors --exclude 'tests/' --exclude 'examples/' $out \
    "$build/base" "$build/tasks" "$build/runners" "$build/results" "$build/reports" "$build/harness" \
    $([ ! -d "$build/apart" ] || echo "$build/apart") ||
    exit 1
awk -F, 'NR > 1 {
    room = $1; sub(/\/.*/, "", room)
    for (i = 1; i <= 2; i++) {
        r = i == 1 ? room : "all"
        lines[r] += $2; seen[r] += $3; branches[r] += $5; taken[r] += $6; files[r]++
    }
}
END {
    printf "%-8s %6s %8s %8s %9s %9s\n", "room", "files", "lines", "lines %", "branches", "branches %"
    n = split("base tasks runners results reports harness all", order, " ")
    for (i = 1; i <= n; i++) {
        r = order[i]
        if (files[r]) printf "%-8s %6d %8d %8.1f %9d %9.1f\n", r, files[r], lines[r],
            100 * seen[r] / lines[r], branches[r], branches[r] ? 100 * taken[r] / branches[r] : 100
    }
}' "$build/files.csv"
echo "least covered of more than 40 lines:"
awk -F, 'NR > 1 && $2 > 40 {printf "%5.1f %% of %4d lines, %5.1f %% of %4d branches  %s\n",
    100 * $4, $2, 100 * $7, $5, $1}' "$build/files.csv" | sort -n | head -n 20
