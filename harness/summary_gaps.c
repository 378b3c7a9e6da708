/* summary_gaps.c -- how far apart the tokens of a scenario's answers come: the share of them that
 * came after so short a time, a line for each scenario.  A mean per request hides the stalls. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "harness/present_scenario.h"
#include "harness/stats.h"
#include "harness/summary_impl.h"

enum { LINES_MAX = 8 }; /* more colours cannot be told apart */

struct gaps {
    double *v;
    size_t n, cap;
};

static int add_request(struct gaps *g, const struct store_served *q, struct err *e)
{
    cJSON *j = json_parse(q->token_s, strlen(q->token_s), "token_s", e);
    int rc = j ? 0 : -1;

    if (strcmp(q->state, "completed") != 0) {
        json_free(j);
        return rc;
    }
    for (const cJSON *t = j ? j->child : NULL; t && t->next && rc == 0; t = t->next) {
        if (mem_grow(&g->v, &g->cap, g->n + 1, sizeof *g->v) < 0)
            rc = err_nomem(e);
        else
            g->v[g->n++] = t->next->valuedouble - t->valuedouble;
    }
    json_free(j);
    return rc;
}

static int read_gaps(struct summary *s, struct store *store, struct speed *x, struct err *e)
{
    struct served_list l = {0};
    struct gaps g = {0};
    double *shares;
    int rc = query_served(store, x->run->run->id, x->row->test, &l, e);

    for (size_t i = 0; i < l.n && rc == 0; i++)
        rc = add_request(&g, &l.v[i], e);
    if (rc == 0 && g.n) {
        stats_sort(g.v, g.n);
        shares = arena_alloc(&s->report->arena, GAP_SHARES * sizeof *shares);
        for (int i = 0; shares && i < GAP_SHARES; i++)
            shares[i] = stats_percentile_nearest(g.v, g.n, (i + 1.0) / GAP_SHARES);
        x->gaps = shares;
        rc = shares ? 0 : err_nomem(e);
    }
    mem_free(g.v);
    served_list_release(&l);
    return rc;
}

int summary_gaps(struct summary *s, struct store *store, struct err *e)
{
    for (size_t i = 0; i < s->n_speeds; i++)
        if (bench_value(s->speeds[i].row, "gap_p50_s") &&
            read_gaps(s, store, &s->speeds[i], e) < 0)
            return -1;
    return 0;
}

void gaps_plot(struct summary *s)
{
    struct report *r = s->report;
    struct report_plot *p = NULL;

    for (size_t i = 0; i < s->n_speeds; i++) {
        const struct speed *x = &s->speeds[i];
        struct report_series *line;
        if (!x->gaps || (p && p->n_series == LINES_MAX))
            continue;
        if (!p)
            p = report_plot(r, "gaps", "How far apart tokens come", metric_find("gap_s"),
                            metric_find("gap_share"), PLOT_LOG_X);
        line = report_series(r, p, report_fmt(r, "%s, %s", x->row->test, x->name));
        for (int k = 0; k < GAP_SHARES && line; k++)
            report_point(r, p, line, NULL, x->gaps[k], (k + 1.0) / GAP_SHARES);
        if (line)
            line->line = line->bare = 1;
    }
}
