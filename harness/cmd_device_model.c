/* cmd_device_model.c -- device check NAME MODEL: a whole model on a device, and on the CPU. */
#include <math.h>

#include "base/mem.h"
#include "harness/device_model.h"
#include "harness/device_verbs.h"
#include "harness/models.h"
#include "runners/plugin.h"

static const char *verdict_of(const struct model_check *x)
{
    return x->is_failed ? "FAIL" : x->is_open ? "-" : "PASS";
}

static void put_number(struct table *t, double v)
{
    if (isnan(v))
        table_cell(t, "-");
    else
        table_cell(t, "%.3g", v);
}

static int print_table(const struct context *c, const struct device_model *m,
                       const struct model_check *checks, int failed, struct err *e)
{
    static const struct column columns[] = {{"check", 0, 0}, {"verdict", 0, 0}, {"value", 1, 0},
                                            {"limit", 1, 0}};
    struct strbuf b = STRBUF_INIT;
    struct table t;
    int rc;

    table_init(&t, columns, 4, c->csv);
    for (int i = 0; i < DEVICE_MODEL_CHECKS; i++) {
        table_cell(&t, "%s", checks[i].name);
        table_cell(&t, "%s", verdict_of(&checks[i]));
        put_number(&t, checks[i].value);
        put_number(&t, checks[i].limit);
        strbuf_addf(&b, "%s: %s\n", checks[i].name, checks[i].found);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    strbuf_addf(&b, "%s  %s, %s: %s\n", failed ? "FAIL" : "PASS", m->about.name, m->about.numerics,
                m->model);
    if (rc == 0 && !c->csv)
        rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int print_json(const struct context *c, const struct device_model *m,
                      const struct model_check *checks, int failed, const struct strbuf *left,
                      struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "device");
    int rc;

    json_put_str(&o, "device", m->about.name);
    json_put_str(&o, "numerics", m->about.numerics);
    json_put_str(&o, "precision", plugin_precision(m->about.precision));
    json_put_str(&o, "model", m->model);
    json_put_str(&o, "left_to_cpu", strbuf_str(left));
    json_begin_array(&o, "checks");
    for (int i = 0; i < DEVICE_MODEL_CHECKS; i++) {
        json_begin_object(&o, NULL);
        json_put_str(&o, "check", checks[i].name);
        json_put_str(&o, "verdict", verdict_of(&checks[i]));
        json_put_num(&o, "value", checks[i].value);
        json_put_num(&o, "limit", checks[i].limit);
        json_put_str(&o, "found", checks[i].found);
        json_end_object(&o);
    }
    json_end_array(&o);
    json_put_str(&o, "verdict", failed ? "FAIL" : "PASS");
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

int device_check_model(struct context *c, const char *name, struct err *e)
{
    struct conform how;
    struct device_model m = {.prompts = (int)args_int(c->args, "prompts"),
                             .tokens = (int)args_int(c->args, "tokens"),
                             .seed = (uint64_t)args_int(c->args, "seed"), .stop = c->stop};
    struct model_check checks[DEVICE_MODEL_CHECKS];
    struct strbuf left = STRBUF_INIT;
    char *path = model_path(args_at(c->args, 2), e);
    int rc = -1, failed = 0;

    if (!path || device_chosen(c, name, &how, e) < 0 || conform_ask(&how, &m.about, e) < 0)
        goto out;
    m.model = path;
    m.device = (struct runner_opts){
        .device = how.device.name, .kernels = how.device.kernels, .isolate = how.device.isolate,
        .program = how.device.program, .timeout_s = how.device.timeout_s,
        .threads = how.device.threads, .numerics = how.device.numerics};
    if (device_model_check(&m, checks, &left, e) < 0)
        goto out;
    for (int i = 0; i < DEVICE_MODEL_CHECKS; i++)
        failed += checks[i].is_failed;
    rc = c->json ? print_json(c, &m, checks, failed, &left, e)
                 : print_table(c, &m, checks, failed, e);
    if (rc == 0 && failed)
        rc = 1;
out:
    strbuf_release(&left);
    mem_free(path);
    return rc;
}
