#include "harness/builds.h"

#include <string.h>

#include "base/mem.h"
#include "harness/night_impl.h"

static double median_speed(const struct speed *s, double *scratch)
{
    memcpy(scratch, s->s, s->n * sizeof *scratch);
    stats_sort(scratch, s->n);
    return s->tokens / stats_median(scratch, s->n);
}

static int compare(const struct cell_list *cells, const char *series, const struct speed *a,
                   const struct speed *b,
                   int (*each)(void *user, const struct build_ratio *r, struct err *e), void *user,
                   struct err *e)
{
    double *scratch = mem_calloc(a->n + b->n + 1, sizeof *scratch), p_slower;
    struct build_ratio r = {.series = series, .test = b->test, .n_a = (int)a->n,
                            .n_b = (int)b->n, .noisy = judge_quiet(cells, series) == 0};
    int rc = -1;

    if (!scratch)
        return err_nomem(e);
    if (speeds_compare(a, b, &r.time, &p_slower, e) == 0) {
        r.tok_s_a = median_speed(a, scratch);
        r.tok_s_b = median_speed(b, scratch);
        rc = each(user, &r, e);
    }
    mem_free(scratch);
    return rc;
}

int builds_each(struct store *s, const struct cell_list *cells,
                int (*each)(void *user, const struct build_ratio *r, struct err *e), void *user,
                struct err *e)
{
    for (size_t i = 0; i < cells->n; i++) {
        const struct cell_row *b_cell = &cells->v[i];
        const struct cell_row *a_cell = speeds_other_build(cells, b_cell);
        struct speeds a = {0}, b = {0};
        int rc = 0;
        if (!a_cell || !judge_begins_series(cells, i))
            continue;
        if ((rc = speeds_of_cells(&a, s, cells, a_cell->spec.series, e)) == 0)
            rc = speeds_of_cells(&b, s, cells, b_cell->spec.series, e);
        for (size_t k = 0; k < b.n && rc == 0; k++) {
            const struct speed *other = speeds_find(&a, b.v[k].test);
            if (other && other->n && b.v[k].n)
                rc = compare(cells, b_cell->spec.series, other, &b.v[k], each, user, e);
        }
        speeds_release(&a);
        speeds_release(&b);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int put_json(void *user, const struct build_ratio *r, struct err *e)
{
    struct json_out *o = user;

    (void)e;
    json_begin_object(o, NULL);
    json_put_str(o, "series", r->series);
    json_put_str(o, "test", r->test);
    json_put_int(o, "processes_a", r->n_a);
    json_put_int(o, "processes_b", r->n_b);
    json_put_num(o, "tok_s_a", r->tok_s_a);
    json_put_num(o, "tok_s_b", r->tok_s_b);
    json_put_num(o, "time_ratio", r->time.ratio);
    json_put_num(o, "low", r->time.low);
    json_put_num(o, "high", r->time.high);
    json_put_num(o, "coverage", r->time.coverage);
    json_put_bool(o, "noisy", r->noisy);
    json_end_object(o);
    return 0;
}

int builds_json(struct json_out *o, struct store *s, const struct cell_list *cells, struct err *e)
{
    int rc;

    json_begin_array(o, "builds");
    rc = builds_each(s, cells, put_json, o, e);
    json_end_array(o);
    return rc;
}

static int put_text(void *user, const struct build_ratio *r, struct err *e)
{
    struct strbuf *b = user;

    strbuf_add_printable(b, r->series, 0);
    strbuf_addf(b, ": %s: B's time is %.4f of A's", r->test, r->time.ratio);
    if (r->time.low > 0)
        strbuf_addf(b, " (%.0f %%: %.4f to %.4f)", 100 * r->time.coverage, r->time.low,
                    r->time.high);
    strbuf_addf(b, ", %d and %d processes%s\n", r->n_b, r->n_a,
                r->noisy ? ", on a noisy machine" : "");
    return strbuf_ok(b, e);
}

int builds_text(const struct context *c, struct store *s, const struct cell_list *cells,
                struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = builds_each(s, cells, put_text, &b, e);

    if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}
