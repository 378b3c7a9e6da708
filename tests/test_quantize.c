#include "tests/test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"
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

static void assert_same_files(const char *made, const char *reference)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    struct err e = ERR_NONE;

    assert_int_equal(file_read(&a, made, 1 << 24, &e), 0);
    assert_int_equal(file_read(&b, reference, 1 << 24, &e), 0);
    if (a.len != b.len || memcmp(a.s, b.s, a.len) != 0)
        fail_msg("%s differs", reference);
    strbuf_release(&a);
    strbuf_release(&b);
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
            assert_same_files(out_path, reference);
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

/* ---- importance ----------------------------------------------------------------------------- */

enum { COLS = 256, ROWS = 5, EXPERTS = 3, SUMS = COLS * EXPERTS };

/* One expert tensor {256, 5, 3} of values near zero, and an embedding. */
static void write_experts(const char *path, float *x)
{
    uint64_t ne[3] = {COLS, ROWS, EXPERTS}, bytes = COLS * ROWS * EXPERTS * sizeof *x, seed = 9;
    struct gguf_str experts = {"blk.0.ffn_up_exps.weight", 24};
    struct gguf_str embedding = {"token_embd.weight", 17};
    struct gguf_writer w = {0};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;

    for (size_t i = 0; i < COLS * ROWS * EXPERTS; i++)
        x[i] = (float)(int32_t)(uint32_t)(tiny_random(&seed) >> 32) * 0x1p-33f;
    gguf_put_str(&w, "general.architecture", "llama", 5);
    gguf_put_u32(&w, "llama.block_count", 1);
    gguf_put_u32(&w, "llama.expert_count", EXPERTS);
    gguf_put_tensor(&w, experts, 3, ne, QUANT_F32, bytes);
    gguf_put_tensor(&w, embedding, 2, ne, QUANT_F32, bytes / EXPERTS);
    assert_int_equal(gguf_write_head(&w, &b, &e), 0);
    strbuf_add(&b, x, bytes);
    strbuf_add(&b, x, bytes / EXPERTS);
    assert_int_equal(file_write(path, b.s, b.len, &e), 0);
    gguf_writer_release(&w);
    strbuf_release(&b);
}

/* The old format: one entry for the experts. */
static void put_importance(struct strbuf *b, float *sums)
{
    static const int32_t head[2] = {1, 24}, counts[2] = {1, SUMS};

    for (int i = 0; i < SUMS; i++)
        sums[i] = (float)(1 + i * i % 37);
    strbuf_add(b, head, sizeof head);
    strbuf_add(b, "blk.0.ffn_up_exps.weight", 24);
    strbuf_add(b, counts, sizeof counts);
    strbuf_add(b, sums, SUMS * sizeof *sums);
}

static void each_expert_is_written_with_its_own_importance(void **state)
{
    static float x[COLS * ROWS * EXPERTS], sums[SUMS], w[SUMS];
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct imatrix *m;
    struct quantizer *z;
    struct gguf *g;
    uint8_t want[256];
    int64_t entries = 0;
    (void)state;
    write_experts(in_path, x);
    put_importance(&b, sums);
    assert_int_equal(imatrix_open_bytes(&m, b.s, b.len, "/somewhere/f.dat", &e), 0);
    assert_int_equal(quantize_as(in_path, "iq2_xs", m, &e), 0);
    assert_int_equal(gguf_open(&g, out_path, &e), 0);
    assert_int_equal(imatrix_find(m, (struct gguf_str){"blk.0.ffn_up_exps.weight", 24}, COLS,
                                  EXPERTS, w, &e), 1);
    assert_int_equal(quantizer_open(&z, &e), 0);
    assert_int_equal(quantizer_prepare(z, QUANT_IQ2_XS, &e), 0);
    const struct gguf_tensor *t = gguf_tensor_find(g, "blk.0.ffn_up_exps.weight");
    assert_int_equal(t->type, QUANT_IQ2_XS);
    assert_int_equal(t->bytes, 74 * ROWS * EXPERTS);
    for (int row = 0; row < ROWS * EXPERTS; row++) {
        assert_int_equal(quantizer_row(z, QUANT_IQ2_XS, want, x + COLS * row,
                                       w + COLS * (row / ROWS), COLS), 0);
        assert_memory_equal(t->data + 74 * row, want, 74);
    }
    assert_int_equal(gguf_get_int(g, "quantize.imatrix.entries_count", &entries, &e), 1);
    assert_int_equal(entries, 1);
    struct gguf_str file = {"", 0};
    assert_int_equal(gguf_get_str(g, "quantize.imatrix.file", &file, &e), 1);
    assert_int_equal(file.n, 5);
    quantizer_close(z);
    gguf_close(g);
    imatrix_close(m);
    strbuf_release(&b);
}

static void what_is_useless_without_importance_is_refused_before_anything_is_written(void **state)
{
    static float x[COLS * ROWS * EXPERTS], sums[SUMS];
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct imatrix *m;
    (void)state;
    write_experts(in_path, x);
    assert_int_equal(quantize_as(in_path, "iq2_xs", NULL, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.text, "tensor 'blk.0.ffn_up_exps.weight' would become IQ2_XS"));
    assert_non_null(strstr(e.hint, "--imatrix"));
    assert_false(file_exists(out_path));
    put_importance(&b, sums);
    b.s[8 + 23] = 'T'; /* another tensor's */
    assert_int_equal(imatrix_open_bytes(&m, b.s, b.len, "f.dat", &e), 0);
    e = ERR_NONE;
    assert_int_equal(quantize_as(in_path, "iq1_m", m, &e), -1);
    assert_string_equal(e.hint, "f.dat has none of this tensor");
    assert_int_equal(quantize_as(in_path, "q4_k_m", m, &e), 0); /* the rest does without */
    imatrix_close(m);
    strbuf_release(&b);
}

static void the_number_of_threads_changes_no_byte(void **state)
{
    struct tiny_opts tiny = {.seed = 4, .embedding = 256, .layers = 1};
    struct strbuf b[2] = {STRBUF_INIT, STRBUF_INIT};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(tiny_write(in_path, &tiny, &e), 0);
    for (int i = 0; i < 2; i++) {
        struct quantize_opts o = {.mix = mix_by_name("q4_k_m", 6), .threads = i ? 5 : 1};
        assert_int_equal(quantize_file(in_path, out_path, &o, &e), 0);
        assert_int_equal(file_read(&b[i], out_path, 1 << 24, &e), 0);
    }
    assert_int_equal(b[0].len, b[1].len);
    assert_memory_equal(b[0].s, b[1].s, b[0].len);
    strbuf_release(&b[0]);
    strbuf_release(&b[1]);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_equal_those_of_llama_quantize),
        IN_FOLDER(the_tiny_model_can_be_written_in_every_type),
        IN_FOLDER(a_weight_that_is_not_a_number_is_named),
        IN_FOLDER(what_cannot_be_written_is_an_error),
        IN_FOLDER(each_expert_is_written_with_its_own_importance),
        IN_FOLDER(what_is_useless_without_importance_is_refused_before_anything_is_written),
        IN_FOLDER(the_number_of_threads_changes_no_byte),
        IN_FOLDER(quantize_file_survives_every_failed_allocation),
    };
    return RUN(tests);
}
