/* cheats.c -- the rig: two devices, what they are asked, and the audits in order. */
#include "harness/cheats_impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/encode.h"
#include "harness/model_hash.h"
#include "tasks/task.h"

enum { PREFIX_LEAST = 4, PREFIX_MORE = 9, QUERIES = 4 };

/* ---- samples ---- */

int rig_sample(struct rig *g, int audit, double x, struct err *e)
{
    struct cheat_result *r = &g->out->audits[audit];

    if (mem_grow(&r->samples, &r->cap, r->n + 1, sizeof *r->samples) < 0)
        return err_nomem(e);
    r->samples[r->n++] = x;
    return 0;
}

int rig_sample_at(struct rig *g, int audit, double x, struct err *e, const char *fmt, ...)
{
    struct cheat_result *r = &g->out->audits[audit];
    int is_largest = 1;
    va_list ap;

    for (size_t i = 0; i < r->n && is_largest; i++)
        is_largest = x > r->samples[i];
    if (is_largest) {
        va_start(ap, fmt);
        vsnprintf(r->where, sizeof r->where, fmt, ap);
        va_end(ap);
    }
    return rig_sample(g, audit, x, e);
}

void rig_none(struct rig *g, int audit, const char *why)
{
    snprintf(g->out->audits[audit].where, sizeof g->out->audits[audit].where, "%s", why);
}

/* ---- prompts ---- */

void rig_random_ids(struct rig *g, int32_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        ids[i] = i == 0 && g->bos >= 0 ? g->bos
                                       : (int32_t)splitmix64_below(&g->random, (uint64_t)g->vocab);
}

static int add_known(struct rig *g, const struct asked *q, struct err *e)
{
    if (mem_grow(&g->known, &g->cap_known, g->n + 1, sizeof *g->known) < 0)
        return err_nomem(e);
    g->known[g->n++] = *q;
    return 0;
}

/* The right answer first, then others drawn by the seed. */
static int add_item(struct rig *g, struct encoder *enc, int task, const struct item *it,
                    struct err *e)
{
    for (int k = 0; k < QUERIES && k < it->n_queries; k++) {
        int i = k == 0 && it->gold_index >= 0 && it->gold_index < it->n_queries
                    ? it->gold_index : (int)splitmix64_below(&g->random, (uint64_t)it->n_queries);
        const struct query *q = &it->queries[i];
        struct span s;
        struct asked a = {.task = task, .doc_id = it->doc_id, .query = i};
        if (q->kind != QUERY_LOGLIKELIHOOD)
            continue;
        if (encode_pair(enc, q->context, q->continuation, &g->pool, &s, e) < 0)
            return -1;
        a.at = s.at;
        a.n_ids = s.n_ids;
        a.n_given = s.n_given;
        if (add_known(g, &a, e) < 0)
            return -1;
    }
    return 0;
}

/* As many of the task's items as are wanted, drawn by the seed. */
static int add_task(struct rig *g, struct encoder *enc, int task, struct err *e)
{
    const struct task_opts o = {.data_dirs = g->c->data_dirs, .n_data_dirs = g->c->n_data_dirs,
                                .shots = -1, .seed = 1234};
    struct task *t = NULL;
    int *order = NULL, n, rc = -1;

    if (task_open(&t, g->c->tasks[task], &o, e) < 0)
        return -1;
    n = task_count(t);
    order = mem_alloc(((size_t)n + 1) * sizeof *order);
    if (!order) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < n; i++)
        order[i] = i;
    rc = 0;
    for (int i = 0; i < g->c->items && i < n && rc == 0; i++) {
        int other = i + (int)splitmix64_below(&g->random, (uint64_t)(n - i)), doc = order[other];
        struct item it;
        order[other] = order[i];
        rc = task_item(t, doc, &it, e);
        if (rc == 0) {
            rc = add_item(g, enc, task, &it, e);
            item_release(&it);
        }
    }
out:
    mem_free(order);
    task_close(t);
    return rc;
}

/* Text that nobody published comes between BOS and the prompt: words of other prompts, drawn one by
 * one. */
static int hide(struct rig *g, const struct asked *q, size_t words, struct err *e)
{
    int has_bos = g->bos >= 0 && g->pool.v[q->at] == g->bos;
    int more = PREFIX_LEAST + (int)splitmix64_below(&g->random, PREFIX_MORE);
    struct asked a = *q;

    a.at = g->pool.n;
    a.n_ids += more;
    a.n_given += more;
    for (int i = 0; i < a.n_ids; i++) {
        int from = i < has_bos ? i : i - more;
        int32_t id = i >= has_bos && i < has_bos + more
                         ? g->pool.v[splitmix64_below(&g->random, words)]
                         : g->pool.v[q->at + (size_t)from];
        if (ids_push(&g->pool, id) < 0)
            return err_nomem(e);
    }
    if (mem_grow(&g->hidden, &g->cap_hidden, g->n, sizeof *g->hidden) < 0)
        return err_nomem(e);
    g->hidden[q - g->known] = a;
    return 0;
}

int rig_prompts(struct rig *g, struct err *e)
{
    struct encoder enc = {.tokenizer = runner_tokenizer(g->ref), .bos = BOS_AUTO,
                          .max_length = runner_info(g->ref)->context_length};
    size_t words;

    enc.max_length = enc.max_length > 2048 ? 2048 : enc.max_length;
    enc.max_length -= PREFIX_LEAST + PREFIX_MORE;
    for (int i = 0; i < g->c->n_tasks; i++)
        if (add_task(g, &enc, i, e) < 0)
            return -1;
    words = g->pool.n;
    for (size_t i = 0; i < g->n; i++)
        if (hide(g, &g->known[i], words, e) < 0)
            return -1;
    if (g->n)
        return 0;
    return err_set(e, ERR_USAGE, "%s: the tasks ask for no likelihoods", g->c->tasks[0]);
}

/* ---- scoring ---- */

static int on_nats(void *user, int i, const struct reply *a)
{
    ((double *)user)[i] = a->nats;
    return 0;
}

int rig_score(struct rig *g, struct runner *r, const struct asked *q, size_t n, const int32_t *ids,
              double *nats, struct err *e)
{
    struct request *requests = mem_calloc(n + 1, sizeof *requests);
    int rc;

    if (!requests)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        requests[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids + q[i].at,
                                       .n_ids = q[i].n_ids, .n_given = q[i].n_given};
    rc = runner_run(r, requests, (int)n, on_nats, nats, g->c->stop, e);
    mem_free(requests);
    return rc;
}

/* ---- all audits ---- */

static int open_rig(struct rig *g, struct err *e)
{
    const struct runner_opts plain = {.threads = g->c->device.threads,
                                      .context = g->c->device.context,
                                      .activation = g->c->device.activation};

    if (model_hash(g->out->model_sha256, g->c->model, e) < 0 ||
        runner_open(&g->ref, g->c->model, &plain, e) < 0)
        return -1;
    g->vocab = runner_info(g->ref)->vocab_size;
    g->bos = tokenizer_bos(runner_tokenizer(g->ref));
    g->tokens = g->c->tokens < runner_info(g->ref)->context_length
                    ? g->c->tokens : runner_info(g->ref)->context_length;
    return rig_prompts(g, e) < 0 ? -1 : runner_open(&g->device, g->c->model, &g->c->device, e);
}

static void describe(struct rig *g)
{
    const struct model_info *info = runner_info(g->device);
    struct cheat_report *r = g->out;
    size_t used = 0;

    snprintf(r->device, sizeof r->device, "%s", info->device);
    snprintf(r->sha256, sizeof r->sha256, "%s", info->device_sha256 ? info->device_sha256 : "");
    snprintf(r->numerics, sizeof r->numerics, "%s", info->numerics_id);
    snprintf(r->kernels, sizeof r->kernels, "%s", info->kernels ? info->kernels : "");
    r->isolated = g->c->device.isolate;
    r->seed = g->c->seed;
    for (int i = 0; i < g->c->n_tasks && used < sizeof r->tasks; i++)
        used += (size_t)snprintf(r->tasks + used, sizeof r->tasks - used, "%s%s", i ? "," : "",
                                 g->c->tasks[i]);
}

static void close_rig(struct rig *g)
{
    runner_close(g->device);
    runner_close(g->ref);
    ids_release(&g->pool);
    mem_free(g->known);
    mem_free(g->hidden);
    mem_free(g->nats);
}

/* Limits that follow from how far the device is off on unseen prompts, then every verdict. */
static void judge(struct cheat_report *r)
{
    cheat_judge(CHEAT_HIDDEN, &r->audits[CHEAT_HIDDEN]);
    for (int i = 0; i < CHEAT_AUDITS; i++) {
        double limit = cheat_limit(i, r->audits[CHEAT_HIDDEN].worst);
        if (limit > 0)
            r->audits[i].limit = limit;
        cheat_judge(i, &r->audits[i]);
    }
}

int cheats_run(const struct cheats *c, struct cheat_report *out, struct err *e)
{
    static const struct {
        const char *at;
        int (*run)(struct rig *g, struct err *e);
    } steps[] = {
        {"precision: logits of unseen prompts", cheats_precision},
        {"known and hidden: published prompts, and the same behind unseen text", cheats_known},
        {"renamed: published prompts on a twin of the model", cheats_renamed},
        {"end and modes: generated text", cheats_generated},
        {"cache: the same again", cheats_cache},
        {"clock: beside a clock apart", cheats_clock},
        {"speed: against what the hardware can do", cheats_speed},
    };
    struct rig g = {.c = c, .out = out, .random = c->seed};
    int rc;

    *out = (struct cheat_report){0};
    rc = open_rig(&g, e);
    if (rc == 0)
        describe(&g);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == 0; i++) {
        if (c->note)
            c->note(c->user, steps[i].at);
        rc = steps[i].run(&g, e);
    }
    if (rc == 0)
        judge(out);
    close_rig(&g);
    if (rc < 0)
        cheat_report_release(out);
    return rc;
}
