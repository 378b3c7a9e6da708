#include "tests/arch_case.h"

#include "tests/test.h"

#include <dirent.h>

#include "base/json.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Entries of a folder that are not hidden and end in `end`, in order. */
static int list(const char *dir, const char *end, char names[][ARCH_NAME], int max)
{
    DIR *d = opendir(dir);
    struct dirent *f;
    int n = 0;

    while (d && (f = readdir(d))) {
        size_t len = strlen(f->d_name), tail = strlen(end);
        if (f->d_name[0] == '.' || len >= ARCH_NAME || len < tail ||
            strcmp(f->d_name + len - tail, end) != 0)
            continue;
        assert_true(n < max);
        strcpy(names[n++], f->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t)n, ARCH_NAME, by_name);
    return n;
}

static void read_rows(struct arch_case *g, const char *dir)
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

int arch_case_list(const char *root, char names[][ARCH_NAME])
{
    return list(root, "", names, ARCH_CASES_MAX);
}

int arch_case_open(struct arch_case *g, const char *root, const char *name)
{
    static char files[ARCH_CASES_MAX][ARCH_NAME];
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
        assert_true(g->way.n < WAYS_IDS_MAX);
        g->ids[g->way.n++] = i->valueint;
    }
    g->way.context = (int)json_num(j, "n_ctx", 0);
    g->way.n_vocab = (int)json_num(j, "n_vocab", 0);
    g->tolerance = json_num(j, "tolerance_relative", 0);
    json_free(j);
    assert_true(list(dir, ".gguf", files, ARCH_CASES_MAX) > 0);
    snprintf(g->path, sizeof g->path, "%s/%s", dir, files[0]);
    g->way.name = g->name;
    g->way.path = g->path;
    g->way.ids = g->ids;
    read_rows(g, dir);
    return 1;
}

void arch_case_close(struct arch_case *g)
{
    free(g->want);
    free(g->way.got);
}

double arch_case_difference(const struct arch_case *g, const float *want)
{
    size_t n = (size_t)g->way.n * (size_t)g->way.n_vocab;
    double diff = 0, top = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)g->way.got[i] - (double)want[i]);
        diff = d <= diff ? diff : d; /* NaN stays */
        top = fmax(top, fabs((double)want[i]));
    }
    return diff / top;
}
