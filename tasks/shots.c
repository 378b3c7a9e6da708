/* shots.c -- the examples in front of a question: where they come from, which are drawn.
 *
 * The pool is the task's own, the row's file, or what lm-eval takes where that is missing.  Samples
 * are lm-eval's, drawn in the documents' order from the seed, or for each document from a generator
 * of its own. */
#include "tasks/shots.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/curated.h"
#include "tasks/load.h"

int shots_seed(struct rng *r, const char *task, uint64_t seed, int i, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char hex[SHA256_HEX];
    int rc = -1;

    strbuf_addf(&b, "%llu\x1f%s\x1f%d", (unsigned long long)seed, task, i);
    if (strbuf_ok(&b, e) == 0 && sha256_bytes(hex, b.s, b.len, e) == 0) {
        hex[16] = 0;
        rng_seed(r, strtoull(hex, NULL, 16));
        rc = 0;
    }
    strbuf_release(&b);
    return rc;
}

/* One document's shots from its sample: where one more was drawn for that, whatever equals the
 * document itself is passed over. */
static void take_shots(struct task *t, int i, const int *sample, int n)
{
    int taken = 0;

    for (int s = 0; s < n && taken < t->shots; s++)
        if (n == t->shots || strcmp(t->pool.v[sample[s]].json, t->docs.v[i].json) != 0)
            t->drawn[(size_t)i * (size_t)t->shots + (size_t)taken++] = sample[s];
    t->n_drawn[i] = taken;
}

static int draw_shots(struct task *t, const struct task_opts *o, struct err *e)
{
    enum sampling_from from = t->row->recipe->shots;
    size_t k = (size_t)t->shots, n = from == SHOTS_DRAWN_ONE_MORE && !o->pool_named ? k + 1 : k;
    uint32_t pool = (uint32_t)t->pool.n;
    int *sample = NULL, rc = -1;
    struct rng r;

    if (n > pool)
        return err_set(e, ERR_USAGE, "%s: %d shots need %zu examples, and there are %u",
                       t->row->info.name, t->shots, n, pool);
    if ((from == SHOTS_FIRST || from == SHOTS_CURATED) && k < pool)
        n = k + 1; /* one to spare for the document itself */
    sample = mem_calloc(n, sizeof *sample);
    t->drawn = t->docs.n <= SIZE_MAX / k ? mem_calloc(t->docs.n * k, sizeof *t->drawn) : NULL;
    t->n_drawn = mem_calloc(t->docs.n, sizeof *t->n_drawn);
    if (!sample || !t->drawn || !t->n_drawn) {
        err_nomem(e);
        goto out;
    }
    rng_seed(&r, o->seed);
    for (size_t s = 0; s < n; s++)
        sample[s] = (int)s;
    for (int i = 0; i < (int)t->docs.n; i++) {
        if (o->by_doc && shots_seed(&r, t->row->info.name, o->seed, i, e) < 0)
            goto out;
        if (from != SHOTS_FIRST && from != SHOTS_CURATED &&
            rng_sample(&r, pool, (uint32_t)n, sample, e) < 0)
            goto out;
        take_shots(t, i, sample, (int)n);
    }
    rc = 0;
out:
    mem_free(sample);
    return rc;
}

/* The task's own examples as a pool. */
static int load_exemplars(struct docs *out, const struct recipe *r, const char *task, struct err *e)
{
    for (int i = 0; r->exemplars[i]; i++)
        if (parse_record(out, r->exemplars[i], strlen(r->exemplars[i]), task, r, e) < 0)
            return -1;
    return 0;
}

/* Without the file that has the examples lm-eval's order goes on: the validation split, then the
 * documents themselves where none can become its own example.  NULL: there is nothing either. */
static char *pool_beside(const struct task *t)
{
    const char *slash = strrchr(t->path, '/');
    enum sampling_from from = t->row->recipe->shots;
    struct strbuf b = STRBUF_INIT;
    char *path = NULL;

    if (!slash || (from != SHOTS_DRAWN && from != SHOTS_DRAWN_ONE_MORE))
        return NULL;
    strbuf_addf(&b, "%.*s/validation.jsonl", (int)(slash - t->path), t->path);
    if (strcmp(strbuf_str(&b), t->path) != 0 && file_exists(strbuf_str(&b)))
        path = strbuf_take(&b);
    else if (from == SHOTS_DRAWN_ONE_MORE)
        path = mem_strdup(t->path);
    strbuf_release(&b);
    return path;
}

static char *pool_find(struct task *t, const struct task_opts *o, struct err *e)
{
    const struct task_row *row = t->row;
    struct err why = ERR_NONE;
    const struct curated *curated = row->recipe->curated;
    char *path = data_find(row->info.name, row->pool, curated ? curated->file : NULL, o, &why);

    if (!path && why.code == ERR_NOTFOUND && !o->pool_named)
        path = t->pool_instead = pool_beside(t);
    if (!path && e)
        *e = why;
    return path;
}

int shots_open(struct task *t, const struct task_opts *o, struct err *e)
{
    const struct task_row *row = t->row;
    const struct recipe *r = row->recipe;
    char *path;
    int rc;

    if (t->shots == 0 && !r->load_pool)
        return 0;
    if (t->shots > 0 && r->shots == SHOTS_NONE)
        return err_set(e, ERR_USAGE, "%s: has no examples to show: it runs with 0 shots",
                       row->info.name);
    if (r->exemplars)
        return load_exemplars(&t->pool, r, row->info.name, e) < 0 ? -1 : draw_shots(t, o, e);
    path = pool_find(t, o, e);
    if (!path)
        return t->shots ? err_prefix(e, "the examples for %d shots", t->shots)
                        : err_prefix(e, "the description");
    rc = r->load_pool ? r->load_pool(&t->pool, path, r, e)
                      : load_row(&t->pool, path, row, r->shown ? r->shown : r, e);
    if (rc == 0 && r->curated)
        rc = curated_keep(&t->pool, r->curated, row->info.name, path, e);
    if (path != t->pool_instead)
        mem_free(path);
    return rc < 0 || t->shots == 0 ? rc : draw_shots(t, o, e);
}

int shots_used(const struct task_row *row, int asked)
{
    if (!row->recipe || row->recipe->shots == SHOTS_FIXED_0)
        return 0;
    return asked < 0 ? row->info.default_shots : asked;
}
