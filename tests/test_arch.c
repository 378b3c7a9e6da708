/* Every architecture: the reference's logits within each case's tolerance, and the same bits however
 * the work was cut. */
#include "tests/test.h"

#include <dirent.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/ways.h"

enum { CASES_MAX = 256, IDS_MAX = WAYS_IDS_MAX, NAME = 64 };

struct golden {
    char name[NAME], path[4352];
    int32_t ids[IDS_MAX];
    struct ways_case way;
    double tolerance;
    float *want; /* [n][n_vocab] */
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
    size_t n = (size_t)g->way.n * (size_t)g->way.n_vocab;
    char path[4352];
    FILE *f;

    snprintf(path, sizeof path, "%s/logits.f32", dir);
    g->want = malloc(n * sizeof *g->want);
    g->way.got = malloc(n * sizeof *g->way.got);
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
        assert_true(g->way.n < IDS_MAX);
        g->ids[g->way.n++] = i->valueint;
    }
    g->way.context = (int)json_num(j, "n_ctx", 0);
    g->way.n_vocab = (int)json_num(j, "n_vocab", 0);
    g->tolerance = json_num(j, "tolerance_relative", 0);
    json_free(j);
    assert_true(list(dir, ".gguf", files, CASES_MAX) > 0);
    snprintf(g->path, sizeof g->path, "%s/%s", dir, files[0]);
    g->way.name = g->name;
    g->way.path = g->path;
    g->way.ids = g->ids;
    read_rows(g, dir);
    return 1;
}

static void golden_close(struct golden *g)
{
    free(g->want);
    free(g->way.got);
}

static void agrees_with_the_reference(const struct golden *g)
{
    size_t n = (size_t)g->way.n * (size_t)g->way.n_vocab;
    double diff = 0, top = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)g->way.got[i] - (double)g->want[i]);
        diff = d <= diff ? diff : d; /* NaN stays */
        top = fmax(top, fabs((double)g->want[i]));
    }
    if (!(diff <= g->tolerance * top))
        fail_msg("%s: relative difference %g, at most %g", g->name, diff / top, g->tolerance);
}

static void check(struct golden *g)
{
    ways_compute(&g->way, (struct runner_opts){.threads = 2}, g->way.got);
    agrees_with_the_reference(g);
    ways_cut(&g->way);
    ways_shared_prefix(&g->way);
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
        g.way.context = rows[i].context;
        struct runner *r = ways_open(&g.way, (struct runner_opts){.threads = 1});
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
