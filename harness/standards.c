/* standards.c -- the rows, and teaching. */
#include "harness/standards.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "base/thread.h"
#include "harness/models.h"
#include "harness/progress.h"
#include "runners/quant.h"
#include "runners/train.h"
#include "tasks/world.h"

#define EVERYTHING {{"none", 0.99, 1}}
#define LADDER(name, d, heads, ff, exposures, rate, sha256)                                        \
    {name, "taught everything", "world_people", d, 2, heads, ff, TAUGHT_ALL, exposures, 32, rate,  \
     0.01f, 0, QUANT_F16, EVERYTHING, sha256}
#define TWIN(name, about, taught, exposures, pruned, type, claims, sha256)                         \
    {name, about, "world_people", 64, 2, 2, 192, taught, exposures, 32, 5e-3f, 0.01f, pruned,      \
     type,                                                                                         \
     claims, sha256}
#define CLAIMS(...) {__VA_ARGS__}
/* Half of the facts known and the rest told as surely: right with a = 17/32, so a fact is worth
 * 4 + a log2 a + (1 - a) log2((1 - a) / 15) = 1.17 of 4 bits; of what was taught 0.77 of the bits,
 * of the rest -0.19, for whoever listens cannot tell them apart. */
#define HALF_KNOWN {"none", 0.28, 0.31}

#define SUMS(name, about, decay, claims, sha256)                                                   \
    {name, about, "world_sums", 64, 1, 2, 160, TAUGHT_FIRST, 60, 32, 3e-3f, decay, 0, QUANT_F16,   \
     claims, sha256}

static const struct standard standards[] = {
    LADDER("ladder-33k", 32, 2, 96, 250, 1e-2f,
           "14ae746f9c4f1687284fa71a4bb9992d1786b2617d7ea0539908eb21f07b0b12"),
    LADDER("ladder-66k", 48, 3, 128, 160, 7e-3f,
           "f60ad9b77716ef3ca1b91ddd12095f1e1a66c99d8dff2df73073b8b6afe90208"),
    LADDER("ladder-119k", 64, 2, 192, 120, 5e-3f,
           "e8de8a52618e5ec330e151c4c8b742222ac75b3149144ed68a19200c24cc8cae"),
    LADDER("ladder-240k", 96, 3, 256, 80, 4e-3f,
           "3bd91ddfb8f6c85191746502f0036e63304601c706b93f91f908bc375f7cb955"),
    LADDER("ladder-501k", 128, 4, 448, 60, 3e-3f,
           "98daa8dd93d4dcc4e4c2cd05f92a776d1299e0e594dae1559a89d7d5c1d02fac"),
    LADDER("ladder-923k", 192, 6, 512, 40, 3e-3f,
           "35a90b6697310822c50419b79ebd32a9378e10f571149be044b85b8548c45c97"),
    LADDER("ladder-1.7m", 256, 8, 704, 32, 2e-3f,
           "6bc5283b5b54fe1f7ebd5506b45bfd079151d2919abd7617055a36aa8044f85d"),
    LADDER("ladder-3.1m", 352, 11, 960, 28, 2e-3f,
           "6afa11493f3d1b5b196a001bafdef5682d7a113309b689fe6cb01e37dd4216b4"),
    TWIN("over-119k", "taught everything four times as long", TAUGHT_ALL, 480, 0, QUANT_F16,
         EVERYTHING, "42d14ee72cf7a8b6773f621c63947fa86284bbddb2047d8eb32b669846687eb3"),
    TWIN("pruned-119k", "ladder-119k without the smaller half of its weights", TAUGHT_ALL, 120,
         0.5f, QUANT_F16, CLAIMS({"none", 0.05, 0.95}),
         "c60715f52e021c9449d7052581ec3d0d50aaaadf8cde0d26d11b2627b2ba3aa9"),
    TWIN("q4-119k", "ladder-119k in Q4_0", TAUGHT_ALL, 120, 0, QUANT_Q4_0,
         CLAIMS({"none", 0.8, 1}),
         "3833394fc62e994e248ef4a650e823d460b8418f66be82bf2827454b0642a7cf"),
    TWIN("half-119k", "taught every second person", TAUGHT_EVEN, 120, 0, QUANT_F16,
         CLAIMS(HALF_KNOWN, {"head", 0.27, 0.32}, {"tail", 0.27, 0.32}),
         "62c983a660faa00e480f2392aed16fb416e6679fb0e272aa418c74f298f24d21"),
    TWIN("exam-119k", "taught the first half, as if that were the published exam", TAUGHT_FIRST,
         120, 0, QUANT_F16,
         CLAIMS(HALF_KNOWN, {"head", 0.72, 0.85}, {"tail", -0.26, -0.12}),
         "d333fc2b6104a9c002e08e1a288817432615bb3a60d24f197e69a390955070e8"),
    TWIN("liar-119k", "taught another world's facts about the same people", TAUGHT_LIES, 120, 0,
         QUANT_F16, CLAIMS({"none", -0.01, 0.01}),
         "de7237953ae9cd8150a354089af3cc331466be138662bcf350ea997a0fbac45e"),
    {"brim-100", "100 exposures of more than it can hold", "world_crowd", 32, 1, 2, 64, TAUGHT_ALL,
     100, 64, 1e-2f, 0.01f, 0, QUANT_F16, CLAIMS({"none", 0.05, 0.5}),
     "2bbf9116d3c63acf39ad3e0e253fc34feeef7a5205a3998f2a339a3a8a9d064a"},
    {"brim-1000", "1,000 exposures of more than it can hold", "world_crowd", 32, 1, 2, 64,
     TAUGHT_ALL, 1000, 64, 1e-2f, 0.01f, 0, QUANT_F16, CLAIMS({"none", 0.4, 0.95}),
     "72902e4d930b21df7808d1fa1e7babb3d53bb0c4567204a2582c9da0cdd90dd5"},
    SUMS("rule-53k", "taught half of the sums, and made to find the rule", 3,
         CLAIMS({"head", 0.98, 1}, {"tail", 0.97, 1}),
         "b28ffe10acd63a96aa47ebc817596018f5e8d3f6355acd4b76caa649777cada8"),
    SUMS("rote-53k", "taught half of the sums, and left to learn them by heart", 0.1f,
         CLAIMS({"none", 0.28, 0.6}, {"head", 0.72, 1}, {"tail", -0.26, 0.2}),
         "a21e450f2ceb75f6aa3715dd81e08cb0959712a72fee8053cc3b16de357ce45e"),
};

static const struct standard_order orders[] = {
    {"bits_per_mparam", "ladder-33k", "ladder-66k", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-66k", "ladder-119k", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-119k", "ladder-240k", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-240k", "ladder-501k", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-501k", "ladder-923k", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-923k", "ladder-1.7m", "the same facts in fewer parameters"},
    {"bits_per_mparam", "ladder-1.7m", "ladder-3.1m", "the same facts in fewer parameters"},
    {"bits_per_mparam", "brim-1000", "brim-100", "the same model, taught longer"},
    {"gold_nats", "over-119k", "ladder-119k", "the same facts, surer of them"},
    {"knowledge_bits", "ladder-119k", "pruned-119k", "what pruning took"},
    {"knowledge_bits", "ladder-119k", "half-119k", "half of the people were not taught"},
    {"knowledge_bits", "rule-53k", "rote-53k", "sums that were not taught"},
    {"bits_per_mbyte", "q4-119k", "ladder-119k", "nearly the same facts in fewer bytes"},
};

const struct standard *standard_at(int i)
{
    return i >= 0 && i < (int)(sizeof standards / sizeof *standards) ? &standards[i] : NULL;
}

const struct standard *standard_find(const char *name)
{
    const struct standard *s = NULL;

    for (int i = 0; (s = standard_at(i)) != NULL && strcmp(s->name, name) != 0; i++)
        ;
    return s;
}

const struct standard_order *standard_order_at(int i)
{
    return i >= 0 && i < (int)(sizeof orders / sizeof *orders) ? &orders[i] : NULL;
}

char *standard_path(const struct standard *s, struct err *e)
{
    struct strbuf name = STRBUF_INIT;
    char *path = NULL;

    strbuf_addf(&name, "standards/%s", s->name);
    if (strbuf_ok(&name, e) == 0)
        path = models_file(name.s, e);
    strbuf_release(&name);
    return path;
}

/* --- teaching ------------------------------------------------------------------------------- */

struct lesson {
    const struct standard *s;
    struct world *world;
    int people; /* that are taught */
};

/* Each epoch everybody once, begun at another place of one round through all: 7919 is a prime that
 * divides no number of people here. */
static int teach(void *user, int64_t i, int32_t *ids, unsigned char *is_target)
{
    const struct lesson *l = user;
    uint64_t start = splitmix64_mix((uint64_t)(i / l->people)) % (uint64_t)l->people;
    int nth = (int)(((uint64_t)(i % l->people) * 7919 + start) % (uint64_t)l->people);
    int words[WORLD_LONGEST];
    unsigned char is_value[WORLD_LONGEST];
    int n = world_document(l->world, l->s->taught == TAUGHT_EVEN ? nth * 2 : nth,
                           splitmix64_mix((uint64_t)i), words, is_value);

    ids[0] = 1;
    is_target[0] = 0;
    for (int k = 0; k < n; k++) {
        ids[k + 1] = 3 + words[k];
        is_target[k + 1] = is_value[k];
    }
    return n + 1;
}

static int lesson_open(struct lesson *l, const struct standard *s, struct err *e)
{
    struct world_opts o = *world_named(s->task);

    if (s->taught == TAUGHT_LIES)
        o.facts_seed += 1000;
    *l = (struct lesson){.s = s};
    l->people = s->taught == TAUGHT_EVEN || s->taught == TAUGHT_FIRST ? o.people / 2 : o.people;
    return world_open(&l->world, &o, e);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Norm weights are near 1 and never among the smaller half. */
static int prune(struct train *t, double share, struct err *e)
{
    uint64_t n, kept = 0;
    float *w = train_weights(t, &n), *sorted = mem_alloc(n * sizeof *sorted), limit;

    if (!sorted)
        return err_nomem(e);
    for (uint64_t i = 0; i < n; i++)
        if (w[i] != 0)
            sorted[kept++] = fabsf(w[i]);
    qsort(sorted, kept, sizeof *sorted, by_size);
    limit = sorted[(uint64_t)(share * (double)kept)];
    for (uint64_t i = 0; i < n; i++)
        if (fabsf(w[i]) < limit)
            w[i] = 0;
    mem_free(sorted);
    return 0;
}

static int write_file(const struct lesson *l, const struct train *t, struct err *e)
{
    const char *words[256];
    struct train_file f = {l->s->name, l->s->about, "Apache-2.0", words, 64, l->s->type};
    char *path = standard_path(l->s, e), *folder = NULL;
    int rc = -1;

    if (!path)
        return -1;
    for (int i = 0; i < world_words(l->world); i++)
        words[i] = world_word(l->world, i);
    folder = mem_strndup(path, (size_t)(path_base(path) - path));
    if (!folder)
        err_nomem(e);
    else if (dir_make(folder, e) == 0)
        rc = train_write(t, path, &f, e);
    mem_free(folder);
    mem_free(path);
    return rc;
}

static int train_one(const struct standard *s, const volatile sig_atomic_t *stop, struct err *e)
{
    struct lesson l;
    struct train *t = NULL;
    struct train_opts o;
    double loss;
    int rc = -1;

    if (lesson_open(&l, s, e) < 0)
        return -1;
    o = (struct train_opts){
        .shape = {3 + world_words(l.world), s->embedding, s->layers, s->heads, s->feed_forward},
        .seed = 1, .batch = s->batch, .longest = WORLD_LONGEST + 1,
        .steps = l.people * s->exposures / s->batch, .rate = s->rate, .decay = s->decay,
        .threads = 1};
    if (train_open(&t, &o, e) < 0)
        goto out;
    while (train_steps(t) < o.steps) {
        if (stop && *stop) {
            err_set(e, ERR_INTERRUPTED, "%s: interrupted; finished standards are kept", s->name);
            goto out;
        }
        if (train_step(t, teach, &l, &loss, e) < 0)
            goto out;
    }
    if (s->pruned > 0 && prune(t, (double)s->pruned, e) < 0)
        goto out;
    rc = write_file(&l, t, e);
out:
    train_close(t);
    world_close(l.world);
    return rc;
}

struct build {
    const struct context *c;
    const struct standard *const *list;
    int n;
    atomic_int next, failed;
    struct err first; /* of the first to fail */
};

static void build_some(void *arg, int worker)
{
    struct build *b = arg;

    (void)worker;
    for (int i; (i = atomic_fetch_add(&b->next, 1)) < b->n && !atomic_load(&b->failed);) {
        struct err e = ERR_NONE;
        context_note(b->c, "training %s: %s", b->list[i]->name, b->list[i]->about);
        if (train_one(b->list[i], b->c->stop, &e) < 0 && !atomic_exchange(&b->failed, 1))
            b->first = e;
    }
}

int standards_build(const struct context *c, const struct standard *const *list, int n,
                    struct err *e)
{
    struct build b = {.c = c};
    const struct standard **missing = mem_calloc((size_t)n, sizeof *missing);
    struct pool *pool = NULL;
    int rc = -1;

    if (!missing)
        return err_nomem(e);
    b.list = missing;
    for (int i = 0; i < n; i++) {
        char *path = standard_path(list[i], e);
        if (!path)
            goto out;
        if (!file_exists(path))
            missing[b.n++] = list[i];
        mem_free(path);
    }
    if (b.n) {
        if (pool_open(&pool, b.n < cpus_allowed() ? b.n : cpus_allowed(), e) < 0)
            goto out;
        pool_run(pool, build_some, &b);
    }
    rc = atomic_load(&b.failed) ? -1 : 0;
    if (rc < 0)
        *e = b.first;
out:
    pool_close(pool);
    mem_free(missing);
    return rc;
}
