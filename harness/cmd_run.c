/* cmd_run.c -- a plan from its first cell to its last. */
#include <string.h>
#include <time.h>

#include "harness/builds.h"
#include "harness/commands.h"
#include "harness/present_night.h"
#include "harness/stored.h"
#include "harness/work.h"

const struct option run_options[] = {
    {"schema", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print the JSON schema of plans"},
    {"status", 0, OPTION_FLAG, NULL, NULL, 0, 0, "only say what is done and who is at the rest"},
    {"again", 0, OPTION_FLAG, NULL, NULL, 0, 0, "measure a plan once more that is complete"},
    {"sysroot", 0, OPTION_TEXT, "DIR", "", 0, 0, "read the machine's files below DIR"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int print_night(const struct context *c, struct store *s, const struct night_row *n,
                       const struct cell_list *cells, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (!c->json) {
        rc = present_night_text(c, n, cells, e);
        return rc < 0 || c->csv ? rc : builds_text(c, s, cells, e);
    }
    o = context_json_begin(&b, "run");
    present_night_json(&o, n, cells);
    rc = builds_json(&o, s, cells, e);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* 0, or 1 when a cell failed. */
static int print_last(const struct context *c, struct store *s, const struct plan *p,
                      struct err *e)
{
    struct night_list nights = {0};
    struct cell_list cells = {0};
    int rc = query_nights(s, p->name, "run", 1, &nights, e);

    if (rc == 0 && nights.n == 0) {
        err_set(e, ERR_NOTFOUND, "%s: plan %s was never run", store_path(s), p->name);
        err_hint(e, "'densimeter run %s' begins", p->path);
        rc = -1;
    }
    if (rc == 0)
        rc = query_cells(s, nights.v[0].id, &cells, e);
    if (rc == 0)
        rc = print_night(c, s, &nights.v[0], &cells, e);
    if (rc == 0)
        rc = nights.v[0].n_failed > 0;
    cell_list_release(&cells);
    night_list_release(&nights);
    return rc;
}

static int status(const struct context *c, const struct plan *p, struct err *e)
{
    struct store *s = NULL;
    int rc = open_store(c, STORED_READ, &s, e);

    if (rc == 0)
        rc = print_last(c, s, p, e);
    store_close(s);
    return rc < 0 ? -1 : 0;
}

static int measure(const struct context *c, struct plan *p, struct err *e)
{
    struct work w;
    char date[NIGHT_DATE_SIZE];
    time_t now = time(NULL);
    struct tm local;
    int rc = -1;

    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y-%m-%d", &local);
    if (work_open(&w, c, p, e) == 0 &&
        work_night(&w, "run", date, args_flag(c->args, "again"), e) == 0) {
        rc = 0;
        if (w.night.is_complete)
            context_note(c, "plan %s is complete; --again measures it once more", p->name);
        else
            rc = work_finish(&w, 0, NULL, e);
    }
    if (rc == 0)
        rc = print_last(c, w.store, p, e);
    work_close(&w);
    return rc;
}

static int print_schema(const struct context *c, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = plan_schema(&b, e);

    if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

int cmd_run(struct context *c, struct err *e)
{
    struct plan p;
    int rc;

    if (args_flag(c->args, "schema"))
        return print_schema(c, e);
    if (!args_at(c->args, 0)) {
        err_set(e, ERR_USAGE, "run: PLAN.json is missing");
        err_hint(e, "'densimeter run --schema' prints what a plan may say");
        return -1;
    }
    if (plan_read(&p, args_at(c->args, 0), e) < 0)
        return -1;
    rc = args_flag(c->args, "status") ? status(c, &p, e) : measure(c, &p, e);
    plan_release(&p);
    return rc;
}
