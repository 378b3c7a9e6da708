/* Plug-in devices: what a shared object computes, what it leaves to the CPU, and what it does
 * wrong. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/plugin.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/plugins.h"
#include "tests/tiny.h"

enum { TOKENS = 70, VOCAB = 412 };

static char model_path[64];
static float got[2][TOKENS][VOCAB];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 5, .type = QUANT_Q4_0, .layers = 3};

    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-plugin-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

static int isolate; /* runners are opened so */

static struct runner *open_on(const char *device, int batch)
{
    struct runner_opts o = {.threads = 1, .device = device, .batch_tokens = batch,
                            .isolate = isolate, .program = isolate ? plugin_program() : NULL,
                            .timeout_s = 10};
    struct runner *r;
    struct err e = ERR_NONE;

    if (runner_open(&r, model_path, &o, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(runner_info(r)->vocab_size, VOCAB);
    return r;
}

static int keep_logits(void *user, const struct request *q, int position, const float *logits)
{
    (void)q;
    memcpy(((float(*)[VOCAB])user)[position], logits, VOCAB * sizeof *logits);
    return 0;
}

static int ask(struct runner *r, float to[TOKENS][VOCAB], struct err *e)
{
    int32_t ids[TOKENS];
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = TOKENS,
                        .on_logits = keep_logits, .user = to};

    for (int i = 0; i < TOKENS; i++)
        ids[i] = 3 + i * 11 % 250;
    return runner_run(r, &q, 1, NULL, NULL, NULL, e);
}

static void ask_of(const char *device, int batch, float to[TOKENS][VOCAB])
{
    struct runner *r = open_on(device, batch);
    struct err e = ERR_NONE;

    if (ask(r, to, &e) < 0)
        fail_msg("%s: %s", device, e.text);
    runner_close(r);
}

/* Root mean square of the difference, over that of the logits. */
static double distance(void)
{
    double difference = 0, size = 0;

    for (int i = 0; i < TOKENS; i++)
        for (int k = 0; k < VOCAB; k++) {
            difference += pow((double)got[0][i][k] - got[1][i][k], 2);
            size += pow(got[0][i][k], 2);
        }
    return sqrt(difference / size);
}

static void the_example_gives_the_cpus_logits(void **state)
{
    (void)state;
    ask_of("cpu", 512, got[0]);
    ask_of(plugin_built("examples/device_naive.c"), 512, got[1]);
    assert_true(distance() < 1e-5 && distance() > 0);
}

static void its_bits_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    ask_of(plugin_built("examples/device_naive.c"), 512, got[0]);
    ask_of(plugin_built("examples/device_naive.c"), 7, got[1]);
    assert_memory_equal(got[0], got[1], sizeof got[0]);
}

/* How often the CPU computed `op`; *others: anything else. */
static uint64_t times_left(struct runner *r, const char *op, uint64_t *others)
{
    const struct left_op *rows;
    uint64_t times = 0;
    int n;

    *others = 0;
    assert_int_equal(runner_left(r, &rows, &n, NULL), 0);
    for (int i = 0; i < n; i++)
        *(strcmp(rows[i].op, op) == 0 ? &times : others) += rows[i].times;
    return times;
}

static void a_device_apart_needs_only_what_is_fresh_and_gives_only_what_is_wanted(void **state)
{
    static const char *const names[DSM_KINDS] = {
        [DSM_EMBED] = "embed", [DSM_RMS_NORM] = "rms_norm", [DSM_LINEAR] = "linear",
        [DSM_ROPE] = "rope", [DSM_KV_STORE] = "kv_store", [DSM_ATTENTION] = "attention",
        [DSM_GATHER] = "gather", [DSM_HEAD] = "head"};
    uint64_t times, others;

    (void)state;
    for (int kind = 0; kind < DSM_KINDS; kind++) {
        char leaves[16];
        struct runner *r;
        struct err e = ERR_NONE;
        if (kind && !names[kind])
            continue;
        snprintf(leaves, sizeof leaves, "%d", kind);
        setenv("APART_LEAVES", leaves, 1);
        r = open_on(plugin_built("tests/plugins/apart.c"), 512);
        if (ask(r, got[0], &e) < 0)
            fail_msg("kind %d is left: %s", kind, e.text);
        times = times_left(r, kind ? names[kind] : "", &others);
        assert_true(kind ? times > 0 : times == 0);
        if (kind != DSM_KV_STORE && kind != DSM_ATTENTION)
            assert_int_equal(others, 0);
        runner_close(r);
        ask_of("cpu", 512, got[1]);
        assert_true(distance() < 1e-5);
    }
    unsetenv("APART_LEAVES");
}

static void expect_error(const char *planted, enum err_code code, const char *text)
{
    struct err e = ERR_NONE;
    struct runner *r;

    setenv("PLANTED", planted, 1);
    r = open_on(plugin_built("tests/plugins/planted.c"), 512);
    assert_int_equal(ask(r, got[0], &e), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("%s: %s", planted, e.text);
    assert_null(strchr(e.text, '\n'));
    assert_null(strchr(e.text, 27));
    runner_close(r);
    unsetenv("PLANTED");
}

static void what_is_not_finite_is_named_by_operation_and_layer(void **state)
{
    char planted[32];

    (void)state;
    snprintf(planted, sizeof planted, "%d:nan", DSM_LINEAR);
    expect_error(planted, ERR_NUMERIC, "the output of linear (blk.0.");
    snprintf(planted, sizeof planted, "%d:nan", DSM_ATTENTION);
    expect_error(planted, ERR_NUMERIC, "the output of attention (layer 0) at position 0");
    snprintf(planted, sizeof planted, "%d:nan", DSM_HEAD);
    expect_error(planted, ERR_NUMERIC, "the logits at position 0 are not finite");
}

static void likelihoods_over_1_are_an_error(void **state)
{
    char planted[32];

    (void)state;
    snprintf(planted, sizeof planted, "%d:over", DSM_HEAD);
    expect_error(planted, ERR_NUMERIC, "a likelihood at position 0 is over 1");
}

static void a_device_that_refuses_is_quoted_in_one_line(void **state)
{
    char planted[32];

    (void)state;
    snprintf(planted, sizeof planted, "%d:refuse", DSM_ROPE);
    expect_error(planted, ERR_DEVICE, "device planted: no?more ?[31mpower");
}

/* ---- in a process of its own ---- */

static void expect_refusal(const char *device, enum err_code code, const char *text)
{
    struct runner_opts o = {.device = device, .isolate = isolate,
                            .program = isolate ? plugin_program() : NULL};
    struct err e = ERR_NONE;
    struct runner *r;

    assert_int_equal(runner_open(&r, model_path, &o, &e), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("%s: %s", device, e.text);
}

static void in_a_process_of_its_own_it_has_the_same_bits(void **state)
{
    static const char *const sources[] = {"examples/device_naive.c", "tests/plugins/apart.c"};

    (void)state;
    for (int left = 0; left < DSM_KINDS; left++) { /* of which only the second knows */
        char leaves[16];
        snprintf(leaves, sizeof leaves, "%d", left);
        setenv("APART_LEAVES", leaves, 1);
        ask_of(plugin_built(sources[left > 0]), 30, got[0]);
        isolate = 1;
        ask_of(plugin_built(sources[left > 0]), 30, got[1]);
        isolate = 0;
        assert_memory_equal(got[0], got[1], sizeof got[0]);
    }
    unsetenv("APART_LEAVES");
}

/* The fault is in batches with the token 14, which the first tokens have and the rest has not. */
static void expect_recovery(int kind, const char *how, const char *text)
{
    char planted[32];
    int32_t ids[8] = {14, 25, 36, 47, 58, 69, 80, 91};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids + 1, .n_ids = 7, .n_given = 1};
    struct err e = ERR_NONE;
    struct runner *r;

    snprintf(planted, sizeof planted, "%d:%s", kind, how);
    setenv("PLANTED", planted, 1);
    setenv("PLANTED_TOKEN", "14", 1);
    isolate = 1;
    r = open_on(plugin_built("tests/plugins/planted.c"), 512);
    isolate = 0;
    for (int i = 0; i < 2; i++) {
        if (runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
            fail_msg("%s", e.text);
        assert_int_equal(ask(r, got[0], &e), -1);
        if (e.code != ERR_DEVICE || !strstr(e.text, text))
            fail_msg("%s: %s", planted, e.text);
        e = ERR_NONE;
    }
    assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, &e), 0);
    runner_close(r);
    unsetenv("PLANTED");
    unsetenv("PLANTED_TOKEN");
}

static void whatever_it_does_there_is_an_error_and_the_next_batch_is_answered(void **state)
{
    (void)state;
    expect_recovery(DSM_LINEAR, "crash", "signal 11 (Segmentation fault) in linear of layer 0");
    expect_recovery(DSM_ATTENTION, "abort", "signal 6 (Aborted) in attention of layer 0");
    expect_recovery(DSM_RMS_NORM, "outside", "its process ");
    expect_recovery(DSM_LINEAR, "refuse", "device planted: no?more");
    expect_recovery(DSM_ROPE, "exit", "its process ended");
}

static void a_device_that_hangs_is_given_up(void **state)
{
    struct runner_opts o = {.threads = 1, .device = plugin_built("tests/plugins/planted.c"),
                            .isolate = 1, .program = plugin_program(), .timeout_s = 0.3};
    struct err e = ERR_NONE;
    char planted[32];
    struct runner *r;

    (void)state;
    snprintf(planted, sizeof planted, "%d:hang", DSM_LINEAR);
    setenv("PLANTED", planted, 1);
    assert_int_equal(runner_open(&r, model_path, &o, &e), 0);
    assert_int_equal(ask(r, got[0], &e), -1);
    assert_int_equal(e.code, ERR_DEVICE);
    assert_non_null(strstr(e.text, "no answer within 0.3 s"));
    runner_close(r);
    unsetenv("PLANTED");
}

static void what_does_not_load_there_is_refused_here(void **state)
{
    (void)state;
    isolate = 1;
    expect_refusal(plugin_built("tests/plugins/older.c"), ERR_UNSUPPORTED,
                   "made for version 99 of the device interface");
    expect_refusal(model_path, ERR_FORMAT, "invalid ELF header");
    isolate = 0;
}

static void its_name_and_hash_are_the_models_to_tell(void **state)
{
    struct runner *r = open_on(plugin_built("examples/device_naive.c"), 512);

    (void)state;
    assert_string_equal(runner_info(r)->device, "naive");
    assert_string_equal(runner_info(r)->numerics_id, "naive/1");
    assert_int_equal(strlen(runner_info(r)->device_sha256), 64);
    runner_close(r);
    r = open_on("null", 512);
    assert_string_equal(runner_info(r)->device, "null");
    assert_null(runner_info(r)->device_sha256);
    runner_close(r);
}

static void its_memory_is_read_where_it_offers_that(void **state)
{
    enum { BYTES = 1 << 20 };
    struct err e = ERR_NONE;
    struct runner *r;
    double s;

    (void)state;
    for (isolate = 0; isolate < 2; isolate++) {
        r = open_on(plugin_built("examples/device_naive.c"), 512);
        for (int i = 0; i < 2; i++) {
            s = 0;
            if (runner_time_read(r, BYTES, &s, &e) < 0)
                fail_msg("%s", e.text);
            assert_true(s > 0);
        }
        runner_close(r);
        r = open_on(plugin_built("tests/plugins/v1/naive_v1.c"), 512);
        assert_int_equal(runner_time_read(r, BYTES, &s, &e), -1);
        assert_int_equal(e.code, ERR_UNSUPPORTED);
        assert_string_equal(e.text, "device naive: it offers no read of its memory");
        runner_close(r);
        e = (struct err){0};
    }
    isolate = 1;
    setenv("PLANTED", "0:crash", 1);
    r = open_on(plugin_built("tests/plugins/planted.c"), 512);
    assert_int_equal(runner_time_read(r, BYTES, &s, &e), -1);
    assert_int_equal(e.code, ERR_DEVICE);
    assert_non_null(strstr(e.text, "(Segmentation fault) while it was reading its memory"));
    runner_close(r);
    unsetenv("PLANTED");
    isolate = 0;
}

static void what_is_no_device_is_refused(void **state)
{
    (void)state;
    expect_refusal("./absent.so", ERR_IO, "./absent.so");
    expect_refusal("abacus", ERR_USAGE, "abacus: no such device");
    expect_refusal(model_path, ERR_FORMAT, "invalid ELF header");
    expect_refusal(plugin_built("tests/plugins/older.c"), ERR_UNSUPPORTED,
                   "made for version 99 of the device interface");
    expect_refusal(plugin_built("tests/plugins/other.c"), ERR_FORMAT,
                   "it has no densimeter_device()");
}

static void names_are_found_in_the_list_of_devices(void **state)
{
    char list[600], folder[512];
    char *path;

    (void)state;
    snprintf(folder, sizeof folder, "%s", plugin_built("examples/device_naive.c"));
    *strrchr(folder, '/') = 0;
    snprintf(list, sizeof list, "/nowhere::%s", folder);
    setenv("DENSIMETER_DEVICES", list, 1);
    assert_int_equal(plugin_find(&path, "device_naive", NULL), 1);
    assert_string_equal(path, plugin_built("examples/device_naive.c"));
    mem_free(path);
    assert_int_equal(plugin_find(&path, "naive", NULL), 0);
    assert_int_equal(plugin_at(&path, 0, NULL), 1);
    mem_free(path);
    assert_int_equal(plugin_at(&path, 1000, NULL), 0);
    ask_of("device_naive", 512, got[0]);
    unsetenv("DENSIMETER_DEVICES");
    assert_int_equal(plugin_find(&path, "device_naive", NULL), 0);
}

static void survive_failed_allocations(struct runner_opts o)
{
    long live = mem_live();
    int rc = -1;

    for (int nth = 0; rc < 0; nth++) {
        struct runner *r = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = runner_open(&r, model_path, &o, &e);
        if (rc == 0)
            rc = ask(r, got[0], &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        runner_close(r);
        assert_int_equal(mem_live(), live);
    }
}

static void opening_survives_every_failed_allocation(void **state)
{
    struct runner_opts o = {.threads = 1, .device = plugin_built("examples/device_naive.c")};

    (void)state;
    survive_failed_allocations(o);
    o.isolate = 1;
    o.program = plugin_program();
    survive_failed_allocations(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_gives_the_cpus_logits),
        cmocka_unit_test(its_bits_do_not_depend_on_the_batch),
        cmocka_unit_test(a_device_apart_needs_only_what_is_fresh_and_gives_only_what_is_wanted),
        cmocka_unit_test(what_is_not_finite_is_named_by_operation_and_layer),
        cmocka_unit_test(likelihoods_over_1_are_an_error),
        cmocka_unit_test(a_device_that_refuses_is_quoted_in_one_line),
        cmocka_unit_test(in_a_process_of_its_own_it_has_the_same_bits),
        cmocka_unit_test(whatever_it_does_there_is_an_error_and_the_next_batch_is_answered),
        cmocka_unit_test(a_device_that_hangs_is_given_up),
        cmocka_unit_test(what_does_not_load_there_is_refused_here),
        cmocka_unit_test(its_name_and_hash_are_the_models_to_tell),
        cmocka_unit_test(its_memory_is_read_where_it_offers_that),
        cmocka_unit_test(what_is_no_device_is_refused),
        cmocka_unit_test(names_are_found_in_the_list_of_devices),
        cmocka_unit_test(opening_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
