#!/bin/sh
# docs/ship.md, docs/nightly.md and docs/two-devices.md, command by command, on a tiny model.  Verdicts
# are the model's, so that of gate and nightly any may come; whatever else the pages run ends with 0.
. "$(dirname "$0")/lib.inc"
docs=$PWD/docs
export CPATH="$PWD/include" model
mkdir "$work/bin"
ln -s "$DENSIMETER" "$work/bin/densimeter"
PATH=$work/bin:$PATH

# The other device is OpenCL on the page, a plug-in of plain C here.
device=opencl:0
if command -v cc >/dev/null; then
    (cd "$work" && densimeter device new mine -q && cc -shared -fPIC -O2 -o libmine.so mine.c -lm) || fail 'no plug-in'
    device=$work/libmine.so
fi

# travel PAGE N: runs the page's N commands in an empty folder.
travel() {
    page=$docs/$1.md
    mkdir "$work/$1" && cd "$work/$1" || exit 1
    awk '/^```console/ { on = 1; next } /^```json / { file = $2; json = 1; next }
         /^```/ { if (json) print "cp page-" file " " file; on = json = 0; next }
         on && /^\$ / { sub(/^\$ /, ""); print }
         json { print > ("page-" file) }' "$page" | sed "s|MODEL|\$model|; s|opencl:0|$device|" >commands
    [ "$(grep -c ^densimeter commands)" -eq "$2" ] || fail "$page has other commands than $2"
    while IFS= read -r line; do
        sh -c "$line" >>out 2>err </dev/null
        rc=$?
        case $line in
            *' gate '*|*' nightly plan.json '*) [ $rc -le 3 ] && continue ;;
            *opencl:0*) [ $rc -ne 0 ] && continue ;; # no compiler, so no plug-in
        esac
        [ $rc -eq 0 ] || { fail "$1: $line: exit status $rc"; cat err; }
    done <commands
    cp out "$work/out"
}
travel ship 4
prints '^A: tiny .*, B: small '; prints 'likelihood .*nats/byte'
travel nightly 8
prints '^INCONCLUSIVE  box, night 1 of 2026-11-01'; prints '^PASS  box, night 2 of 2026-11-02'
prints ' box, night 3 of 2026-11-03'; prints 'a new segment begins: model_sha256'; prints '^15 3 \* \* \*'
[ -e units/densimeter-box.timer ] || fail 'no timer was written'
travel two-devices 9
[ "$device" = opencl:0 ] || { prints '^PASS'; [ -s cpu.tar ] && [ -s opencl.tar ] || fail 'no bundles'; }
finish
