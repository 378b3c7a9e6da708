/* cmd_gate.c -- a candidate against a baseline by a policy. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/commands.h"
#include "harness/gate_runs.h"
#include "harness/gate_write.h"
#include "harness/stored.h"

const struct option gate_options[] = {
    {"baseline", 0, OPTION_TEXT, "RUN,...", NULL, 0, 0,
     "the run to hold on to, and runs that repeat it: times are compared by the process"},
    {"candidate", 0, OPTION_TEXT, "RUN,...", NULL, 0, 0, "the run to judge, and its repeats"},
    {"policy", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "margins, limits and rules (see --init)"},
    {"look", 0, OPTION_INT, "N", "1", 1, 10, "which of the policy's declared looks this is"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
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
    const char *junit = args_str(c->args, "junit"), *out = args_str(c->args, "out");
    struct strbuf b = STRBUF_INIT;
    int rc = 0;

    if (out && report_write(page, NULL, out, e) < 0)
        return -1;
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

/* Runs that cannot be joined are a verdict, INVALID, with what stands in their way. */
static int decide(const struct context *c, struct store *s, const struct gate_policy *policy,
                  struct gate_runs *runs, struct err *e)
{
    const struct run_row *a = runs->in.a, *b = runs->in.b;
    struct gate gate = {0};
    struct gate_story story = {.gate = &gate, .policy = policy, .in = &runs->in,
                               .policy_path = args_str(c->args, "policy")};
    struct err why = ERR_NONE;
    int rc = -1, look = (int)args_int(c->args, "look");

    if (gate_runs_read(runs, s, policy, &why) == 0) {
        rc = gate_decide(&gate, &runs->in, policy, look, e);
    } else if (why.code == ERR_INVALID) {
        gate = (struct gate){.verdict = VERDICT_INVALID, .reason = why.text, .look = look};
        rc = env_compare(&gate.env, a, b, policy, e);
    } else if (e) {
        *e = why;
    }
    if (rc == 0)
        rc = present(c, &story, e);
    gate_release(&gate);
    return rc;
}

static int run_gate(const struct context *c, const struct gate_policy *policy, struct err *e)
{
    struct gate_runs runs = {0};
    struct store *s = NULL;
    int rc = -1;

    if (open_store(c, STORED_READ, &s, e) == 0 &&
        gate_runs_find(&runs, s, args_str(c->args, "baseline"), args_str(c->args, "candidate"),
                       e) == 0)
        rc = decide(c, s, policy, &runs, e);
    gate_runs_release(&runs);
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
