/* cmd_gate.c -- a candidate against a baseline by a policy. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/commands.h"
#include "harness/gate_write.h"
#include "harness/stored.h"

const struct option gate_options[] = {
    {"baseline", 0, OPTION_TEXT, "RUN", NULL, 0, 0, "the run to hold on to"},
    {"candidate", 0, OPTION_TEXT, "RUN", NULL, 0, 0, "the run to judge"},
    {"policy", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "margins, limits and rules (see --init)"},
    {"look", 0, OPTION_INT, "N", "1", 1, 10, "which of the policy's declared looks this is"},
    {"junit", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "also write JUnit XML"},
    {"markdown", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "also write the page as Markdown"},
    {"html", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "also write the page as HTML"},
    {"github", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "print annotations for GitHub, and add the page to $GITHUB_STEP_SUMMARY"},
    {"init", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print a commented policy to begin with"},
    {"schema", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print the policy's JSON Schema"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static const struct report_writer *writer_named(const char *name)
{
    const struct report_writer *w;

    for (int i = 0; (w = report_writer_at(i)) != NULL; i++)
        if (strcmp(w->name, name) == 0)
            return w;
    return NULL;
}

/* --- outputs -------------------------------------------------------------------------------- */

static int write_page(const struct report *r, const char *writer, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    if (writer_named(writer)->write(r, NULL, &b, e) == 0)
        rc = file_write(path, b.s, b.len, e);
    strbuf_release(&b);
    return rc;
}

/* Other steps of the job have written there too. */
static int append_summary(const struct report *r, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    FILE *f = NULL;
    int rc = -1;

    if (writer_named("markdown")->write(r, NULL, &b, e) < 0)
        goto out;
    f = fopen(path, "a");
    if (!f || fwrite(b.s, 1, b.len, f) != b.len || fflush(f) != 0)
        err_errno(e, "%s", path);
    else
        rc = 0;
out:
    if (f)
        fclose(f);
    strbuf_release(&b);
    return rc;
}

static int write_files(const struct context *c, const struct gate_story *s,
                       const struct report *page, struct err *e)
{
    static const char *const pages[] = {"markdown", "html"};
    const char *junit = args_str(c->args, "junit");
    struct strbuf b = STRBUF_INIT;
    int rc = 0;

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const char *path = args_str(c->args, pages[i]);
        if (path && write_page(page, pages[i], path, e) < 0)
            return -1;
    }
    if (junit) {
        gate_junit(&b, s);
        rc = strbuf_ok(&b, e) < 0 ? -1 : file_write(junit, b.s, b.len, e);
    }
    strbuf_release(&b);
    return rc;
}

/* Annotations go where GitHub reads them without disturbing --json: both streams are read. */
static int tell_github(const struct context *c, const struct gate_story *s,
                       const struct report *page, struct err *e)
{
    const char *summary = getenv("GITHUB_STEP_SUMMARY");
    struct strbuf b = STRBUF_INIT;
    int rc;

    gate_github(&b, s);
    rc = strbuf_ok(&b, e);
    if (rc == 0 && c->json)
        fputs(strbuf_str(&b), c->log);
    else if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    if (rc == 0 && summary && *summary)
        rc = append_summary(page, summary, e);
    return rc;
}

static int print_gate(const struct context *c, const struct gate_story *s,
                      const struct report *page, struct err *e)
{
    struct report_options o = {.color = c->colour, .width = context_width()};
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    if (c->json) {
        struct json_out j = context_json_begin(&b, "gate");
        gate_json(&j, s);
        rc = context_json_end(c, &j, e);
    } else {
        if (o.width > 80)
            o.width = 80;
        rc = writer_named("text")->write(page, &o, &b, e);
        rc = rc < 0 ? -1 : context_print(c, &b, e);
    }
    strbuf_release(&b);
    return rc;
}

static int present(const struct context *c, const struct gate_story *s, struct err *e)
{
    struct report page;
    int rc = -1;

    report_init(&page, "Release gate");
    gate_report(&page, s);
    if (report_ok(&page, e) == 0 && print_gate(c, s, &page, e) == 0 &&
        write_files(c, s, &page, e) == 0 &&
        (!args_flag(c->args, "github") || tell_github(c, s, &page, e) == 0))
        rc = verdict_status(s->gate->verdict);
    report_release(&page);
    return rc;
}

/* --- deciding ------------------------------------------------------------------------------- */

static struct pair_metric *metrics_of(const struct gate_policy *p, size_t *n, struct err *e)
{
    struct pair_metric *m = mem_calloc(p->n_tasks + 1, sizeof *m);

    *n = 0;
    if (!m) {
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < p->n_tasks; i++)
        if (p->tasks[i].metric)
            m[(*n)++] = (struct pair_metric){p->tasks[i].task, p->tasks[i].metric,
                                             p->tasks[i].filter};
    return m;
}

/* What the runs measured, read and joined; ERR_INVALID in why when that cannot be done. */
struct material {
    struct pairs pairs;
    struct bench_list a_bench, b_bench;
    struct gate_input in;
};

static int gather(struct material *m, struct store *s, const struct gate_policy *policy,
                  const struct run_row *a, const struct run_row *b, struct err *e)
{
    int speed_a = strcmp(a->kind, "bench") == 0, speed_b = strcmp(b->kind, "bench") == 0;
    struct pair_metric *metrics;
    size_t n;
    int rc;

    m->in = (struct gate_input){.a = a, .b = b};
    if (speed_a != speed_b)
        return err_set(e, ERR_INVALID, "one of %s and %s measured speed, the other answers", a->id,
                       b->id);
    if (speed_a) {
        m->in.a_bench = &m->a_bench;
        m->in.b_bench = &m->b_bench;
        rc = query_bench(s, a->id, &m->a_bench, e);
        return rc < 0 ? -1 : query_bench(s, b->id, &m->b_bench, e);
    }
    metrics = metrics_of(policy, &n, e);
    if (!metrics)
        return -1;
    m->in.pairs = &m->pairs;
    rc = pairs_load(&m->pairs, s, a->id, b->id, metrics, n, e);
    mem_free(metrics);
    return rc;
}

/* Runs that cannot be joined are a verdict, INVALID, with what stands in their way. */
static int decide(const struct context *c, struct store *s, const struct gate_policy *policy,
                  const struct run_row *a, const struct run_row *b, struct err *e)
{
    struct material m = {0};
    struct gate gate = {0};
    struct gate_story story = {&gate, policy, args_str(c->args, "policy"), NULL, a, b};
    struct err why = ERR_NONE;
    int rc = -1, look = (int)args_int(c->args, "look");

    if (gather(&m, s, policy, a, b, &why) == 0) {
        story.pairs = m.in.pairs;
        rc = gate_decide(&gate, &m.in, policy, look, e);
    } else if (why.code == ERR_INVALID) {
        gate = (struct gate){.verdict = VERDICT_INVALID, .reason = why.text, .look = look};
        rc = env_compare(&gate.env, a, b, policy, e);
    } else if (e) {
        *e = why;
    }
    if (rc == 0)
        rc = present(c, &story, e);
    gate_release(&gate);
    pairs_release(&m.pairs);
    bench_list_release(&m.a_bench);
    bench_list_release(&m.b_bench);
    return rc;
}

static int run_gate(const struct context *c, const struct gate_policy *policy, struct err *e)
{
    struct store *s = NULL;
    struct run_list a = {0}, b = {0};
    int rc = -1;

    if (open_store(c, 1, &s, e) == 0 &&
        query_run(s, args_str(c->args, "baseline"), &a, e) == 0 &&
        query_run(s, args_str(c->args, "candidate"), &b, e) == 0)
        rc = decide(c, s, policy, a.v, b.v, e);
    run_list_release(&a);
    run_list_release(&b);
    store_close(s);
    return rc;
}

static int print_policy(const struct context *c, void (*write)(struct strbuf *), struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    write(&b);
    rc = strbuf_ok(&b, e) < 0 ? -1 : context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

int cmd_gate(struct context *c, struct err *e)
{
    static const char *const needed[] = {"baseline", "candidate", "policy"};
    struct gate_policy policy;
    int rc = -1, look = (int)args_int(c->args, "look");

    if (args_flag(c->args, "init") || args_flag(c->args, "schema"))
        return print_policy(c, args_flag(c->args, "init") ? gate_policy_template
                                                          : gate_policy_schema, e);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!args_str(c->args, needed[i])) {
            err_set(e, ERR_USAGE, "gate: --%s is missing", needed[i]);
            err_hint(e, "densimeter gate --baseline RUN --candidate RUN --policy FILE; "
                        "'densimeter gate --init' prints a policy");
            return -1;
        }
    if (gate_policy_read(&policy, args_str(c->args, "policy"), e) < 0) {
        if (e && e->code == ERR_FORMAT)
            e->code = ERR_USAGE;
        return -1;
    }
    if (look > policy.looks)
        err_set(e, ERR_USAGE, "gate: --look %d, but the policy declares %d", look, policy.looks);
    else
        rc = run_gate(c, &policy, e);
    gate_policy_release(&policy);
    return rc;
}
