#!/bin/sh
# tasks fetch against a hub, its server of rows and another host, as they are and as they fail.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not here"; exit 77; }
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
python3 tests/servers/hub.py "$work" tests/golden/parquet & server=$!
i=0
while [ ! -e "$work/port" ]; do
    i=$((i + 1)); [ $i -gt 100 ] && { echo "the test server does not start"; exit 1; }
    sleep 0.1
done
url=http://127.0.0.1:$(cat "$work/port")
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY HF_TOKEN DENSIMETER_DATA
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost HF_ENDPOINT=$url/ \
    DENSIMETER_DATASETS_SERVER=$url DENSIMETER_GITHUB=$url/raw XDG_DATA_HOME=$work/home
data=$work/data

failures=0
fail() { echo "FAILED: $*"; cat "$work/err"; failures=$((failures + 1)); }
# fetch STATUS WORDS...: the exit status must be STATUS; output in out and err.
fetch() {
    want=$1; shift
    "$DENSIMETER" tasks fetch --data "$data" "$@" >"$work/out" 2>"$work/err"
    rc=$?
    [ $rc -eq "$want" ] || fail "tasks fetch $*: exit status $rc instead of $want"
}
says() { grep -q "$1" "$work/err" || fail "the message lacks: $1"; }
nothing() { [ ! -e "$data/$1" ] || fail "$1 must not be there"; }
same() { # FILE JSONL: the records are those
    python3 - "$data/$1" "tests/golden/parquet/$2" <<'END' || fail "$1: not the records of $2"
import json, sys
a, b = ([json.loads(line) for line in open(f)] for f in sys.argv[1:])
assert a == b, (len(a), len(b))
END
}

# A task: both of its files, where tasks look; licence first, then the file; the note beside it.
fetch 0 arc_easy
says "allenai/ai2_arc: licence cc-by-sa-4.0, revision 0123456789ab"
same arc_easy/test.jsonl arc.jsonl; same arc_easy/train.jsonl arc.jsonl
[ ! -e "$data/.fetch" ] || fail "the working folder is still there"
grep -q '"revision": "0123456789abcdef0123456789abcdef01234567"' "$data/arc_easy/test.jsonl.source.json" &&
    grep -q '"licence": "cc-by-sa-4.0"' "$data/arc_easy/test.jsonl.source.json" &&
    grep -q '"config": "ARC-Easy"' "$data/arc_easy/test.jsonl.source.json" || fail "the note lacks something"
"$DENSIMETER" tasks check arc_easy --data "$data" 2>"$work/err" || fail "arc_easy does not open"
says "300 items"
: >"$work/requests"
fetch 0 arc_easy --json
[ ! -s "$work/requests" ] || fail "what is there was asked for again"
grep -q '"was_there": true' "$work/out" || fail "was_there is not true"
echo >>"$data/arc_easy/test.jsonl"
fetch 1 arc_easy; says "is another file"
fetch 0 arc_easy --force --no-examples; same arc_easy/test.jsonl arc.jsonl
grep -q "train" "$work/requests" && fail "the examples' file was fetched"

# Rows in the shape that tasks read; without a task, to where task files look.
fetch 0 mmlu_anatomy --csv
grep -q "^mmlu/test/anatomy_test.csv,230,.*,rows," "$work/out" || fail "mmlu did not come by rows"
"$DENSIMETER" tasks check mmlu_anatomy --data "$data" 2>"$work/err" || fail "mmlu_anatomy does not open"
says "230 items"
"$DENSIMETER" tasks show mmlu_anatomy --doc 2 --shots 1 --data "$data" >"$work/out" 2>"$work/err"
grep -q 'What is 2, "really"?' "$work/out" && grep -q "gold: .*C" "$work/out" || fail "mmlu reads otherwise"
fetch 0 hendrycks_math500; says "licence unknown"; [ "$(wc -l <"$data/math500/test.jsonl")" -eq 7 ] || fail "math500"
fetch 1 wikitext; says "SHA-256 is .*, expected 173c87a5"; nothing wikitext2/wiki.test.raw
fetch 1 triviaqa; says "wrong file"; nothing triviaqa/triviaqa_sm_sub.jsonl
fetch 0 any/shards@main --split train; [ "$(wc -l <"$data/any/shards/train.jsonl")" -eq 600 ] || fail "shards"
fetch 0 any/shards --via rows --split train --force
[ "$(wc -l <"$data/any/shards/train.jsonl")" -eq 600 ] || fail "shards by rows"
fetch 0 any/shards --split test; grep -q rows "$work/out" || fail "half a split was taken for one"
fetch 1 any/shards --via files --split test --force; says "no file of the split 'test'"
fetch 0 any/lines --json; grep -q '"records": 2' "$work/out" || fail "csv"
fetch 0 hf:any/converted --via parquet; same any/converted/test.jsonl arc.jsonl
fetch 1 any/two; says "which configuration"; says "one, two"
fetch 0 any/two --config two; [ -e "$data/any/two/two/test.jsonl" ] || fail "a configuration has no folder"
cat >"$work/mine.yaml" <<'END'
task: mine
dataset_path: any/two
dataset_name: one
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: answer
metric_list:
  - metric: acc
END
fetch 0 "$work/mine.yaml"
"$DENSIMETER" tasks show "$work/mine.yaml" --doc 1 --data "$data" >"$work/out" 2>"$work/err" || fail "mine.yaml"
grep -q 'What is 1, "really"?' "$work/out" || fail "mine.yaml does not read what was fetched"
# Packed files, a member of an archive, a file that is no records.
fetch 0 c4; [ "$(wc -l <"$data/c4/validation.jsonl")" -eq 5 ] || fail "c4"
"$DENSIMETER" tasks show c4 --doc 4 --data "$data" >"$work/out" 2>"$work/err"
grep -q "Page 4 of the web" "$work/out" || fail "c4 does not open"
fetch 0 ceval-valid_law
"$DENSIMETER" tasks show ceval-valid_law --shots 1 --data "$data" >"$work/out" 2>"$work/err"
grep -q "gold: .*B" "$work/out" || fail "ceval does not open"
fetch 1 ceval-valid_logic; says "ceval-exam.zip#val/logic_val.csv: no such file in there"; nothing ceval/val/logic_val.csv
fetch 0 tinystories; fetch 0 tinystories --via rows --force
"$DENSIMETER" tasks check tinystories --data "$data" 2>"$work/err"; says "2 items"
fetch 0 any/packed --split test; [ "$(wc -l <"$data/any/packed/test.jsonl")" -eq 7 ] || fail "jsonl.gz"
fetch 1 any/packed --via files --split train; says "is no gzip file\|Unrecognized"
fetch 1 any/packed --via files --split validation; says "validation.json.gz"
nothing any/packed/validation.jsonl
[ -z "$(ls "${TMPDIR:-/tmp}"/densimeter-??????.json "${TMPDIR:-/tmp}"/densimeter-??????.csv 2>/dev/null)" ] || fail "unpacked files are left"
# Parquet as it is, as a task file names it or where it is looked for.
cat >"$work/arc.yaml" <<END
task: arc
dataset_path: parquet
dataset_kwargs: {data_files: {test: $PWD/tests/golden/parquet/arc_zstd.parquet}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: "{{choices.text}}"
doc_to_target: "{{choices.label.index(answerKey)}}"
metric_list:
  - metric: acc
END
sed 's/^dataset_kwargs.*//; s/dataset_path: parquet/dataset_path: some\/where/; s/task: arc/task: placed/' \
    "$work/arc.yaml" >"$work/placed.yaml"
mkdir -p "$data/some/where" && cp tests/golden/parquet/arc_snappy.parquet "$data/some/where/test.parquet"
for file in arc placed; do
    "$DENSIMETER" tasks show "$work/$file.yaml" --doc 299 --data "$data" >"$work/out" 2>"$work/err" || fail "$file.yaml"
    grep -q "Which of 299 things" "$work/out" && grep -q "gold: option" "$work/out" || fail "$file.yaml reads otherwise"
done
"$DENSIMETER" tasks fetch any/lines --split validation 2>"$work/err" >"$work/out"
[ -e "$work/home/densimeter/data/any/lines/validation.jsonl" ] || fail "not the user's own folder"

# Networks: cut, slow, busy, killed in the middle.
fetch 0 faults/cut; same faults/cut/test.jsonl arc.jsonl
fetch 0 faults/busy; says "asks to wait 1 s"; [ "$(wc -l <"$data/faults/busy/test.jsonl")" -eq 230 ] || fail "busy"
fetch 0 faults/norev; [ "$(wc -l <"$data/faults/norev/test.jsonl")" -eq 230 ] || fail "norev"
for set in slow slowrows; do
    "$DENSIMETER" tasks fetch faults/$set --data "$data" >"$work/out" 2>"$work/err" & running=$!
    i=0
    until grep -q "$([ $set = slow ] && echo "^localhost /cdn/faults/slow" || echo "slowrows.*offset=100")" "$work/requests"; do
        i=$((i + 1)); [ $i -gt 100 ] && break
        sleep 0.1
    done
    sleep 0.3
    fetch 1 faults/$set; says "another process"
    kill -KILL $running; wait $running 2>/dev/null
    nothing faults/$set/test.jsonl
done
fetch 0 faults/slow; same faults/slow/test.jsonl arc.jsonl
grep -q "^localhost /cdn/faults/slow.* bytes=[1-9]" "$work/requests" || fail "the file was not gone on with"
fetch 0 faults/slowrows; [ "$(wc -l <"$data/faults/slowrows/test.jsonl")" -eq 230 ] || fail "slowrows"
[ "$(grep -c "slowrows.*offset=0&" "$work/requests")" -eq 1 ] || fail "rows were fetched twice"

# Lies.
fetch 1 faults/wrong; says "wrong file: SHA-256"; nothing faults/wrong/test.jsonl
fetch 1 faults/gitwrong; says "wrong file: git"; nothing faults/gitwrong/test.jsonl
fetch 1 faults/long; says "are expected"; nothing faults/long/test.jsonl
fetch 1 faults/lies; says "are expected"; nothing faults/lies/test.jsonl
fetch 1 faults/escape; says "leads outside"; [ -z "$(find "$work" -name 'escaped*')" ] || fail "escaped"
fetch 1 faults/splitname; says "cannot be a file's"
fetch 1 faults/otherhost --via parquet; says "another host\|other host"
grep -q evil "$work/requests" && fail "another host was asked"
fetch 3 faults/otherrev --via parquet; says "wanted is 0123"
fetch 1 faults/skips; says "not the ones that were asked for"; nothing faults/skips/test.jsonl
fetch 1 faults/short; says "before their number is reached"
fetch 1 faults/cutcell; says "shown cut off"
fetch 1 faults/grows; says "has 230 rows and then 231"
fetch 1 faults/bomb; says "do not add up"
fetch 1 faults/partial; says "only the beginning"
fetch 1 faults/garbage --split test; says "faults/garbage"
fetch 1 faults/deep --split test; says "faults/deep"
fetch 1 faults/sha --split test; says "which revision"
fetch 1 faults/gone --split x; says "answers 404"
fetch 1 faults/endless --split test; says "bytes arrive"

# The token: sent to the hub and its server, never printed, never to another host.
: >"$work/requests"
fetch 1 gated/data --split test; says "HF_TOKEN"
HF_TOKEN=hf_secret fetch 0 gated/data --split test; same gated/data/test.jsonl arc.jsonl
grep -q "Bearer hf_secret" "$work/requests" || fail "the token was not sent"
grep "^localhost" "$work/requests" | grep -q secret && fail "the token went to another host"
grep -q "^localhost" "$work/requests" || fail "there was no other host"
grep -q secret "$work/out" "$work/err" && fail "the token was printed"
grep -rq secret "$data" && fail "the token was written"

# Words.
fetch 64; says "TASK or DATASET is missing"
fetch 64 arc_esay; says "did you mean 'arc_easy'"
fetch 64 ../x/y; says "malformed"
fetch 64 any/lines --split ../x; says "is no split"
fetch 0 --list --json
python3 - "$work/out" <<'END' || fail "the list of sources"
import json, sys
rows = json.load(open(sys.argv[1]))["sources"]
assert len({r["file"] for r in rows}) > 400
missing = {r["file"] for r in rows if not r["dataset"] and not r["github"]}
assert not missing, missing
row = [r for r in rows if r["task"] == "mmlu_anatomy"]
assert [(r["dataset"], r["config"], r["split"]) for r in row] == [("cais/mmlu", "anatomy", "test"), ("cais/mmlu", "anatomy", "dev")], row
END
[ "$failures" -eq 0 ]
