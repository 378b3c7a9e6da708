#include "tests/test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/quant.h"
#include "runners/quantize_file.h"
#include "tests/tiny.h"

static char folder[64], in_path[96], out_path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/densimeter-quantize-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(in_path, sizeof in_path, "%s/in.gguf", folder);
    snprintf(out_path, sizeof out_path, "%s/out.gguf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(in_path);
    unlink(out_path);
    return rmdir(folder); /* fails when a temporary file was left behind */
}

static int quantize_as(const char *in, const char *type, const struct imatrix *m, struct err *e)
{
    struct quantize_opts o = {.mix = mix_by_name(type, strlen(type)), .importance = m,
                              .threads = 2};

    assert_non_null(o.mix);
    return quantize_file(in, out_path, &o, e);
}

static void assert_same_tensors(const char *made, const char *reference)
{
    struct gguf *a, *b;
    struct err e = ERR_NONE;
    int64_t x = -1, y = -2;

    assert_int_equal(gguf_open(&a, made, &e), 0);
    assert_int_equal(gguf_open(&b, reference, &e), 0);
    assert_int_equal(gguf_n_tensors(a), gguf_n_tensors(b));
    for (size_t i = 0; i < gguf_n_tensors(b); i++) {
        const struct gguf_tensor *r = gguf_tensor_at(b, i), *m;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)r->name.n, r->name.s);
        m = gguf_tensor_find(a, name);
        assert_non_null(m);
        assert_int_equal(m->type, r->type);
        assert_int_equal(m->bytes, r->bytes);
        if (memcmp(m->data, r->data, r->bytes) != 0)
            fail_msg("%s: %s differs", reference, name);
    }
    assert_int_equal(gguf_get_int(a, "general.file_type", &x, &e), 1);
    assert_int_equal(gguf_get_int(b, "general.file_type", &y, &e), 1);
    assert_int_equal(x, y);
    gguf_close(a);
    gguf_close(b);
}

static void files_equal_those_of_llama_quantize(void **state)
{
    static const char *const models[] = {"babyllama-tok105-936K", "babyllama-tok361-969K",
                                         "llama2xs-279K"};
    static const char *const types[] = {"f16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"};
    char reference[4200];
    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (size_t t = 0; t < 6; t++) {
            struct err e = ERR_NONE;
            char name[96];
            snprintf(name, sizeof name, "models/gguf/%s-%s.gguf", models[m], types[t]);
            snprintf(reference, sizeof reference, "%s", shared_path(name));
            snprintf(name, sizeof name, "models/gguf/%s-f32.gguf", models[m]);
            assert_int_equal(quantize_as(shared_path(name), types[t], NULL, &e), 0);
            assert_same_tensors(out_path, reference);
        }
}

static void count_bytes(void *user, size_t done, size_t total)
{
    size_t *last = user;

    assert_true(done >= last[0] && done <= total);
    last[0] = done;
    last[1] = total;
}

static void the_tiny_model_can_be_written_in_every_type(void **state)
{
    static const struct {
        const char *type;
        int got; /* rows of 64 are not whole blocks of 128 or 256 */
    } cases[] = {
        {"f32", QUANT_F32},         {"f16", QUANT_F16},       {"bf16", QUANT_BF16},
        {"q8_0", QUANT_Q8_0},       {"q4_0", QUANT_Q4_0},     {"q4_1", QUANT_Q4_1},
        {"q5_0", QUANT_Q5_0},       {"q5_1", QUANT_Q5_1},     {"q4_k", QUANT_Q5_0},
        {"q4_k_s", QUANT_Q5_0},     {"q5_k_m", QUANT_Q5_1},   {"q6_k", QUANT_Q8_0},
        {"q2_k", QUANT_Q4_0},       {"q3_k_l", QUANT_Q4_0},   {"iq4_nl", QUANT_IQ4_NL},
        {"iq4_xs", QUANT_IQ4_NL},   {"iq3_m", QUANT_IQ4_NL},  {"iq3_xxs", QUANT_IQ4_NL},
        {"iq2_xxs", QUANT_IQ4_NL},  {"iq1_m", QUANT_IQ4_NL},  {"tq1_0", QUANT_Q4_0},
        {"tq2_0", QUANT_Q4_0},      {"q2_0", QUANT_Q2_0},     {"q1_0", QUANT_Q4_0},
        {"mxfp4_moe", QUANT_Q8_0},
    };
    struct tiny_opts tiny = {.seed = 1};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(tiny_write(in_path, &tiny, &e), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gguf *g;
        struct gguf_str name = {"", 0};
        size_t progress[2] = {0, 1};
        struct quantize_opts o = {.mix = mix_by_name(cases[i].type, strlen(cases[i].type)),
                                  .progress = count_bytes, .user = progress};
        assert_int_equal(quantize_file(in_path, out_path, &o, &e), 0);
        assert_true(progress[0] == progress[1]);
        assert_int_equal(gguf_open(&g, out_path, &e), 0);
        assert_int_equal(gguf_tensor_find(g, "blk.1.ffn_up.weight")->type, cases[i].got);
        assert_int_equal(gguf_tensor_find(g, "blk.1.ffn_norm.weight")->type, QUANT_F32);
        assert_int_equal(gguf_get_str(g, "general.name", &name, &e), 1);
        assert_int_equal(name.n, 4);
        gguf_close(g);
    }
}

static void a_weight_that_is_not_a_number_is_named(void **state)
{
    struct tiny_opts o = {.seed = 1};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct gguf *g;
    const uint32_t nan = 0x7fc00000;
    (void)state;
    assert_int_equal(tiny_build(&b, &o, &e), 0);
    assert_int_equal(gguf_open_bytes(&g, b.s, b.len, "tiny", &e), 0);
    memcpy(b.s + (gguf_tensor_find(g, "blk.0.attn_k.weight")->data - (uint8_t *)b.s) + 64 * 4 * 5,
           &nan, sizeof nan);
    gguf_close(g);
    assert_int_equal(file_write(in_path, b.s, b.len, &e), 0);
    strbuf_release(&b);
    assert_int_equal(quantize_as(in_path, "q8_0", NULL, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_non_null(strstr(e.text, "in.gguf: tensor 'blk.0.attn_k.weight', row 5"));
    assert_false(file_exists(out_path));
}

static void what_cannot_be_written_is_an_error(void **state)
{
    struct tiny_opts tiny = {.seed = 1};
    struct quantize_opts o = {.mix = mix_by_name("f16", 3)};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(tiny_write(in_path, &tiny, &e), 0);
    assert_int_equal(quantize_file(in_path, "/nonexistent/out", &o, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(quantize_file("/nonexistent/in", out_path, &o, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    unlink(out_path);
    assert_int_equal(mkfifo(out_path, 0600), 0); /* as /dev/null: nothing to rename over */
    assert_int_equal(quantize_file(in_path, out_path, &o, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_true(file_is_special(out_path));
}

static void quantize_file_survives_every_failed_allocation(void **state)
{
    struct tiny_opts o = {.seed = 1, .layers = 1};
    struct err e = ERR_NONE;
    int rc = -1;
    (void)state;
    assert_int_equal(tiny_write(in_path, &o, &e), 0);
    for (int nth = 0; rc < 0; nth++) {
        e = ERR_NONE;
        mem_fail_at(nth);
        rc = quantize_as(in_path, "q4_0", NULL, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), 0);
    }
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_equal_those_of_llama_quantize),
        IN_FOLDER(the_tiny_model_can_be_written_in_every_type),
        IN_FOLDER(a_weight_that_is_not_a_number_is_named),
        IN_FOLDER(what_cannot_be_written_is_an_error),
        IN_FOLDER(quantize_file_survives_every_failed_allocation),
    };
    return RUN(tests);
}
