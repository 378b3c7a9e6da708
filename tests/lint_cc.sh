#!/bin/sh
# The compiler of MODE=lint (quality.mk): gives each file with its own flags to gcc, to clang, to
# clang-tidy and to cppcheck, and makes an object only where none has a word to say.  What make asks
# besides, gcc answers.
case " $* " in *" -c "*) ;; *) exec gcc "$@" ;; esac
out='' file='' flags='' defines='' words=$*
while [ $# -gt 0 ]; do
    case $1 in
        -o) out=$2; shift ;;
        -c|-MMD|-MP) ;;
        *.c) file=$1 ;;
        -D*|-I*) flags="$flags $1"; defines="$defines $1" ;;
        *) flags="$flags $1" ;;
    esac
    shift
done
said=$(
    gcc -Werror $words 2>&1 || exit
    # A string that goes on behind a hexadecimal escape is two literals; what a row leaves out is 0.
    clang -Werror -fsyntax-only $flags -Wno-string-concatenation -Wno-missing-field-initializers \
        "$file" 2>&1 || exit
    # Half the analyzer's depth finds what it finds at a tenth of the time; LINT_DEEP=1 takes all.
    case $file in tests/*) flags="$flags -DANALYZED_TEST" ;; esac
    [ "$file" = base/err.c ] || flags="$flags -include tests/analyzer.h"
    clang-tidy --quiet "$file" -- $flags -w \
        ${LINT_DEEP:--Xclang -analyzer-config -Xclang mode=shallow} 2>/dev/null
    cppcheck --quiet --enable=warning,portability --suppressions-list=tests/cppcheck.txt \
        --template='{file}:{line}: {message} [{id}]' --std=c11 -D__x86_64__ $defines "$file" 2>&1
)
[ -n "$said" ] || exit 0
echo "$said" >&2
rm -f "$out"
exit 1
