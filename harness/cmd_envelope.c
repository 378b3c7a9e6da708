/* cmd_envelope.c -- the largest model that a device runs as fast as somebody wants. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/device_names.h"
#include "harness/envelope_write.h"
#include "harness/machine.h"
#include "harness/measure.h"
#include "harness/open.h"
#include "harness/peak.h"
#include "runners/quant.h"

const struct option envelope_options[] = {
    {"tok-s", 0, OPTION_NUMBER, "X", "10", 0.001, 1e6, "tokens per second, at least"},
    {"ttft", 0, OPTION_NUMBER, "S", "5", 0.001, 1e6, "seconds to the first token, at most"},
    {"memory", 0, OPTION_SIZE, "BYTES", NULL, 1e6, 1e15, "memory for weights, keys and values"},
    {"power", 0, OPTION_NUMBER, "W", NULL, 0.001, 1e6, "watts, at most"},
    {"power-at-peak", 0, OPTION_NUMBER, "W", NULL, 0.001, 1e6,
     "what the device draws at full load, where no meter tells"},
    {"context", 0, OPTION_INT, "N", "2048", 1, 1e8, "tokens of the prompt and of the context"},
    {"active-share", 0, OPTION_NUMBER, "SHARE", "1", 0.001, 1, "active over all parameters"},
    {"bandwidth", 0, OPTION_NUMBER, "GB/S", NULL, 0.001, 1e6, "instead of the device's"},
    {"gflops", 0, OPTION_NUMBER, "G", NULL, 0.001, 1e9, "instead of the device's"},
    {"check", 0, OPTION_WORDS, "MODEL", NULL, 0, 0,
     "measure these models here: predicted against measured, and what a program attains"},
    {"repeats", 'r', OPTION_INT, "N", "3", 1, 1000, "samples of each check"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- the device ---------------------------------------------------------------------------- */

static int measure_this(const struct context *c, struct envelope_device *d, struct err *e)
{
    struct meter *meter = NULL;
    struct peak peak;
    char memory[64];
    double start, joules;
    int rc;

    if (meter_open(&meter, NULL, e) < 0)
        return -1;
    start = meter_clock_s();
    meter_start(meter);
    rc = peak_measure(&peak, (int)args_int(c->args, "threads"), e);
    joules = meter_stop(meter);
    if (rc == 0) {
        machine_fact(memory, sizeof memory, "", "memory_bytes");
        *d = (struct envelope_device){
            "this machine", "measured", peak.bytes_s, peak.flop_s,
            *memory ? strtod(memory, NULL) : NAN, joules / (meter_clock_s() - start), 1, 1, 0,
            0};
    }
    meter_close(meter);
    return rc;
}

static int choose_device(const struct context *c, struct envelope_device *d, struct err *e)
{
    const char *name = args_str(c->args, "device");

    return !envelope_device_find(name) && device_computes_here(name)
               ? measure_this(c, d, e)
               : envelope_device_named(d, name, "envelope", e);
}

static int describe_device(const struct context *c, struct envelope_result *x, struct err *e)
{
    if (choose_device(c, &x->device, e) < 0)
        return -1;
    if (args_given(c->args, "bandwidth"))
        x->device.bytes_s = 1e9 * args_num(c->args, "bandwidth");
    if (args_given(c->args, "gflops"))
        x->device.flop_s = 1e9 * args_num(c->args, "gflops");
    if (args_given(c->args, "power-at-peak"))
        x->device.power_w = args_num(c->args, "power-at-peak");
    if (args_given(c->args, "bandwidth") && args_given(c->args, "gflops"))
        x->device.source = "as told";
    return 0;
}

static void read_want(const struct context *c, struct envelope_result *x)
{
    x->watts = args_given(c->args, "power") ? args_num(c->args, "power") : NAN;
    x->want = (struct envelope_want){
        .tok_s = args_num(c->args, "tok-s"), .ttft_s = args_num(c->args, "ttft"),
        .memory_bytes = args_given(c->args, "memory") ? (double)args_int(c->args, "memory") : NAN,
        .context = (double)args_int(c->args, "context"),
        .active_share = args_num(c->args, "active-share")};
}

/* --- checks -------------------------------------------------------------------------------- */

static int measure_test(const struct context *c, struct runner *m, struct meter *meter,
                        struct speed_test t, double *tok_s, struct interval *in, int *noisy,
                        struct err *e)
{
    const struct model_info *info = runner_info(m);
    const struct measuring how = {.runner = m, .meter = meter, .root = "",
                                  .repeats = (int)args_int(c->args, "repeats"),
                                  .model_path = info->path, .threads = info->threads,
                                  .stop = c->stop};
    struct measured r;

    if (measure(&how, &t, &r, e) < 0)
        return -1;
    *tok_s = r.tok_s;
    *in = r.tok_s_interval;
    *noisy |= r.noise.quiet == QUIET_NO;
    measured_release(&r);
    return 0;
}

static int check_model(const struct context *c, const char *name, const struct envelope_device *d,
                       struct envelope_check *out, struct err *e)
{
    struct runner *m = NULL;
    struct meter *meter = NULL;
    const struct model_info *info;
    int rc = -1;

    out->name = mem_strdup(name);
    if (!out->name)
        return err_nomem(e);
    context_note(c, "measuring %s", name);
    if (open_model(c, name, 2 * (ENVELOPE_PROMPT + ENVELOPE_GENERATE), &m, e) < 0 ||
        meter_open(&meter, NULL, e) < 0)
        goto out;
    info = runner_info(m);
    out->file_bytes = (double)info->file_bytes;
    out->model = (struct envelope_model){
        (double)info->weight_bytes_per_token, (double)info->kv_bytes_per_token,
        (double)info->parameters_active,
        (double)(info->parameters_active - info->parameters_embedding), (double)info->layers};
    out->decode_bound = envelope_decode_tok_s(d, &out->model, ENVELOPE_GENERATE / 2.0);
    out->prefill_bound = envelope_prefill_tok_s(d, &out->model, ENVELOPE_PROMPT);
    if (measure_test(c, m, meter, (struct speed_test){ENVELOPE_PROMPT, 0, 0, 1}, &out->prefill,
                     &out->prefill_interval, &out->noisy, e) == 0 &&
        measure_test(c, m, meter, (struct speed_test){0, ENVELOPE_GENERATE, 0, 1}, &out->decode,
                     &out->decode_interval, &out->noisy, e) == 0)
        rc = 0;
out:
    meter_close(meter);
    runner_close(m);
    return rc;
}

static struct envelope_sample decode_sample(const struct envelope_check *c)
{
    return (struct envelope_sample){1 / c->decode_bound, c->model.layers, 1 / c->decode};
}

static struct envelope_sample prefill_sample(const struct envelope_check *c)
{
    return (struct envelope_sample){1 / c->prefill_bound, c->model.layers / ENVELOPE_PROMPT,
                                    1 / c->prefill};
}

static double predicted(const struct envelope_sample *v, int n, int which)
{
    double share, layer_s;

    envelope_fit(v, n, which, &share, &layer_s);
    return 1 / (v[which].bound_s / share + layer_s * v[which].layers);
}

/* Every model by what the others attain, the device by what all of them do. */
static int conclude(struct envelope_device *d, struct envelope_check *v, int n, struct err *e)
{
    struct envelope_sample *decode = mem_calloc((size_t)n + 1, sizeof *decode);
    struct envelope_sample *prefill = mem_calloc((size_t)n + 1, sizeof *prefill);
    int rc = decode && prefill ? 0 : err_nomem(e);

    for (int i = 0; i < n && rc == 0; i++) {
        decode[i] = decode_sample(&v[i]);
        prefill[i] = prefill_sample(&v[i]);
    }
    for (int i = 0; i < n && rc == 0; i++) {
        v[i].decode_predicted = predicted(decode, n, i);
        v[i].prefill_predicted = predicted(prefill, n, i);
    }
    if (n && rc == 0) {
        envelope_fit(decode, n, -1, &d->decode_share, &d->decode_layer_s);
        envelope_fit(prefill, n, -1, &d->prefill_share, &d->prefill_layer_s);
    }
    mem_free(decode);
    mem_free(prefill);
    return rc;
}

static int check_all(const struct context *c, struct envelope_result *x,
                     struct envelope_check *v, struct err *e)
{
    int n = args_count(c->args, "check");

    for (int i = 0; i < n; i++)
        if (check_model(c, args_word(c->args, "check", i), &x->device, &v[i], e) < 0)
            return -1;
    x->checks = v;
    x->n_checks = n;
    return conclude(&x->device, v, n, e);
}

/* --- output -------------------------------------------------------------------------------- */

static int write_page(const struct context *c, const struct envelope_result *x, const char *path,
                      struct err *e)
{
    struct report page;
    int rc;

    report_init(&page, "What fits a device");
    envelope_report(&page, x, path != NULL);
    rc = context_report(c, &page, path, e);
    report_release(&page);
    return rc;
}

static int print(const struct context *c, const struct envelope_result *x, struct err *e)
{
    const char *path = args_str(c->args, "out");
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (c->json) {
        struct json_out j = context_json_begin(&b, "envelope");
        envelope_json(&j, x);
        rc = context_json_end(c, &j, e);
    } else {
        rc = write_page(c, x, NULL, e);
    }
    strbuf_release(&b);
    return rc == 0 && path ? write_page(c, x, path, e) : rc;
}

static int fill_rows(struct envelope_result *x, struct envelope_row *rows, struct err *e)
{
    static const char *const formats[] = {"Q2_K", "Q3_K", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0",
                                          "F16"};

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct quant *q = quant_by_name(formats[i], strlen(formats[i]));
        if (!q)
            return err_set(e, ERR_UNSUPPORTED, "envelope: no format %s", formats[i]);
        rows[x->n_rows++] = envelope_row(&x->device, &x->want, q->name,
                                         8.0 * q->bytes / q->block);
    }
    x->rows = rows;
    return 0;
}

int cmd_envelope(struct context *c, struct err *e)
{
    struct envelope_result x = {0};
    struct envelope_row rows[16];
    int n = args_count(c->args, "check"), rc = -1;
    struct envelope_check *checks = mem_calloc((size_t)n + 1, sizeof *checks);

    if (!checks)
        return err_nomem(e);
    read_want(c, &x);
    if (n && envelope_device_find(args_str(c->args, "device")))
        err_set(e, ERR_USAGE, "envelope: --check measures on this machine, not on '%s'",
                args_str(c->args, "device"));
    else if (describe_device(c, &x, e) == 0 && check_all(c, &x, checks, e) == 0) {
        if (!isnan(x.watts))
            x.device = envelope_throttled(&x.device, x.watts);
        if (fill_rows(&x, rows, e) == 0)
            rc = print(c, &x, e);
    }
    for (int i = 0; i < n; i++)
        mem_free(checks[i].name);
    mem_free(checks);
    return rc;
}
