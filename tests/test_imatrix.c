#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/gguf_write.h"
#include "runners/imatrix.h"
#include "runners/quant.h"

static const struct gguf_str name_a = {"a.weight", 8}, name_b = {"b.weight", 8};

static void put_int(struct strbuf *b, int32_t v)
{
    strbuf_add(b, &v, sizeof v);
}

static void put_old(struct strbuf *b, struct gguf_str name, int calls, const float *v, int n)
{
    put_int(b, (int32_t)name.n);
    strbuf_add(b, name.s, name.n);
    put_int(b, calls);
    put_int(b, n);
    strbuf_add(b, v, (size_t)n * sizeof *v);
}

static void build_old(struct strbuf *b)
{
    static const float a[] = {1, 2, 3, 6}, experts[] = {0, 4, 5, 5};

    put_int(b, 2);
    put_old(b, name_b, 7, experts, 4); /* the order is the file's own */
    put_old(b, name_a, 7, a, 4);
    put_int(b, 12);
    put_int(b, 8);
    strbuf_add(b, "wiki.txt", 8);
}

static void put_floats(struct gguf_writer *w, struct strbuf *data, const char *name, int cols,
                       int rows, const float *v)
{
    static const char zeros[GGUF_ALIGNMENT];
    uint64_t ne[2] = {(uint64_t)cols, (uint64_t)rows}, bytes = ne[0] * ne[1] * sizeof *v;

    gguf_put_tensor(w, (struct gguf_str){name, strlen(name)}, 2, ne, QUANT_F32, bytes);
    strbuf_add(data, v, bytes);
    strbuf_add(data, zeros, gguf_padding(bytes));
}

static void build_gguf(struct strbuf *b)
{
    static const float a[] = {1, 2, 3, 6}, experts[] = {0, 4, 5, 5}, counts[] = {2, 9};
    struct gguf_str text = {"wiki.txt", 8};
    struct gguf_writer w = {0};
    struct strbuf data = STRBUF_INIT;

    gguf_put_str(&w, "general.type", "imatrix", 7);
    gguf_put_strs(&w, "imatrix.datasets", &text, 1);
    gguf_put_u32(&w, "imatrix.chunk_count", 12);
    put_floats(&w, &data, "b.weight.in_sum2", 2, 2, experts);
    put_floats(&w, &data, "b.weight.counts", 1, 2, counts);
    put_floats(&w, &data, "a.weight.in_sum2", 4, 1, a);
    put_floats(&w, &data, "a.weight.counts", 1, 1, counts);
    assert_int_equal(gguf_write_head(&w, b, NULL), 0);
    strbuf_add(b, data.s, data.len);
    strbuf_release(&data);
    gguf_writer_release(&w);
}

static void both_formats_give_weights_of_mean_one(void **state)
{
    static void (*const builders[])(struct strbuf *) = {build_old, build_gguf};
    static const double sums[] = {1, 2, 3, 6};
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct strbuf b = STRBUF_INIT;
        struct imatrix *m;
        struct err e = ERR_NONE;
        float w[4];
        builders[k](&b);
        assert_int_equal(imatrix_open_bytes(&m, b.s, b.len, "f", &e), 0);
        assert_int_equal(imatrix_entries(m), 2);
        assert_int_equal(imatrix_chunks(m), 12);
        assert_int_equal(imatrix_dataset(m).n, 8);
        assert_memory_equal(imatrix_dataset(m).s, "wiki.txt", 8);
        assert_int_equal(imatrix_find(m, name_a, 4, 1, w, &e), 1);
        for (int i = 0; i < 4; i++)
            assert_close(w[i], sums[i] / 3, 1e-7);
        assert_int_equal(imatrix_find(m, name_b, 2, 2, w, &e), 1);
        assert_true(w[0] > 0 && w[0] < 1e-5); /* never nothing, so that each column has a code */
        assert_close(w[1], 2, 1e-7);
        assert_close(w[2], 1, 0);
        assert_close(w[3], 1, 0);
        assert_int_equal(imatrix_find(m, (struct gguf_str){"c.weight", 8}, 4, 1, w, &e), 0);
        assert_int_equal(imatrix_find(m, name_a, 2, 1, w, &e), -1);
        assert_string_equal(e.text, "f: importance of 'a.weight' has 4 values, the tensor 1 x 2 "
                                    "columns");
        imatrix_close(m);
        strbuf_release(&b);
    }
}

static void assert_refused(const struct strbuf *b, const char *why)
{
    struct imatrix *m;
    struct err e = ERR_NONE;

    assert_int_equal(imatrix_open_bytes(&m, b->s, b->len, "f", &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    if (!strstr(e.text, why))
        fail_msg("'%s' is not in '%s'", why, e.text);
}

static void a_file_that_lies_is_refused_with_the_place(void **state)
{
    static const struct {
        size_t at; /* a whole number of build_old becomes */
        int32_t v;
        const char *why;
    } cases[] = {
        {0, 0, "f: the number of entries is 0"},
        {0, 3, "the number of calls of an entry"},
        {4, -1, "f: the name of an entry is -1"},
        {4, 1 << 30, "f: truncated at byte 8: the name of an entry"},
        {20, 0, "f: the number of values of an entry is 0"},
        {20, 0x7fffffff, "f: truncated at byte 24: the values of an entry"},
        {24, 0x7fc00000, "f: importance of 'b.weight': a sum is negative or not finite"},
        {28, (int32_t)0xbf800000, "f: importance of 'b.weight': a sum is negative"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        build_old(&b);
        memcpy(b.s + cases[i].at, &cases[i].v, 4);
        assert_refused(&b, cases[i].why);
        strbuf_release(&b);
    }
}

static void a_name_given_twice_is_refused(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    build_old(&b);
    b.s[8] = 'a'; /* b.weight becomes a second a.weight */
    assert_refused(&b, "f: importance of 'a.weight': given twice");
    strbuf_release(&b);
}

static void sums_without_counts_are_refused(void **state)
{
    static const float v[] = {1, 2};
    struct gguf_writer w = {0};
    struct strbuf b = STRBUF_INIT, data = STRBUF_INIT;
    (void)state;
    put_floats(&w, &data, "a.weight.in_sum2", 2, 1, v);
    assert_int_equal(gguf_write_head(&w, &b, NULL), 0);
    strbuf_add(&b, data.s, data.len);
    assert_refused(&b, "f: importance of 'a.weight': sums without counts");
    strbuf_release(&b);
    strbuf_release(&data);
    gguf_writer_release(&w);
}

static void imatrix_open_survives_every_failed_allocation(void **state)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;
    long live;
    (void)state;
    build_gguf(&b);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct imatrix *m = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = imatrix_open_bytes(&m, b.s, b.len, "f", &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        imatrix_close(m);
        assert_int_equal(mem_live(), live);
    }
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats_give_weights_of_mean_one),
        cmocka_unit_test(a_file_that_lies_is_refused_with_the_place),
        cmocka_unit_test(a_name_given_twice_is_refused),
        cmocka_unit_test(sums_without_counts_are_refused),
        cmocka_unit_test(imatrix_open_survives_every_failed_allocation),
    };
    return RUN(tests);
}
