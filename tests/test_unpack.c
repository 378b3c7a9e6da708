/* Packed files: what is in them comes out as it was, and what is broken, missing or too large is told. */
#include "tests/test.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/unpack.h"
#include "tasks/documents.h"

static char dir[] = "/tmp/densimeter-unpack-XXXXXX";

static const char *at(const char *name)
{
    static char path[4][200];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
    return path[i];
}

static void pack_zip(const char *path, const char *member, const char *text, int type)
{
    struct archive *a = archive_write_new();
    struct archive_entry *x = archive_entry_new();

    archive_write_set_format_zip(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_pathname(x, member);
    archive_entry_set_filetype(x, (unsigned)type);
    archive_entry_set_perm(x, 0644);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(x, "/etc/passwd");
    else
        archive_entry_set_size(x, (la_int64_t)strlen(text));
    assert_int_equal(archive_write_header(a, x), ARCHIVE_OK);
    if (type != AE_IFLNK)
        archive_write_data(a, text, strlen(text));
    archive_entry_free(x);
    archive_write_close(a);
    archive_write_free(a);
}

/* The text so often. */
static void pack_gz(const char *path, const char *text, int times)
{
    struct archive *a = archive_write_new();
    struct archive_entry *x = archive_entry_new();

    archive_write_set_format_raw(a);
    archive_write_add_filter_gzip(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_filetype(x, AE_IFREG);
    archive_entry_set_pathname(x, "data");
    assert_int_equal(archive_write_header(a, x), ARCHIVE_OK);
    for (int i = 0; i < times; i++)
        archive_write_data(a, text, strlen(text));
    archive_entry_free(x);
    archive_write_close(a);
    archive_write_free(a);
}

static int count_of(const char *path, struct err *e)
{
    cJSON *list;
    int rc, n;

    json_begin();
    list = cJSON_CreateArray();
    rc = documents_read(list, path, e);
    n = cJSON_GetArraySize(list);
    json_free(list);
    return rc < 0 ? -1 : n;
}

static void packed_documents_are_read_as_plain_ones_are(void **state)
{
    struct err e = ERR_NONE;
    (void)state;
    pack_gz(at("a.jsonl.gz"), "{\"a\":1}\n", 3000);
    assert_int_equal(count_of(at("a.jsonl.gz"), &e), 3000);
    pack_gz(at("b.json.gz"), "[{\"a\":1},{\"a\":2}]", 1);
    assert_int_equal(count_of(at("b.json.gz"), &e), 2);
    pack_gz(at("c.csv.gz"), "a,b\n1,x\n", 1);
    assert_int_equal(count_of(at("c.csv.gz"), &e), 1);
    pack_zip(at("d.zip"), "deep/e.jsonl", "{\"a\":1}\n{\"a\":2}\n", AE_IFREG);
    assert_int_equal(count_of(at("d.zip#deep/e.jsonl"), &e), 2);
    assert_int_equal(unpack_is_packed("x.json", NULL, NULL, NULL), 0);
    assert_int_equal(unpack_is_packed(".gz", NULL, NULL, NULL), 0);
    assert_int_equal(unpack_is_packed("x.zip#", NULL, NULL, NULL), 0);
    assert_int_equal(mem_live(), 0);
}

static void refused(const char *name, const char *why)
{
    struct err e = ERR_NONE;

    assert_int_equal(count_of(at(name), &e), -1);
    if (!strstr(e.text, why))
        fail_msg("%s, expected %s", e.text, why);
}

static void what_cannot_be_unpacked_is_told(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    refused("none.json.gz", "none.json.gz: No such file");
    refused("d.zip#e.jsonl", "d.zip#e.jsonl: no such file in there");
    pack_zip(at("l.zip"), "x.jsonl", "", AE_IFLNK);
    refused("l.zip#x.jsonl", "is not a plain file in there");
    assert_int_equal(file_write(at("p.jsonl.gz"), "{\"a\":1}\n", 8, NULL), 0);
    refused("p.jsonl.gz", "p.jsonl.gz: ");
    assert_int_equal(file_write(at("p.zip"), "{\"a\":1}\n", 8, NULL), 0);
    refused("p.zip#a.jsonl", "p.zip#a.jsonl: ");
    assert_int_equal(file_read(&b, at("a.jsonl.gz"), 1 << 20, NULL), 0);
    assert_int_equal(file_write(at("cut.jsonl.gz"), b.s, b.len / 2, NULL), 0);
    refused("cut.jsonl.gz", "cut.jsonl.gz: ");
    pack_gz(at("a.txt.gz"), "x", 1);
    refused("a.txt.gz", "a.txt.gz, unpacked: ");
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

/* Blanks packed `times` over: libarchive takes all the layers off. */
static void pack_blanks(const char *path, int times, int n)
{
    struct archive *a = archive_write_new();
    struct archive_entry *x = archive_entry_new();
    char blanks[1 << 16];

    memset(blanks, ' ', sizeof blanks);
    archive_write_set_format_raw(a);
    while (times-- > 0)
        archive_write_add_filter_gzip(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    archive_entry_set_filetype(x, AE_IFREG);
    assert_int_equal(archive_write_header(a, x), ARCHIVE_OK);
    for (int i = 0; i < n; i++)
        archive_write_data(a, blanks, sizeof blanks);
    archive_entry_free(x);
    archive_write_close(a);
    archive_write_free(a);
}

static void nothing_comes_out_that_one_packing_cannot_have_put_in(void **state)
{
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(file_write(at("plain"), "", 0, NULL), 0);
    pack_blanks(at("once.gz"), 1, 512);
    assert_int_equal(unpack_file(at("once.gz"), at("plain"), &e), 0);
    assert_int_equal(file_size(at("plain")), 512 << 16);
    pack_blanks(at("twice.gz"), 2, 512);
    assert_true(file_size(at("twice.gz")) < 1 << 10);
    assert_int_equal(unpack_file(at("twice.gz"), at("plain"), &e), -1);
    assert_non_null(strstr(e.text, "1032 times its own"));
    assert_true(file_size(at("plain")) < 2 << 20);
    assert_int_equal(mem_live(), 0);
}

static void unpacking_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    assert_int_equal(file_write(at("plain"), "", 0, NULL), 0);
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = unpack_file(at("a.jsonl.gz"), at("plain"), &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), 0);
    }
}

static int clean(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_documents_are_read_as_plain_ones_are),
        cmocka_unit_test(what_cannot_be_unpacked_is_told),
        cmocka_unit_test(nothing_comes_out_that_one_packing_cannot_have_put_in),
        cmocka_unit_test(unpacking_survives_every_failed_allocation),
    };

    if (!mkdtemp(dir))
        return 1;
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, clean);
}
