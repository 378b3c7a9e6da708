/* The CUDA device without a GPU: its kernels compile where NVRTC is, and on a driver that runs them
 * on the CPU whole models come out right, and every call may fail. */
#include "tests/test.h"

#include <dirent.h>
#include <dlfcn.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/cuda_api.h"
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
};

static const double NEAR = 2e-5; /* of cuda/1, as of opencl/1 */

static char folder[256];

static struct fake_cuda *fake_driver(void)
{
#ifdef __SANITIZE_THREAD__
    print_message("          skipped: ThreadSanitizer does not know the driver's threads\n");
    skip();
#endif
    const char *path = plugin_built("tests/fake/cuda.c");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    assert_non_null(library);
    if (!folder[0])
        folder_make(folder);
    setenv("DENSIMETER_CUDA", path, 1);
    setenv("DENSIMETER_NVRTC", path, 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    return dlsym(library, "fake_cuda");
}

static void nothing_is_left(const struct fake_cuda *f)
{
    assert_int_equal(f->buffers, 0);
    assert_int_equal(f->modules, 0);
    assert_int_equal(f->contexts, 0);
    assert_int_equal(f->programs, 0);
    assert_int_equal(f->faults, 0);
}

/* ---- the compiler --------------------------------------------------------------------------- */

static void the_kernels_compile_for_sm_80_and_sm_90(void **state)
{
    static const char *const archs[] = {"sm_80", "sm_90"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strbuf image = STRBUF_INIT;
        struct err e = ERR_NONE;
        int rc = cuda_compile(opencl_cuda_begin, archs[i], &image, &e);
        if (rc < 0 && strncmp(e.text, "no NVRTC", 8) == 0) {
            print_message("          skipped: %s\n", e.text);
            skip();
        }
        if (rc < 0)
            fail_msg("%s\n%s", e.text, e.hint);
        assert_true(image.len > 1000);
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
    assert_string_equal(runner_info(r)->numerics_id, "cuda/1");
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

/* ---- failures ------------------------------------------------------------------------------- */

static char model[512];

static void write_model(void)
{
    const struct tiny_opts o = {.seed = 1, .type = 0, .layers = 1};
    struct err e = ERR_NONE;

    snprintf(model, sizeof model, "%s/tiny.gguf", folder);
    if (tiny_write(model, &o, &e) < 0)
        fail_msg("%s", e.text);
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
    assert_string_equal(e.text, "device 'cuda:3' is unknown: CUDA has 1 device");
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
        cmocka_unit_test(the_kernels_compile_for_sm_80_and_sm_90),
        cmocka_unit_test(whole_models_are_near_the_CPU_and_leave_nothing_to_it),
        cmocka_unit_test(every_call_of_the_driver_may_fail),
        cmocka_unit_test(kernels_are_compiled_once_and_again_when_what_is_kept_is_broken),
        cmocka_unit_test(what_is_not_here_is_one_line),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, remove_folder);
}
