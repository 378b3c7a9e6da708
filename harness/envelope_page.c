/* envelope_page.c -- the envelope as tables, a roofline, and JSON. */
#include <math.h>

#include "base/file.h"
#include "harness/envelope_write.h"

enum { SPEED_STEPS = 40 };

static void size_cell(struct report *r, struct report_cell *row, int column, double parameters)
{
    if (parameters > 0 && parameters < 1e15)
        report_cell_value(row, column, parameters, NAN, NAN);
    else
        report_cell_text(r, row, column, parameters < 1e15 ? "none" : "any");
}

static void put_rows(struct report *r, const struct envelope_result *x)
{
    const struct metric *size = metric_find("parameters");
    const struct report_column columns[] = {
        {"format", "format", NULL, 9},           {"bits", "bits per weight", NULL, 4},
        {"largest", "largest model", size, 9},   {"limit", "limited by", NULL, 8},
        {"decode", "decoding allows", size, 5},  {"prefill", "first token allows", size, 5},
        {"memory", "memory allows", size, 5},    {"tok_s", "tok/s", NULL, 7},
        {"ttft", "first token, s", NULL, 6},     {"bytes", "memory, GB", NULL, 6},
    };
    struct report_table *t = report_table(r, "envelope", "Largest model by weight format", columns,
                                          10);

    for (int i = 0; i < x->n_rows; i++) {
        const struct envelope_row *w = &x->rows[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, w->format);
        report_cell_text(r, row, 1, report_fmt(r, "%.3g", w->bits));
        size_cell(r, row, 2, w->largest);
        for (int k = 0; k < LIMITS; k++)
            size_cell(r, row, 4 + k, w->parameters[k]);
        if (!(w->largest > 0 && w->largest < 1e15))
            continue;
        report_cell_text(r, row, 3, envelope_limit_name(w->limit));
        report_cell_text(r, row, 7, report_number(r, NULL, w->tok_s));
        report_cell_text(r, row, 8, isnan(w->ttft_s) ? NULL : report_fmt(r, "%.3g", w->ttft_s));
        report_cell_text(r, row, 9, report_number(r, NULL, w->bytes / 1e9));
    }
    if (t)
        t->note = report_fmt(r, "%s parameters; %.0f tokens of context, its keys and values "
                            "included (a Llama-shaped model).",
                         x->want.active_share < 1 ? report_fmt(r, "Total (%.0f %% active)",
                                                               100 * x->want.active_share)
                                                  : "A dense model's", x->want.context);
}

static void put_device(struct report *r, const struct envelope_result *x)
{
    const struct envelope_device *d = &x->device;

    report_fact(r, "device", report_fmt(r, "%s (%s)", d->name, d->source));
    report_fact(r, "memory bandwidth", report_number(r, metric_find("read_bytes_s"), d->bytes_s));
    report_fact(r, "float32", report_number(r, metric_find("flop_s"), d->flop_s));
    report_fact(r, "memory", report_number(r, metric_find("file_bytes"), d->memory_bytes));
    report_fact(r, "power", report_number(r, metric_find("mean_w"), d->power_w));
    report_fact(r, "attained of the bandwidth in decoding",
                report_fmt(r, x->n_checks ? "%.3g" : "%.3g, assumed", d->decode_share));
    report_fact(r, "attained of the operations in prefill",
                report_fmt(r, x->n_checks ? "%.3g" : "%.3g, assumed", d->prefill_share));
    if (x->n_checks)
        report_fact(r, "fixed time of a layer",
                    report_fmt(r, "%s per decoded token, %s per pass over a prompt",
                               report_number(r, metric_find("wall_s"), d->decode_layer_s),
                               report_number(r, metric_find("wall_s"), d->prefill_layer_s)));
    if (!x->n_checks)
        report_warning(r, "No model was measured (--check MODEL,...): these sizes are upper "
                          "bounds, as if a program attained the peaks.");
    if (!isnan(x->watts) && isnan(d->power_w))
        report_warning(r, "The power at full load is unknown here (no meter, no --power-at-peak): "
                          "the limit of %g W was not applied.", x->watts);
}

/* --- checks -------------------------------------------------------------------------------- */

static void put_check(struct report *r, struct report_table *t, const struct envelope_check *c)
{
    const double v[2][4] = {
        {c->decode, c->decode_predicted, c->decode_bound, 0},
        {c->prefill, c->prefill_predicted, c->prefill_bound, 0},
    };
    const struct interval in[2] = {c->decode_interval, c->prefill_interval};

    for (int k = 0; k < 2; k++) {
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, path_base(c->name));
        report_cell_text(r, row, 1, k ? "prefill" : "decoding");
        report_cell_text(r, row, 2, report_number(r, NULL, v[k][0]));
        report_cell_text(r, row, 6, report_fmt(r, "[%s, %s]", report_number(r, NULL, in[k].low),
                                               report_number(r, NULL, in[k].high)));
        report_cell_text(r, row, 3, isnan(v[k][1]) ? NULL : report_number(r, NULL, v[k][1]));
        report_cell_text(r, row, 4, isnan(v[k][1]) ? NULL
                                                   : report_fmt(r, "%+.0f %%",
                                                                100 * (v[k][1] / v[k][0] - 1)));
        report_cell_text(r, row, 5, isnan(v[k][2]) ? NULL : report_number(r, NULL, v[k][2]));
    }
}

static void put_checks(struct report *r, const struct envelope_result *x)
{
    static const struct report_column columns[] = {
        {"model", "model", NULL, 9}, {"test", "test", NULL, 9},
        {"measured", "measured, tok/s", NULL, 8}, {"predicted", "predicted, tok/s", NULL, 8},
        {"error", "error of the prediction", NULL, 8}, {"bound", "by the peaks, tok/s", NULL, 5},
        {"interval", "95 % interval, tok/s", NULL, 4},
    };
    struct report_table *t = report_table(r, "checks", "Predicted and measured", columns, 7);
    int noisy = 0;

    for (int i = 0; i < x->n_checks; i++) {
        put_check(r, t, &x->checks[i]);
        noisy |= x->checks[i].noisy;
    }
    if (noisy)
        report_warning(r, "The machine was not quiet while the models were measured.");
    if (!t)
        return;
    t->note = report_fmt(r, "Predicted: the roofline with what the other models attained of the "
                            "peaks and a fixed time per layer, fitted to them (with three or "
                            "more), never to the model itself. Prompt of %d tokens, %d generated.",
                         ENVELOPE_PROMPT, ENVELOPE_GENERATE);
}

/* --- pictures ------------------------------------------------------------------------------ */

/* Operations per byte that a step over `rows` tokens does. */
static double intensity(const struct envelope_model *m, double active, double rows)
{
    return 2 * active * rows / m->weight_bytes;
}

static void plot_roofline(struct report *r, const struct envelope_result *x)
{
    const struct envelope_device *d = &x->device;
    double ridge = d->flop_s / d->bytes_s, last = ridge * 10;
    struct report_plot *p = report_plot(r, "roofline", "Roofline", metric_find("intensity"),
                                        metric_find("flop_s"), PLOT_LOG_X | PLOT_LOG_Y);
    struct report_series *roof = report_series(r, p, "peaks of the device");
    struct report_series *decode = report_series(r, p, "decoding, measured");
    struct report_series *prefill = report_series(r, p, "prefill, measured");

    for (int i = 0; i < x->n_checks; i++) {
        const struct envelope_check *c = &x->checks[i];
        report_point(r, p, decode, path_base(c->name), intensity(&c->model, c->model.active, 1),
                     2 * c->model.active * c->decode);
        report_point(r, p, prefill, path_base(c->name),
                     intensity(&c->model, c->model.active_prefill, ENVELOPE_PROMPT),
                     2 * c->model.active_prefill * c->prefill);
        last = fmax(last, 2 * intensity(&c->model, c->model.active_prefill, ENVELOPE_PROMPT));
    }
    report_point(r, p, roof, NULL, 0.5, 0.5 * d->bytes_s);
    report_point(r, p, roof, NULL, ridge, d->flop_s);
    report_point(r, p, roof, NULL, last, d->flop_s);
    if (roof)
        roof->line = roof->bare = 1;
    if (p)
        p->note = report_fmt(r, "Left of the bend memory limits, right of it arithmetic.");
}

static void plot_sizes(struct report *r, const struct envelope_result *x)
{
    struct report_plot *p = report_plot(r, "speed_size", "Largest model against speed of decoding",
                                        metric_find("tok_s"), metric_find("parameters"),
                                        PLOT_LOG_X | PLOT_LOG_Y);

    for (int i = 0; i < x->n_rows; i++) {
        struct report_series *s = report_series(r, p, x->rows[i].format);
        for (int k = 0; k <= SPEED_STEPS; k++) {
            struct envelope_want w = x->want;
            struct envelope_row row;
            w.tok_s = pow(10, 3.0 * k / SPEED_STEPS);
            row = envelope_row(&x->device, &w, x->rows[i].format, x->rows[i].bits);
            if (row.largest > 0 && row.largest < 1e15)
                report_point(r, p, s, NULL, w.tok_s, row.largest);
        }
        if (s)
            s->line = s->bare = 1;
    }
}

void envelope_report(struct report *r, const struct envelope_result *x, int plots)
{
    report_section(r, "Device");
    put_device(r, x);
    report_section(r, "Largest model");
    report_text(r, "At least %s tok/s, first token of a prompt of %.0f tokens within %s.",
                report_number(r, NULL, x->want.tok_s), x->want.context,
                report_number(r, metric_find("ttft_s"), x->want.ttft_s));
    put_rows(r, x);
    if (plots)
        plot_sizes(r, x);
    if (plots && !isnan(x->device.flop_s))
        plot_roofline(r, x);
    if (x->n_checks) {
        report_section(r, "Checked on real models");
        put_checks(r, x);
    }
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void put_json_device(struct json_out *o, const struct envelope_result *x)
{
    const struct envelope_device *d = &x->device;

    json_begin_object(o, "device");
    json_put_str(o, "name", d->name);
    json_put_str(o, "source", d->source);
    json_put_num(o, "bandwidth_bytes_s", d->bytes_s);
    json_put_num(o, "flop_s", d->flop_s);
    json_put_num(o, "memory_bytes", d->memory_bytes);
    json_put_num(o, "power_w", d->power_w);
    json_put_num(o, "decode_share", d->decode_share);
    json_put_num(o, "prefill_share", d->prefill_share);
    json_put_num(o, "decode_layer_s", d->decode_layer_s);
    json_put_num(o, "prefill_layer_s", d->prefill_layer_s);
    json_put_bool(o, "calibrated", x->n_checks > 0);
    json_end_object(o);
    json_begin_object(o, "want");
    json_put_num(o, "tok_s", x->want.tok_s);
    json_put_num(o, "ttft_s", x->want.ttft_s);
    json_put_num(o, "memory_bytes", x->want.memory_bytes);
    json_put_num(o, "power_w", x->watts);
    json_put_num(o, "context", x->want.context);
    json_put_num(o, "active_share", x->want.active_share);
    json_end_object(o);
}

static void put_json_row(struct json_out *o, const struct envelope_row *w)
{
    static const char *const keys[LIMITS] = {"decode_parameters", "prefill_parameters",
                                             "memory_parameters"};

    json_begin_object(o, NULL);
    json_put_str(o, "format", w->format);
    json_put_num(o, "bits_per_weight", w->bits);
    json_put_num(o, "largest_parameters", w->largest);
    json_put_str(o, "limit", w->largest < 1e15 ? envelope_limit_name(w->limit) : NULL);
    for (int k = 0; k < LIMITS; k++)
        json_put_num(o, keys[k], w->parameters[k]);
    json_put_num(o, "tok_s", w->tok_s);
    json_put_num(o, "ttft_s", w->ttft_s);
    json_put_num(o, "memory_bytes", w->bytes);
    json_end_object(o);
}

static void put_json_test(struct json_out *o, const char *key, double measured, struct interval in,
                          double predicted, double bound)
{
    json_begin_object(o, key);
    json_put_num(o, "measured_tok_s", measured);
    json_put_num(o, "low", in.low);
    json_put_num(o, "high", in.high);
    json_put_num(o, "predicted_tok_s", predicted);
    json_put_num(o, "bound_tok_s", bound);
    json_put_num(o, "relative_error", predicted / measured - 1);
    json_end_object(o);
}

void envelope_json(struct json_out *o, const struct envelope_result *x)
{
    put_json_device(o, x);
    json_begin_array(o, "formats");
    for (int i = 0; i < x->n_rows; i++)
        put_json_row(o, &x->rows[i]);
    json_end_array(o);
    json_begin_array(o, "checks");
    for (int i = 0; i < x->n_checks; i++) {
        const struct envelope_check *c = &x->checks[i];
        json_begin_object(o, NULL);
        json_put_str(o, "model", c->name);
        json_put_bool(o, "noisy", c->noisy);
        json_put_num(o, "file_bytes", c->file_bytes);
        json_put_num(o, "weights_bytes_per_token", c->model.weight_bytes);
        put_json_test(o, "decode", c->decode, c->decode_interval, c->decode_predicted,
                      c->decode_bound);
        put_json_test(o, "prefill", c->prefill, c->prefill_interval, c->prefill_predicted,
                      c->prefill_bound);
        json_end_object(o);
    }
    json_end_array(o);
}
