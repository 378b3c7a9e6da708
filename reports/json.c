/* json.c -- a report as data: {"schema":"densimeter.report/1", ...}. */
#include "base/json.h"

#include <math.h>

#include "reports/writers.h"

static void put_metric(struct json_out *o, const struct metric *m)
{
    static const char *const better[] = {
        [BETTER_NEITHER] = NULL, [BETTER_HIGHER] = "higher", [BETTER_LOWER] = "lower",
    };

    json_put_str(o, "metric", m ? m->name : NULL);
    json_put_str(o, "unit", m ? m->unit : NULL);
    json_put_str(o, "better", m ? better[m->better] : NULL);
}

static void put_range(struct json_out *o, const char *key, double v, double low, double high)
{
    json_begin_object(o, key);
    json_put_num(o, "value", v);
    json_put_num(o, "low", low);
    json_put_num(o, "high", high);
    json_end_object(o);
}

static void put_table(struct json_out *o, const struct report_table *t)
{
    json_put_str(o, "key", t->key);
    json_put_str(o, "title", t->title);
    json_put_str(o, "note", t->note);
    json_begin_array(o, "columns");
    for (int c = 0; c < t->n_columns; c++) {
        json_begin_object(o, NULL);
        json_put_str(o, "key", t->columns[c].key);
        json_put_str(o, "heading", t->columns[c].heading);
        put_metric(o, t->columns[c].metric);
        json_end_object(o);
    }
    json_end_array(o);
    json_begin_array(o, "rows");
    for (int r = 0; r < t->n_rows; r++) {
        json_begin_object(o, NULL);
        for (int c = 0; c < t->n_columns; c++) {
            const struct report_cell *cell = cell_at(t, r, c);
            if (!t->columns[c].metric)
                json_put_str(o, t->columns[c].key, cell->text);
            else if (isfinite(cell->low) || isfinite(cell->high))
                put_range(o, t->columns[c].key, cell->value, cell->low, cell->high);
            else
                json_put_num(o, t->columns[c].key, cell->value);
        }
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_plot(struct json_out *o, const struct report_plot *p)
{
    json_put_str(o, "key", p->key);
    json_put_str(o, "title", p->title);
    json_put_str(o, "note", p->note);
    json_begin_object(o, "x");
    put_metric(o, p->x);
    json_put_bool(o, "log", (p->flags & PLOT_LOG_X) != 0);
    json_end_object(o);
    json_begin_object(o, "y");
    put_metric(o, p->y);
    json_put_bool(o, "log", (p->flags & PLOT_LOG_Y) != 0);
    json_end_object(o);
    json_begin_array(o, "series");
    for (int i = 0; i < p->n_series; i++) {
        const struct report_series *s = p->series[i];
        json_begin_object(o, NULL);
        json_put_str(o, "name", s->name);
        json_begin_array(o, "points");
        for (int k = 0; k < s->n_points; k++) {
            const struct report_point *pt = &s->points[k];
            json_begin_object(o, NULL);
            json_put_str(o, "label", pt->label);
            put_range(o, "x", pt->x, pt->x_low, pt->x_high);
            put_range(o, "y", pt->y, pt->y_low, pt->y_high);
            json_end_object(o);
        }
        json_end_array(o);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_facts(struct json_out *o, const char *key, const struct report_fact *f, int n)
{
    json_begin_array(o, key);
    for (int i = 0; i < n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "name", f[i].name);
        json_put_str(o, "value", f[i].value);
        json_put_str(o, "detail", f[i].detail);
        json_end_object(o);
    }
    json_end_array(o);
}

int write_json(const struct report *r, const struct report_options *opts, struct strbuf *out,
               struct err *e)
{
    static const char *const kinds[] = {
        [REPORT_SECTION] = "section", [REPORT_TEXT] = "text", [REPORT_WARNING] = "warning",
        [REPORT_FACTS] = "facts",     [REPORT_TABLE] = "table", [REPORT_PLOT] = "plot",
    };
    struct json_out o = {.b = out, .pretty = 1};

    (void)opts;
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", "densimeter.report/1");
    json_put_str(&o, "title", r->title);
    json_put_str(&o, "subtitle", r->subtitle);
    json_put_str(&o, "generated", r->generated);
    put_facts(&o, "headline", r->headline, r->n_headline);
    json_begin_array(&o, "blocks");
    for (int i = 0; i < r->n_blocks; i++) {
        const struct report_block *b = r->blocks[i];
        json_begin_object(&o, NULL);
        json_put_str(&o, "kind", kinds[b->kind]);
        if (b->text)
            json_put_str(&o, "text", b->text);
        if (b->kind == REPORT_FACTS)
            put_facts(&o, "facts", b->facts, b->n_facts);
        if (b->table)
            put_table(&o, b->table);
        if (b->plot)
            put_plot(&o, b->plot);
        json_end_object(&o);
    }
    json_end_array(&o);
    json_end_object(&o);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}
