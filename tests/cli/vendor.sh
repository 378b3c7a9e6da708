#!/bin/sh
# docs/vendor.md, command by command, then what it says of resuming, of parity and of bundles that are
# not what they say.
. "$(dirname "$0")/lib.inc"
command -v cc >/dev/null || { echo "skipped: no C compiler"; exit 77; }
sql=$(dirname "$DENSIMETER")/tests/tool_sql
[ -x "$sql" ] || make -s MODE="$mode" "${sql#"$PWD"/}" || exit 1
page=$PWD/docs/vendor.md root=$PWD
export CPATH="$PWD/include" TMPDIR="$work/tmp" model
mkdir "$work/bin" "$TMPDIR"
ln -s "$DENSIMETER" "$work/bin/densimeter"
PATH=$work/bin:$PATH
cd "$work" || exit 1
"$tool" "$model" q4_0 1 64 64 2 1 # one layer: a plug-in of plain loops answers all of a profile

# A kill in the middle: the page's first command goes on from there.
"$DENSIMETER" vendor run "$model" --profile quick -o cpu.tar >/dev/null 2>&1 &
pid=$!; sleep 1; kill -9 $pid; wait $pid 2>/dev/null
[ ! -e cpu.tar ] || fail 'a bundle was written before its end'

awk '/^```console/ { on = 1; next } /^```/ { on = 0; next }
     on && /^\$ / { sub(/^\$ /, ""); gsub(/MODEL/, "$model"); print }' "$page" >commands
[ "$(wc -l <commands)" -eq 5 ] || fail "$page has other commands"
while IFS= read -r line; do
    sh -c "$line" >out 2>err </dev/null || { fail "$line: exit status $?"; cat out err; }
done <commands
cp out compared
[ "$(wc -L <out)" -le 80 ] || fail 'a line is longer than 80 columns'
prints '^B  *3[0-9]* .* PASS$'; prints '^single *TTFT, ms .*\['; prints '^tg16  *tok/s '
prints 'J per right item'; prints 'no_meter'; prints '^tg16, 1 thread'; prints '^tg16@b4 '
prints '^memory *reads at most'; prints '^A  *[0-9.]* \['; prints '^B, device: cpu'
for part in '<svg' 'Accuracy against the time' 'Decoding with so many threads' 'prefers-color-scheme'; do
    command -v gnuplot >/dev/null || [ "$part" = prefers-color-scheme ] || continue
    grep -q "$part" devices.html || fail "the page lacks $part"
done
grep -q 'src="http\|href="http' devices.html && fail 'the page needs others'
run 0 runs --csv
[ "$(grep -c ',complete' out)" -eq "$(($(wc -l <out) - 1))" ] || fail "an unfinished run is left: $(cat out)"
[ "$(wc -l <out)" -eq $((1 + $(tar tf cpu.tar | grep -c run.sqlite) + $(tar tf mine.tar | grep -c run.sqlite))) ] ||
    fail 'a step was measured twice'
run 0 bundle verify cpu.tar
run 0 vendor run "$model" --profile quick -o again.tar; says 'measured already'
cmp -s cpu.tar again.tar || fail 'the same runs gave another bundle'

# As JSON: parity first, then rows with both values; what is not known is null.
run 0 vendor compare cpu.tar mine.tar --json
python3 - out <<'EOP' || fail 'vendor compare --json'
import json, sys
d = json.load(open(sys.argv[1]))
p, rows = d["parity"][0], d["rows"]
assert d["schema"] == "densimeter.vendor/1" and p["verdict"] == "PASS" and not p["speed_comparison_void"]
assert p["items"] == sum(t["items"] for t in p["tasks"]) and len(p["tasks"]) == 21
groups = {r["group"] for r in rows}
assert groups >= {"latency", "throughput", "streams", "threads", "memory", "energy", "bandwidth"}, groups
find = lambda t, m: next(r for r in rows if (r["test"], r["metric"]) == (t, m))
speed = find("pp128", "tok_s")
assert speed["ratios"][0]["value"] is None
low, r, high = (speed["ratios"][1][k] for k in ("low", "value", "high"))
assert low <= r <= high
assert find("single", "ttft_s")["ratios"][1]["low"] is not None
joules = find("measured", "joule_per_correct")
assert [v["value"] for v in joules["values"]] == [None, None]
assert all("no_meter" in s["no_energy"] for s in d["sides"])
assert all(v["value"] > 0 for v in find("memory", "read_bytes_s")["values"])
assert all(v["value"] > 0 for v in find("tg16", "share_of_roof")["values"])
assert all(s["no_bandwidth"] is None for s in d["sides"])
assert not any(key in d for key in ("score", "overall"))
EOP

# Other answers: no ratios, and it says so.
"$tool" other.gguf q2_k 1 256 256 2 1
some="--profile open --base quick --steps scenarios,batch --set scenarios:limit=3 --set batch:repeats=2"
# shellcheck disable=SC2086
run 0 vendor run other.gguf $some --declared-watts 3 -o other.tar
# shellcheck disable=SC2086
run 0 vendor run "$model" $some -o same.tar
run 0 vendor compare same.tar other.tar
prints 'The speed comparison of B with A is void: parity of answers: '
grep -q 'B/A' out && fail 'a void comparison has ratios'
prints '^open/1\|open/1 on'; prints '^declared *J per right item'
run 0 vendor compare same.tar other.tar --json
prints '"speed_comparison_void": true'
prints '"no_bandwidth": "no step measured it"'
python3 -c 'import json; d = json.load(open("out")); assert all(x["value"] is None for r in d["rows"] for x in r["ratios"])' ||
    fail 'a void comparison has ratios in its JSON'
# Closed words are not open's, and single runs have no profile.
run 0 bundle make last last~1 -o single.tar
run 0 vendor compare same.tar single.tar
prints 'made of single runs, by no profile'
run 0 vendor compare same.tar single.tar --json
prints '"void_because": "parity of answers: .*; the profiles differ: open/1 on quick (.*), and none"'
run 0 vendor compare cpu.tar; prints 'nothing to compare with'

# Another profile asks other items, which is told in a line and not item by item.
run 0 vendor compare same.tar cpu.tar
prints 'the profiles ask other items'

# A device without a read of its memory says so.
cc -shared -fPIC -O2 -I"$root/tests/plugins/v1" -o libv1.so "$root/tests/plugins/v1/naive_v1.c" -lm
run 0 vendor run "$model" --profile open --base quick --steps peaks,text --device ./libv1.so -o v1.tar
run 0 vendor compare v1.tar; prints 'at most is not known: the device offers no read of its'

# A step that fails is a result, and the other steps go on.
run 1 vendor run "$model" --profile open --base quick --steps peaks,load --set load:kernels=none -o failed.tar
prints '^load .* error'; prints '1 of 2 steps'
run 0 vendor compare failed.tar; prints 'step load failed (error)'

# What a profile cannot have, and words that mean nothing.
run 64 vendor run "$model" --set threads=1 -o x.tar; one_line; says 'closed has nothing to tune'
run 64 vendor run "$model" --profile open --steps latncy -o x.tar; one_line; says "did you mean 'latency'"
run 64 vendor run "$model"; one_line; says 'out is missing'
run 1 vendor run missing.gguf -o x.tar; one_line
run 64 vendor compare; one_line
run 64 vendor sell; one_line

# Bundles that are not what they say.
repack() { (cd x && tar -cf ../t.tar manifest.json profile.json runs/*/*); }
rehash() { # the manifest of what is in x now
    python3 - <<'EOP'
import hashlib, json, os
m = json.load(open("x/manifest.json"))
for f in m["files"]:
    b = open("x/" + f["name"], "rb").read()
    f["bytes" if "bytes" in f else "size"] = len(b)
    f["sha256"] = hashlib.sha256(b).hexdigest()
json.dump(m, open("x/manifest.json", "w"))
EOP
}
unpack() { rm -rf x; mkdir x; tar -C x -xf same.tar; }
unpack; for db in x/runs/*/run.sqlite; do "$sql" "$db" 'UPDATE bench_samples SET seconds = seconds / 2'; done; repack
run 3 vendor compare t.tar single.tar; one_line; says 't.tar does not verify'
unpack; sed -i 's/"3"/"9"/' x/profile.json; repack
run 3 vendor compare single.tar t.tar; one_line; says 't.tar does not verify: profile.json'

unpack; sed -i '/"words"/,$s/"3"/"16"/' x/profile.json; rehash; repack
run 3 vendor compare t.tar; one_line; says 'step scenarios has other words than profile open/1'
unpack; sed -i 's/"device": "cpu"/"device": "opencl:0"/' x/profile.json; rehash; repack
run 3 vendor compare t.tar; one_line; says 'its run was made by another command'
unpack; sed -i '0,/"run": "[0-9a-f]*"/s//"run": "00000000"/' x/profile.json; rehash; repack
run 3 vendor compare t.tar; one_line; says 'is of no step of the profile'
unpack; echo '{"schema": 1' >x/profile.json; rehash; repack
run 3 vendor compare t.tar; one_line; says 'profile.json'
run 3 vendor compare "$model"; one_line
run 1 vendor compare nothing.tar; one_line
[ -z "$(ls "$TMPDIR")" ] || fail 'a folder was left'
finish
