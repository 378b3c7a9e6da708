/* Audits of devices: an honest one passes all of them whatever the seed, and each way of cheating
 * is found by the audit that is meant for it, or more. */
#include "tests/test.h"

#include <unistd.h>

#include "base/mem.h"
#include "harness/cheats.h"
#include "harness/encode.h"
#include "tasks/task.h"
#include "tests/plugins.h"
#include "tests/store_fixture.h"
#include "tests/tiny.h"

static char model[160];
static struct watch watch = {.line = -1};
static struct peak peak;

static int set_up(void **state)
{
    const struct tiny_opts o = {.seed = 1, .is_bpe = 1};
    struct err e = ERR_NONE;

    if (fixture_folder(state) < 0 || watch_start(&watch, &e) < 0 || peak_measure(&peak, 1, &e) < 0)
        return -1;
    snprintf(model, sizeof model, "%s", in_dir("tiny.gguf"));
    return tiny_write(model, &o, &e);
}

static int tear_down(void **state)
{
    watch_stop(&watch);
    return fixture_folder_gone(state);
}

static void audit(const char *device, uint64_t seed, struct cheat_report *r)
{
    static const char *const tasks[] = {"facts"};
    struct err e = ERR_NONE;
    struct cheats c = {.model = model, .device = {.device = device, .threads = 1}, .tasks = tasks,
                       .n_tasks = 1, .items = 4, .prompts = 2, .tokens = 16, .seed = seed,
                       .watch = &watch, .peak = &peak, .model_tolerance = 2e-4};

    if (cheats_run(&c, r, &e) < 0)
        fail_msg("%s: %s", device, e.text);
}

static void an_honest_device_passes_whatever_is_drawn(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= (getenv("DENSIMETER_LONG") ? 4 : 2); seed++) {
        struct cheat_report r;
        audit(plugin_built("examples/device_naive.c"), seed, &r);
        for (int i = 0; i < CHEAT_AUDITS; i++) {
            enum cheat_verdict v = r.audits[i].verdict;
            assert_true(r.audits[i].n > 0);
            /* Times of a busy machine may be open. */
            if (v != CHEAT_PASS && !(v == CHEAT_OPEN && cheat_info(i)->rule == CHEAT_MOST))
                fail_msg("seed %d, %s: %s", (int)seed, cheat_info(i)->name, r.audits[i].found);
        }
        cheat_report_release(&r);
    }
}

/* FNV-1a of the prompt of every published item, and the first token of its right answer. */
static void write_table(const char *path)
{
    const struct task_opts o = {.shots = -1, .seed = 1234};
    struct runner_opts plain = {.threads = 1};
    struct runner *r = NULL;
    struct task *t = NULL;
    struct ids pool = {0};
    struct err e = ERR_NONE;
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(runner_open(&r, model, &plain, &e), 0);
    assert_int_equal(task_open(&t, "facts", &o, &e), 0);
    struct encoder enc = {.tokenizer = runner_tokenizer(r), .max_length = 512};
    for (int i = 0; i < task_count(t); i++) {
        struct item it;
        struct span s;
        uint64_t hash = UINT64_C(14695981039346656037);
        assert_int_equal(task_item(t, i, &it, &e), 0);
        const struct query *q = &it.queries[it.gold_index < 0 ? 0 : it.gold_index];
        assert_int_equal(encode_pair(&enc, q->context, q->continuation, &pool, &s, &e), 0);
        for (int k = 0; k < s.n_given; k++)
            hash = (hash ^ (uint64_t)pool.v[s.at + (size_t)k]) * UINT64_C(1099511628211);
        fprintf(f, "%llx %d\n", (unsigned long long)hash, pool.v[s.at + (size_t)s.n_given]);
        item_release(&it);
    }
    fclose(f);
    ids_release(&pool);
    task_close(t);
    runner_close(r);
}

struct planted {
    const char *source, *name, *value; /* of the environment while it is audited */
    int found_by[3], passes[4];        /* -1: no more */
};

static void expect(const struct planted *p)
{
    struct cheat_report r;

    setenv(p->name, p->value, 1);
    audit(plugin_built(p->source), 7, &r);
    unsetenv(p->name);
    for (int i = 0; i < 3 && p->found_by[i] >= 0; i++)
        if (r.audits[p->found_by[i]].verdict != CHEAT_FAIL)
            fail_msg("%s is not found by %s: %s", p->source, cheat_info(p->found_by[i])->name,
                     r.audits[p->found_by[i]].found);
    for (int i = 0; i < 4 && p->passes[i] >= 0; i++)
        if (r.audits[p->passes[i]].verdict != CHEAT_PASS)
            fail_msg("%s: %s: %s", p->source, cheat_info(p->passes[i])->name,
                     r.audits[p->passes[i]].found);
    assert_int_equal(cheat_verdict(&r), CHEAT_FAIL);
    cheat_report_release(&r);
}

static void every_planted_cheat_is_found_and_told_apart(void **state)
{
    char table[160];
    const struct planted planted[] = {
        {"tests/plugins/cheat_cache.c", "CHEAT", "1", {CHEAT_CACHE, -1, -1},
         {CHEAT_PRECISION, CHEAT_KNOWN, CHEAT_CLOCK, CHEAT_END}},
        {"tests/plugins/cheat_end.c", "CHEAT_END", "2", {CHEAT_END, -1, -1},
         {CHEAT_PRECISION, CHEAT_KNOWN, CHEAT_HIDDEN, CHEAT_CLOCK}},
        {"tests/plugins/cheat_skip.c", "CHEAT", "1", {CHEAT_END, CHEAT_MODES, -1},
         {CHEAT_PRECISION, CHEAT_KNOWN, CHEAT_HIDDEN, CHEAT_CLOCK}},
        {"tests/plugins/cheat_clock.c", "CHEAT_CLOCK", "1", {CHEAT_CLOCK, -1, -1},
         {CHEAT_PRECISION, CHEAT_KNOWN, CHEAT_HIDDEN, CHEAT_END}},
        {"tests/plugins/cheat_hash.c", "CHEAT_TABLE", table, {CHEAT_KNOWN, CHEAT_RENAMED, -1},
         {CHEAT_PRECISION, CHEAT_HIDDEN, CHEAT_END, CHEAT_MODES}},
        {"tests/plugins/planted.c", "PLANTED", "5:coarse", {CHEAT_PRECISION, CHEAT_HIDDEN, -1},
         {CHEAT_CLOCK, -1, -1, -1}},
    };
    (void)state;

    snprintf(table, sizeof table, "%s", in_dir("table"));
    write_table(table);
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++)
        expect(&planted[i]);
}

/* ---- documents ---- */

static void put_report(struct strbuf *out, const struct cheat_report *r)
{
    struct json_out o = JSON_OUT(out);

    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", "densimeter.device/1");
    cheats_put(&o, r);
    json_end_object(&o);
}

static struct cheat_report some_report(void)
{
    struct cheat_report r = {.device = "naive", .numerics = "naive/1", .seed = 5};

    for (int i = 0; i < CHEAT_AUDITS; i++) {
        struct cheat_result *x = &r.audits[i];
        x->samples = mem_calloc(24, sizeof *x->samples);
        x->cap = 24;
        for (x->n = 0; x->n < 24; x->n++)
            x->samples[x->n] = -1e-3 * (double)(x->n + 1);
        x->limit = i == CHEAT_HIDDEN ? 2e-4 : cheat_limit(i, 0);
        cheat_judge(i, x);
    }
    return r;
}

static void hear(void *user, const char *line)
{
    strbuf_addf(user, "%s\n", line);
}

static void must_say(const struct strbuf *document, const char *says)
{
    struct strbuf heard = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (cheats_check(strbuf_str(document), document->len, "audit/1.json", hear, &heard, &e) < 0)
        strbuf_adds(&heard, e.text);
    if (*says ? !strstr(strbuf_str(&heard), says) : heard.len != 0)
        fail_msg("'%s' is not in: %s", says, strbuf_str(&heard));
    strbuf_release(&heard);
}

static void replace(struct strbuf *b, const char *from, const char *to)
{
    struct strbuf text = STRBUF_INIT;
    const char *at = strstr(strbuf_str(b), from);

    assert_non_null(at);
    strbuf_add(&text, strbuf_str(b), (size_t)(at - strbuf_str(b)));
    strbuf_adds(&text, to);
    strbuf_adds(&text, at + strlen(from));
    strbuf_release(b);
    *b = text;
}

static void a_document_that_does_not_follow_from_its_samples_is_found(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } edits[] = {
        {"\"seed\":5", "\"seed\":5", ""},
        {"\"verdict\":\"PASS\",\"audits\"", "\"verdict\":\"FAIL\",\"audits\"",
         "its verdict is FAIL"},
        {"\"verdict\":\"PASS\",\"found\"", "\"verdict\":\"-\",\"found\"",
         "'precision' is said to be -"},
        {"24 within", "25 within", "something else than its samples say"},
        {"\"samples\":[-0.001,", "\"samples\":[1,", "failed the audit 'precision'"},
        {"\"samples\":[-0.001,", "\"samples\":[null,", "'precision' is said to be PASS"},
        {"\"audit\":\"known\"", "\"audit\":\"unknown\"", "where is the audit 'known'?"},
        {"\"limit\":0.001", "\"limit\":0.1", "has the limit 0.1, and at most 0.001"},
        {"\"limit\":0.02", "\"limit\":\"no\"", "audit 'end' has no limit"},
        {"densimeter.device/1", "densimeter.show/1", "no document of 'device audit"},
        {"{\"schema\"", "{", "audit/1.json"},
    };
    struct cheat_report r = some_report();

    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct strbuf b = STRBUF_INIT;
        put_report(&b, &r);
        replace(&b, edits[i].from, edits[i].to);
        must_say(&b, edits[i].says);
        strbuf_release(&b);
    }
    cheat_report_release(&r);
}

static void noise_is_no_finding(void **state)
{
    struct cheat_result x = {.cap = 24};

    (void)state;
    x.samples = mem_calloc(24, sizeof *x.samples);
    x.limit = cheat_limit(CHEAT_CACHE, 0);
    for (x.n = 0; x.n < 24; x.n++) /* 20 of 24 over the limit: p is 0.00077 */
        x.samples[x.n] = x.n < 20 ? 0.2 : -0.2;
    cheat_judge(CHEAT_CACHE, &x);
    assert_int_equal(x.verdict, CHEAT_OPEN);
    assert_close(x.p, 0.00077194, 1e-6);
    x.samples[23] = 0.2; /* sorted: one of those below */
    x.samples[0] = 0.2;
    cheat_judge(CHEAT_CACHE, &x);
    assert_int_equal(x.verdict, CHEAT_FAIL);
    x.is_soft = 1;
    cheat_judge(CHEAT_CACHE, &x);
    assert_int_equal(x.verdict, CHEAT_OPEN);
    x.samples[3] = NAN;
    cheat_judge(CHEAT_PRECISION, &x);
    assert_true(x.worst > 1e299);
    mem_free(x.samples);
}

static void parsing_survives_every_failed_allocation(void **state)
{
    struct cheat_report r = some_report();
    struct strbuf b = STRBUF_INIT;
    long live;
    int rc = -1;

    (void)state;
    put_report(&b, &r);
    cheat_report_release(&r);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = cheats_parse(&r, strbuf_str(&b), b.len, "x", &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        cheat_report_release(&r);
        assert_int_equal(mem_live(), live);
    }
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_device_passes_whatever_is_drawn),
        cmocka_unit_test(every_planted_cheat_is_found_and_told_apart),
        cmocka_unit_test(a_document_that_does_not_follow_from_its_samples_is_found),
        cmocka_unit_test(noise_is_no_finding),
        cmocka_unit_test(parsing_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
