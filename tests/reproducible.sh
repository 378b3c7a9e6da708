#!/bin/sh
# Builds the tracked files twice, in folders whose names differ in length and blanks, with other times, locales,
# numbers of jobs and masks, and compares what comes out byte for byte: program, man page,
# completions, list of licences.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR
export CCACHE_DISABLE=1 SOURCE_DATE_EPOCH=1000000000
one=$work/one two="$work/a/much longer/path/two"
mkdir -p "$one" "$two"
git ls-files -z | tar --null -T - -c | tar -x -C "$one"
git ls-files -z | tar --null -T - -c | tar -x -C "$two"
find "$two" -exec touch -d 2001-02-03 {} +
(cd "$one" && TZ=UTC LC_ALL=C make -s DESTDIR="$work/i1" install)
(cd "$two" && umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOME=/nonexistent USER=other \
    make -s -j1 DESTDIR="$work/i2" install)
diff -r "$work/i1" "$work/i2"
echo "two builds are the same: $(sha256sum "$work"/i1/usr/local/bin/densimeter | cut -d' ' -f1)"
