/* cmd_devices.c -- what can compute here, and whether it can be measured on. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "harness/commands.h"
#include "harness/machine.h"
#include "harness/meter.h"
#include "harness/peak.h"
#include "runners/cl.h"
#include "runners/device.h"
#include "runners/kernels.h"
#include "runners/plugin.h"

const struct option doctor_options[] = {
    {"threads", 't', OPTION_INT, "N", "0", 0, 1024, "threads to measure with; 0: all usable cores"},
    {"seconds", 0, OPTION_NUMBER, "S", "2", 0, 3600, "how long to watch the idle machine"},
    {"sysroot", 0, OPTION_TEXT, "DIR", "", 0, 0, "read the machine's files below DIR"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- devices ------------------------------------------------------------------------------ */

static void kernel_names(struct strbuf *b, const char *separator)
{
    const struct kernels *k;
    int n = 0;

    for (int i = 0; (k = kernels_at(i)) != NULL; i++)
        if (!k->usable || k->usable())
            strbuf_addf(b, "%s%s", n++ ? separator : "", k->name);
}

static void put_accelerators(struct json_out *o, enum cl_kind kind)
{
    struct err why = ERR_NONE;
    struct cl_about a;
    int rc;

    for (int i = 0; (rc = cl_about(&a, kind, i, &why)) > 0; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "device", a.name);
        json_put_str(o, "help", a.title);
        json_put_str(o, "version", a.driver);
        json_put_str(o, "numerics", numerics_id(kind == CL_CUDA ? NUMERICS_CUDA : NUMERICS_OPENCL,
                                                KV_F32));
        json_put_int(o, "cores", a.units);
        json_put_int(o, "memory_bytes", (int64_t)a.memory_bytes);
        json_end_object(o);
    }
    if (rc == 0)
        return;
    json_begin_object(o, NULL);
    json_put_str(o, "device", cl_prefix(kind));
    json_put_str(o, "error", why.text);
    json_end_object(o);
}

/* Where there is none the row says why. */
static void accelerator_rows(struct table *t, enum cl_kind kind)
{
    struct err why = ERR_NONE;
    struct cl_about a;
    int rc;

    for (int i = 0; (rc = cl_about(&a, kind, i, &why)) > 0; i++) {
        table_cell(t, "%s", a.name);
        table_int(t, a.units);
        table_cell(t, a.is_cpu ? "vector lanes" : "lanes");
        table_cell(t, "%s, driver %s", a.title, a.driver);
    }
    if (rc == 0)
        return;
    table_cell(t, "%s", cl_prefix(kind));
    table_int(t, -1);
    table_cell(t, "-");
    table_cell(t, "%s", why.text);
}

/* Calls `each` for the plug-ins of $DENSIMETER_DEVICES; those that do not load come with
 * the reason. */
static int each_plugin(void (*each)(void *to, const char *path, const struct dsm_device *d,
                                    const char *why),
                       void *to, struct err *e)
{
    char *path;
    int rc;

    for (int i = 0; (rc = plugin_at(&path, i, e)) > 0; i++) {
        const struct dsm_device *d;
        struct err why = ERR_NONE;
        plugin_load(&d, path, &why);
        each(to, path, d, why.text);
        mem_free(path);
    }
    return rc;
}

static void put_plugin(void *to, const char *path, const struct dsm_device *d, const char *why)
{
    struct json_out *o = to;

    json_begin_object(o, NULL);
    json_put_str(o, "device", d ? d->name : NULL);
    json_put_str(o, "path", path);
    json_put_str(o, "version", d ? d->version : NULL);
    json_put_str(o, "help", d ? d->help : NULL);
    json_put_str(o, "numerics", d ? d->numerics : NULL);
    json_put_str(o, "precision", d ? plugin_precision(d->precision) : NULL);
    json_put_str(o, "error", d ? NULL : why);
    json_end_object(o);
}

static void plugin_row(void *to, const char *path, const struct dsm_device *d, const char *why)
{
    struct table *t = to;

    table_cell(t, "%s", d ? d->name : path_base(path));
    table_int(t, -1);
    table_cell(t, "%s", d ? plugin_precision(d->precision) : "-");
    table_cell(t, "%s", d ? d->help : why);
}

static int devices_json(const struct context *c, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "devices");
    const struct device_ops *d;
    const struct kernels *k;
    int rc;

    json_begin_array(&o, "devices");
    for (int i = 0; (d = device_at(i)) != NULL; i++) {
        json_begin_object(&o, NULL);
        json_put_str(&o, "device", d->name);
        json_put_str(&o, "help", d->help);
        json_put_int(&o, "cores", cpus_allowed());
        json_begin_array(&o, "kernels");
        for (int n = 0; (k = kernels_at(n)) != NULL; n++)
            if (!k->usable || k->usable())
                json_put_str(&o, NULL, k->name);
        json_end_array(&o);
        json_end_object(&o);
    }
    for (int i = 0; i < CL_KINDS; i++)
        put_accelerators(&o, (enum cl_kind)i);
    rc = each_plugin(put_plugin, &o, e);
    json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

int cmd_devices(struct context *c, struct err *e)
{
    static const struct column columns[] = {
        {"device", 0, 0}, {"cores", 1, 0}, {"kernels", 0, 0}, {"what", 0, 1}};
    const struct device_ops *d;
    struct strbuf names = STRBUF_INIT;
    struct table t;
    int rc;

    if (c->json)
        return devices_json(c, e);
    kernel_names(&names, " ");
    table_init(&t, columns, 4, c->csv);
    for (int i = 0; (d = device_at(i)) != NULL; i++) {
        table_cell(&t, "%s", d->name);
        table_int(&t, cpus_allowed());
        table_cell(&t, "%s", strbuf_str(&names));
        table_cell(&t, "%s", d->help);
    }
    for (int i = 0; i < CL_KINDS; i++)
        accelerator_rows(&t, (enum cl_kind)i);
    rc = each_plugin(plugin_row, &t, e);
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    strbuf_release(&names);
    return rc;
}

/* --- doctor ------------------------------------------------------------------------------- */

struct advice {
    const char *key, *bad, *say;
};

/* Settings that make measurements drift; only what the machine has is judged. */
static const struct advice advices[] = {
    {"governor", "powersave", "the frequency governor is 'powersave'; 'performance' is steadier"},
    {"governor", "ondemand", "the frequency governor is 'ondemand'; 'performance' is steadier"},
    {"no_turbo", "0", "turbo is on: speed depends on temperature"},
    {"boost", "1", "boost is on: speed depends on temperature"},
    {"numa_balancing", "1", "NUMA balancing moves pages while measuring"},
};

static void watch(struct noise *n, const char *root, double seconds)
{
    struct timespec pause = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    struct noise_sample before, after;

    noise_sample(&before, root);
    nanosleep(&pause, NULL);
    noise_sample(&after, root);
    noise_between(n, &before, &after, 1);
}

static int holds(const struct advice *a, const char *root)
{
    char value[256];

    machine_fact(value, sizeof value, root, a->key);
    return strcmp(value, a->bad) == 0;
}

static void put_advice(struct json_out *o, const char *root)
{
    json_begin_array(o, "advice");
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (holds(&advices[i], root))
            json_put_str(o, NULL, advices[i].say);
    json_end_array(o);
}

/* What each meter said while the peaks were measured. */
static void put_meters(struct json_out *o, const struct meter *m)
{
    json_put_str(o, "energy_meter", meter_source(m));
    json_begin_array(o, "energy_meters");
    for (int i = 0; i < meter_count(m); i++) {
        struct meter_reading r;
        meter_reading(m, i, &r);
        json_begin_object(o, NULL);
        json_put_str(o, "source", r.source);
        json_put_str(o, "channel", r.channel);
        json_put_bool(o, "headline", r.is_headline);
        json_put_num(o, "watts", r.joules / r.seconds);
        json_put_str(o, "reason", r.reason);
        json_end_object(o);
    }
    json_end_array(o);
}

static void say_meters(struct strbuf *b, const struct meter *m)
{
    const char *reason;

    for (int i = 0; i < meter_count(m); i++) {
        struct meter_reading r;
        meter_reading(m, i, &r);
        strbuf_addf(b, "%-18s %s%s, %s", "energy meter", r.source, r.is_headline ? " *" : "",
                    r.channel);
        if (r.reason)
            strbuf_addf(b, ": %s\n", r.reason);
        else
            strbuf_addf(b, ": %.1f W while this was measured\n", r.joules / r.seconds);
    }
    (void)meter_energy_j(m, &reason);
    if (!meter_source(m))
        strbuf_addf(b, "%-18s not available: %s\n", "energy meter", reason);
}

static int doctor_json(const struct context *c, const struct peak *p, const struct noise *n,
                       const struct meter *energy, struct err *e)
{
    const char *root = args_str(c->args, "sysroot");
    struct strbuf b = STRBUF_INIT, machine = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "doctor");
    int rc = machine_json(&machine, root, e);

    json_put_int(&o, "threads", p->threads);
    json_put_num(&o, "bandwidth_bytes_s", p->bytes_s);
    json_put_num(&o, "flop_s", p->flop_s);
    json_put_str(&o, "vector_unit", p->unit);
    put_meters(&o, energy);
    noise_json(&o, "noise", n);
    put_advice(&o, root);
    if (rc == 0) {
        json_put_raw(&o, "machine", strbuf_str(&machine));
        rc = context_json_end(c, &o, e);
    }
    strbuf_release(&machine);
    strbuf_release(&b);
    return rc;
}

static int doctor_text(const struct context *c, const struct peak *p, const struct noise *n,
                       const struct meter *energy, struct err *e)
{
    const char *root = args_str(c->args, "sysroot");
    struct strbuf b = STRBUF_INIT;
    char cpu[256];
    int rc;

    machine_fact(cpu, sizeof cpu, root, "cpu");
    strbuf_addf(&b, "%-18s %s\n", "processor", cpu[0] ? cpu : "not available");
    strbuf_addf(&b, "%-18s %d threads\n", "measured with", p->threads);
    strbuf_addf(&b, "%-18s %.1f GB/s read\n", "memory", p->bytes_s / 1e9);
    strbuf_addf(&b, "%-18s %.0f GFLOP/s, float32, %s\n", "multiply-add", p->flop_s / 1e9, p->unit);
    say_meters(&b, energy);
    strbuf_addf(&b, "%-18s %s\n", "quiet",
                n->quiet == QUIET_YES  ? "yes"
                : n->quiet == QUIET_NO ? n->reasons
                                       : "not known: the kernel does not tell");
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (holds(&advices[i], root))
            strbuf_addf(&b, "%-18s %s\n", "advice", advices[i].say);
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

/* Exit status 3 when measurements here would not be comparable. */
int cmd_doctor(struct context *c, struct err *e)
{
    const char *root = args_str(c->args, "sysroot");
    int threads = (int)args_int(c->args, "threads"), rc = -1;
    struct meter *meter = NULL;
    struct noise noise;
    struct peak peak;

    watch(&noise, root, args_num(c->args, "seconds"));
    if (meter_open(&meter, &(struct meter_opts){.root = root}, e) < 0)
        goto out;
    meter_start(meter);
    rc = peak_measure(&peak, threads, e);
    meter_stop(meter);
    if (rc < 0)
        goto out;
    rc = c->json ? doctor_json(c, &peak, &noise, meter, e)
                 : doctor_text(c, &peak, &noise, meter, e);
    if (rc == 0 && (noise.quiet == QUIET_NO || noise.invalid))
        rc = 3;
out:
    meter_close(meter);
    return rc;
}
