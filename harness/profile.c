#include "harness/profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/counters.h"
#include "harness/roofline.h"
#include "harness/table.h"

/* --- rows of the same kind ---------------------------------------------------------------- */

struct kinds {
    struct profile_kind *v;
    size_t n, cap;
};

/* "linear blk.3.attn_q.weight" is "linear attn_q" in every layer. */
static void kind_name(char *name, size_t size, const struct op_time *t)
{
    const char *w = t->weight ? t->weight : "", *dot;
    size_t n;

    if (strncmp(w, "blk.", 4) == 0 && (dot = strchr(w + 4, '.')) != NULL)
        w = dot + 1;
    n = strlen(w);
    if (n > 7 && strcmp(w + n - 7, ".weight") == 0)
        n -= 7;
    snprintf(name, size, "%s%s%.*s", t->op, n ? " " : "", (int)n, w);
}

static int add_row(struct kinds *k, const struct op_time *t, struct err *e)
{
    char name[sizeof k->v->name];
    size_t i = 0;

    kind_name(name, sizeof name, t);
    while (i < k->n && strcmp(k->v[i].name, name) != 0)
        i++;
    if (i == k->n) {
        if (mem_grow(&k->v, &k->cap, k->n + 1, sizeof *k->v) < 0)
            return err_nomem(e);
        k->v[k->n] = (struct profile_kind){.busy_s = 0};
        memcpy(k->v[k->n++].name, name, sizeof name);
    }
    k->v[i].busy_s += t->busy_s;
    k->v[i].wait_s += t->wait_s;
    k->v[i].flop += t->flop;
    k->v[i].bytes += t->bytes;
    k->v[i].is_matrix = t->weight != NULL;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct profile_kind *x = a, *y = b;

    return (x->busy_s < y->busy_s) - (x->busy_s > y->busy_s);
}

/* --- text --------------------------------------------------------------------------------- */

static const struct column columns[] = {
    {"operation", 0, 0},     {"share %", 1, 0}, {"ms/pass", 1, 0}, {"wait ms", 1, 3},
    {"GFLOP/s", 1, 1},       {"of peak %", 1, 2}, {"GB/s", 1, 1},  {"of read %", 1, 2},
};

static void rate_cells(struct table *t, double amount, double s, double peak)
{
    double rate = amount > 0 && s > 0 ? amount / s : NAN;

    table_num(t, rate * 1e-9, 3);
    table_num(t, 100 * rate / peak, 3);
}

/* For people what is next to nothing is 0.00, not 7.8e-05. */
static double seen(const struct table *t, double v)
{
    return !t->exact && v < 5e-3 ? 0 : v;
}

static void text_row(struct table *t, const char *name, const struct profile_kind *k,
                     const struct profile *p, const struct peak *peak)
{
    double all = p->threads * p->wall_s, each = k->busy_s / p->threads;
    double passes = (double)p->passes * 1e-3;

    table_cell(t, "%s", name);
    table_num(t, seen(t, 100 * k->busy_s / all), 3);
    table_num(t, seen(t, each / passes), 3);
    table_num(t, seen(t, k->wait_s / p->threads / passes), 3);
    rate_cells(t, k->flop, each, peak->flop_s);
    rate_cells(t, k->bytes, each, peak->bytes_s);
}

static int text(struct profiles *out, const char *title, const struct kinds *k,
                const struct profile *p, int width, struct err *e)
{
    struct profile_kind waits = {.busy_s = 0}, rest = {.busy_s = p->threads * p->wall_s};
    struct table t;
    int rc;

    table_init(&t, columns, sizeof columns / sizeof columns[0], 0);
    for (size_t i = 0; i < k->n; i++) {
        text_row(&t, k->v[i].name, &k->v[i], p, &out->peak);
        waits.busy_s += k->v[i].wait_s;
        rest.busy_s -= k->v[i].busy_s + k->v[i].wait_s;
    }
    text_row(&t, "barriers", &waits, p, &out->peak);
    text_row(&t, "begin and end", &rest, p, &out->peak);
    strbuf_addf(&out->text,
                "\n%s: %.4g ms a pass, %d threads; this machine multiplies %.4g GFLOP/s"
                " (float32) and reads %.4g GB/s\n",
                title, 1e3 * p->wall_s / (double)p->passes, p->threads, out->peak.flop_s * 1e-9,
                out->peak.bytes_s * 1e-9);
    rc = table_print(&t, &out->text, width, 0, e);
    table_release(&t);
    return rc < 0 ? -1 : strbuf_ok(&out->text, e);
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_work(struct json_out *o, double busy_s, double wait_s, double flop, double bytes)
{
    json_put_num(o, "busy_s", busy_s);
    json_put_num(o, "wait_s", wait_s);
    json_put_num(o, "flop", flop);
    json_put_num(o, "bytes", bytes);
    json_end_object(o);
}

static void put_rows(struct json_out *o, const struct kinds *k, const struct profile *p)
{
    json_begin_array(o, "kinds");
    for (size_t i = 0; i < k->n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "name", k->v[i].name);
        put_work(o, k->v[i].busy_s, k->v[i].wait_s, k->v[i].flop, k->v[i].bytes);
    }
    json_end_array(o);
    json_begin_array(o, "operations");
    for (int i = 0; i < p->n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "op", p->row[i].op);
        json_put_str(o, "weight", p->row[i].weight);
        json_put_int(o, "layer", p->row[i].layer);
        put_work(o, p->row[i].busy_s, p->row[i].wait_s, p->row[i].flop, p->row[i].bytes);
    }
    json_end_array(o);
}

static void put_counted(struct json_out *o, const struct counted *c)
{
    json_begin_object(o, "counters");
    for (int i = 0; i < COUNTERS; i++)
        json_put_num(o, c->v[i].name, c->v[i].value);
    json_put_str(o, "missing", c->missing[0] ? c->missing : NULL);
    json_end_object(o);
}

static int json(struct profiles *out, const char *model, const char *test, const struct kinds *k,
                const struct profile *p, const struct counted *c, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    int rc;

    json_begin_object(&o, NULL);
    json_put_str(&o, "model", model);
    json_put_str(&o, "test", test);
    json_put_int(&o, "threads", p->threads);
    json_put_int(&o, "passes", (int64_t)p->passes);
    json_put_num(&o, "wall_s", p->wall_s);
    json_put_num(&o, "peak_flop_s", out->peak.flop_s);
    json_put_num(&o, "peak_bytes_s", out->peak.bytes_s);
    json_put_num(&o, "peak_int8_s", out->peak.int8_s);
    put_counted(&o, c);
    put_rows(&o, k, p);
    json_end_object(&o);
    strbuf_addf(&out->json, "%s%s", out->json.len ? "," : "", strbuf_str(&b));
    rc = strbuf_ok(&b, e) < 0 ? -1 : strbuf_ok(&out->json, e);
    strbuf_release(&b);
    return rc;
}

/* --- running ------------------------------------------------------------------------------ */

static int run_once(struct runner *r, const struct speed_test *t, struct err *e)
{
    double s;

    if (t->prompt > 0 && runner_time_prefill(r, t->depth, t->prompt, &s, e) < 0)
        return -1;
    return t->generate > 0 &&
                   runner_time_decode(r, t->depth + t->prompt, t->streams, t->generate, &s, e) < 0
               ? -1
               : 0;
}

static int repeat(struct runner *r, const struct speed_test *t, int repeats, struct counted *c,
                  struct err *e)
{
    struct counters *counters;
    int rc = counters_begin(&counters, e);

    for (int i = 0; i < repeats && rc == 0; i++)
        rc = run_once(r, t, e);
    counters_end(counters, c);
    return rc;
}

static int collect(struct runner *r, const struct speed_test *t, int repeats, struct kinds *k,
                   struct counted *c, struct err *e)
{
    const struct profile *p;

    if (run_once(r, t, e) < 0 || runner_profile(r, 1, e) < 0 || repeat(r, t, repeats, c, e) < 0)
        return -1;
    p = runner_profiled(r, e);
    for (int i = 0; p && i < p->n; i++)
        if (add_row(k, &p->row[i], e) < 0)
            return -1;
    if (k->n)
        qsort(k->v, k->n, sizeof *k->v, by_time);
    return p ? 0 : -1;
}

int profile_test(struct profiles *out, struct runner *r, const char *model,
                 const struct speed_test *t, int repeats, int width, struct err *e)
{
    const struct model_info *m = runner_info(r);
    struct kinds k = {0};
    struct err late = ERR_NONE;
    struct counted c;
    char test[64], title[160];
    const struct profile *p;
    int rc = -1;

    if (out->peak.threads != m->threads && peak_measure(&out->peak, m->threads, e) < 0)
        return -1;
    speed_test_name(test, sizeof test, t);
    snprintf(title, sizeof title, "%.80s, %s", model, test);
    if (collect(r, t, repeats, &k, &c, e) == 0 && (p = runner_profiled(r, e)) != NULL &&
        text(out, title, &k, p, width, e) == 0)
        rc = json(out, model, test, &k, p, &c, e);
    if (rc == 0 && out->page) {
        const struct roofline_input in = {
            .title = title, .kinds = k.v, .n = k.n, .profile = p, .peak = &out->peak,
            .counted = &c, .is_fast = strncmp(m->numerics_id, "fast", 4) == 0};
        roofline_add(out->page, &in);
        rc = report_ok(out->page, e);
    }
    mem_free(k.v);
    runner_profile(r, 0, &late);
    return rc;
}

void profiles_release(struct profiles *p)
{
    strbuf_release(&p->text);
    strbuf_release(&p->json);
    strbuf_release(&p->lmeval_text);
    strbuf_release(&p->lmeval_json);
}
