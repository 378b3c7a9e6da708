/* cmd_device.c -- is a device what it says it is, and the beginning of a new one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/device_names.h"
#include "harness/device_new.h"
#include "harness/device_verbs.h"
#include "runners/conform.h"
#include "runners/plugin.h"

const struct option device_options[] = {
    {"only", 0, OPTION_TEXT, "OP", NULL, 0, 0, "check: operations whose name begins like this"},
    {"all", 0, OPTION_FLAG, NULL, NULL, 0, 0, "check: a row for every case"},
    {"kernels", 0, OPTION_TEXT, "NAME", NULL, 0, 0,
     "kernels of the CPU to use instead of the best"},
    {"numerics", 0, OPTION_CHOICE, "exact|fast", "exact", 0, 0,
     "check, audit: which of its arithmetics"},
    {"threads", 't', OPTION_INT, "N", "0", 0, 1024,
     "threads for the device; 0: one per usable core"},
    DEVICE_OPTIONS,
    {"tasks", 0, OPTION_WORDS, "TASK,...", "facts", 0, 0,
     "audit: whose published items are asked"},
    {"items", 'n', OPTION_INT, "N", "24", 1, 1e6, "audit: how many of each task"},
    {"prompts", 0, OPTION_INT, "N", "4", 1, 10000,
     "of random tokens; audit: and texts to go on with"},
    {"tokens", 0, OPTION_INT, "N", "32", 8, 4096, "length of such a prompt"},
    {"seed", 0, OPTION_INT, "N", NULL, 0, 9e15,
     "audit: what is asked; else drawn, so that no device knows it"},
    {"limit-flops", 0, OPTION_NUMBER, "N", NULL, 1, 1e30,
     "audit: the device's own limit, operations per second"},
    {"limit-bandwidth", 0, OPTION_NUMBER, "N", NULL, 1, 1e30,
     "audit: the same of its memory, bytes per second"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0, "audit: the document for 'bundle make --audit'"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

int device_chosen(const struct context *c, const char *name, struct conform *out, struct err *e)
{
    *out = (struct conform){
        .device = {.name = name, .isolate = args_flag(c->args, "isolate-device"),
                   .program = device_program(),
                   .timeout_s = args_num(c->args, "device-timeout"),
                   .kernels = args_str(c->args, "kernels"),
                   .numerics = args_choice(c->args, "numerics") ? NUMERICS_FAST : NUMERICS_EXACT,
                   .threads = (int)args_int(c->args, "threads")},
        .ops = device_find(name, e), .stop = c->stop};
    return out->ops ? 0 : -1;
}

/* ---- check ---- */

struct group { /* the cases of an operation */
    char op[64];
    int cases, failed, left;
    double worst, bits; /* the largest error over its tolerance; the fewest bits */
};

struct check {
    struct context *c;
    struct json_out json;
    struct table table; /* --all */
    struct strbuf failures;
    struct group *groups;
    size_t n_groups, cap_groups;
    int cases, failed, left;
    int no_memory;
};

static const char *verdict_name(enum conform_verdict v)
{
    static const char *const names[] = {"pass", "FAIL", "cpu"};

    return names[v];
}

static struct group *group_of(struct check *k, const char *op)
{
    struct group *g;

    if (k->n_groups && strcmp(k->groups[k->n_groups - 1].op, op) == 0)
        return &k->groups[k->n_groups - 1];
    if (mem_grow(&k->groups, &k->cap_groups, k->n_groups + 1, sizeof *k->groups) < 0)
        return NULL;
    g = &k->groups[k->n_groups++];
    *g = (struct group){.worst = NAN, .bits = NAN};
    snprintf(g->op, sizeof g->op, "%s", op);
    return g;
}

static void put_case(struct json_out *o, const struct conform_case *x)
{
    json_begin_object(o, NULL);
    json_put_str(o, "op", x->op);
    json_put_str(o, "format", *x->format ? x->format : NULL);
    json_put_str(o, "shape", x->shape);
    json_put_str(o, "inputs", x->inputs);
    json_put_str(o, "verdict", x->verdict == CONFORM_FAIL ? "fail" : verdict_name(x->verdict));
    json_put_num(o, "error", x->error);
    json_put_num(o, "bits", x->bits);
    json_put_str(o, "why", *x->why ? x->why : NULL);
    json_end_object(o);
}

static void case_row(struct table *t, const struct conform_case *x)
{
    table_cell(t, "%s", x->op);
    table_cell(t, "%s", x->format);
    table_cell(t, "%s", x->shape);
    table_cell(t, "%s", x->inputs);
    table_num(t, x->error, 2);
    table_num(t, x->bits, 3);
    table_cell(t, "%s", verdict_name(x->verdict));
    table_cell(t, "%s", x->why);
}

static int on_case(void *user, const struct conform_case *x)
{
    struct check *k = user;
    struct group *g = group_of(k, x->op);

    if (!g) {
        k->no_memory = 1;
        return 1;
    }
    g->cases++;
    g->failed += x->verdict == CONFORM_FAIL;
    g->left += x->verdict == CONFORM_CPU;
    g->worst = fmax(g->worst, x->error);
    g->bits = fmin(g->bits, x->bits);
    k->cases++;
    k->failed += x->verdict == CONFORM_FAIL;
    k->left += x->verdict == CONFORM_CPU;
    if (k->c->json)
        put_case(&k->json, x);
    if (args_flag(k->c->args, "all") || k->c->csv)
        case_row(&k->table, x);
    else if (x->verdict == CONFORM_FAIL && g->failed <= 3) /* of an operation the first tell most */
        strbuf_addf(&k->failures, "%s %s%s%s, %s: %s\n", x->op, x->format, *x->format ? " " : "",
                    x->shape, x->inputs, x->why);
    return 0;
}

static int print_groups(const struct check *k, struct err *e)
{
    static const struct column columns[] = {
        {"operation", 0, 0}, {"cases", 1, 0},   {"failed", 1, 0}, {"on the CPU", 1, 0},
        {"error", 1, 0},     {"bits", 1, 0}, {"verdict", 0, 0}};
    struct table t;
    int rc;

    table_init(&t, columns, 7, 0);
    for (size_t i = 0; i < k->n_groups; i++) {
        const struct group *g = &k->groups[i];
        table_cell(&t, "%s", g->op);
        table_int(&t, g->cases);
        table_int(&t, g->failed);
        table_int(&t, g->left);
        table_num(&t, g->worst, 2);
        table_num(&t, g->bits, 3);
        table_cell(&t, "%s", g->failed ? "FAIL" : g->left == g->cases ? "cpu" : "pass");
    }
    rc = context_table(k->c, &t, e);
    table_release(&t);
    return rc;
}

static int print_check(struct check *k, const struct conform_about *a, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = k->table.n_cells ? context_table(k->c, &k->table, e) : print_groups(k, e);

    strbuf_add_printable(&b, strbuf_str(&k->failures), 1);
    strbuf_addf(&b, "%s, %s: %d cases, %d failed, %d left to the CPU\n", a->name, a->numerics,
                k->cases, k->failed, k->left);
    strbuf_addf(&b, "tolerance (error 1): %s; at least %.3g bits on random numbers\n",
                conform_tolerance(a), a->bits);
    if (rc == 0 && !k->c->csv)
        rc = context_print_folded(k->c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int end_json(struct check *k, const struct conform_about *a, struct err *e)
{
    json_end_array(&k->json);
    json_put_str(&k->json, "device", a->name);
    json_put_str(&k->json, "numerics", a->numerics);
    json_put_str(&k->json, "precision", plugin_precision(a->precision));
    json_put_str(&k->json, "tolerance", conform_tolerance(a));
    json_put_num(&k->json, "bits_at_least", a->bits);
    json_put_bool(&k->json, "claims_repeats", a->claims_repeats);
    json_put_bool(&k->json, "claims_batch_invariant", a->claims_invariant);
    json_put_int(&k->json, "n", k->cases);
    json_put_int(&k->json, "failed", k->failed);
    json_put_int(&k->json, "left_to_cpu", k->left);
    json_put_str(&k->json, "verdict", k->failed ? "fail" : "pass");
    return context_json_end(k->c, &k->json, e);
}

static int check_device(struct context *c, const char *name, struct err *e)
{
    static const struct column columns[] = {
        {"operation", 0, 0}, {"format", 0, 0}, {"shape", 0, 2},   {"inputs", 0, 0},
        {"error", 1, 1},     {"bits", 1, 1},   {"verdict", 0, 0}, {"why", 0, 3}};
    struct strbuf b = STRBUF_INIT;
    struct check k = {.c = c, .failures = STRBUF_INIT};
    struct conform how;
    struct conform_about about;
    int rc = -1;

    if (args_at(c->args, 2))
        return device_check_model(c, name, e);
    if (device_chosen(c, name, &how, e) < 0)
        return -1;
    how.only = args_str(c->args, "only");
    how.on_case = on_case;
    how.user = &k;
    table_init(&k.table, columns, 8, c->csv);
    k.json = context_json_begin(&b, "device");
    json_begin_array(&k.json, "cases");
    if (conform_run(&how, &about, e) < 0)
        goto out;
    if (k.no_memory || strbuf_ok(&k.failures, e) < 0) {
        err_nomem(e);
        goto out;
    }
    if (k.cases == 0) {
        err_set(e, ERR_USAGE, "no operation's name begins with '%.40s'", how.only);
        goto out;
    }
    rc = c->json ? end_json(&k, &about, e) : print_check(&k, &about, e);
    if (rc == 0 && k.failed)
        rc = 1;
out:
    strbuf_release(&b);
    strbuf_release(&k.failures);
    table_release(&k.table);
    mem_free(k.groups);
    return rc;
}

/* ---- new ---- */

static int new_device(struct context *c, const char *name, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_addf(&b, "%s.c is a device that works: change one operation at a time\n"
                    "  cc -shared -fPIC -O2 -o lib%s.so %s.c -lm\n"
                    "  densimeter device check ./lib%s.so\n", name, name, name, name);
    rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = device_new(name, e);
    if (rc == 0)
        rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

/* ---- host ---- */

/* What plugin_process.c starts; nobody else has a use for it. */
static int host_device(struct context *c, const char *name, struct err *e)
{
    (void)c;
    (void)name;
    return plugin_host(e);
}

int cmd_device(struct context *c, struct err *e)
{
    static const struct command_verb {
        const char *name;
        int (*run)(struct context *c, const char *name, struct err *e);
    } verbs[] = {{"check", check_device}, {"audit", device_audit}, {"new", new_device},
                 {"host", host_device}};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(args_at(c->args, 0), verbs[i].name) == 0)
            return verbs[i].run(c, args_at(c->args, 1), e);
    return err_set(e, ERR_USAGE, "device %.40s: check, audit or new", args_at(c->args, 0));
}
