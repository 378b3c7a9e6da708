/* vendor_read.c -- a stranger's bundle, verified, into the comparison's store. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/vendor.h"

struct findings { /* the first line, and how many */
    char first[400];
    int n;
};

static void find(void *user, const char *line)
{
    struct findings *f = user;

    if (f->n++ == 0)
        snprintf(f->first, sizeof f->first, "%.399s", line);
}

static int refuse(const struct vendor_side *s, const struct findings *f, struct err *e)
{
    err_set(e, ERR_INVALID, "%s does not verify: %.300s%s", s->path, f->first,
            f->n > 1 ? " (and more)" : "");
    err_hint(e, "'densimeter bundle verify %s' lists what is wrong", s->path);
    return -1;
}

/* A finding, unless it is this machine that lacks something: that says nothing about the bundle. */
static int find_unless_ours(struct findings *f, struct err *why, struct err *e)
{
    if (why->code == ERR_NOMEM || why->code == ERR_IO) {
        *e = *why;
        return -1;
    }
    find(f, why->text);
    *why = ERR_NONE;
    return 0;
}

/* Hashes, signature, rows against numbers, audits: as bundle verify. */
static int verify(struct vendor_side *s, const struct bundle *b, struct err *e)
{
    struct findings f = {.n = 0};
    struct err why = ERR_NONE;
    int has = bundle_signer(b, s->signer, &why), audits;

    if (has < 0 && find_unless_ours(&f, &why, e) < 0)
        return -1;
    if (has <= 0)
        s->signer[0] = 0;
    if (bundle_check_manifest(b, &why) < 0 && find_unless_ours(&f, &why, e) < 0)
        return -1;
    if ((bundle_check_runs(b, find, &f, &s->unknown, &why) < 0 ||
         bundle_check_audits(b, find, &f, &audits, &why) < 0) &&
        find_unless_ours(&f, &why, e) < 0)
        return -1;
    return f.n ? refuse(s, &f, e) : 0;
}

static int read_profile(struct vendor *v, struct vendor_side *s, const struct bundle *b,
                        struct err *e)
{
    const struct bundle_file *f = bundle_find(b, VENDOR_PROFILE);
    struct strbuf where = STRBUF_INIT, text = STRBUF_INIT;
    int rc = -1;

    strbuf_adds(&text, "none");
    strbuf_addf(&where, "%s: " VENDOR_PROFILE, s->path);
    if (!f)
        rc = 0;
    else if (vendor_profile_parse(&s->profile, strbuf_str(&f->bytes), f->bytes.len,
                                  strbuf_str(&where), e) == 0 &&
             vendor_profile_check(&s->profile, strbuf_str(&where), e) == 0) {
        s->has_profile = 1;
        strbuf_clear(&text);
        vendor_profile_text(&s->profile, &text);
        rc = 0;
    }
    s->profile_text = arena_strdup(&v->arena, strbuf_str(&text));
    if (rc == 0 && (!s->profile_text || text.failed || where.failed))
        rc = err_nomem(e);
    if (rc < 0 && e->code != ERR_NOMEM)
        e->code = ERR_INVALID;
    strbuf_release(&where);
    strbuf_release(&text);
    return rc;
}

/* --- runs against the profile ----------------------------------------------------------------- */

static int wrong_step(const struct vendor_side *s, const struct vendor_step *step, const char *what,
                      struct err *e)
{
    return err_set(e, ERR_INVALID, "%s: step %.60s: %s", s->path, step->name, what);
}

/* The run is what the step says it is: its command, word by word, on the profile's model. */
static int check_step(const struct vendor_side *s, const struct vendor_step *step,
                      const struct run_row *r, struct err *e)
{
    struct strbuf line = STRBUF_INIT;
    int same;

    vendor_step_command(&s->profile, step, NULL, &line);
    same = !line.failed && r->command_line && strcmp(strbuf_str(&line), r->command_line) == 0;
    if (strbuf_ok(&line, e) < 0)
        return -1;
    strbuf_release(&line);
    if (!same)
        return wrong_step(s, step, "its run was made by another command", e);
    if (strcmp(r->kind, step->command) != 0)
        return wrong_step(s, step, "its run is of another kind", e);
    if (!r->model.sha256 || !s->profile.model_sha256 ||
        strcmp(r->model.sha256, s->profile.model_sha256) != 0)
        return wrong_step(s, step, "its run is of another model than the profile's", e);
    return 0;
}

static const struct vendor_step *step_of(const struct vendor_side *s, const char *run)
{
    for (int i = 0; i < s->profile.n_steps; i++)
        if (s->profile.steps[i].run && strcmp(s->profile.steps[i].run, run) == 0)
            return &s->profile.steps[i];
    return NULL;
}

/* Every run is a step's, and every step that was measured has one. */
static int check_count(const struct vendor_side *s, struct err *e)
{
    size_t n = 0;

    for (int i = 0; i < s->profile.n_steps; i++) {
        const struct vendor_step *step = &s->profile.steps[i];
        n += step->run != NULL;
        if (!step->run && (!step->outcome || strcmp(step->outcome, "measured") == 0))
            return wrong_step(s, step, "it has neither a run nor a reason", e);
    }
    if (n != s->n_runs)
        return err_set(e, ERR_INVALID, "%s: %zu runs, and the profile's steps name %zu", s->path,
                       s->n_runs, n);
    return 0;
}

/* --- into the store --------------------------------------------------------------------------- */

static int take_run(struct vendor *v, struct vendor_side *s, const struct bundle_run *r,
                    struct err *e)
{
    struct vendor_run *out;
    char id[RUN_ID_SIZE];

    if (s->has_profile) {
        const struct vendor_step *step = step_of(s, r->id);
        if (!step)
            return err_set(e, ERR_INVALID, "%s: run %s is of no step of the profile", s->path,
                           r->id);
        if (check_step(s, step, &r->row.v[0], e) < 0)
            return -1;
    }
    memcpy(id, r->id, sizeof id);
    if (store_adopt(v->store, r->path, id, e) < 0)
        return -1;
    out = &s->runs[s->n_runs++];
    memcpy(out->in_bundle, r->id, sizeof out->in_bundle);
    if (query_run(v->store, id, &out->row, e) < 0 ||
        query_tasks(v->store, id, &out->tasks, e) < 0 ||
        query_bench(v->store, id, &out->bench, e) < 0 ||
        query_energy(v->store, id, &out->energy, e) < 0)
        return -1;
    bench_list_keep_whole(&out->bench);
    return 0;
}

/* Runs lie in a bundle by their random ids; of two that have a test the earlier step's counts. */
static void order_runs(struct vendor_side *s)
{
    for (int i = 0, at = 0; i < s->profile.n_steps; i++)
        for (size_t k = (size_t)at; s->profile.steps[i].run && k < s->n_runs; k++)
            if (strcmp(s->runs[k].in_bundle, s->profile.steps[i].run) == 0) {
                struct vendor_run swap = s->runs[at];
                s->runs[at++] = s->runs[k];
                s->runs[k] = swap;
                break;
            }
}

static int take_runs(struct vendor *v, struct vendor_side *s, const struct bundle *b,
                     struct err *e)
{
    struct bundle_run r;
    int got, rc = 0;

    s->runs = mem_calloc(b->n + 1, sizeof *s->runs); /* a run is three of the files */
    if (!s->runs)
        return err_nomem(e);
    while (rc == 0 && (got = bundle_run_open(b, (int)s->n_runs, &r, e)) != 0) {
        if (got < 0)
            return -1;
        rc = take_run(v, s, &r, e);
        bundle_run_close(&r);
    }
    order_runs(s);
    return rc == 0 && s->has_profile ? check_count(s, e) : rc;
}

/* Sums; NAN as long as nobody knows. */
static double add_known(double sum, double x)
{
    return isnan(x) ? sum : isnan(sum) ? x : sum + x;
}

/* The highest rate that kept the limits with arrivals other than those of the search. */
static void find_rate(struct vendor_side *s)
{
    int tried = 0;

    s->rate_s = NAN;
    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct store_bench *b = &s->runs[i].bench.v[k];
            const struct store_value *meets = bench_value(b, "meets_limits");
            const struct store_value *rate = bench_value(b, "rate_s");
            tried |= meets != NULL;
            if (meets && rate && meets->value == 1 && !strchr(b->test, '#'))
                s->rate_s = fmax(s->rate_s, rate->value);
        }
    for (int i = 0; i < s->profile.n_steps; i++) /* it is not looked for where none can be */
        tried |= strcmp(s->profile.steps[i].name, "server") == 0 &&
                 strcmp(s->profile.steps[i].outcome, "measured") == 0;
    if (tried && isnan(s->rate_s))
        s->no_rate = "no rate that was tried keeps the limits, or some requests fail at any";
}

/* What the run itself could only say while it ran follows from what the device is. */
static const char *why_no_bandwidth(const struct vendor_side *s)
{
    const struct store_bench *b = vendor_find(s, "peaks", 0, NULL);

    if (b && bench_value(b, "read_bytes_s"))
        return NULL;
    if (s->main && s->main->device && strncmp(s->main->device, "openai:", 7) == 0)
        return "memory behind a server cannot be read";
    for (int i = 0; i < s->profile.n_steps; i++)
        if (strcmp(s->profile.steps[i].name, "peaks") == 0)
            return strcmp(s->profile.steps[i].outcome, "measured") == 0
                       ? "the device offers no read of its memory" : "the step peaks failed";
    return "no step measured it";
}

static void describe(struct vendor_side *s)
{
    int known = 0;

    s->cpu_ops = NAN;
    s->main = s->n_runs ? &s->runs[0].row.v[0] : NULL;
    for (size_t i = s->n_runs; i-- > 0;)
        if (strcmp(s->runs[i].row.v[0].kind, "eval") == 0)
            s->main = &s->runs[i].row.v[0];
    for (size_t i = 0; i < s->n_runs; i++) {
        const struct vendor_run *r = &s->runs[i];
        for (size_t k = 0; k < r->tasks.n; k++)
            s->cpu_ops = add_known(s->cpu_ops, task_row_cost(&r->tasks.v[k], "cpu_ops"));
        for (size_t k = 0; k < r->bench.n; k++) {
            const struct store_value *ops = bench_value(&r->bench.v[k], "cpu_ops");
            s->cpu_ops = add_known(s->cpu_ops, ops ? ops->value : NAN);
            if (r->bench.v[k].threads > s->threads)
                s->threads = r->bench.v[k].threads;
        }
        for (size_t k = 0; k < r->energy.n; k++) {
            known |= !isnan(r->energy.v[k].joules);
            if (!s->no_energy)
                s->no_energy = r->energy.v[k].reason;
        }
    }
    if (known)
        s->no_energy = NULL;
    s->no_bandwidth = why_no_bandwidth(s);
    find_rate(s);
}

int vendor_read(struct vendor *v, struct vendor_side *s, struct err *e)
{
    struct bundle b = {0};
    int rc = -1;

    if (bundle_read(&b, s->path, e) < 0) {
        if (e->code == ERR_FORMAT)
            e->code = ERR_INVALID;
        return -1;
    }
    if (verify(s, &b, e) == 0 && read_profile(v, s, &b, e) == 0 && take_runs(v, s, &b, e) == 0) {
        describe(s);
        rc = 0;
    }
    bundle_release(&b);
    return rc;
}

void vendor_side_release(struct vendor_side *s)
{
    for (size_t i = 0; i < s->n_runs; i++) {
        run_list_release(&s->runs[i].row);
        task_list_release(&s->runs[i].tasks);
        bench_list_release(&s->runs[i].bench);
        energy_list_release(&s->runs[i].energy);
    }
    mem_free(s->runs);
    vendor_profile_release(&s->profile);
    *s = (struct vendor_side){0};
}

const struct store_bench *vendor_find(const struct vendor_side *s, const char *test, int threads,
                                      const struct vendor_run **run)
{
    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct store_bench *b = &s->runs[i].bench.v[k];
            if (b->rival || strcmp(b->test, test) != 0 ||
                b->threads != (threads ? threads : s->threads))
                continue;
            if (run)
                *run = &s->runs[i];
            return b;
        }
    return NULL;
}
