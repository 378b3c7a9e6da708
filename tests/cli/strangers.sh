#!/bin/sh
# Files, names and places from strangers: nothing of theirs reaches the terminal as it is, what is
# unknown is null, and every refusal names file, place and reason.
. "$(dirname "$0")/lib.inc"

escape=$(printf '\033')
plain() { # what was printed holds no control character but line breaks and tabs
    ! LC_ALL=C tr -d '\n\t' <"$work/out" | LC_ALL=C grep -q '[[:cntrl:]]' &&
        ! LC_ALL=C grep -q "$(printf '\302\233')" "$work/out" ||
        { fail "a control character got through:"; cat -v "$work/out" | head -5; }
}

# Names in imported files: control characters, line breaks, quotes, a megabyte.
evil='\u001b[31mred\r\nlast\u009b1m\u202e \"q\"'
printf '{"results":{"%s":{"acc,f\\u0007":0.5}},"model_name":"%s"}' "$evil" "$evil" >"$work/a.json"
printf '%s\n' '{"doc_id":0,"metrics":["acc"],"acc":0,"target":"\u001b[2Jg","filter":"x","filtered_resps":["\u001b]0;t\u0007"],"resps":[["y"]]}' \
    >"$work/samples_trivia_1.jsonl"
{ echo model,task,metric,value; head -c 1000000 /dev/zero | tr '\0' m; echo ,t,acc,0.5; } >"$work/long.csv"
run 0 import "$work/a.json" "$work/samples_trivia_1.jsonl" "$work/long.csv"
prints 'a.json: lm-eval, 1 run, 1 score, 0 items'
run 0 runs; plain
[ "$(wc -L <"$work/out" 2>/dev/null || echo 80)" -le 80 ] || fail "a long name widens the table"
for n in 0 1 2; do
    run 0 show last~$n; plain
    run 0 show last~$n --json; plain
    for key in threads seed error; do prints "\"$key\": null"; done
    for key in shots version n_expected; do
        grep -q "\"$key\": null\|\"$key\": 1," "$work/out" || fail "unknown $key is not null"
    done
    run 0 items last~$n; plain
    run 0 items last~$n --json; plain
done
run 0 db check; plain

# Labels.
run 64 label last "a${escape}[31m"; says 'control character at byte 1'; one_line
run 64 label last "$(printf '\302\2331m')"; says 'control character'; one_line
run 64 label last "$(printf '\377')"; says 'not UTF-8'; one_line
run 64 label last "$(head -c 200 /dev/zero | tr '\0' x)"; says 'at most 100'; one_line
run 0 label last "q\"u'o"; run 0 show "q\"u'o"
run 64 items last~1 --task trivai; says 'has no task trivai'; says "did you mean 'trivia'"; one_line

# Files that lie: refused as a whole, by place; those before them are kept and reported.
printf '%s\n' model,task,metric,value a,t,acc,1 b,t,acc,many >"$work/bad.csv"
printf '%s\n' model,task,metric,value a,t,acc,1 >"$work/good.csv"
run 1 import "$work/good.csv" "$work/bad.csv" --json; says 'bad.csv:3: value is not a number'; one_line
prints '"scores": 1'
[ "$(grep -c '"file"' "$work/out")" -eq 1 ] || fail "the refused file is reported as read"
printf '{"results":{}}' >"$work/none.json"
run 1 import "$work/none.json"; says 'none.json: no result in it'; one_line
printf '{"results":{"t":{"acc,none":1}},"model_name":"a\\u0000b"}' >"$work/zero.json"
run 1 import "$work/zero.json"; says 'zero.json: a text with the character U+0000'; one_line
{ head -c 5000 /dev/zero | tr '\0' '['; } >"$work/deep.json"
run 1 import "$work/deep.json"; says 'deep.json: malformed JSON at byte'; one_line

# Documents: a zero byte does not swallow its line, and prompts are shown without control characters.
mkdir -p "$work/data/winogrande" "$work/data/piqa"
printf '{"sentence":"a _ b","option1":"x","option2":"y","answer":"1"}\n\000{}\n' \
    >"$work/data/winogrande/dev.jsonl"
run 1 eval "$model" --tasks winogrande --data "$work/data"; says 'dev.jsonl:2: not UTF-8 text'; one_line
printf '%s\n' '{"goal":"\u001b[2Jg","sol1":"\u009ba","sol2":"\rb","label":0}' \
    >"$work/data/piqa/valid.jsonl"
run 0 tasks show piqa --data "$work/data" --model "$model"; plain; prints 'Question: ?\[2Jg'
run 0 eval "$model" --tasks piqa --data "$work/data" -q; plain
run 0 items last; plain
run 0 tasks check piqa --data "$work/data" --json; prints '"defects": \[\]'
mv "$work/data/piqa" "$work/data/gone"
run 1 eval "$model" --tasks piqa --data "$work/data"; says 'no data: looked for .*piqa/valid.jsonl'
one_line

# One broken model does not keep the other from being measured.
run 1 eval "$model" "$work/none.gguf" --tasks perplexity_text -q; says 'none.gguf'; one_line
prints 'bits_per_byte'; prints 'none.gguf: not measured: '
run 1 eval "$work/none.gguf" "$model" --tasks perplexity_text -q --json
prints '"error": ".*none.gguf'; prints '"bits_per_byte": {'

# Places that cannot be written, or are not what they should be.
run 64 eval "$model" --tasks facts --limit 1 --db ''; says 'name is empty'; one_line
run 1 runs --db "$work/no/such.db"; says 'no results yet'; one_line
[ ! -e "$work/no" ] || fail "reading made a folder"
: >"$work/empty.db"
run 1 runs --db "$work/empty.db"; says 'no results yet'; one_line
for format in csv json sqlite lm-eval; do
    run 1 export last --format $format -o /proc/no/such; says '/proc/no'; one_line
done
run 0 export last --format csv -o "$work/e.csv" --json; prints '"format": "csv"'
run 64 export last --format csv --json; one_line
(
    ulimit -f 600 # blocks of 512 bytes: a full disk as far as we can tell
    "$DENSIMETER" eval "$model" --tasks facts -q --db "$work/limit.db" >"$work/out" 2>"$work/err"
    [ $? -eq 1 ]
) || fail "a file size limit does not end in status 1"
says 'limit.db: '; one_line
run 0 db check --db "$work/limit.db"; prints 'no defects'
finish
