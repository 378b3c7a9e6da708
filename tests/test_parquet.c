/* Files that pyarrow wrote (tests/golden/parquet/make.py), read back; and what strangers write. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parquet.h"
#include "base/parquet_impl.h"

static int collect(void *user, cJSON *record, struct err *e)
{
    if (cJSON_AddItemToArray(user, record))
        return 0;
    json_free(record);
    return err_nomem(e);
}

static int read_all(cJSON **list, const char *path, struct err *e)
{
    json_begin();
    *list = cJSON_CreateArray();
    return *list ? parquet_read(path, collect, *list, e) : err_nomem(e);
}

static void assert_holds(const char *parquet, const char *jsonl)
{
    char path[200];
    struct line_reader lines;
    struct err e = ERR_NONE;
    cJSON *list;
    int n = 0;

    snprintf(path, sizeof path, "tests/golden/parquet/%s.parquet", parquet);
    if (read_all(&list, path, &e) < 0)
        fail_msg("%s", e.text);
    snprintf(path, sizeof path, "tests/golden/parquet/%s.jsonl", jsonl);
    assert_int_equal(lines_open(&lines, path, &e), 0);
    for (; lines_next(&lines, &e) == 1; n++) {
        cJSON *want = json_parse(lines.line.s, lines.line.len, path, &e);
        const cJSON *got = cJSON_GetArrayItem(list, n);
        assert_non_null(want);
        if (!cJSON_Compare(want, got, 1))
            fail_msg("%s, record %d: %s where there is %s", parquet, n,
                     cJSON_PrintUnformatted(got), lines.line.s);
        json_free(want);
    }
    assert_int_equal(n, cJSON_GetArraySize(list));
    lines_close(&lines);
    json_free(list);
    assert_int_equal(mem_live(), 0);
}

static void records_are_those_that_pyarrow_wrote(void **state)
{
    (void)state;
    assert_holds("arc_snappy", "arc");
    assert_holds("arc_zstd", "arc");
    assert_holds("flat_gzip", "flat");
    assert_holds("flat_plain", "flat");
    assert_holds("flat_pages", "flat");
    assert_holds("nested_snappy", "nested");
    assert_holds("nested_pages", "nested");
    assert_holds("small", "small");
}

static void what_is_not_read_is_refused_by_its_name(void **state)
{
    static const char *const rows[][2] = {
        {"refused_time", "points in time"},
        {"refused_bytes", "bytes that are no text"},
        {"refused_lz4", "packed by LZ4"},
        {"refused_delta", "values in encoding 5"},
        {"make", "No such file"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        char path[200];
        cJSON *list;
        snprintf(path, sizeof path, "tests/golden/parquet/%s.parquet", rows[i][0]);
        assert_int_equal(read_all(&list, path, &e), -1);
        if (!strstr(e.text, rows[i][1]) || !strstr(e.text, rows[i][0]))
            fail_msg("'%s' lacks '%s'", e.text, rows[i][1]);
        json_free(list);
    }
    assert_int_equal(mem_live(), 0);
}

static int parse_all(const uint8_t *bytes, size_t n, struct err *e)
{
    cJSON *list;
    int rc;

    json_begin();
    list = cJSON_CreateArray();
    rc = parquet_parse(bytes, n, "t.parquet", collect, list, e);
    json_free(list);
    return rc;
}

/* Every byte that decides something, changed: an error or other records, never a crash. */
static void damaged_files_are_refused_or_read_differently(void **state)
{
    static const char *const names[] = {"arc_zstd", "flat_pages", "nested_pages", "flat_gzip"};
    int refused = 0;
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        struct strbuf b = STRBUF_INIT;
        char path[200];
        snprintf(path, sizeof path, "tests/golden/parquet/%s.parquet", names[k]);
        assert_int_equal(file_read(&b, path, 1 << 20, NULL), 0);
        for (size_t i = 0; i < b.len; i += i + 1500 < b.len ? 37 : 5) {
            struct err e = ERR_NONE;
            char was = b.s[i];
            b.s[i] = (char)(was ^ (1 << (i % 8)));
            if (parse_all((uint8_t *)b.s, b.len, &e) < 0) {
                refused++;
                assert_true(e.code == ERR_FORMAT || e.code == ERR_UNSUPPORTED);
                assert_non_null(strstr(e.text, "t.parquet"));
            }
            b.s[i] = was;
        }
        for (size_t n = 0; n < b.len; n += 1 + b.len / 50)
            assert_int_equal(parse_all((uint8_t *)b.s, n, NULL), -1);
        strbuf_release(&b);
    }
    assert_true(refused > 100);
    assert_int_equal(mem_live(), 0);
}

static void snappy_never_reads_or_writes_outside(void **state)
{
    static const struct {
        const char *in;
        size_t n, n_out;
        const char *out; /* NULL: damaged */
    } rows[] = {
        {"\x05\x10hello", 7, 5, "hello"},
        {"\x09\x08" "abc\x09\x03", 7, 9, "abcabcabc"},
        {"\x08\x08" "abc\x09\x03", 7, 8, NULL},      /* one byte more than there is room for */
        {"\x09\x08" "abc\x15\x03", 7, 12, NULL},     /* another length than is wanted */
        {"\x0c\x08" "abc\x15\x03", 7, 12, "abcabcabcabc"},
        {"\x0c\x08" "abc\x22\x03\x00", 8, 12, "abcabcabcabc"},
        {"\x0c\x08" "abc\x15\x04", 7, 12, NULL},     /* before the beginning */
        {"\x0c\x08" "abc\x15\x00", 7, 12, NULL},
        {"\x0c\x08" "abc\x15", 6, 12, NULL},
        {"\x0c\xf0\x02" "abc", 6, 12, NULL},
        {"\x03\xf0\x02" "abc", 6, 3, "abc"},
        {"\x03\xfc\xff\xff\xff\xff" "abc", 9, 3, NULL},
        {"\xff\xff\xff\xff\xff\xff", 6, 3, NULL},
        {"", 0, 3, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *out = mem_alloc(rows[i].n_out);
        int rc = snappy_unpack((const uint8_t *)rows[i].in, rows[i].n, out, rows[i].n_out);
        if ((rc == 0) != (rows[i].out != NULL))
            fail_msg("row %zu", i);
        if (rc == 0)
            assert_memory_equal(out, rows[i].out, rows[i].n_out);
        mem_free(out);
    }
}

static void every_failed_allocation_is_survived(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        cJSON *list = NULL;
        mem_fail_at(nth);
        rc = read_all(&list, "tests/golden/parquet/small.parquet", &e);
        mem_fail_at(-1);
        json_free(list);
        assert_int_equal(mem_live(), 0);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_those_that_pyarrow_wrote),
        cmocka_unit_test(what_is_not_read_is_refused_by_its_name),
        cmocka_unit_test(damaged_files_are_refused_or_read_differently),
        cmocka_unit_test(snappy_never_reads_or_writes_outside),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
