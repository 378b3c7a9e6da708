#include "tests/test.h"

#include "base/mem.h"
#include "runners/safetensors.h"
#include "tests/weights.h"

static const uint8_t bytes[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static int open_image(const struct strbuf *image, struct err *e)
{
    struct safetensors *s;
    void *exact = mem_alloc(image->len); /* so that a sanitizer sees a read past the end */
    int rc;

    assert_non_null(exact);
    memcpy(exact, strbuf_str(image), image->len);
    rc = safetensors_open_bytes(&s, exact, image->len, "image", e);
    safetensors_close(s);
    mem_free(exact);
    return rc;
}

static void what_was_written_is_read(void **state)
{
    struct strbuf image = STRBUF_INIT;
    struct weights w = {0};
    struct safetensors *s;
    const struct safetensor *t;
    struct err e = ERR_NONE;
    (void)state;

    weights_add(&w, "b.weight", "F32", "[2,1,2]", bytes, 16);
    weights_add(&w, "a", "BF16", "[3]", bytes, 6);
    weights_add(&w, "scalar", "F8_E4M3", "[]", bytes, 1);
    weights_add(&w, "none", "I64", "[0,7]", bytes, 0);
    weights_finish(&w, &image);
    assert_int_equal(safetensors_open_bytes(&s, image.s, image.len, "image", &e), 0);
    assert_int_equal(safetensors_count(s), 4);
    assert_memory_equal(safetensors_at(s, 0)->name.s, "a", 1);
    t = safetensors_find(s, "b.weight", 8);
    assert_non_null(t);
    assert_int_equal(t->type, ST_F32);
    assert_int_equal(t->n_dims, 3);
    assert_int_equal(t->dim[0], 2);
    assert_int_equal(t->dim[1], 1);
    assert_int_equal(t->dim[5], 1);
    assert_memory_equal(t->data, bytes, 16);
    assert_int_equal(safetensors_find(s, "scalar", 6)->n_dims, 0);
    assert_int_equal(safetensors_find(s, "none", 4)->bytes, 0);
    assert_null(safetensors_find(s, "b", 1));
    assert_int_equal(safetensors_bytes(s), image.len);
    safetensors_close(s);
    strbuf_release(&image);
    assert_int_equal(mem_live(), 0);
}

#define AT(type, shape, from, to)                                                                  \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static const struct {
    const char *header;
    size_t data;
    const char *text;
} lies[] = {
    {"[]", 0, "the header is not an object"},
    {"{\"a\":1}", 0, "unknown type"},
    {"{\"a\":" AT("F4", "[1]", "0", "1") "}", 1, "unknown type 'F4'"},
    {"{\"a\":" AT("U8", "[-1]", "0", "1") "}", 1, "dimension 0 is out of range"},
    {"{\"a\":" AT("U8", "[1.5]", "0", "1") "}", 1, "dimension 0 is out of range"},
    {"{\"a\":" AT("U8", "7", "0", "1") "}", 1, "has no shape"},
    {"{\"a\":" AT("U8", "[1,1,1,1,1,1,1]", "0", "1") "}", 1, "more than 6 dimensions"},
    {"{\"a\":" AT("F64", "[1099511627776,1099511627776]", "0", "8") "}", 8, "overflows"},
    {"{\"a\":" AT("F32", "[2]", "0", "4") "}", 8, "need 8 bytes, its place has 4"},
    {"{\"a\":" AT("U8", "[2]", "2", "0") "}", 8, "no valid data_offsets"},
    {"{\"a\":" AT("U8", "[2]", "0", "2.5") "}", 8, "no valid data_offsets"},
    {"{\"a\":" AT("U8", "[9]", "0", "9") "}", 8, "ends at byte 9 of 8"},
    {"{\"a\":" AT("U8", "[4]", "0", "4") ",\"b\":" AT("U8", "[4]", "3", "7") "}", 8,
     "tensors 'a' and 'b' overlap"},
    {"{\"a\":" AT("U8", "[1]", "0", "1") ",\"a\":" AT("U8", "[1]", "1", "2") "}", 2,
     "tensor 'a' is there twice"},
    {"{\"\":" AT("U8", "[1]", "0", "1") "}", 1, "a tensor name of 0 bytes"},
    {"{\"a\":", 0, "malformed JSON"},
};

static void a_header_that_lies_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct strbuf image = STRBUF_INIT;
        struct err e = ERR_NONE;
        weights_raw(&image, lies[i].header, lies[i].data);
        assert_int_equal(open_image(&image, &e), -1);
        if (!strstr(e.text, lies[i].text) || !strstr(e.text, "image"))
            fail_msg("expected \"%s\", got \"%s\"", lies[i].text, e.text);
        strbuf_release(&image);
        assert_int_equal(mem_live(), 0);
    }
}

static void a_length_beyond_the_file_is_refused(void **state)
{
    static const uint8_t lengths[][8] = {
        {3}, {255, 255, 255, 255, 255, 255, 255, 255}, {0, 0, 0, 0, 1}};
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        struct strbuf image = STRBUF_INIT;
        struct err e = ERR_NONE;
        strbuf_add(&image, lengths[i], 8);
        strbuf_adds(&image, "{}");
        assert_int_equal(open_image(&image, &e), -1);
        assert_non_null(strstr(e.text, "the header claims"));
        strbuf_truncate(&image, 7);
        assert_int_equal(open_image(&image, &e), -1);
        strbuf_release(&image);
    }
}

static void put_weights(const char *dir, const char *file, const char *name)
{
    struct strbuf image = STRBUF_INIT;
    struct weights w = {0};

    weights_add(&w, name, "U8", "[12]", bytes, 12);
    weights_finish(&w, &image);
    folder_put(dir, file, image.s, image.len);
    strbuf_release(&image);
}

static void put_index(const char *dir, const char *map)
{
    char text[512];

    snprintf(text, sizeof text, "{\"metadata\":{},\"weight_map\":{%s}}", map);
    folder_put(dir, "model.safetensors.index.json", text, strlen(text));
}

static void an_index_joins_files(void **state)
{
    struct safetensors *s;
    struct err e = ERR_NONE;
    char dir[256];
    (void)state;

    folder_make(dir);
    put_weights(dir, "x-00001-of-00002.safetensors", "a");
    put_weights(dir, "x-00002-of-00002.safetensors", "b");
    put_weights(dir, "unrelated.safetensors", "c");
    put_index(dir, "\"a\":\"x-00001-of-00002.safetensors\",\"b\":\"x-00002-of-00002.safetensors\"");
    if (safetensors_open(&s, dir, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(safetensors_n_files(s), 2);
    assert_int_equal(safetensors_count(s), 2);
    assert_memory_equal(safetensors_find(s, "b", 1)->data, bytes, 12);
    safetensors_close(s);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void an_index_that_lies_is_refused(void **state)
{
    static const struct { const char *map, *text; } maps[] = {
        {"\"a\":\"../../etc/passwd.safetensors\"", "is no file of the folder"},
        {"\"a\":\"/etc/x.safetensors\"", "is no file of the folder"},
        {"\"a\":\"..safetensors\"", "is no file of the folder"},
        {"\"a\":\"config.json\"", "is no file of the folder"},
        {"\"a\":7", "is no file of the folder"},
        {"\"a\":\"missing.safetensors\"", "missing.safetensors"},
        {"\"b\":\"one.safetensors\"", "tensor 'b' is not in one.safetensors"},
        {"\"a\":\"one.safetensors\",\"x\":\"two.safetensors\"", "tensor 'a' is there twice"},
        {"", "names 0 files"},
    };
    char dir[256];
    (void)state;

    folder_make(dir);
    put_weights(dir, "one.safetensors", "a");
    put_weights(dir, "two.safetensors", "a");
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        struct safetensors *s;
        struct err e = ERR_NONE;
        put_index(dir, maps[i].map);
        assert_int_equal(safetensors_open(&s, dir, &e), -1);
        assert_null(s);
        if (!strstr(e.text, maps[i].text))
            fail_msg("expected \"%s\", got \"%s\"", maps[i].text, e.text);
        assert_int_equal(mem_live(), 0);
    }
    folder_remove(dir);
}

static void without_an_index_one_file_is_the_model(void **state)
{
    struct safetensors *s;
    struct err e = ERR_NONE;
    char dir[256];
    (void)state;

    folder_make(dir);
    folder_put(dir, "pytorch_model.bin", "x", 1);
    assert_int_equal(safetensors_open(&s, dir, &e), -1);
    assert_non_null(strstr(e.text, "hold code and are not read"));
    put_weights(dir, "any.safetensors", "a");
    assert_int_equal(safetensors_open(&s, dir, &e), 0);
    assert_int_equal(safetensors_count(s), 1);
    safetensors_close(s);
    put_weights(dir, "other.safetensors", "a");
    assert_int_equal(safetensors_open(&s, dir, &e), -1);
    assert_non_null(strstr(e.text, "2 .safetensors files"));
    put_weights(dir, "model.safetensors", "b");
    assert_int_equal(safetensors_open(&s, dir, &e), 0);
    assert_non_null(safetensors_find(s, "b", 1));
    safetensors_close(s);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void opening_survives_every_failed_allocation(void **state)
{
    char dir[256];
    int rc = -1;
    (void)state;

    folder_make(dir);
    put_weights(dir, "one.safetensors", "a");
    put_index(dir, "\"a\":\"one.safetensors\"");
    for (int nth = 0; rc < 0; nth++) {
        struct safetensors *s = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = safetensors_open(&s, dir, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        safetensors_close(s);
        assert_int_equal(mem_live(), 0);
    }
    folder_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_header_that_lies_is_refused_by_name),
        cmocka_unit_test(a_length_beyond_the_file_is_refused),
        cmocka_unit_test(an_index_joins_files),
        cmocka_unit_test(an_index_that_lies_is_refused),
        cmocka_unit_test(without_an_index_one_file_is_the_model),
        cmocka_unit_test(opening_survives_every_failed_allocation),
    };
    return RUN(tests);
}
