#include "tests/test.h"

#include <fcntl.h>
#include <glob.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"

static const struct gguf_str name_a = {"a.weight", 8}, name_b = {"b.weight", 8};
static const uint64_t shape[2] = {32, 2};

static void put_plain_keys(struct gguf_writer *w)
{
    static const struct gguf_str strs[] = {{"x", 1}, {"", 0}, {"long one", 8}};
    static const int32_t same[] = {7, 7, 7}, differ[] = {7, 8};
    static const float floats[] = {0.5f, -1};

    gguf_put_str(w, "general.architecture", "llama", 5);
    gguf_put_u32(w, "count", 4000000000u);
    gguf_put_f32(w, "scale", 0.25f);
    gguf_put_bool(w, "flag", 1);
    gguf_put_strs(w, "strings", strs, 3);
    gguf_put_i32s(w, "same", same, 3);
    gguf_put_i32s(w, "differ", differ, 2);
    gguf_put_f32s(w, "floats", floats, 2);
}

static void finish(struct gguf_writer *w, struct strbuf *image)
{
    struct err e = ERR_NONE;

    assert_int_equal(gguf_write_head(w, image, &e), 0);
    for (uint64_t i = 0; i < w->data_bytes; i++)
        strbuf_addc(image, (char)i);
    assert_int_equal(strbuf_ok(image, &e), 0);
    gguf_writer_release(w);
}

/* Two tensors: Q8_0 (68 bytes) and F32 (256 bytes). */
static void valid_image(struct strbuf *image)
{
    struct gguf_writer w = {0};

    put_plain_keys(&w);
    gguf_put_tensor(&w, name_a, 2, shape, QUANT_Q8_0, 68);
    gguf_put_tensor(&w, name_b, 2, shape, QUANT_F32, 256);
    finish(&w, image);
}

static int open_image(const struct strbuf *image, struct err *e)
{
    struct gguf *g;
    /* an allocation of its own, so that a sanitizer sees a read past the end */
    void *exact = mem_alloc(image->len);
    int rc;

    assert_non_null(exact);
    memcpy(exact, strbuf_str(image), image->len);
    rc = gguf_open_bytes(&g, exact, image->len, "image", e);
    gguf_close(g);
    mem_free(exact);
    return rc;
}

static void assert_refused(struct strbuf *image, enum err_code code, const char *text)
{
    struct err e = ERR_NONE;

    assert_int_equal(open_image(image, &e), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("expected \"%s\", got \"%s\"", text, e.text);
    assert_non_null(strstr(e.text, "image"));
    strbuf_release(image);
    assert_int_equal(mem_live(), 0);
}

static void what_was_written_is_read(void **state)
{
    struct strbuf image = STRBUF_INIT;
    struct gguf_str s, strs[3];
    struct err e = ERR_NONE;
    enum gguf_type type;
    struct gguf *g;
    int64_t i = 0;
    double d = 0;
    int flag = 0;
    size_t n;
    (void)state;
    valid_image(&image);
    assert_int_equal(gguf_open_bytes(&g, image.s, image.len, "image", &e), 0);
    assert_int_equal(gguf_n_keys(g), 8);
    assert_int_equal(gguf_get_str(g, "general.architecture", &s, &e), 1);
    assert_int_equal(s.n, 5);
    assert_memory_equal(s.s, "llama", 5);
    assert_int_equal(gguf_get_int(g, "count", &i, &e), 1);
    assert_true(i == 4000000000);
    assert_int_equal(gguf_get_f64(g, "scale", &d, &e), 1);
    assert_true(d == 0.25);
    assert_int_equal(gguf_get_bool(g, "flag", &flag, &e), 1);
    assert_int_equal(flag, 1);
    assert_int_equal(gguf_array_strs(g, "strings", strs, 3, &e), 0);
    assert_int_equal(strs[1].n, 0);
    assert_memory_equal(strs[2].s, "long one", 8);
    assert_int_equal(gguf_get_array(g, "floats", &type, &n, &e), 1);
    assert_int_equal(type, GGUF_F32);
    assert_int_equal(n, 2);
    assert_true(gguf_array_f64(g, "floats", 1) == -1);
    assert_int_equal(gguf_n_tensors(g), 2);
    assert_int_equal(gguf_tensor_find(g, "b.weight")->bytes, 256);
    assert_ptr_equal(gguf_tensor_find(g, "b.weight")->data,
                     gguf_tensor_find(g, "a.weight")->data + 96);
    assert_null(gguf_tensor_find(g, "c.weight"));
    gguf_close(g);
    strbuf_release(&image);
}

static void a_value_of_another_kind_is_an_error_and_a_missing_one_is_not(void **state)
{
    struct strbuf image = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct gguf_str s = {"old", 3};
    struct gguf *g;
    int64_t i = -5;
    (void)state;
    valid_image(&image);
    assert_int_equal(gguf_open_bytes(&g, image.s, image.len, "image", &e), 0);
    assert_int_equal(gguf_get_int(g, "absent", &i, &e), 0);
    assert_int_equal(i, -5);
    assert_int_equal(gguf_get_int(g, "scale", &i, &e), -1);
    assert_non_null(strstr(e.text, "key 'scale' is f32, not an integer"));
    assert_int_equal(gguf_get_str(g, "count", &s, &e), -1);
    assert_int_equal(gguf_get_int(g, "same", &i, &e), 1); /* a per-layer array that agrees */
    assert_int_equal(i, 7);
    assert_int_equal(gguf_get_int(g, "differ", &i, &e), -1);
    assert_int_equal(gguf_array_int(g, "count", 17), 4000000000); /* a scalar is every element */
    assert_int_equal(gguf_array_int(g, "same", 3), 0);
    gguf_close(g);
    strbuf_release(&image);
}

static void every_truncation_is_refused(void **state)
{
    struct strbuf image = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    valid_image(&image);
    assert_int_equal(open_image(&image, &e), 0);
    for (size_t n = image.len; n-- > 0;) {
        strbuf_truncate(&image, n);
        assert_int_equal(open_image(&image, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
    }
    strbuf_release(&image);
}

static void patched(struct strbuf *image, size_t at, uint64_t v, int bytes)
{
    valid_image(image);
    for (int i = 0; i < bytes; i++)
        image->s[at + (size_t)i] = (char)(v >> 8 * i);
}

static void headers_that_are_not_ours_are_refused(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    patched(&b, 0, 0x46554746, 4);
    assert_refused(&b, ERR_FORMAT, "not a GGUF file");
    assert_refused(&b, ERR_FORMAT, "not a GGUF file"); /* the empty file */
    patched(&b, 4, 0x03000000, 4);
    assert_refused(&b, ERR_UNSUPPORTED, "big-endian");
    patched(&b, 4, 1, 4);
    assert_refused(&b, ERR_UNSUPPORTED, "version 1");
    patched(&b, 4, 4, 4);
    assert_refused(&b, ERR_UNSUPPORTED, "version 4");
    patched(&b, 8, (uint64_t)1 << 62, 8);
    assert_refused(&b, ERR_FORMAT, "4611686018427387904 tensors do not fit");
    patched(&b, 16, UINT64_MAX, 8);
    assert_refused(&b, ERR_FORMAT, "18446744073709551615 keys do not fit");
}

/* A file with one key whose bytes after the name are given. */
static void one_key(struct strbuf *b, const void *value, size_t n)
{
    static const unsigned char head[] = {'G', 'G', 'U', 'F', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0};
    strbuf_add(b, head, sizeof head);
    strbuf_adds(b, "key");
    strbuf_add(b, value, n);
}

static void keys_that_lie_are_refused(void **state)
{
    static const unsigned char nested[20] = {9, 0, 0, 0, 9, 0, 0, 0, 1};
    static const unsigned char unknown[12] = {13};
    static const unsigned char huge[28] = {9, 0, 0, 0, 8, 0, 0, 0, 255, 255, 255, 255, 255};
    static const unsigned char many[28] = {9, 0, 0, 0, 8, 0, 0, 0, 255};
    static const unsigned char floats[28] = {9, 0, 0, 0, 12, 0, 0, 0, 255, 255, 255, 63};
    static const unsigned char text[28] = {8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct strbuf b = STRBUF_INIT;
    (void)state;
    one_key(&b, nested, sizeof nested);
    assert_refused(&b, ERR_UNSUPPORTED, "key 'key' is an array of arrays");
    one_key(&b, unknown, sizeof unknown);
    assert_refused(&b, ERR_FORMAT, "key 'key' has the unknown value type 13");
    one_key(&b, huge, sizeof huge);
    assert_refused(&b, ERR_FORMAT, "key 'key' claims 1099511627775 elements");
    one_key(&b, many, sizeof many);
    assert_refused(&b, ERR_FORMAT, "255 strings do not fit in 12 bytes");
    one_key(&b, floats, sizeof floats);
    assert_refused(&b, ERR_FORMAT, "truncated");
    one_key(&b, text, sizeof text);
    assert_refused(&b, ERR_FORMAT, "claims a string of 72057594037927936 bytes");
}

static void a_key_may_repeat_only_with_the_same_value(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct gguf_writer w = {0};
    struct err e = ERR_NONE;
    (void)state;
    gguf_put_u32(&w, "general.file_type", 1);
    gguf_put_u32(&w, "general.file_type", 1);
    finish(&w, &b);
    assert_int_equal(open_image(&b, &e), 0);
    strbuf_release(&b);
    w = (struct gguf_writer){0};
    gguf_put_u32(&w, "general.file_type", 1);
    gguf_put_u32(&w, "general.file_type", 2);
    finish(&w, &b);
    assert_refused(&b, ERR_FORMAT, "key 'general.file_type' is there twice");
}

static void tensors_that_lie_are_refused(void **state)
{
    static const struct {
        uint64_t ne[4], bytes, shift; /* shift moves the second tensor */
        int n_dims, type;
        enum err_code code;
        const char *text;
    } cases[] = {
        {{32, 2}, 256, 0, 2, QUANT_F32, ERR_FORMAT, "tensors 'a.weight' and 'b.weight' overlap"},
        {{32, 2}, 256, 100, 2, QUANT_F32, ERR_FORMAT, "offset 100 is not a multiple of 32"},
        {{32, 9}, 256, 96, 2, QUANT_F32, ERR_FORMAT, "truncated: tensor 'b.weight'"},
        {{33, 2}, 256, 96, 2, QUANT_Q8_0, ERR_FORMAT, "rows of 33 elements are not whole Q8_0"},
        {{32, 1, 1, 1}, 256, 96, 0, QUANT_F32, ERR_FORMAT, "has 0 dimensions"},
        {{1ull << 63}, 256, 96, 1, QUANT_F32, ERR_FORMAT, "dimension 0 is out of range"},
        {{1ull << 40, 1ull << 40}, 256, 96, 2, QUANT_F32, ERR_FORMAT, "number of elements"},
        {{1ull << 31, 1ull << 31, 1}, 256, 96, 3, QUANT_F64, ERR_FORMAT, "number of bytes"},
        {{32, 2}, 256, 96, 2, 4, ERR_UNSUPPORTED, "removed from the format"},
        {{32, 2}, 256, 96, 2, 15, ERR_UNSUPPORTED, "type 15: Q8_K, an internal format"},
        {{32, 2}, 256, 96, 2, 137, ERR_UNSUPPORTED, "type 137: ik_llama.cpp type"},
        {{32, 2}, 256, 96, 2, 4096, ERR_UNSUPPORTED, "type 4096: unknown type"},
        {{32, 2}, 256, 96, 2, -1, ERR_UNSUPPORTED, "type 4294967295: unknown type"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        struct gguf_writer w = {0};
        gguf_put_tensor(&w, name_a, 2, shape, QUANT_Q8_0, 68);
        w.data_bytes = cases[i].shift;
        gguf_put_tensor(&w, name_b, cases[i].n_dims, cases[i].ne, cases[i].type, cases[i].bytes);
        finish(&w, &b);
        assert_refused(&b, cases[i].code, cases[i].text);
    }
}

static void a_tensor_name_may_not_repeat_nor_be_long(void **state)
{
    static const char letters[] = "0123456789012345678901234567890123456789"
                                  "012345678901234567890123";
    struct strbuf b = STRBUF_INIT;
    struct gguf_writer w = {0};
    (void)state;
    gguf_put_tensor(&w, name_a, 2, shape, QUANT_F32, 256);
    gguf_put_tensor(&w, name_a, 2, shape, QUANT_F32, 256);
    finish(&w, &b);
    assert_refused(&b, ERR_FORMAT, "tensor 'a.weight' is there twice");
    w = (struct gguf_writer){0};
    gguf_put_tensor(&w, (struct gguf_str){letters, 64}, 2, shape, QUANT_F32, 256);
    finish(&w, &b);
    assert_refused(&b, ERR_FORMAT, "a tensor name of 64 bytes");
}

static void an_alignment_must_be_a_power_of_two(void **state)
{
    static const uint32_t bad[] = {0, 3, 48};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct gguf_writer w = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        w = (struct gguf_writer){0};
        gguf_put_u32(&w, "general.alignment", bad[i]);
        gguf_put_tensor(&w, name_a, 2, shape, QUANT_F32, 256);
        finish(&w, &b);
        assert_refused(&b, ERR_FORMAT, "is not a power of two");
    }
    w = (struct gguf_writer){0};
    gguf_put_u32(&w, "general.alignment", 8);
    gguf_put_tensor(&w, name_a, 2, shape, QUANT_F32, 256);
    finish(&w, &b);
    assert_int_equal(open_image(&b, &e), 0);
    strbuf_release(&b);
}

static void an_empty_tensor_is_allowed(void **state)
{
    static const uint64_t none[2] = {32, 0};
    struct strbuf b = STRBUF_INIT;
    struct gguf_writer w = {0};
    struct err e = ERR_NONE;
    (void)state;
    gguf_put_tensor(&w, name_a, 2, none, QUANT_F32, 0);
    finish(&w, &b);
    assert_int_equal(open_image(&b, &e), 0);
    strbuf_release(&b);
}

/* ---- split sets -------------------------------------------------------------------------- */

static char folder[64];

static const char *part_path(int i)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/m-%05d-of-00002.gguf", folder, i);
    return path;
}

static void write_part(int i, uint32_t no, uint32_t total, struct gguf_str name)
{
    struct strbuf b = STRBUF_INIT;
    struct gguf_writer w = {0};
    struct err e = ERR_NONE;

    gguf_put_u32(&w, "split.no", no);
    gguf_put_u32(&w, "split.count", 2);
    gguf_put_u32(&w, "split.tensors.count", total);
    gguf_put_tensor(&w, name, 2, shape, QUANT_F32, 256);
    finish(&w, &b);
    assert_int_equal(file_write(part_path(i), b.s, b.len, &e), 0);
    strbuf_release(&b);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/densimeter-gguf-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(part_path(1));
    unlink(part_path(2));
    return rmdir(folder);
}

static void assert_set_refused(const char *path, const char *text)
{
    struct gguf *g;
    struct err e = ERR_NONE;

    assert_int_equal(gguf_open(&g, path, &e), -1);
    assert_null(g);
    if (!strstr(e.text, text))
        fail_msg("expected \"%s\", got \"%s\"", text, e.text);
}

static void a_split_set_opens_whole_or_not_at_all(void **state)
{
    struct gguf *g;
    struct err e = ERR_NONE;
    (void)state;
    write_part(1, 0, 2, name_a);
    assert_set_refused(part_path(1), "00002-of-00002.gguf: No such file");
    write_part(2, 1, 2, name_b);
    assert_int_equal(gguf_open(&g, part_path(1), &e), 0);
    assert_int_equal(gguf_n_tensors(g), 2);
    assert_int_equal(gguf_tensor_find(g, "b.weight")->data[5], 5);
    assert_int_equal(gguf_file_bytes(g), 2 * (uint64_t)file_size(part_path(1)));
    gguf_close(g);
    assert_set_refused(part_path(2), "says it is part 2 of 2");
    write_part(2, 0, 2, name_b);
    assert_set_refused(part_path(1), "says it is part 1 of 2, but is in the place of part 2");
    write_part(2, 1, 2, name_a);
    assert_set_refused(part_path(1), "tensor 'a.weight' is there twice");
    write_part(1, 0, 3, name_a);
    write_part(2, 1, 3, name_b);
    assert_set_refused(part_path(1), "the parts hold 2 tensors, split.tensors.count = 3");
    assert_int_equal(mem_live(), 0);
}

static void gguf_open_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    write_part(1, 0, 2, name_a);
    write_part(2, 1, 2, name_b);
    for (int nth = 0; rc < 0; nth++) {
        struct gguf *g = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = gguf_open(&g, part_path(1), &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        gguf_close(g);
        assert_int_equal(mem_live(), 0);
    }
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    assert_set_refused("/nonexistent/m.gguf", "/nonexistent/m.gguf: No such file");
    assert_set_refused("/tmp", "/tmp: not a regular file");
}

/* ---- files of others --------------------------------------------------------------------- */

static void open_all(const char *pattern)
{
    glob_t found;

    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct gguf *g;
        struct err e = ERR_NONE;
        if (gguf_open(&g, found.gl_pathv[i], &e) < 0)
            fail_msg("%s", e.text);
        gguf_close(g);
    }
    globfree(&found);
}

static void models_written_by_llama_cpp_open(void **state)
{
    char pattern[4200];
    (void)state;
    snprintf(pattern, sizeof pattern, "%s/*.gguf", shared_path("models/gguf"));
    open_all(pattern);
    snprintf(pattern, sizeof pattern, "%s/*/model.gguf", shared_path("golden/arch"));
    open_all(pattern);
    snprintf(pattern, sizeof pattern, "%s/*.gguf", shared_path("tokenizers"));
    open_all(pattern);
    open_all(shared_path("golden/arch/llama-split/model-00001-of-00003.gguf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_value_of_another_kind_is_an_error_and_a_missing_one_is_not),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(headers_that_are_not_ours_are_refused),
        cmocka_unit_test(keys_that_lie_are_refused),
        cmocka_unit_test(a_key_may_repeat_only_with_the_same_value),
        cmocka_unit_test(tensors_that_lie_are_refused),
        cmocka_unit_test(a_tensor_name_may_not_repeat_nor_be_long),
        cmocka_unit_test(an_alignment_must_be_a_power_of_two),
        cmocka_unit_test(an_empty_tensor_is_allowed),
        cmocka_unit_test_setup_teardown(a_split_set_opens_whole_or_not_at_all, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(gguf_open_survives_every_failed_allocation, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(models_written_by_llama_cpp_open),
    };
    return RUN(tests);
}
