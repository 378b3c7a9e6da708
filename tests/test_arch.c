/* Every architecture: the reference's logits within each case's tolerance, and the same bits however
 * the work was cut. */
#include "tests/test.h"

#include <dirent.h>

#include "base/json.h"
#include "base/mem.h"
#include "runners/kernels.h"
#include "runners/runner.h"

enum { CASES_MAX = 256, IDS_MAX = 1024, NAME = 64 };

struct golden {
    char name[NAME], path[4352];
    int32_t ids[IDS_MAX];
    int n, context, n_vocab;
    double tolerance;
    float *want, *got; /* [n][n_vocab]; got: in one batch, to compare other ways with */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Entries of a folder that are not hidden and end in `end`, in order. */
static int list(const char *dir, const char *end, char names[][NAME], int max)
{
    DIR *d = opendir(dir);
    struct dirent *f;
    int n = 0;

    while (d && (f = readdir(d))) {
        size_t len = strlen(f->d_name), tail = strlen(end);
        if (f->d_name[0] == '.' || len >= NAME || len < tail ||
            strcmp(f->d_name + len - tail, end) != 0)
            continue;
        assert_true(n < max);
        strcpy(names[n++], f->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t)n, NAME, by_name);
    return n;
}

static void read_rows(struct golden *g, const char *dir)
{
    size_t n = (size_t)g->n * (size_t)g->n_vocab;
    char path[4352];
    FILE *f;

    snprintf(path, sizeof path, "%s/logits.f32", dir);
    g->want = malloc(n * sizeof *g->want);
    g->got = malloc(n * sizeof *g->got);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(g->want, sizeof *g->want, n, f), n);
    fclose(f);
}

/* 0: the folder is no case (a table beside them). */
static int golden_open(struct golden *g, const char *root, const char *name)
{
    static char files[CASES_MAX][NAME];
    char dir[4200], path[4352];
    struct err e = ERR_NONE;

    memset(g, 0, sizeof *g);
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    snprintf(path, sizeof path, "%s/case.json", dir);
    if (access(path, R_OK) != 0)
        return 0;
    cJSON *j = json_read(path, 1 << 20, &e);
    if (!j)
        fail_msg("%s", e.text);
    strcpy(g->name, name);
    for (const cJSON *i = json_get(j, "ids")->child; i; i = i->next) {
        assert_true(g->n < IDS_MAX);
        g->ids[g->n++] = i->valueint;
    }
    g->context = (int)json_num(j, "n_ctx", 0);
    g->n_vocab = (int)json_num(j, "n_vocab", 0);
    g->tolerance = json_num(j, "tolerance_relative", 0);
    json_free(j);
    assert_true(list(dir, ".gguf", files, CASES_MAX) > 0);
    snprintf(g->path, sizeof g->path, "%s/%s", dir, files[0]);
    read_rows(g, dir);
    return 1;
}

static void golden_close(struct golden *g)
{
    free(g->want);
    free(g->got);
}

struct rows {
    float *at;
    int n_vocab, n;
};

static int keep_row(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    (void)q;
    assert_int_equal(position, r->n);
    memcpy(r->at + (size_t)r->n++ * (size_t)r->n_vocab, logits,
           (size_t)r->n_vocab * sizeof *logits);
    return 0;
}

static struct request all_rows(const int32_t *ids, int n, struct rows *to)
{
    return (struct request){.kind = REQUEST_LOGITS, .ids = ids, .n_ids = n, .on_logits = keep_row,
                            .user = to};
}

static struct runner *open_with(const struct golden *g, struct runner_opts o)
{
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    o.context = g->context;
    if (runner_open(&r, g->path, &o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static void compute(const struct golden *g, struct runner_opts o, float *to)
{
    struct runner *r = open_with(g, o);
    struct rows rows = {.at = to, .n_vocab = g->n_vocab};
    struct request q = all_rows(g->ids, g->n, &rows);
    struct err e = ERR_NONE;

    assert_int_equal(runner_info(r)->vocab_size, g->n_vocab);
    if (runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(rows.n, g->n);
    runner_close(r);
}

static void agrees_with_the_reference(const struct golden *g)
{
    size_t n = (size_t)g->n * (size_t)g->n_vocab;
    double diff = 0, top = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)g->got[i] - (double)g->want[i]);
        diff = d <= diff ? diff : d; /* NaN stays */
        top = fmax(top, fabs((double)g->want[i]));
    }
    if (!(diff <= g->tolerance * top))
        fail_msg("%s: relative difference %g, at most %g", g->name, diff / top, g->tolerance);
}

static void same(const struct golden *g, const float *got, int rows, const char *way)
{
    for (int i = 0; i < rows; i++) {
        size_t at = (size_t)i * (size_t)g->n_vocab;
        if (memcmp(got + at, g->got + at, (size_t)g->n_vocab * sizeof *got) != 0)
            fail_msg("%s: other bits at position %d %s", g->name, i, way);
    }
}

static void bits_do_not_depend_on_the_cut(const struct golden *g)
{
    static const struct {
        struct runner_opts o;
        const char *way;
    } ways[] = {
        {{.threads = 1, .batch_tokens = 1}, "one token at a time"},
        {{.threads = 3}, "with three threads"},
        {{.threads = 2, .batch_tokens = 7}, "with seven tokens a batch"},
    };
    float *got = malloc((size_t)g->n * (size_t)g->n_vocab * sizeof *got);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        compute(g, ways[i].o, got);
        same(g, got, g->n, ways[i].way);
    }
    for (int i = 0; kernels_at(i); i++) {
        if (!kernels_at(i)->usable())
            continue;
        compute(g, (struct runner_opts){.threads = 1, .kernels = kernels_at(i)->name}, got);
        same(g, got, g->n, kernels_at(i)->name);
    }
    free(got);
}

struct scored {
    float nats[2][IDS_MAX];
    int n, computed; /* n: likelihoods of each request */
};

static int keep_nats(void *user, int i, const struct reply *a)
{
    struct scored *s = user;

    s->computed += a->computed_tokens;
    memcpy(s->nats[i], a->token_nats, (size_t)s->n * sizeof(float));
    return 0;
}

static struct request score_all(const int32_t *ids, int n)
{
    return (struct request){.kind = REQUEST_SCORE, .ids = ids, .n_ids = n, .n_given = 1};
}

/* Two paths that part in the middle, in one call: the prefix is computed once, and each has the
 * bits that it has alone. */
static void bits_do_not_depend_on_a_shared_prefix(const struct golden *g)
{
    static struct scored both, alone;
    static int32_t other[IDS_MAX];
    int half = g->n / 2;
    struct err e = ERR_NONE;

    if (g->n < 4)
        return;
    memset(&both, 0, sizeof both);
    memset(&alone, 0, sizeof alone);
    both.n = alone.n = g->n - 1;
    for (int i = 0; i < g->n; i++)
        other[i] = i < half ? g->ids[i] : (g->ids[i] + 1) % g->n_vocab;
    struct request q[] = {score_all(g->ids, g->n), score_all(other, g->n)};
    struct runner *r = open_with(g, (struct runner_opts){.threads = 2, .batch_tokens = 16});
    if (runner_run(r, q, 2, keep_nats, &both, NULL, &e) < 0)
        fail_msg("%s", e.text);
    runner_close(r);
    assert_int_equal(both.computed, 2 * (g->n - 1) - half);
    r = open_with(g, (struct runner_opts){.threads = 1});
    for (int i = 0; i < 2; i++) {
        struct scored one = {.n = g->n - 1};
        if (runner_run(r, &q[i], 1, keep_nats, &one, NULL, &e) < 0)
            fail_msg("%s", e.text);
        memcpy(alone.nats[i], one.nats[0], sizeof one.nats[0]);
    }
    runner_close(r);
    for (int i = 0; i < both.n; i++)
        assert_true(both.nats[0][i] != 0 && both.nats[1][i] != 0);
    if (memcmp(both.nats, alone.nats, sizeof both.nats) != 0)
        fail_msg("%s: other bits after a shared prefix", g->name);
}

static void check(struct golden *g)
{
    compute(g, (struct runner_opts){.threads = 2}, g->got);
    agrees_with_the_reference(g);
    bits_do_not_depend_on_the_cut(g);
    bits_do_not_depend_on_a_shared_prefix(g);
}

static void every_case_has_the_logits_of_its_reference_and_bits_of_its_own(void **state)
{
    static char names[CASES_MAX][NAME], root[4096];
    static struct golden g;
    int n, ran = 0;
    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    n = list(root, "", names, CASES_MAX);
    for (int i = 0; i < n; i++) {
        if (!golden_open(&g, root, names[i]))
            continue;
        check(&g);
        ran++;
        golden_close(&g);
    }
    assert_true(ran > 0);
}

/* Which of longrope's two sets is right depends on the context asked for. */
static void the_context_that_is_allocated_chooses_the_factors_of_longrope(void **state)
{
    static const struct {
        const char *name;
        int context;
        const char *rope;
    } rows[] = {
        {"phi3-long", 256, "longrope, long factors"}, {"phi3-long", 33, "longrope, long factors"},
        {"phi3-long", 32, "longrope, short factors"}, {"phi3-short", 256, "longrope, short factors"},
        {"llama-yarn", 256, "yarn"}, {"llama-ropefreqs", 256, "factors of the file"},
        {"gpt2", 256, "none"}, {"bloom", 256, "none, slopes"}, {"qwen2", 256, "plain"},
    };
    static struct golden g;
    char root[4096];
    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(golden_open(&g, root, rows[i].name));
        g.context = rows[i].context;
        struct runner *r = open_with(&g, (struct runner_opts){.threads = 1});
        assert_string_equal(runner_info(r)->rope, rows[i].rope);
        runner_close(r);
        golden_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_the_logits_of_its_reference_and_bits_of_its_own),
        cmocka_unit_test(the_context_that_is_allocated_chooses_the_factors_of_longrope),
    };
    return RUN(tests);
}
