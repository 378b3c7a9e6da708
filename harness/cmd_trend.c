/* cmd_trend.c -- how fast density grows, from published scores and from our own runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/stored.h"
#include "harness/trend_runs.h"
#include "harness/trend_write.h"

enum { REPLICATES = 2000, SEED = 20241205 };

const struct option trend_options[] = {
    {"source", 0, OPTION_CHOICE, "catalogue|runs|both", "catalogue", 0, 0,
     "published scores, our own runs, or both"},
    {"benchmark", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "only this one, with all methods"},
    {"since", 0, OPTION_TEXT, "DATE", "2023-02", 0, 0, "only models released since"},
    {"until", 0, OPTION_TEXT, "DATE", NULL, 0, 0, "only models released until"},
    {"per", 0, OPTION_CHOICE, "total|active|sqrt|non-embedding", "total", 0, 0,
     "which parameters count; sqrt: of total times active"},
    {"ruler", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "read scores with this ruler"},
    {"envelope", 0, OPTION_FLAG, NULL, NULL, 0, 0, "also the frontier and its models"},
    {"explain", 0, OPTION_FLAG, NULL, NULL, 0, 0, "also the rows that do not count, and why"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int read_options(const struct context *c, struct trend_opts *o, struct err *e)
{
    const char *until = args_str(c->args, "until");

    *o = (struct trend_opts){.until = INFINITY,
                             .size = (enum trend_size)args_choice(c->args, "per"),
                             .ruler = args_str(c->args, "ruler"), .replicates = REPLICATES,
                             .seed = SEED};
    if (trend_read_date(&o->since, args_str(c->args, "since"), 0, "trend", "since", e) < 0)
        return -1;
    return until ? trend_read_date(&o->until, until, 1, "trend", "until", e) : 0;
}

static int print(const struct context *c, const struct trend_study *s, const struct trend_lists *l,
                 struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct report page;
    int rc;

    if (c->json) {
        struct json_out j = context_json_begin(&b, "trend");
        json_put_str(&j, "source", args_str(c->args, "source"));
        json_put_str(&j, "per", args_str(c->args, "per"));
        json_put_str(&j, "since", args_str(c->args, "since"));
        json_put_str(&j, "until", args_str(c->args, "until"));
        trend_json(&j, s, l);
        rc = context_json_end(c, &j, e);
    } else {
        report_init(&page, "Trend of density");
        trend_report(&page, s, l);
        rc = context_report(c, &page, NULL, e);
        report_release(&page);
    }
    strbuf_release(&b);
    return rc;
}

static int write_page(const struct context *c, const struct trend_study *s, const char *path,
                      struct err *e)
{
    const struct trend_lists l = {1, 1, args_flag(c->args, "explain"), 1,
                                  args_choice(c->args, "source") != 0};
    struct report page;
    int rc = -1;

    report_init(&page, "Trend of density");
    page.subtitle = report_fmt(&page, "%s, by %s parameters", strcmp(args_str(c->args, "source"),
                               "catalogue") == 0 ? "published scores" : "scores of our own runs "
                               "as asked", args_str(c->args, "per"));
    trend_report(&page, s, &l);
    if (report_ok(&page, e) == 0)
        rc = report_write(&page, NULL, path, e);
    report_release(&page);
    return rc;
}

static int study(const struct context *c, const struct trend_rows *rows, struct err *e)
{
    const char *benchmark = args_str(c->args, "benchmark"), *path = args_str(c->args, "out");
    const struct trend_lists l = {benchmark != NULL, args_flag(c->args, "envelope"),
                                  args_flag(c->args, "explain"), 0,
                                  args_choice(c->args, "source") != 0};
    struct trend_study s;
    struct trend_opts o;
    int rc;

    if (read_options(c, &o, e) < 0 ||
        trend_study(&s, rows, benchmark, &o, benchmark || path || c->json, e) < 0)
        return -1;
    rc = print(c, &s, &l, e);
    if (rc == 0 && path)
        rc = write_page(c, &s, path, e);
    trend_study_release(&s);
    return rc;
}

int cmd_trend(struct context *c, struct err *e)
{
    int source = args_choice(c->args, "source"); /* catalogue, runs, both */
    struct published *p = NULL;
    struct trend_own own = {0};
    struct store *s = NULL;
    struct trend_rows rows = {0};
    int rc = -1;

    if (published_open(&p, e) < 0)
        return -1;
    if (source != 0 && (open_store(c, STORED_READ, &s, e) < 0 || trend_own_rows(&own, s, p, e) < 0))
        goto out;
    if (trend_rows_join(&rows, p, &own, source == 1, e) == 0)
        rc = study(c, &rows, e);
out:
    mem_free((void *)rows.v);
    trend_own_release(&own);
    store_close(s);
    published_free(p);
    return rc;
}
