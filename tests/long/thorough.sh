#!/bin/sh
# thorough.sh BUILD [TEST...]: runs the tests that leave cases out where DENSIMETER_LONG is not set,
# with all of them (a program of tests/, cli/NAME; none: each that asks for the variable).
cd "$(dirname "$0")/../.." || exit 1
build=$1; shift
export DENSIMETER_LONG=1 DENSIMETER="$PWD/$build/densimeter"
if [ $# -eq 0 ]; then # `make faults` has that of refusals
    # shellcheck disable=SC2046
    set -- $(grep -l DENSIMETER_LONG tests/test_*.c tests/cli/*.sh |
        sed 's,^tests/,,; s/\..*$//' | grep -v '^test_refused$')
fi
failed=
for t; do
    echo "-- $t"
    case $t in
        cli/*) sh "tests/$t.sh" ;;
        *) "$build/tests/$t" ;;
    esac
    rc=$?
    [ $rc -eq 0 ] || [ $rc -eq 77 ] || failed="$failed $t"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
