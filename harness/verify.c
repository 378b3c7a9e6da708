#include "harness/verify.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/isolate.h"
#include "harness/open.h"

#define BITS_PER_FACT 4.0 /* log2 of a world's 16 values */

/* Options of the engine that were typed are passed on. */
static const char *const passed_on[] = {"threads", "device", "numerics", "kv-type", "kernels",
                                        "batch-tokens"};
enum { WORDS_MAX = 24 };

static int add_option(const struct context *c, const char *name, struct strbuf *words)
{
    if (!args_given(c->args, name))
        return 0;
    strbuf_addf(words, "--%s=", name);
    if (strcmp(name, "threads") == 0 || strcmp(name, "batch-tokens") == 0)
        strbuf_addf(words, "%lld", (long long)args_int(c->args, name));
    else
        strbuf_adds(words, args_str(c->args, name));
    strbuf_addc(words, 0);
    return 1;
}

/* argv[0..) into words, each ended by a zero byte. */
static int eval_words(const struct context *c, const struct store *s, const char *path,
                      const struct standard *standard, struct strbuf *words)
{
    const char *const fixed[] = {"densimeter", "eval", path, "--quiet", "--tasks", standard->task,
                                 "--db", store_path(s), "--bootstrap", "100", "--no-cache"};
    int n = 0;

    for (; n < (int)(sizeof fixed / sizeof *fixed); n++) {
        strbuf_adds(words, fixed[n]);
        strbuf_addc(words, 0);
    }
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        n += add_option(c, passed_on[i], words);
    return n;
}

static int run_eval(const struct context *c, const struct store *s, const char *path,
                    const struct standard *standard, struct err *e)
{
    struct strbuf words = STRBUF_INIT;
    struct ending end = {0};
    char program[4096], said[300], *argv[WORDS_MAX] = {NULL};
    int n, rc = -1;

    if (isolate_program(program, sizeof program, e) < 0)
        return -1;
    n = eval_words(c, s, path, standard, &words);
    if (strbuf_ok(&words, e) < 0)
        goto out;
    for (size_t i = 0, at = 0; i < (size_t)n; at += strlen(argv[i++]) + 1)
        argv[i] = words.s + at;
    const struct isolation how = {.program = program, .argv = argv, .stop = c->stop,
                                  .grace_s = 20};
    if (isolate(&how, &end, e) < 0)
        goto out;
    rc = end.how == ENDED_STATUS && end.code == 0 ? 0 : -1;
    ending_line(&end, said, sizeof said);
    if (end.how == ENDED_STOPPED)
        err_set(e, ERR_INTERRUPTED, "%s: interrupted; what was measured is kept", standard->name);
    else if (rc < 0 && said[0])
        err_set(e, ERR_IO, "%s: %s", standard->name, said);
    else if (rc < 0)
        err_set(e, ERR_IO, "%s: eval ended with %s %d", standard->name,
                end.how == ENDED_STATUS ? "status" : "signal", end.code);
out:
    ending_release(&end);
    strbuf_release(&words);
    return rc;
}

static int gold_nats(struct store *s, struct verified *v, struct err *e)
{
    const struct item_filter f = {.task = v->s->task};
    struct item_iter *it = NULL;
    struct store_item item;
    double sum = 0;
    int n = 0, rc;

    if (query_items(s, v->run, &f, &it, e) < 0)
        return -1;
    while ((rc = item_iter_next(it, &item, e)) == 1) {
        sum += item.n_requests ? item.requests[0].loglikelihood : 0;
        n++;
    }
    item_iter_close(it);
    v->gold_nats = n ? sum / n : NAN;
    return rc;
}

static void judge(struct verified *v, const struct task_row *t)
{
    v->passed = v->is_as_published;
    for (int i = 0; v->s->claims[i].part; i++) {
        const struct standard_claim *claim = &v->s->claims[i];
        const struct store_value *x = task_row_value(t, "bits_per_fact", claim->part);
        v->share[i] = x ? x->value / BITS_PER_FACT : NAN;
        v->holds[i] = v->share[i] >= claim->low && v->share[i] <= claim->high;
        v->passed &= v->holds[i];
    }
}

static int read_values(struct store *s, struct verified *v, struct err *e)
{
    struct task_list l = {0};
    const struct store_value *bits = NULL;
    int rc = -1;

    if (query_tasks(s, v->run, &l, e) < 0)
        return -1;
    if (l.n == 1)
        bits = task_row_value(&l.v[0], "knowledge_bits", "none");
    if (!bits) {
        err_set(e, ERR_INVALID, "%s: run %s has no bits of knowledge", v->s->name, v->run);
        goto out;
    }
    v->bits = bits->value;
    v->low = bits->low;
    v->high = bits->high;
    v->world_bits = BITS_PER_FACT * l.v[0].n;
    judge(v, &l.v[0]);
    rc = gold_nats(s, v, e);
out:
    task_list_release(&l);
    return rc;
}

static int read_run(struct store *s, struct verified *v, struct err *e)
{
    const struct run_filter f = {.kind = "eval", .status = "complete", .model_sha256 = v->sha256,
                                 .limit = 1};
    struct run_list l = {0};
    int rc = query_runs(s, &f, &l, e);

    if (rc == 0 && l.n != 1)
        rc = err_set(e, ERR_NOTFOUND, "%s: eval left no run", v->s->name);
    if (rc == 0) {
        snprintf(v->run, sizeof v->run, "%s", l.v[0].id);
        v->parameters = (double)l.v[0].model.parameters;
        v->file_bytes = (double)l.v[0].model.file_bytes;
    }
    run_list_release(&l);
    return rc < 0 ? -1 : read_values(s, v, e);
}

int verify_one(const struct context *c, struct store *s, const struct standard *standard,
               struct verified *out, struct err *e)
{
    char *path = standard_path(standard, e);
    int rc = -1;

    *out = (struct verified){.s = standard};
    if (path && sha256_file(out->sha256, path, e) == 0) {
        out->is_as_published = strcmp(out->sha256, standard->sha256) == 0;
        rc = run_eval(c, s, path, standard, e) < 0 ? -1 : read_run(s, out, e);
    }
    mem_free(path);
    return rc;
}

double verified_metric(const struct verified *v, const char *metric)
{
    const struct {
        const char *name;
        double value;
    } all[] = {
        {"knowledge_bits", v->bits},
        {"bits_per_mparam", v->bits / v->parameters * 1e6},
        {"bits_per_mbyte", v->bits / v->file_bytes * 1e6},
        {"gold_nats", v->gold_nats},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, metric) == 0)
            return all[i].value;
    return NAN;
}
