/* The CUDA device without a GPU: its kernels compile where NVRTC is, and on a driver that runs them
 * on the CPU whole models come out right, and every call may fail. */
#include "tests/test.h"

#include <dirent.h>
#include <dlfcn.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/conform.h"
#include "runners/cuda_api.h"
#include "include/densimeter_device.h"
#include "runners/opencl.h"
#include "tests/arch_case.h"
#include "tests/plugins.h"
#include "tests/tiny.h"
#include "tests/weights.h"

struct fake_cuda { /* as in tests/fake/cuda.c */
    int calls, fail_at, code;
    int buffers, modules, contexts, programs;
    int faults;
    int compiled, launched;
    int capability;
    int streams, graphs;
    int captured, replayed;
    int graph_calls, fail_graph_at;
};

static const double NEAR = 2e-5;  /* of cuda/2, as of opencl/2 */
static const double NARROW = 2e-2; /* of cuda-f16/1: what float16 may be off in a model */

enum { LONG = 270 };

static char folder[256];

static struct fake_cuda *fake_driver_of(const char *source)
{
#ifdef __SANITIZE_THREAD__
    print_message("          skipped: ThreadSanitizer does not know the driver's threads\n");
    skip();
#endif
    const char *path = plugin_built(source);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    assert_non_null(library);
    if (!folder[0])
        folder_make(folder);
    setenv("DENSIMETER_CUDA", path, 1);
    setenv("DENSIMETER_NVRTC", path, 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    return dlsym(library, "fake_cuda");
}

static struct fake_cuda *fake_driver(void)
{
    return fake_driver_of("tests/fake/cuda.c");
}

static char model[512];

/* The name of the file, and how many tokens it has. */
static const char *write_tiny(const struct tiny_opts *o, int *n_vocab)
{
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    snprintf(model, sizeof model, "%s/tiny.gguf", folder);
    if (tiny_write(model, o, &e) < 0 ||
        runner_open(&r, model, &(struct runner_opts){.threads = 1}, &e) < 0)
        fail_msg("%s", e.text);
    *n_vocab = runner_info(r)->vocab_size;
    runner_close(r);
    return model;
}

static void nothing_is_left(const struct fake_cuda *f)
{
    assert_int_equal(f->buffers, 0);
    assert_int_equal(f->modules, 0);
    assert_int_equal(f->contexts, 0);
    assert_int_equal(f->programs, 0);
    assert_int_equal(f->streams, 0);
    assert_int_equal(f->graphs, 0);
    assert_int_equal(f->faults, 0);
}

/* ---- the compiler --------------------------------------------------------------------------- */

static int has_kernel(const struct strbuf *image, const char *name)
{
    char symbol[64];

    snprintf(symbol, sizeof symbol, ".text.%s", name); /* the code's section, for ELF */
    return memmem(strbuf_str(image), image->len, symbol, strlen(symbol) + 1) != NULL;
}

/* Before tensor cores, and from them on; what is later has the same text. */
static void the_kernels_compile_with_and_without_tensor_cores(void **state)
{
    static const char *const archs[] = {"sm_70", "sm_80", "sm_90"};
    size_t n = getenv("DENSIMETER_LONG") ? 3 : 2;
    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct strbuf image = STRBUF_INIT;
        struct err e = ERR_NONE;
        int rc = cuda_compile(opencl_cuda_begin, archs[i], &image, &e);
        if (rc < 0 && strncmp(e.text, "no NVRTC", 8) == 0) {
            print_message("          skipped: %s\n", e.text);
            skip();
        }
        if (rc < 0 && i == 0 && strstr(e.hint, "invalid value for --gpu-architecture")) {
            print_message("          skipped: this NVRTC knows no sm_70: 13 and later\n");
            continue;
        }
        if (rc < 0)
            fail_msg("%s\n%s", e.text, e.hint);
        assert_true(has_kernel(&image, "attend") && has_kernel(&image, "thin"));
        assert_int_equal(has_kernel(&image, "tensor"), i > 0);
        strbuf_release(&image);
    }
}

/* ---- whole models --------------------------------------------------------------------------- */

static void check_case(const char *root, const char *name)
{
    static struct arch_case g;
    const struct left_op *rows;
    struct err e = ERR_NONE;
    struct runner *r;
    float *exact;
    int n = 0;

    assert_true(arch_case_open(&g, root, name));
    exact = malloc((size_t)g.way.n * (size_t)g.way.n_vocab * sizeof *exact);
    ways_compute(&g.way, (struct runner_opts){.threads = 1}, exact);
    r = ways_open(&g.way, (struct runner_opts){.threads = 1, .device = "cuda:0"});
    ways_run(&g.way, r, g.way.got);
    assert_int_equal(runner_left(r, &rows, &n, &e), 0);
    assert_int_equal(n, 0);
    assert_string_equal(runner_info(r)->numerics_id, "cuda/2");
    assert_string_equal(runner_info(r)->device, "cuda:0");
    assert_string_equal(runner_info(r)->kernels, "lanes, test device");
    runner_close(r);
    if (!(arch_case_difference(&g, exact) <= NEAR))
        fail_msg("%s: relative difference %g, at most %g", name, arch_case_difference(&g, exact),
                 NEAR);
    free(exact);
    arch_case_close(&g);
}

static void whole_models_are_near_the_CPU_and_leave_nothing_to_it(void **state)
{
    static const char *const names[] = {"llama-tied-gqa", "qwen3", "gemma3", "phi3", "phimoe"};
    struct fake_cuda *f = fake_driver();
    char root[4096];
    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_case(root, names[i]);
    assert_true(f->launched > 0);
    nothing_is_left(f);
}

static float *logits_of(struct ways_case *g, const char *device, enum numerics numerics, int batch)
{
    float *to = malloc((size_t)g->n * (size_t)g->n_vocab * sizeof *to);
    const struct runner_opts o = {.threads = 1, .device = device, .numerics = numerics,
                                  .batch_tokens = batch};

    assert_non_null(to);
    ways_compute(g, o, to);
    return to;
}

/* Relative to the largest of the first. */
static double difference(const struct ways_case *g, const float *a, const float *b)
{
    double most = 0, size = 0;

    for (size_t i = 0; i < (size_t)g->n * (size_t)g->n_vocab; i++) {
        most = fmax(most, fabs((double)a[i] - b[i]));
        size = fmax(size, fabs((double)a[i]));
    }
    return most / size;
}

/* Three parts of keys, a window, query heads that do not fill a set. */
static void long_paths_are_near_the_CPU_in_tokens_by_many_or_few(void **state)
{
    const struct tiny_opts o = {.seed = 5, .layers = 1, .context = 1024, .heads = 6, .kv_heads = 1,
                                .embedding = 192, .window = 150};
    struct fake_cuda *f = fake_driver();
    static int32_t ids[LONG];
    struct ways_case g = {.name = "long", .ids = ids, .n = LONG, .context = 1024};
    float *exact, *many, *few, *narrow;
    (void)state;
    for (int i = 0; i < LONG; i++)
        ids[i] = i * 7 % 250;
    g.path = write_tiny(&o, &g.n_vocab);
    exact = logits_of(&g, "cpu", NUMERICS_EXACT, 0);
    many = logits_of(&g, "cuda:0", NUMERICS_EXACT, 512);
    few = logits_of(&g, "cuda:0", NUMERICS_EXACT, 16);
    narrow = logits_of(&g, "cuda:0", NUMERICS_FAST, 512);
    assert_true(difference(&g, exact, many) <= NEAR);
    assert_true(difference(&g, exact, few) <= NEAR);
    assert_true(difference(&g, exact, narrow) <= NARROW);
    assert_true(difference(&g, exact, narrow) > 10 * NEAR); /* else it was not narrow */
    free(exact);
    free(many);
    free(few);
    free(narrow);
    nothing_is_left(f);
}

/* ---- graphs --------------------------------------------------------------------------------- */

struct passes { /* through a tiny model, of 16 tokens each */
    int n_ids, n_vocab, n;
    float *logits; /* [n_ids][n_vocab] */
};

static int keep_logits(void *user, const struct request *q, int position, const float *logits)
{
    struct passes *p = user;

    (void)q;
    (void)position;
    memcpy(p->logits + (size_t)p->n++ * (size_t)p->n_vocab, logits,
           (size_t)p->n_vocab * sizeof *logits);
    return 0;
}

static int run_passes(struct passes *p, enum numerics numerics, struct err *e)
{
    const struct runner_opts o = {.device = "cuda", .threads = 1, .context = 256,
                                  .batch_tokens = 16, .numerics = numerics};
    int32_t ids[160];
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = p->n_ids,
                        .on_logits = keep_logits, .user = p};
    struct runner *r = NULL;
    int rc = runner_open(&r, model, &o, e);

    for (int i = 0; i < p->n_ids; i++)
        ids[i] = i % 200;
    p->n = 0;
    if (rc == 0)
        rc = runner_run(r, &q, 1, NULL, NULL, NULL, e);
    runner_close(r);
    assert_true(rc < 0 || p->n == p->n_ids);
    return rc;
}

static void new_passes(struct passes *p, int n_ids)
{
    const struct tiny_opts o = {.seed = 2, .layers = 1, .heads = 4, .kv_heads = 2};

    p->n_ids = n_ids;
    write_tiny(&o, &p->n_vocab);
    p->logits = malloc((size_t)n_ids * (size_t)p->n_vocab * sizeof *p->logits);
    assert_non_null(p->logits);
}

static size_t bytes_of(const struct passes *p)
{
    return (size_t)p->n_ids * (size_t)p->n_vocab * sizeof *p->logits;
}

/* Eight passes with one part of keys and two with two: the second of each is recorded. */
static void passes_of_one_shape_are_one_graph_and_have_the_bits_of_launches(void **state)
{
    static const enum numerics both[] = {NUMERICS_EXACT, NUMERICS_FAST};
    struct fake_cuda *f = fake_driver(), *old;
    struct passes at_once, one_by_one;
    struct err e = ERR_NONE;
    (void)state;
    new_passes(&at_once, 160);
    new_passes(&one_by_one, 160);
    for (int i = 0; i < 2; i++) {
        fake_driver();
        f->captured = f->replayed = 0;
        assert_int_equal(run_passes(&at_once, both[i], &e), 0);
        assert_int_equal(f->captured, 2);
        assert_int_equal(f->replayed, 8);
        old = fake_driver_of("tests/fake/cuda_old.c");
        assert_int_equal(run_passes(&one_by_one, both[i], &e), 0);
        assert_memory_equal(at_once.logits, one_by_one.logits, bytes_of(&at_once));
        nothing_is_left(f);
        nothing_is_left(old);
    }
    free(at_once.logits);
    free(one_by_one.logits);
}

/* Calls until the first replay: begin, end, instantiate, destroy; then the replay. */
static void without_a_graph_the_launches_do(void **state)
{
    struct fake_cuda *f = fake_driver();
    struct passes want, got;
    struct err e = ERR_NONE;
    (void)state;
    new_passes(&want, 48);
    new_passes(&got, 48);
    assert_int_equal(run_passes(&want, NUMERICS_EXACT, &e), 0);
    for (int i = 0; i < 4; i++) {
        f->graph_calls = 0;
        f->fail_graph_at = i;
        assert_int_equal(run_passes(&got, NUMERICS_EXACT, &e), 0);
        assert_memory_equal(want.logits, got.logits, bytes_of(&want));
        nothing_is_left(f);
    }
    f->graph_calls = 0;
    f->fail_graph_at = 4;
    assert_int_equal(run_passes(&got, NUMERICS_EXACT, &e), -1);
    assert_non_null(strstr(e.text, "cuda:0: launching what was recorded: CUDA_ERROR_OF_A_TEST"));
    nothing_is_left(f);
    f->fail_graph_at = -1;
    free(want.logits);
    free(got.logits);
}

/* ---- conformance ---------------------------------------------------------------------------- */

struct seen {
    int cases, failed, left;
    int most; /* cases: enough is known then */
    double bits;
    char why[300];
};

static int look(void *user, const struct conform_case *c)
{
    struct seen *s = user;

    s->cases++;
    s->left += c->verdict == CONFORM_CPU;
    s->bits = fmin(s->bits, c->bits);
    if (c->verdict == CONFORM_FAIL && s->failed++ == 0)
        snprintf(s->why, sizeof s->why, "%s, %s, %s, %s: %s", c->op, c->format, c->shape, c->inputs,
                 c->why);
    return s->cases == s->most;
}

static struct seen check(const char *only, enum numerics numerics, int most,
                         struct conform_about *about)
{
    struct seen s = {.bits = NAN, .most = most};
    struct err e = ERR_NONE;
    struct conform c = {.device = {.name = "cuda:0", .threads = 1, .numerics = numerics},
                        .ops = &device_opencl, .only = only, .on_case = look, .user = &s};

    if (conform_run(&c, about, &e) < 0)
        fail_msg("%s", e.text);
    if (s.failed)
        fail_msg("%s", s.why);
    assert_true(s.cases > 0);
    return s;
}

static void tensor_cores_have_the_precision_that_is_declared_in_every_format(void **state)
{
    struct fake_cuda *f = fake_driver();
    struct conform_about a;
    struct seen s = check("linear, added", NUMERICS_FAST, 0, &a);
    (void)state;
    check("linear, glu", NUMERICS_FAST, getenv("DENSIMETER_LONG") ? 0 : 20, &a);
    assert_string_equal(a.numerics, "cuda-f16/1");
    assert_int_equal(a.precision, DSM_PRECISION_F16);
    assert_true(s.bits > 9 && s.bits < 16); /* float16 was there, and no less */
    nothing_is_left(f);
}

static void attention_conforms(void **state)
{
    struct fake_cuda *f = fake_driver();
    struct conform_about a;
    (void)state;
    assert_int_equal(check("kv_store, attention", NUMERICS_EXACT, 0, &a).left, 0);
    assert_string_equal(a.numerics, "cuda/2");
    nothing_is_left(f);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void write_model(void)
{
    const struct tiny_opts o = {.seed = 1, .type = 0, .layers = 1};
    int n_vocab;

    write_tiny(&o, &n_vocab);
}

static int try_model(struct err *e)
{
    static const int32_t ids[] = {1, 2, 3};
    const struct runner_opts o = {.device = "cuda", .threads = 1, .context = 64};
    const struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1};
    struct runner *r = NULL;
    int rc = runner_open(&r, model, &o, e);

    if (rc == 0)
        rc = runner_run(r, &q, 1, NULL, NULL, NULL, e);
    runner_close(r);
    return rc;
}

/* Refuses the first call, then the second, and so on. */
static void every_call_of_the_driver_may_fail(void **state)
{
    struct fake_cuda *f = fake_driver();
    struct err e = ERR_NONE;
    int failed = 0, tried = 0, n;
    (void)state;
    write_model();
    setenv("XDG_CACHE_HOME", "/proc/none", 1); /* nothing is kept: NVRTC's calls are among them */
    assert_int_equal(try_model(&e), 0);
    f->calls = 0;
    assert_int_equal(try_model(&e), 0);
    n = f->calls;
    assert_true(n > 100);
    for (int i = 0; i < n; i += i < 90 ? 1 : 7, tried++) { /* later ones repeat */
        e = ERR_NONE;
        f->calls = 0;
        f->fail_at = i;
        f->code = tried % 2 ? 2 : 700;
        if (try_model(&e) < 0) {
            assert_true(e.text[0] != '\0');
            assert_true(e.code == ERR_NOMEM || e.code == ERR_UNSUPPORTED);
            if (f->code == 2 && strncmp(e.text, "cuda:0", 6) == 0)
                assert_true(strstr(e.text, "out of memory") || strstr(e.text, "compiler refuses"));
            failed++;
        }
        nothing_is_left(f);
    }
    f->fail_at = -1;
    assert_true(failed > tried / 2);
    assert_int_equal(mem_live(), 0);
}

static void kernels_are_compiled_once_and_again_when_what_is_kept_is_broken(void **state)
{
    struct fake_cuda *f = fake_driver();
    char kept[512], *path;
    struct err e = ERR_NONE;
    struct dirent *d;
    DIR *dir;
    (void)state;
    write_model();
    assert_int_equal(try_model(&e), 0);
    f->compiled = 0;
    assert_int_equal(try_model(&e), 0);
    assert_int_equal(f->compiled, 0);
    snprintf(kept, sizeof kept, "%s/densimeter/cuda", folder);
    dir = opendir(kept);
    assert_non_null(dir);
    while ((d = readdir(dir)))
        if (d->d_name[0] != '.') {
            path = path_join(kept, d->d_name);
            assert_int_equal(file_write(path, "broken", 6, &e), 0);
            mem_free(path);
        }
    closedir(dir);
    assert_int_equal(try_model(&e), 0);
    assert_int_equal(f->compiled, 1);
    assert_int_equal(try_model(&e), 0);
    assert_int_equal(f->compiled, 1);
}

static void tensor_cores_are_of_sm_80_and_later(void **state)
{
    struct device_opts o = {.name = "cuda:0", .threads = 1, .max_rows = 1,
                            .numerics = NUMERICS_FAST};
    struct fake_cuda *f = fake_driver();
    struct err e = ERR_NONE;
    struct device *d = NULL;
    struct program p = {.n_vocab = 1};
    (void)state;
    f->capability = 75;
    assert_int_equal(device_opencl.open(&d, &p, &o, &e), -1);
    assert_string_equal(e.text, "cuda:0: 'fast' needs tensor cores of sm_80 or later, this is "
                                "sm_75");
    write_model();
    e = ERR_NONE;
    if (try_model(&e) < 0) /* exact needs none */
        fail_msg("%s %s", e.text, e.hint);
    f->capability = 90;
    nothing_is_left(f);
}

static void what_is_not_here_is_one_line(void **state)
{
    const struct device_opts o = {.name = "cuda:3", .threads = 1, .max_rows = 1};
    struct cl_about a;
    struct err e = ERR_NONE;
    struct device *d = NULL;
    struct program p = {.n_vocab = 1};
    (void)state;
    fake_driver();
    assert_int_equal(cl_about(&a, CL_CUDA, 0, &e), 1);
    assert_string_equal(a.title, "test device");
    assert_string_equal(a.driver, "CUDA 12.4");
    assert_int_equal(a.units, 132);
    assert_int_equal(cl_about(&a, CL_CUDA, 1, &e), 0);
    assert_int_equal(device_opencl.open(&d, &p, &o, &e), -1);
    assert_string_equal(e.text, "cuda:3: no such device: CUDA has 1 device");
    setenv("DENSIMETER_CUDA", "/nonexistent/libcuda.so", 1);
    assert_int_equal(cl_about(&a, CL_CUDA, 0, &e), -1);
    assert_non_null(strstr(e.text, "no CUDA: "));
    setenv("DENSIMETER_NVRTC", "/nonexistent/libnvrtc.so", 1);
    assert_int_equal(cuda_compile("", "sm_90", NULL, &e), -1);
    assert_non_null(strstr(e.text, "no NVRTC"));
}

static int remove_folder(void **state)
{
    (void)state;
    if (folder[0])
        folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_compile_with_and_without_tensor_cores),
        cmocka_unit_test(whole_models_are_near_the_CPU_and_leave_nothing_to_it),
        cmocka_unit_test(long_paths_are_near_the_CPU_in_tokens_by_many_or_few),
        cmocka_unit_test(passes_of_one_shape_are_one_graph_and_have_the_bits_of_launches),
        cmocka_unit_test(without_a_graph_the_launches_do),
        cmocka_unit_test(tensor_cores_have_the_precision_that_is_declared_in_every_format),
        cmocka_unit_test(attention_conforms),
        cmocka_unit_test(every_call_of_the_driver_may_fail),
        cmocka_unit_test(kernels_are_compiled_once_and_again_when_what_is_kept_is_broken),
        cmocka_unit_test(tensor_cores_are_of_sm_80_and_later),
        cmocka_unit_test(what_is_not_here_is_one_line),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, remove_folder);
}
