/* cmd_device_audit.c -- device audit NAME MODEL: is it honest? */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/cheats.h"
#include "harness/device_names.h"
#include "harness/device_verbs.h"
#include "harness/models.h"
#include "harness/select.h"
#include "runners/plugin.h"

enum { CONTEXT = 2048 };
#define SEEDS ((uint64_t)1 << 53) /* JSON numbers hold them */

static int print_table(const struct context *c, const struct cheat_report *r, struct err *e)
{
    static const struct column columns[] = {
        {"audit", 0, 0}, {"verdict", 0, 0}, {"against", 0, 2}, {"samples", 1, 1}, {"over", 1, 3}};
    struct strbuf b = STRBUF_INIT;
    struct table t;
    int rc;

    table_init(&t, columns, 5, c->csv);
    for (int i = 0; i < CHEAT_AUDITS; i++) {
        const struct cheat_result *x = &r->audits[i];
        table_cell(&t, "%s", cheat_info(i)->name);
        table_cell(&t, "%s", cheat_verdict_name(x->verdict));
        table_cell(&t, "%s", cheat_info(i)->stops);
        table_int(&t, (long long)x->n);
        table_int(&t, (long long)x->over);
        strbuf_addf(&b, "%s: %s\n", cheat_info(i)->name, x->found);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    strbuf_addf(&b, "%s  %s, %s, seed %llu\n", cheat_verdict_name(cheat_verdict(r)), r->device,
                r->numerics, (unsigned long long)r->seed);
    if (rc == 0 && !c->csv)
        rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

/* The document of --json, to standard output or into the file of --out. */
static int print_document(const struct context *c, const struct cheat_report *r, const char *path,
                          struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "device");
    int rc;

    cheats_put(&o, r);
    if (!path) {
        rc = context_json_end(c, &o, e);
    } else {
        json_end_object(&o);
        strbuf_addc(&b, '\n');
        rc = strbuf_ok(&b, e) < 0 ? -1 : file_write(path, strbuf_str(&b), b.len, e);
    }
    strbuf_release(&b);
    return rc;
}

static void on_note(void *user, const char *line)
{
    context_note(user, "%s", line);
}

static int choose_seed(const struct context *c, uint64_t *seed, struct err *e)
{
    if (args_given(c->args, "seed")) {
        *seed = (uint64_t)args_int(c->args, "seed");
        return 0;
    }
    if (getrandom(seed, sizeof *seed, 0) != (ssize_t)sizeof *seed)
        return err_errno(e, "a seed that the device cannot know");
    *seed %= SEEDS;
    return 0;
}

static int choose_tasks(const struct context *c, struct selection *s, const char ***names,
                        struct err *e)
{
    for (int i = 0; i < args_count(c->args, "tasks"); i++)
        if (select_word(s, args_word(c->args, "tasks", i), e) < 0)
            return -1;
    *names = mem_calloc(s->n + 1, sizeof **names);
    if (!*names)
        return err_nomem(e);
    for (size_t i = 0; i < s->n; i++)
        (*names)[i] = s->v[i]->name;
    return 0;
}

static struct cheats what_to_ask(const struct context *c, const struct conform *how)
{
    const struct args *a = c->args;

    return (struct cheats){
        .device = {.device = how->device.name, .kernels = how->device.kernels,
                   .isolate = how->device.isolate, .program = how->device.program,
                   .timeout_s = how->device.timeout_s, .threads = how->device.threads,
                   .context = CONTEXT, .numerics = how->device.numerics},
        .items = (int)args_int(a, "items"), .prompts = (int)args_int(a, "prompts"),
        .tokens = (int)args_int(a, "tokens"),
        .flop_s = args_given(a, "limit-flops") ? args_num(a, "limit-flops") : 0,
        .bytes_s = args_given(a, "limit-bandwidth") ? args_num(a, "limit-bandwidth") : 0,
        .is_host = device_place(how->device.name) == PLACE_HOST, .stop = c->stop,
        .note = c->progress ? on_note : NULL, .user = (void *)(uintptr_t)c};
}

static int status(enum cheat_verdict v)
{
    return v == CHEAT_FAIL ? 1 : v == CHEAT_OPEN ? 2 : 0;
}

/* A clock that the device cannot reach and what this machine can do by a clock that it has not
 * touched come first; then its code is loaded. */
static int audit(const struct conform *how, struct cheats *ask, struct cheat_report *report,
                 struct err *e)
{
    struct watch watch = WATCH_NONE;
    struct peak peak;
    struct conform_about about;
    int rc = -1;

    if (watch_start(&watch, e) == 0 && peak_measure(&peak, how->device.threads, e) == 0 &&
        conform_ask(how, &about, e) == 0) {
        ask->watch = &watch;
        ask->peak = &peak;
        ask->model_tolerance = about.model;
        rc = cheats_run(ask, report, e);
        snprintf(report->precision, sizeof report->precision, "%s",
                 plugin_precision(about.precision));
    }
    watch_stop(&watch);
    return rc;
}

int device_audit(struct context *c, const char *name, struct err *e)
{
    struct selection tasks = {0};
    struct cheat_report report = {0};
    struct conform how;
    struct cheats ask;
    const char **names = NULL;
    char *path = NULL;
    int rc = -1;

    if (!args_at(c->args, 2))
        return err_set(e, ERR_USAGE, "device audit NAME MODEL: which model?");
    if (device_chosen(c, name, &how, e) < 0)
        return -1;
    ask = what_to_ask(c, &how);
    path = model_path(args_at(c->args, 2), e);
    ask.model = path;
    if (!path || choose_tasks(c, &tasks, &names, e) < 0 || choose_seed(c, &ask.seed, e) < 0 ||
        context_data_dirs(c, &ask.data_dirs, &ask.n_data_dirs, e) < 0)
        goto out;
    ask.tasks = names;
    ask.n_tasks = (int)tasks.n;
    if (audit(&how, &ask, &report, e) < 0)
        goto out;
    if (args_str(c->args, "out") && print_document(c, &report, args_str(c->args, "out"), e) < 0)
        goto out;
    rc = c->json ? print_document(c, &report, NULL, e) : print_table(c, &report, e);
    if (rc == 0)
        rc = status(cheat_verdict(&report));
out:
    cheat_report_release(&report);
    selection_release(&tasks);
    mem_free(names);
    mem_free((void *)ask.data_dirs);
    mem_free(path);
    return rc;
}
