#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/strbuf.h"

static void json_numbers_read_back_to_the_same_double(void **state)
{
    static const double values[] = {0.1, 1.0 / 3, 1e300, -5e-324, 123456789012345678.0, 0, 42};
    char text[40];
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_format_num(text, sizeof text, values[i]);
        assert_true(strtod(text, NULL) == values[i]);
    }
}

static void json_written_is_json_read(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    struct err e = ERR_NONE;
    (void)state;
    json_begin_object(&o, NULL);
    json_put_str(&o, "text", "a\"b\\c\n\xe4\xb8\xad\x01");
    json_put_strn(&o, "cut", "x\xe4\xb8", 3);
    json_put_num(&o, "nan", NAN);
    json_begin_array(&o, "list");
    json_put_int(&o, NULL, -7);
    json_put_bool(&o, NULL, 1);
    json_end_array(&o);
    json_end_object(&o);
    cJSON *j = json_parse(b.s, b.len, "text", &e);
    assert_non_null(j);
    assert_string_equal(json_str(j, "text"), "a\"b\\c\n\xe4\xb8\xad\x01");
    assert_true(cJSON_IsNull(json_get(j, "nan")));
    assert_int_equal(cJSON_GetArraySize(json_get(j, "list")), 2);
    json_free(j);
    strbuf_release(&b);
}

static void json_refuses_what_is_malformed(void **state)
{
    static const char *bad[] = {"{", "{} x", "\"\xff\"", "[1,]", "", "nul", "\"a\\u0000b\"",
                                "\"\\\\\\u0000\""};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_NONE;
        assert_null(json_parse(bad[i], strlen(bad[i]), "f:1", &e));
        assert_int_equal(e.code, ERR_FORMAT);
        assert_non_null(strstr(e.text, "f:1"));
    }
    struct err e = ERR_NONE;
    cJSON *j = json_parse("\"\\\\u0000\"", 9, "f:1", &e); /* a backslash, and then no escape */
    assert_string_equal(cJSON_GetStringValue(j), "\\u0000");
    json_free(j);
}

static void json_survives_deep_nesting(void **state)
{
    struct err e = ERR_NONE;
    char *deep = mem_alloc(200001);
    (void)state;
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    assert_null(json_parse(deep, 200000, "deep", &e));
    mem_free(deep);
}

static void sha256_of_abc(void **state)
{
    char hex[SHA256_HEX];
    (void)state;
    assert_int_equal(sha256_bytes(hex, "abc", 3, NULL), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void lines_end_with_or_without_newline(void **state)
{
    char path[] = "/tmp/densimeter-test-XXXXXX";
    struct line_reader r;
    struct err e = ERR_NONE;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_write(path, "one\r\n\nthree", 11, &e), 0);
    assert_int_equal(lines_open(&r, path, &e), 0);
    assert_int_equal(lines_next(&r, &e), 1);
    assert_string_equal(strbuf_str(&r.line), "one");
    assert_int_equal(lines_next(&r, &e), 1);
    assert_string_equal(strbuf_str(&r.line), "");
    assert_int_equal(lines_next(&r, &e), 1);
    assert_string_equal(strbuf_str(&r.line), "three");
    assert_int_equal(r.n, 3);
    assert_int_equal(lines_next(&r, &e), 0);
    lines_close(&r);
    unlink(path);
}

static void a_zero_byte_stays_in_its_line(void **state)
{
    static const char text[] = "a\0b\n\0\nc";
    char path[] = "/tmp/densimeter-test-XXXXXX";
    struct line_reader r;
    struct err e = ERR_NONE;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_write(path, text, sizeof text - 1, &e), 0);
    assert_int_equal(lines_open(&r, path, &e), 0);
    assert_int_equal(lines_next(&r, &e), 1);
    assert_int_equal(r.line.len, 3);
    assert_null(json_parse(r.line.s, r.line.len, "f:1", &e));
    assert_int_equal(lines_next(&r, &e), 1);
    assert_int_equal(r.line.len, 1);
    assert_int_equal(lines_next(&r, &e), 1);
    assert_string_equal(strbuf_str(&r.line), "c");
    assert_int_equal(r.n, 3);
    assert_int_equal(lines_next(&r, &e), 0);
    lines_close(&r);
    unlink(path);
}

static void json_shows_a_terminal_no_control_character(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    (void)state;
    json_begin_array(&o, NULL);
    json_put_str(&o, NULL, "\x1b\x7f\xc2\x9b\xe2\x80\xae\xc2\xa0\xe2\x80\xa6");
    json_put_count(&o, NULL, -1);
    json_put_bool(&o, NULL, -1);
    json_put_raw(&o, NULL, NULL);
    json_end_array(&o);
    assert_string_equal(b.s, "[\"\\u001b\\u007f\\u009b\\u202e\xc2\xa0\xe2\x80\xa6\","
                             "null,null,null]");
    strbuf_release(&b);
}

static void what_is_printable_is_left_alone(void **state)
{
    static const struct { const char *from, *line, *lines; } rows[] = {
        {"plain \xe4\xb8\xad\xc2\xa0", "plain \xe4\xb8\xad\xc2\xa0", "plain \xe4\xb8\xad\xc2\xa0"},
        {"a\n\tb", "a??b", "a\n\tb"},
        {"\x1b[31m\r\x07", "?[31m??", "?[31m??"},
        {"\xc2\x9b" "1m", "??1m", "??1m"},
        {"\xe2\x80\xaex\xe2\x81\xa6", "???x???", "???x???"},
        {"\x9b\xffz\xe4\xb8", "??z??", "??z??"},
        {"", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_add_printable(&b, rows[i].from, 0);
        assert_string_equal(strbuf_str(&b), rows[i].line);
        strbuf_clear(&b);
        strbuf_add_printable(&b, rows[i].from, 1);
        assert_string_equal(strbuf_str(&b), rows[i].lines);
        strbuf_release(&b);
    }
}

static void error_text_has_no_control_characters(void **state)
{
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(err_set(&e, ERR_FORMAT, "bad \x1b[31mname"), -1);
    assert_string_equal(e.text, "bad ?[31mname");
    err_set(&e, ERR_FORMAT, "bad \xc2\x9b" "31mname");
    assert_string_equal(e.text, "bad ??31mname");
}

static void what_is_no_file_is_written_to_and_stays_what_it_is(void **state)
{
    char path[64], got[4] = "";
    struct err e = ERR_NONE;
    int fd;
    (void)state;
    snprintf(path, sizeof path, "/tmp/densimeter-fifo-%ld", (long)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(file_write(path, "one", 3, &e), 0);
    assert_int_equal(read(fd, got, 3), 3);
    assert_string_equal(got, "one");
    assert_true(file_is_special(path));
    close(fd);
    unlink(path);
}

enum { AHEAD_BYTES = 24 << 20, POPULATE_READ = 22 };

static size_t pages_in_memory(const struct file_map *m)
{
    static unsigned char there[AHEAD_BYTES / 4096 + 1];
    size_t pages = m->len / (size_t)sysconf(_SC_PAGESIZE), n = 0;

    assert_int_equal(mincore((void *)m->bytes, m->len, there), 0);
    for (size_t i = 0; i < pages; i++)
        n += there[i] & 1;
    return n;
}

/* Of files, that are this process's. */
static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    long kb = -1;

    assert_non_null(f);
    while (kb < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "RssFile: %ld kB", &kb) != 1)
            kb = -1;
    fclose(f);
    return kb;
}

static void what_is_read_ahead_is_in_memory(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct file_map m;
    struct err e = ERR_NONE;
    const int stop = 1;
    char path[64];
    size_t before;
    long own_kb;
    int fd;
    (void)state;
    if (getenv("EMULATOR")) {
        print_message("          skipped: an emulator drops what it does not know of madvise\n");
        skip();
    }
    snprintf(path, sizeof path, "/var/tmp/densimeter-ahead-%ld", (long)getpid());
    for (int i = 0; i < AHEAD_BYTES / 16; i++)
        strbuf_add(&b, "0123456789abcdef", 16);
    assert_int_equal(file_write(path, strbuf_str(&b), b.len, &e), 0);
    fd = open(path, O_RDONLY);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    close(fd);
    assert_int_equal(file_map(&m, path, &e), 0);
    unlink(path);
    before = pages_in_memory(&m);
    file_read_ahead(&FILE_MAP_NONE, NULL);
    file_read_ahead(&m, &stop);
    assert_int_equal(pages_in_memory(&m), before);
    own_kb = resident_kb();
    file_read_ahead(&m, NULL);
    assert_true(resident_kb() < own_kb + (AHEAD_BYTES >> 11)); /* half of it would be too much */
    if (madvise((void *)m.bytes, 4096, POPULATE_READ) < 0 && errno == EINVAL) {
        print_message("          skipped: this kernel cannot read a mapping ahead\n");
        file_unmap(&m);
        strbuf_release(&b);
        skip();
    }
    assert_int_equal(pages_in_memory(&m), m.len / (size_t)sysconf(_SC_PAGESIZE));
    assert_memory_equal(m.bytes, strbuf_str(&b), m.len);
    file_unmap(&m);
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_numbers_read_back_to_the_same_double),
        cmocka_unit_test(json_written_is_json_read),
        cmocka_unit_test(json_refuses_what_is_malformed),
        cmocka_unit_test(json_survives_deep_nesting),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(lines_end_with_or_without_newline),
        cmocka_unit_test(a_zero_byte_stays_in_its_line),
        cmocka_unit_test(json_shows_a_terminal_no_control_character),
        cmocka_unit_test(what_is_printable_is_left_alone),
        cmocka_unit_test(error_text_has_no_control_characters),
        cmocka_unit_test(what_is_no_file_is_written_to_and_stays_what_it_is),
        cmocka_unit_test(what_is_read_ahead_is_in_memory),
    };
    return RUN(tests);
}
