#include "harness/vendor_run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/bundle.h"
#include "harness/work.h"

#define LEASE_S 30
#define GRACE_S 10
#define LOOK_S 0.2 /* at the idle machine, before each speed test */

static void put_series(const struct vendor_profile *p, const struct vendor_step *s,
                       struct strbuf *out)
{
    strbuf_addf(out, "%s [%s] vendor %s %s", path_base(p->model), p->device, p->name, s->name);
}

/* One block for each step, in order: what heats the machine up comes last. */
static int make_cells(const struct vendor_profile *p, struct plan *plan, struct cells *out,
                      struct err *e)
{
    *out = (struct cells){.v = mem_calloc((size_t)p->n_steps, sizeof *out->v)};
    if (!out->v)
        return err_nomem(e);
    for (int i = 0; i < p->n_steps; i++) {
        struct strbuf argv = STRBUF_INIT, series = STRBUF_INIT;
        struct cell_spec *c = &out->v[out->n++];
        vendor_step_command(p, &p->steps[i], &argv, NULL);
        put_series(p, &p->steps[i], &series);
        *c = (struct cell_spec){.block = i, .kind = p->steps[i].command, .model = p->model,
                                .series = arena_strdup(&plan->arena, strbuf_str(&series)),
                                .argv = arena_strdup(&plan->arena, strbuf_str(&argv))};
        int failed = argv.failed || series.failed || !c->series || !c->argv;
        strbuf_release(&argv);
        strbuf_release(&series);
        if (failed)
            return err_nomem(e);
    }
    return 0;
}

/* The profile as a plan: its text tells one measurement from another. */
static int make_plan(const struct vendor_profile *p, struct plan *out, struct err *e)
{
    struct strbuf name = STRBUF_INIT;

    *out = (struct plan){.path = "vendor run", .lease_s = LEASE_S, .grace_s = GRACE_S,
                         .quiet_sample_s = LOOK_S};
    strbuf_addf(&name, "vendor %s, %s on %s", p->name, path_base(p->model), p->device);
    out->name = arena_strdup(&out->arena, strbuf_str(&name));
    strbuf_release(&name);
    vendor_profile_write(p, &out->text);
    return out->name ? strbuf_ok(&out->text, e) : err_nomem(e);
}

static const char *keep(struct vendor_profile *p, const char *s, int *failed)
{
    const char *copy = arena_strdup(&p->arena, s);

    *failed |= s && !copy;
    return copy;
}

static int take_results(struct vendor_profile *p, struct store *s, int64_t night, struct err *e)
{
    struct cell_list cells = {0};
    int failed = 0;

    if (query_cells(s, night, &cells, e) < 0)
        return -1;
    for (size_t i = 0; i < cells.n; i++) {
        const struct cell_row *c = &cells.v[i];
        struct vendor_step *step = c->spec.block < p->n_steps ? &p->steps[c->spec.block] : NULL;
        if (!step)
            continue;
        step->run = strcmp(c->status, "done") == 0 ? keep(p, c->run, &failed) : NULL;
        step->outcome = keep(p, c->outcome ? c->outcome : c->status, &failed);
        step->reason = keep(p, c->reason, &failed);
    }
    cell_list_release(&cells);
    return failed ? err_nomem(e) : 0;
}

int vendor_measure(const struct context *c, struct vendor_profile *p, int again,
                   struct store **store, struct err *e)
{
    struct work w = {0};
    struct plan plan;
    struct cells cells = {0};
    char date[NIGHT_DATE_SIZE];
    time_t now = time(NULL);
    struct tm local;
    int rc = -1;

    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y-%m-%d", &local);
    if (make_plan(p, &plan, e) < 0 || make_cells(p, &plan, &cells, e) < 0 ||
        work_open_cells(&w, c, &plan, &cells, e) < 0 ||
        work_night(&w, "run", date, again, e) < 0)
        goto out;
    if (w.night.is_complete)
        context_note(c, "%s: measured already; --again measures it once more", plan.name);
    else if (work_finish(&w, 0, NULL, e) < 0)
        goto out;
    rc = take_results(p, w.store, w.night.id, e);
out:
    *store = w.store;
    w.store = NULL;
    work_close(&w);
    cells_release(&cells);
    plan_release(&plan);
    return rc;
}

static int add_runs(const struct vendor_profile *p, struct store *s, struct bundle *b,
                    struct err *e)
{
    for (int i = 0; i < p->n_steps; i++) {
        const struct vendor_step *step = &p->steps[i];
        struct run_list l = {0};
        int rc;
        if (!step->run) {
            if (strcmp(step->outcome ? step->outcome : "", "measured") != 0)
                continue;
            err_set(e, ERR_NOTFOUND, "the run of step %s is not kept any more", step->name);
            err_hint(e, "--again measures all steps once more");
            return -1;
        }
        rc = query_run(s, step->run, &l, e) < 0 ? -1 : bundle_add_run(b, s, l.v, e);
        run_list_release(&l);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int vendor_pack(const struct vendor_profile *p, struct store *s, const char *path, const char *key,
                char signer[VENDOR_SIGNER], struct err *e)
{
    struct bundle b = {0};
    struct strbuf text = STRBUF_INIT;
    int rc = -1;

    signer[0] = 0;
    vendor_profile_write(p, &text);
    if (add_runs(p, s, &b, e) == 0 && bundle_put(&b, VENDOR_PROFILE, &text, e) == 0 &&
        bundle_seal(&b, e) == 0 && (!key || bundle_sign(&b, key, e) == 0) &&
        bundle_write(&b, path, e) == 0)
        rc = key && bundle_signer(&b, signer, e) < 0 ? -1 : 0;
    strbuf_release(&text);
    bundle_release(&b);
    return rc;
}
