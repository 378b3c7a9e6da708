/* Whichever allocation of a command is refused, its own or SQLite's, and wherever it is interrupted:
 * it ends with one error, holds nothing, and does its work when it is asked again.  Every command, in
 * this process, over one folder of files. */
#include "tests/test.h"

#include <dirent.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "tests/lab.h"

/* The status of a command line; the output is nobody's. */
static int command(const char *line, struct err *e)
{
    FILE *nowhere = fopen("/dev/null", "w");
    int rc;

    assert_non_null(nowhere);
    rc = lab_run(line, nowhere, nowhere, e);
    fclose(nowhere);
    return rc;
}

/* --- what can be refused ------------------------------------------------------------------ */

/* More than any command asks for: of us, and of SQLite. */
enum { NEAR = 1 << 18, FAR = 1 << 20 };

static void memory_at(long nth)
{
    mem_fail_at(nth == FAR - 1 ? NEAR - 1 : nth);
}

/* As many as were left can still be had. */
static long memory_asked(void)
{
    long left = 0;
    void *p;

    while (left < NEAR && (p = mem_alloc(1)) != NULL) {
        mem_free(p);
        left++;
    }
    mem_fail_at(-1);
    return NEAR - 1 - left;
}

static sqlite3_mem_methods real;
static long sqlite_left = -1, steps_left = -1;

static void *counting_malloc(int n)
{
    return sqlite_left >= 0 && sqlite_left-- == 0 ? NULL : real.xMalloc(n);
}

static void *counting_realloc(void *p, int n)
{
    return sqlite_left >= 0 && sqlite_left-- == 0 ? NULL : real.xRealloc(p, n);
}

static void sqlite_at(long nth)
{
    sqlite_left = nth;
}

static long sqlite_asked(void)
{
    long asked = FAR - 1 - sqlite_left;

    sqlite_left = -1;
    return asked;
}

/* Ctrl-C while SQLite begins a statement or has a row of it. */
static int on_step(unsigned what, void *user, void *statement, void *text)
{
    (void)what;
    (void)user;
    (void)statement;
    (void)text;
    if (steps_left >= 0 && steps_left-- == 0)
        lab_stop = 1;
    return 0;
}

static int watch_steps(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
    (void)why;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_ROW, on_step, NULL);
}

static void stop_at(long nth)
{
    steps_left = nth;
    lab_stop = 0;
}

static long stop_asked(void)
{
    long asked = FAR - 1 - steps_left;

    stop_at(-1);
    return asked;
}

static const struct refusal {
    const char *what;
    void (*at)(long nth); /* the nth from now on, once; -1: none */
    long (*asked)(void);  /* how often since at(FAR - 1) */
    enum err_code code;
    const char *says;
    int sparse; /* where the line does not say */
} refusals[] = {
    {"allocation", memory_at, memory_asked, ERR_NOMEM, "out of memory", 8},
    {"allocation of SQLite", sqlite_at, sqlite_asked, ERR_NOMEM, "out of memory", 1},
    {"interruption", stop_at, stop_asked, ERR_INTERRUPTED, "interrupted", 1},
};

/* What each line ends with when nothing is refused.  made: what it writes, taken away before each
 * try.  sparse: where one try takes long, fewer are made, with DENSIMETER_LONG by this much (0: as
 * many as elsewhere); PLAN: likewise, and a cell of it that failed is a row with its reason, and status 1;
 * LONG: only then, and fewer. */
enum { PLAN = -1, LONG = -2 };
static const struct {
    const char *line;
    int status;
    const char *made;
    int sparse;
} lines[] = {
    {"eval tiny.gguf --tasks facts --limit 2 -t 1 -q --no-cache --json", 0, NULL, 1},
    {"eval tiny.gguf --tasks words.json,numbers.json,judged.json -t 2 --keep-prompts", 0, NULL, 1},
    {"eval tiny.gguf other.gguf --tasks words.json --chat --csv", 0, NULL, 3},
    {"eval tiny.gguf --tasks lm/all.yaml -t 1 --no-cache", 0, NULL, 2},
    {"bench tiny.gguf -p 8,16 -n 4 -r 2 -t 1 -q --json", 0, NULL, 0},
    {"bench tiny.gguf -p 8 -n 4 -r 1 -t 1 --scenario single --requests 2 --csv", 0, NULL, 0},
    {"probe tiny.gguf --tasks letters.json --json", 0, NULL, 0},
    {"probe tiny.gguf --tasks words.json --vary case --no-store", 0, NULL, 0},
    {"probe tiny.gguf --tasks words.json --vary sequence --csv", 0, NULL, 0},
    {"export first --format json -o out.json", 0, NULL, 0},
    {"export first --format csv -o out.csv", 0, NULL, 0},
    {"export first --format csv -o out.csv --json", 0, NULL, 0},
    {"export first --format sqlite -o out.db", 0, "out.db", 3},
    {"export first --format lm-eval -o out.lm", 0, NULL, 0},
    {"import first.json first.csv first.db --db other.db --json", 0, "other.db", 1},
    {"import first.lm/results.json --db other.db", 0, "other.db", 1},
    {"bundle make first second -o out.tar --json", 0, NULL, 1},
    {"bundle verify first.tar", 0, NULL, 1},
    {"bundle verify first.tar --json", 0, NULL, 1},
    {"bundle key out.key", 0, "out.key", 0},
    {"gate --baseline first --candidate second --policy policy.json --junit out.xml "
     "--markdown out.md", 2, NULL, 0},
    {"gate --baseline first --candidate second --policy policy.json --json", 2, NULL, 0},
    {"gate --baseline bench1 --candidate bench2 --policy policy.json --json", 3, NULL, 0},
    {"compare first second", 0, NULL, 0},
    {"compare first second --json", 0, NULL, 0},
    {"compare first second -o out.md", 0, NULL, 0},
    {"compare bench1 bench2 --json", 0, NULL, 0},
    {"handover first second --json", 0, NULL, 0},
    {"handover first second -o out.md", 0, NULL, 0},
    {"report first second bench1 -o out.md", 0, NULL, 1},
    {"quantize tiny.gguf out.gguf --type q8_0 -q", 0, NULL, 0},
    {"quantize tiny.gguf out.gguf --type q5_1 --json", 0, NULL, 0},
    {"runs --json", 0, NULL, 0},
    {"runs --csv", 0, NULL, 0},
    {"runs --probes --json", 0, NULL, 0},
    {"runs --probes", 0, NULL, 0},
    {"show first", 0, NULL, 0},
    {"show bench1 --json", 0, NULL, 0},
    {"show first --json", 0, NULL, 0},
    {"items first --jsonl", 0, NULL, 0},
    {"items first --wrong", 0, NULL, 0},
    {"explain first", 0, NULL, 0},
    {"explain first --json", 0, NULL, 0},
    {"label second second --json", 0, NULL, 0},
    {"db check --json", 0, NULL, 3},
    {"db backup copy.db --json", 0, NULL, 0},
    {"db vacuum", 0, NULL, 0},
    {"db schema --json", 0, NULL, 0},
    {"db schema", 0, NULL, 0},
    {"db prune --keep last=3,likelihoods=20 --json", 0, NULL, 0},
    {"density --source catalogue llama-2-7b --json", 0, NULL, 1},
    {"density --source catalogue llama-2-7b", 0, NULL, 1},
    {"ruler list", 0, NULL, 1},
    {"ruler show pythia-piqa --json", 0, NULL, 1},
    {"ruler check pythia-piqa", 0, NULL, 1},
    {"bench tiny.gguf -p 16 -n 4 -b 1,2 -d 0,8 -r 1 --csv", 0, NULL, LONG},
    {"bench tiny.gguf -p 4 -n 2 -b 2 --scenario single,multi,offline --requests 3", 0, NULL, LONG},
    {"probe tiny.gguf --tasks intent --vary wording --limit 2 --no-store --json", 0, NULL, LONG},
    {"probe tiny.gguf --tasks toxicity --vary shots --seeds 3 --limit 2 --no-store", 0, NULL, LONG},
    {"tasks show words.json --chat --model tiny.gguf", 0, NULL, LONG},
    {"explain first --task words --csv", 0, NULL, LONG},
    {"db prune --keep last=1,weekly=1 --dry-run --db nights.db --json", 0, NULL, LONG},
    {"vendor compare one.tar two.tar --json", 0, NULL, LONG},
    {"vendor compare one.tar two.tar -o out.md", 0, NULL, LONG},
    {"trend --benchmark mmlu --since 2024-09 -o out.md", 0, NULL, 2},
    {"trend --benchmark mmlu --since 2024-09 --explain --envelope --json", 0, NULL, 2},
    {"tracker --benchmark mmlu --level gpt-4 -o out.md", 0, NULL, 1},
    {"tracker --benchmark mmlu --level gpt-4 --json", 0, NULL, 1},
    {"envelope --bandwidth 10 --gflops 100 -o out.md", 0, NULL, LONG},
    {"envelope --device rtx-4090 --power 100 --power-at-peak 400 -o out.md", 0, NULL, 0},
    {"show first --deadline -o out.md", 0, NULL, 0},
    {"tasks show letters.json --model tiny.gguf --convention lm-eval --json", 0, NULL, 0},
    {"bundle key out2.key --json", 0, "out2.key", 0},
    {"info tiny.gguf --json", 0, NULL, 0},
    {"info hybrid.gguf", 0, NULL, 0},
    {"tokenize tiny.gguf hello --json", 0, NULL, 0},
    {"tokenize other.gguf hello", 0, NULL, 0},
    {"tokenize tiny.gguf --jsonl texts", 0, NULL, 0},
    {"tokenize tiny.gguf --ids 3,4,5", 0, NULL, 0},
    {"score tiny.gguf --jsonl pairs --json", 0, NULL, 0},
    {"score hybrid.gguf --jsonl pairs", 0, NULL, 0},
    {"logits hybrid.gguf --ids 3,4,5 -o out.bin --json", 0, NULL, 0},
    {"template tiny.gguf --vars chat.json --json", 0, NULL, 0},
    {"generate tiny.gguf hello -n 4 --json", 0, NULL, 0},
    {"generate hybrid.gguf hello -n 4 --chat", 0, NULL, 0},
    {"tasks show words.json --json", 0, NULL, 0},
    {"tasks show words.json --model tiny.gguf --convention lm-eval", 0, NULL, 0},
    {"tasks check words.json --json", 0, NULL, 0},
    {"tasks check numbers.json", 0, NULL, 0},
    {"tasks check lm --json", 0, NULL, 0},
    {"tasks check lm/say.yaml", 0, NULL, 0},
    {"tasks show lm/all.yaml:say --doc 1", 0, NULL, 0},
    {"tasks show lm/colours.yaml --doc 0 --shots 1 --json", 0, NULL, 0},
    {"tasks new mine -o -", 0, NULL, 0},
    {"tasks new --kinds", 0, NULL, 0},
    {"tasks new --schema", 0, NULL, 0},
    {"tasks fetch --list --json", 0, NULL, 3},
    {"models --json", 0, NULL, 0},
    {"models", 0, NULL, 0},
    {"devices", 0, NULL, 0},
    {"devices --json", 0, NULL, 0},
    {"device new naive", 0, "naive.c", 0},
    {"run --schema", 0, NULL, 0},
    {"run plan.json -q --db plan.db", 0, "plan.db", PLAN},
    {"run plan.json --status --db nights.db", 0, NULL, 0},
    {"run plan.json --status --db nights.db --json", 0, NULL, 0},
    {"nightly plan.json --now 2026-11-03 --again -q --db nights.db", 0, NULL, PLAN},
    {"nightly plan.json --now 2026-11-03 --again -q --json --db nights.db", 0, NULL, PLAN},
    {"nightly status plan.json --db nights.db", 0, NULL, 0},
    {"nightly status plan.json --db nights.db --json", 0, NULL, 0},
    {"nightly install plan.json --user --to units --sysroot . --db nights.db", 0, NULL, 0},
    {"nightly pin last --db nights.db --json", 0, NULL, 0},
    {"report last --db nights.db -o out.md", 0, NULL, 1},
    {"verify --list --json", 0, NULL, 0},
    {"verify --list", 0, NULL, 0},
    {"help eval", 0, NULL, 0},
    {"help --json", 0, NULL, 0},
    {"completions bash", 0, NULL, 0},
    {"completions zsh", 0, NULL, 0},
    {"completions fish --json", 0, NULL, 0},
    {"pull --list --json", 0, NULL, 0},
    {"vendor compare first.tar --json", 0, NULL, 1},
};

#define STEPS                                                                                      \
    "--profile open --base quick --steps scenarios,batch --set scenarios:limit=3 --set batch:repeats=2"

static int ground(void **state)
{
    int rc = lab_set_up(state);

    if (rc == 0 && getenv("DENSIMETER_LONG")) {
        lab_do("vendor run tiny.gguf " STEPS " -o one.tar -q");
        lab_do("vendor run other.gguf " STEPS " --declared-watts 3 -o two.tar -q");
    }
    return rc;
}

/* One try: the work is done, or there is one reason why not and nothing is held. */
static void refuse(const struct refusal *r, size_t i, long nth)
{
    const char *line = lines[i].line, *made = lines[i].made;
    struct err e = ERR_NONE;
    long live = mem_live();
    int rc;

    if (made)
        unlink(made);
    r->at(nth);
    rc = command(line, &e);
    r->at(-1);
    if (rc != lines[i].status && !(rc == 1 && lines[i].sparse == PLAN) &&
        (rc != -1 || e.code != r->code || !strstr(e.text, r->says)))
        fail_msg("%s: %s %ld: %d, code %d, %s", line, r->what, nth, rc, (int)e.code, e.text);
    if (mem_live() != live)
        fail_msg("%s: %s %ld: %ld blocks are held", line, r->what, nth, mem_live() - live);
}

/* What is refused lies densely at the beginning and at the end, where it is the command's own:
 * between them lie the rows of what it reads. */
static void every_line_survives(const struct refusal *r)
{
    int is_long = getenv("DENSIMETER_LONG") != NULL;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *line = lines[i].line, *made = lines[i].made;
        int status = lines[i].status, rc;
        int sparse = lines[i].sparse > 0 ? lines[i].sparse : lines[i].sparse < 0 ? 1 : r->sparse;
        struct err e = ERR_NONE;
        long n, skipped = lines[i].sparse ? 15 : 3;

        if (!is_long && (lines[i].sparse == LONG || (r != refusals && lines[i].sparse == 1)))
            continue;
        if (made)
            unlink(made);
        r->at(FAR - 1);
        rc = command(line, &e);
        n = r->asked();
        if (rc != status)
            fail_msg("%s: %d, %s", line, rc, e.text);
        for (long k = 0; 2 * k <= n && n; k += 1 + (is_long ? k / sparse : skipped * k)) {
            refuse(r, i, k);
            refuse(r, i, n - 1 - k);
        }
        if (made)
            unlink(made);
        e = ERR_NONE;
        if (n && command(line, &e) != status)
            fail_msg("%s: asked again: %s", line, e.text);
    }
}

static void a_refused_allocation_is_one_error(void **state)
{
    (void)state;
    every_line_survives(&refusals[0]);
}

static void a_refused_allocation_of_SQLite_is_one_error(void **state)
{
    (void)state;
    every_line_survives(&refusals[1]);
}

static void an_interruption_ends_what_reads(void **state)
{
    (void)state;
    every_line_survives(&refusals[2]);
}

static void what_was_refused_leaves_no_file_behind_and_the_database_whole(void **state)
{
    struct err e = ERR_NONE;
    DIR *d = opendir(".");
    (void)state;
    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        if (strstr(f->d_name, ".tmp") || strstr(f->d_name, ".part"))
            fail_msg("%s is left", f->d_name);
    closedir(d);
    assert_int_equal(command("db check", &e), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_allocation_is_one_error),
        cmocka_unit_test(a_refused_allocation_of_SQLite_is_one_error),
        cmocka_unit_test(an_interruption_ends_what_reads),
        cmocka_unit_test(what_was_refused_leaves_no_file_behind_and_the_database_whole),
    };

    sqlite3_mem_methods counting;

    if (argc > 1)
        return lab_as_program(argc, argv);
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    counting = real;
    counting.xMalloc = counting_malloc;
    counting.xRealloc = counting_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
    sqlite3_auto_extension((void (*)(void))watch_steps);
    return cmocka_run_group_tests_name(__FILE__, tests, ground, lab_tear_down);
}
