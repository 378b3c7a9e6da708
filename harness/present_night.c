#include "harness/present_night.h"

#include <string.h>

#include "harness/table.h"

static void put_cell(struct json_out *o, const struct cell_row *c)
{
    json_begin_object(o, NULL);
    json_put_str(o, "series", c->spec.series);
    json_put_str(o, "kind", c->spec.kind);
    json_put_int(o, "block", c->spec.block);
    json_put_int(o, "place", c->spec.place);
    json_put_int(o, "arm", c->spec.arm);
    json_put_str(o, "model", c->spec.model);
    json_put_str(o, "model_sha256", c->spec.model_sha256);
    json_put_str(o, "build_sha256", c->spec.build_sha256);
    json_put_raw(o, "argv", c->spec.argv);
    json_put_str(o, "status", c->status);
    json_put_str(o, "outcome", c->outcome);
    json_put_str(o, "reason", c->reason);
    json_put_int(o, "failed_attempts", c->attempts);
    json_put_str(o, "run", c->run);
    json_put_count(o, "runner_pid", c->runner_pid);
    json_put_str(o, "runner_host", c->runner_host);
    json_put_str(o, "started", c->started);
    json_put_str(o, "ended", c->ended);
    json_put_num(o, "wall_s", c->wall_s);
    json_put_num(o, "peak_rss_bytes", c->peak_rss_bytes);
    json_put_bool(o, "quiet", c->quiet);
    json_put_raw(o, "noise", c->noise);
    json_end_object(o);
}

void present_night_json(struct json_out *o, const struct night_row *n, const struct cell_list *l)
{
    json_put_str(o, "plan", n->plan);
    json_put_str(o, "kind", n->kind);
    json_put_int(o, "n", n->n);
    json_put_str(o, "date", n->date);
    json_put_bool(o, "clock_was_set_back", n->clock_back);
    json_put_str(o, "status", n->status);
    json_put_str(o, "started", n->started);
    json_put_str(o, "ended", n->ended);
    json_put_count(o, "exit_status", n->exit_status);
    json_put_int(o, "cells_done", n->n_done);
    json_put_int(o, "cells_failed", n->n_failed);
    json_put_int(o, "cells_skipped", n->n_skipped);
    json_put_int(o, "cells_pending", n->n_pending);
    json_put_int(o, "cells_noisy", n->n_noisy);
    json_begin_array(o, "cells");
    for (size_t i = 0; i < l->n; i++)
        put_cell(o, &l->v[i]);
    json_end_array(o);
}

struct line { /* the cells of a series */
    int done, all, noisy, failed, skipped, held;
    const char *run; /* the newest */
};

static struct line line_of(const struct cell_list *l, const char *series)
{
    struct line line = {0};

    for (size_t i = 0; i < l->n; i++) {
        const struct cell_row *c = &l->v[i];
        if (strcmp(c->spec.series, series) != 0)
            continue;
        line.all++;
        line.noisy += c->quiet == 0;
        line.done += strcmp(c->status, "done") == 0;
        if (c->run)
            line.run = c->run;
        line.failed += strcmp(c->status, "failed") == 0;
        line.skipped += strcmp(c->status, "skipped") == 0;
        line.held += strcmp(c->status, "pending") == 0 && c->runner >= 0;
    }
    return line;
}

static int is_first(const struct cell_list *l, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(l->v[k].spec.series, l->v[i].spec.series) == 0)
            return 0;
    return 1;
}

static const char *state_of(const struct line *l)
{
    return l->failed            ? "failed"
           : l->skipped         ? "skipped"
           : l->done == l->all  ? "done"
           : l->held            ? "being measured"
                                : "to do";
}

static void put_head(struct strbuf *b, const struct night_row *n)
{
    strbuf_add_printable(b, n->plan, 0);
    strbuf_addf(b, ", %s %d of %s: %d of %d cells done", n->kind, n->n, n->date, n->n_done,
                n->n_cells);
    if (n->n_failed)
        strbuf_addf(b, ", %d failed", n->n_failed);
    if (n->n_skipped)
        strbuf_addf(b, ", %d skipped", n->n_skipped);
    if (n->n_pending)
        strbuf_addf(b, ", %d to do", n->n_pending);
    strbuf_addc(b, '\n');
}

/* Each reason once per series, in full. */
static void put_reasons(struct strbuf *b, const struct cell_list *l)
{
    const struct cell_row *last = NULL;

    for (size_t i = 0; i < l->n; i++) {
        const struct cell_row *c = &l->v[i];
        if (!c->reason || strcmp(c->status, "done") == 0)
            continue;
        if (last && strcmp(last->spec.series, c->spec.series) == 0 &&
            strcmp(last->reason, c->reason) == 0)
            continue;
        strbuf_addf(b, "%s (%s): ", c->status, c->outcome ? c->outcome : "-");
        strbuf_add_printable(b, c->spec.series, 0);
        strbuf_adds(b, ": ");
        strbuf_add_printable(b, c->reason, 0);
        strbuf_addc(b, '\n');
        last = c;
    }
}

static int print_table(const struct context *c, const struct cell_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"series", 0, 0}, {"done", 1, 0}, {"state", 0, 0}, {"noisy", 1, 2}, {"run", 0, 1},
    };
    struct table t;
    int rc;

    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0; i < l->n; i++) {
        struct line line;
        if (!is_first(l, i))
            continue;
        line = line_of(l, l->v[i].spec.series);
        table_cell(&t, "%s", l->v[i].spec.series);
        table_cell(&t, "%d/%d", line.done, line.all);
        table_cell(&t, "%s", state_of(&line));
        table_cell(&t, "%d", line.noisy);
        table_cell(&t, "%s", line.run ? line.run : "-");
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

int present_night_text(const struct context *c, const struct night_row *n,
                       const struct cell_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = 0;

    if (!c->csv) {
        put_head(&b, n);
        rc = context_print_folded(c, &b, e);
    }
    if (rc == 0)
        rc = print_table(c, l, e);
    if (rc == 0 && !c->csv) {
        strbuf_clear(&b);
        put_reasons(&b, l);
        rc = context_print_folded(c, &b, e);
    }
    strbuf_release(&b);
    return rc;
}
