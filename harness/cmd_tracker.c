/* cmd_tracker.c -- the smallest models at the level of GPT-4 and others, and when the next. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/envelope.h"
#include "harness/tracker.h"
#include "harness/trend_runs.h"
#include "harness/trend_write.h"

enum { SIZES_SHOWN = 3, TRACKED_MAX = 64 };
#define Q4_BITS 4.5

const struct option tracker_options[] = {
    {"benchmark", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "only this one ('mmlu', ...)"},
    {"level", 0, OPTION_CHOICE, "gpt-3.5|gpt-4|gpt-4o-mini|gpt-4o", NULL, 0, 0, "only this line"},
    {"per", 0, OPTION_CHOICE, "total|active", "total", 0, 0, "which parameters count"},
    {"date", 0, OPTION_TEXT, "DATE", "2026-12-31", 0, 0, "project the size for this day"},
    {"device", 0, OPTION_TEXT, "NAME", NULL, 0, 0,
     "a device by its maker's figures: raspberry-pi-5, jetson-orin-nano, rtx-4090, h100-sxm"},
    {"memory", 0, OPTION_SIZE, "BYTES", "8G", 1e6, 1e15, "of the device, for weights of 4.5 bits"},
    {"bandwidth", 0, OPTION_NUMBER, "GB/S", "50", 0.001, 1e6, "of the device"},
    {"tok-s", 0, OPTION_NUMBER, "X", "10", 0.001, 1e6, "tokens per second, at least"},
    {"context", 0, OPTION_INT, "N", "2048", 1, 1e8, "tokens of context"},
    {"power", 0, OPTION_NUMBER, "W", NULL, 0.001, 1e6, "watts, at most"},
    {"power-at-peak", 0, OPTION_NUMBER, "W", NULL, 0.001, 1e6,
     "what the device draws at full load"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

struct tracked {
    struct tracker v[TRACKED_MAX];
    size_t n;
    double day;     /* of --date */
    double fits;    /* parameters that the device runs */
    const char *device;
    size_t cuts, covered; /* back-tests of all lines */
};

static const char *date_text(struct report *r, double day)
{
    char text[16];

    if (!isfinite(day) || day > 60000)
        return "not in sight";
    trend_date(text, sizeof text, day);
    return report_str(r, text);
}

static const char *month_text(struct report *r, double day)
{
    const char *date = date_text(r, day);

    return isfinite(day) && day <= 60000 ? report_fmt(r, "%.7s", date) : "never";
}

static const char *count_text(struct report *r, double parameters)
{
    return report_number(r, metric_find("parameters"), parameters);
}

static const char *size_text(struct report *r, const struct tracker_size *s)
{
    return report_fmt(r, "%s [%s, %s]", count_text(r, s->value), count_text(r, s->interval.low),
                      count_text(r, s->interval.high));
}

static const char *name_text(struct report *r, const struct trend_model *m, double parameters)
{
    return report_fmt(r, "%.60s, %s", m->row->model, count_text(r, parameters));
}

static void put_lines(struct report *r, const struct tracked *x)
{
    static const struct report_column columns[] = {
        {"line", "line", NULL, 9}, {"benchmark", "benchmark", NULL, 9},
        {"score", "score, %", NULL, 8}, {"smallest", "smallest so far", NULL, 8},
        {"since", "since", NULL, 6}, {"bytes", "at 4.5 bits, GB", NULL, 5},
        {"active", "fewest active parameters", NULL, 7},
    };
    struct report_table *t = report_table(r, "lines", "Lines", columns, 7);
    int differently = 0;

    for (size_t i = 0; i < x->n; i++) {
        const struct tracker *k = &x->v[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, k->line->title);
        report_cell_text(r, row, 1, k->series.name);
        report_cell_text(r, row, 2, report_fmt(r, "%.1f%s", 100 * k->score,
                                               k->shots != k->series.shots ? "*" : ""));
        differently |= k->shots != k->series.shots;
        if (!k->n_reached)
            continue;
        const struct trend_model *m = k->reached[k->n_reached - 1];
        report_cell_text(r, row, 3, name_text(r, m, m->parameters));
        report_cell_text(r, row, 4, date_text(r, m->day));
        report_cell_text(r, row, 5, report_number(r, NULL, m->parameters * Q4_BITS / 8 / 1e9));
        report_cell_text(r, row, 6, name_text(r, k->fewest_active, k->active));
    }
    if (t)
        t->note = report_fmt(r, "Models of any kind with a published score at least as high.%s",
                             differently ? " *: the line's was asked with other examples." : "");
}

static void put_projections(struct report *r, const struct tracked *x)
{
    static const struct report_column columns[] = {
        {"line", "line", NULL, 9}, {"benchmark", "benchmark", NULL, 9},
        {"size", "size on that day", NULL, 8}, {"fits", "device can", NULL, 8},
        {"fits_interval", "80 %, or who", NULL, 8}, {"covered", "back-test: covered", NULL, 7},
        {"error", "off by (unchanged)", NULL, 6},
    };
    struct report_table *t = report_table(r, "projections", "Projections", columns, 7);
    size_t tested = 0, worse = 0;

    for (size_t i = 0; i < x->n; i++) {
        const struct tracker *k = &x->v[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, k->line->title);
        report_cell_text(r, row, 1, k->series.name);
        if (k->refused) {
            report_cell_text(r, row, 2, report_fmt(r, "none: %s", k->refused));
            continue;
        }
        struct tracker_size size = tracker_size_on(k, x->day), day = tracker_day_for(k, x->fits);
        const struct trend_model *can = tracker_reached_by(k, x->fits);
        report_cell_text(r, row, 2, size_text(r, &size));
        report_cell_text(r, row, 3, month_text(r, day.value));
        report_cell_text(r, row, 4, can ? report_fmt(r, "done: %.40s", can->row->model)
                                        : report_fmt(r, "%s, %s", month_text(r, day.interval.low),
                                                     month_text(r, day.interval.high)));
        tested += k->n_cuts > 0;
        worse += k->n_cuts > 0 && k->error > k->error_unchanged;
        report_cell_text(r, row, 5, report_fmt(r, "%zu of %zu", k->n_covered, k->n_cuts));
        report_cell_text(r, row, 6, !k->n_cuts ? NULL
                                  : isnan(k->error_unchanged)
                                      ? report_fmt(r, "%.1f", k->error)
                                      : report_fmt(r, "%.1f (%.1f)", k->error,
                                                   k->error_unchanged));
    }
    if (worse)
        report_warning(r, "On %zu of %zu lines with a back-test the projections of the past were "
                          "further off than 'nothing changes': read the projections here as what "
                          "follows if the trend goes on, not as what will be.", worse, tested);
    if (t)
        t->note = report_fmt(r, "80 %% prediction intervals. %s runs %s parameters of 4.5 "
                                "bits. Back-test: the projection made at each past half-year, "
                                "scored on the smallest model that has reached the line, how many "
                                "had it in their interval: %zu of %zu on all lines, before the "
                                "present intervals were widened by what those missed. Off by: "
                                "median factor; unchanged: as if the best of then had stayed the "
                                "best.", x->device, count_text(r, x->fits), x->covered, x->cuts);
}

static void put_reached(struct report *r, const struct tracker *k)
{
    const struct report_column columns[] = {
        {"date", "date", NULL, 9}, {"model", "model", NULL, 9},
        {"parameters", "parameters", metric_find("parameters"), 8},
        {"bytes", "at 4.5 bits, GB", NULL, 6},
        {"score", "score, %", NULL, 7},
    };
    struct report_table *t =
        report_table(r, report_fmt(r, "reached_%s_%s", k->line->name, k->series.name),
                     report_fmt(r, "%s on %s (%.1f %%): each smaller than all before",
                                k->line->title, k->series.title, 100 * k->score), columns, 5);

    for (size_t i = 0; i < k->n_reached; i++) {
        const struct trend_model *m = k->reached[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, date_text(r, m->day));
        report_cell_text(r, row, 1, m->row->model);
        report_cell_value(row, 2, m->parameters, NAN, NAN);
        report_cell_text(r, row, 3, report_number(r, NULL, m->parameters * Q4_BITS / 8 / 1e9));
        report_cell_text(r, row, 4, report_fmt(r, "%.1f", 100 * m->score));
    }
}

static void plot_line(struct report *r, const struct tracker *k, double until)
{
    struct report_plot *p =
        report_plot(r, report_fmt(r, "size_%s_%s", k->line->name, k->series.name),
                    report_fmt(r, "%s on %s: size that reaches it", k->line->title,
                               k->series.title),
                    metric_find("release_year"), metric_find("parameters"), PLOT_LOG_Y);
    struct report_series *reached = report_series(r, p, "reached it, smallest so far");
    struct report_series *lines[SIZES_SHOWN] = {
        report_series(r, p, "projection"), report_series(r, p, "80 % interval, lower end"),
        report_series(r, p, "80 % interval, upper end")};

    for (size_t i = 0; i < k->n_reached; i++)
        report_point(r, p, reached, k->reached[i]->row->model, trend_year(k->reached[i]->day),
                     k->reached[i]->parameters);
    double from = isnan(k->anchor) ? k->middle : k->anchor_day;
    for (double day = from; day <= until + 1; day += 15) {
        struct tracker_size s = tracker_size_on(k, day);
        const double v[SIZES_SHOWN] = {s.value, s.interval.low, s.interval.high};
        for (int i = 0; i < SIZES_SHOWN; i++)
            report_point(r, p, lines[i], NULL, trend_year(day), v[i]);
    }
    for (int i = 0; i < SIZES_SHOWN; i++)
        if (lines[i])
            lines[i]->line = lines[i]->bare = 1;
}

static void fill_page(struct report *r, const struct tracked *x, int plots)
{
    report_section(r, "Lines and projections");
    put_lines(r, x);
    put_projections(r, x);
    report_section(r, "Who has reached them");
    for (size_t i = 0; i < x->n; i++) {
        if (x->v[i].n_reached)
            put_reached(r, &x->v[i]);
        if (plots && !x->v[i].refused)
            plot_line(r, &x->v[i], x->day);
    }
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void put_size(struct json_out *o, const char *key, struct tracker_size s, int is_date)
{
    const double v[3] = {s.value, s.interval.low, s.interval.high};
    static const char *const keys[3] = {"value", "low", "high"};
    char date[16];

    json_begin_object(o, key);
    for (int i = 0; i < 3; i++) {
        trend_date(date, sizeof date, isfinite(v[i]) ? v[i] : 0);
        if (is_date)
            json_put_str(o, keys[i], isfinite(v[i]) ? date : NULL);
        else
            json_put_num(o, keys[i], v[i]);
    }
    json_end_object(o);
}

static void put_tracker(struct json_out *o, const struct tracked *x, const struct tracker *k)
{
    const struct trend_model *can = tracker_reached_by(k, x->fits);
    char date[16];

    json_begin_object(o, NULL);
    json_put_str(o, "line", k->line->name);
    json_put_str(o, "series", k->series.name);
    json_put_num(o, "score", k->score);
    json_put_int(o, "line_shots", k->shots);
    json_put_str(o, "refused", k->refused);
    json_put_str(o, "fewest_active_model", k->fewest_active ? k->fewest_active->row->model : NULL);
    json_put_num(o, "fewest_active_parameters", k->fewest_active ? k->active : NAN);
    json_begin_array(o, "reached");
    for (size_t i = 0; i < k->n_reached; i++) {
        trend_date(date, sizeof date, k->reached[i]->day);
        json_begin_object(o, NULL);
        json_put_str(o, "model", k->reached[i]->row->model);
        json_put_str(o, "date", date);
        json_put_num(o, "parameters", k->reached[i]->parameters);
        json_put_num(o, "bytes_at_4_5_bits", k->reached[i]->parameters * Q4_BITS / 8);
        json_put_num(o, "score", k->reached[i]->score);
        json_end_object(o);
    }
    json_end_array(o);
    if (!k->refused) {
        put_size(o, "parameters_on_date", tracker_size_on(k, x->day), 0);
        put_size(o, "device_date", tracker_day_for(k, x->fits), 1);
        json_put_str(o, "device_model", can ? can->row->model : NULL);
        json_begin_object(o, "back_test");
        json_put_int(o, "projections", (int64_t)k->n_cuts);
        json_put_int(o, "covered", (int64_t)k->n_covered);
        json_put_num(o, "widened_by", k->widened);
        json_put_num(o, "median_factor", k->error);
        json_put_num(o, "median_factor_unchanged", k->error_unchanged);
        json_end_object(o);
    }
    json_end_object(o);
}

/* -------------------------------------------------------------------------------------------- */

static int print(const struct context *c, const struct tracked *x, const char *path,
                 struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct report page;
    int rc;

    report_init(&page, "Small models at the level of large ones");
    fill_page(&page, x, path != NULL);
    if (!path && c->json) {
        struct json_out j = context_json_begin(&b, "tracker");
        json_put_str(&j, "device", x->device);
        json_put_num(&j, "device_parameters", x->fits);
        json_put_int(&j, "back_test_projections", (int64_t)x->cuts);
        json_put_int(&j, "back_test_covered", (int64_t)x->covered);
        json_begin_array(&j, "lines");
        for (size_t i = 0; i < x->n; i++)
            put_tracker(&j, x, &x->v[i]);
        json_end_array(&j);
        rc = context_json_end(c, &j, e);
    } else {
        rc = context_report(c, &page, path, e);
    }
    report_release(&page);
    strbuf_release(&b);
    return rc;
}

/* The device by name, with what is told of it instead. */
static int read_device(const struct context *c, struct envelope_device *d, struct err *e)
{
    const char *name = args_str(c->args, "device");

    *d = (struct envelope_device){"A device as told", "as told", NAN, NAN, NAN, NAN, 1, 1,
                                  0, 0};
    if (name && envelope_device_named(d, name, "tracker", e) < 0)
        return -1;
    if (!name || args_given(c->args, "bandwidth"))
        d->bytes_s = 1e9 * args_num(c->args, "bandwidth");
    if (!name || args_given(c->args, "memory"))
        d->memory_bytes = (double)args_int(c->args, "memory");
    if (args_given(c->args, "power-at-peak"))
        d->power_w = args_num(c->args, "power-at-peak");
    return 0;
}

static int device_fits(const struct context *c, struct tracked *x, struct err *e)
{
    struct envelope_device d;
    const struct envelope_want w = {args_num(c->args, "tok-s"), INFINITY, NAN,
                                    (double)args_int(c->args, "context"), 1};

    if (read_device(c, &d, e) < 0)
        return -1;
    if (args_given(c->args, "power"))
        d = envelope_throttled(&d, args_num(c->args, "power"));
    x->device = d.name;
    x->fits = envelope_row(&d, &w, "4.5 bits", Q4_BITS).largest;
    return 0;
}

static int track_all(const struct context *c, const struct trend_rows *rows, struct tracked *x,
                     struct err *e)
{
    const char *benchmark = args_str(c->args, "benchmark"), *level = args_str(c->args, "level");
    const struct trend_opts o = {.since = TREND_SINCE, .until = INFINITY,
                                 .size = (enum trend_size)args_choice(c->args, "per")};
    const struct tracker_line *line;
    const struct trend_series *s;

    for (int i = 0; (line = tracker_line_at(i)); i++)
        for (int k = 0; (s = trend_series_at(k)); k++) {
            if ((level && strcmp(level, line->name) != 0) || s->harness || !s->pools ||
                (benchmark && strcmp(benchmark, s->name) != 0) || x->n == TRACKED_MAX)
                continue;
            if (tracker_make(&x->v[x->n], rows, s, line, &o, e) < 0)
                return -1;
            if (isnan(x->v[x->n].score)) {
                tracker_release(&x->v[x->n]);
                continue;
            }
            x->cuts += x->v[x->n].n_cuts;
            x->covered += x->v[x->n].n_covered;
            x->n++;
        }
    return x->n ? 0 : err_set(e, ERR_NOTFOUND, "tracker: no line on '%s'",
                              benchmark ? benchmark : "any benchmark");
}

int cmd_tracker(struct context *c, struct err *e)
{
    struct published *p = NULL;
    const struct trend_own none = {0};
    struct trend_rows rows = {0};
    struct tracked *x = mem_calloc(1, sizeof *x);
    int rc = -1;

    if (!x)
        return err_nomem(e);
    if (device_fits(c, x, e) == 0 &&
        trend_read_date(&x->day, args_str(c->args, "date"), 1, "tracker", "date", e) == 0 &&
        published_open(&p, e) == 0 && trend_rows_join(&rows, p, &none, 0, e) == 0 &&
        track_all(c, &rows, x, e) == 0) {
        rc = print(c, x, NULL, e);
        if (rc == 0 && args_str(c->args, "out"))
            rc = print(c, x, args_str(c->args, "out"), e);
    }
    for (size_t i = 0; i < x->n; i++)
        tracker_release(&x->v[i]);
    mem_free(x);
    mem_free((void *)rows.v);
    published_free(p);
    return rc;
}
