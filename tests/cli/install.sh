# What `make install` puts below PREFIX works there, `make uninstall` leaves nothing, and the list of
# licences has everything that is linked or shipped.
. "$(dirname "$0")/lib.inc"
unset MAKEFLAGS MAKELEVEL MFLAGS PREFIX DESTDIR
root=$work/root
make -s MODE="$mode" DESTDIR="$root" PREFIX=/usr install >"$work/out" 2>&1 || fail "make install: $(cat "$work/out")"
for file in bin/densimeter include/densimeter_device.h share/man/man1/densimeter.1 \
    share/bash-completion/completions/densimeter share/zsh/site-functions/_densimeter \
    share/fish/vendor_completions.d/densimeter.fish share/pkgconfig/densimeter.pc \
    share/doc/densimeter/LICENSE share/densimeter/examples/device_naive.c; do
    [ -s "$root/usr/$file" ] || fail "make install lacks $file"
done
DENSIMETER=$root/usr/bin/densimeter
run 0 --version; prints '^densimeter [0-9]'; prints '^commit [0-9a-z]'; prints '^compiler .* [0-9]'
prints '^numerics exact/1 .*fast/1 '
run 0 help --man; cmp -s "$work/out" "$root/usr/share/man/man1/densimeter.1" || fail "another man page is installed"

# A device is built with what pkg-config says, and nothing else.
export PKG_CONFIG_PATH=$root/usr/share/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
${CC:-cc} -shared -fPIC -O2 -o "$work/libnaive.so" $(pkg-config --cflags densimeter) \
    "$root/usr/share/densimeter/examples/device_naive.c" -lm || fail "the example does not build"
DENSIMETER_DEVICES=$work/libnaive.so
export DENSIMETER_DEVICES
run 0 devices; prints naive
unset PKG_CONFIG_SYSROOT_DIR

# Licences: one row for each library that the program needs and each file of data in it.
spdx=$root/usr/share/doc/densimeter/densimeter.spdx.json
if command -v python3 >/dev/null 2>&1; then
    python3 - "$spdx" <<'PY' || fail "the SPDX document is not sound"
import json, re, sys
d = json.load(open(sys.argv[1]))
ids = [p["SPDXID"] for p in d["packages"]]
assert d["spdxVersion"] == "SPDX-2.3" and len(set(ids)) == len(ids), ids
assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids), ids
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", d["creationInfo"]["created"])
for r in d["relationships"]:
    assert r["spdxElementId"] in ids + ["SPDXRef-DOCUMENT"] and r["relatedSpdxElement"] in ids, r
assert all(p["licenseDeclared"] and p["downloadLocation"] for p in d["packages"])
PY
fi
grep -q "$(sha256sum "$DENSIMETER" | cut -d' ' -f1)" "$spdx" || fail "the SPDX document is of another program"
if command -v readelf >/dev/null 2>&1; then
    soname() { readelf -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\.so.*/\1/p'; }
    libraries=$(for m in $(sed -n 's/^[^,]*,linked,pkg:\([^,]*\),.*/\1/p' docs/licences.csv); do
        for l in $(pkg-config --libs-only-l "$m"); do soname "$(${CC:-cc} -print-file-name="lib${l#-l}.so")"; done; done)
    for needed in $(readelf -d "$DENSIMETER" | sed -n 's/.*(NEEDED).*\[\(lib[^]]*\)\.so.*/\1/p'); do
        case $needed in libc|libm|libpthread|libasan|libubsan|libtsan|libgcov) continue ;; esac
        echo "$libraries" | grep -qx "$needed" || fail "docs/licences.csv has no row for $needed"
    done
fi
for data in tasks/data/* harness/data/*; do
    grep -q "^$data,shipped,own,\|^$data,shipped,[^,]" docs/licences.csv || fail "docs/licences.csv has no row for $data"
done
for name in $(sed -n 's/^[^,]*,linked,pkg:\([^,]*\),.*/\1/p' docs/licences.csv); do
    grep -q "^LIBS = .*\<$name\>" Makefile || fail "docs/licences.csv: $name is not linked"
done

make -s MODE="$mode" DESTDIR="$root" PREFIX=/usr uninstall || fail "make uninstall"
left=$(find "$root" -type f -o -name densimeter)
[ -z "$left" ] || fail "make uninstall leaves $left"
finish
