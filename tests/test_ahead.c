/* Weights that are not in memory are asked for in large pieces before anything looks into them.  What
 * the system is asked is noted here in its place: this program's madvise and mincore. */
#include "tests/test.h"

#include <sys/mman.h>

#include "base/file.h"
#include "runners/runner.h"
#include "tests/store_fixture.h"

enum { POPULATE_READ = 22, FLOATS = 1 << 13, TENSORS = 3 };

static size_t asked_bytes;
static int is_there;

int madvise(void *at, size_t n, int advice)
{
    (void)at;
    asked_bytes += advice == POPULATE_READ ? n : 0;
    return 0;
}

int mincore(void *at, size_t n, unsigned char *there)
{
    (void)at, (void)n;
    *there = (unsigned char)is_there;
    return 0;
}

static void put(struct strbuf *b, uint64_t v, size_t n)
{
    strbuf_add(b, &v, n); /* the least byte first, as the processors here have it */
}

static void put_text(struct strbuf *b, const char *text)
{
    put(b, strlen(text), 8);
    strbuf_adds(b, text);
}

/* Three rows of floats, the second of which comes last in the list, of an architecture without a
 * dimension: no model. */
static void write_tensors(const char *path, const char *architecture)
{
    static const struct {
        const char *name;
        int at, n; /* in FLOATS */
    } rows[TENSORS] = {{"a", 0, 8}, {"c", 9, 8}, {"b", 8, 1}};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;

    strbuf_adds(&b, "GGUF");
    put(&b, 3, 4);
    put(&b, TENSORS, 8);
    put(&b, 1, 8);
    put_text(&b, "general.architecture");
    put(&b, 8, 4); /* a text */
    put_text(&b, architecture);
    for (int i = 0; i < TENSORS; i++) {
        put_text(&b, rows[i].name);
        put(&b, 1, 4);
        put(&b, (uint64_t)rows[i].n * FLOATS, 8);
        put(&b, 0, 4);
        put(&b, (uint64_t)rows[i].at * FLOATS * 4, 8);
    }
    while (b.len % 32)
        strbuf_addc(&b, 0);
    for (int i = 0; i < 17 * FLOATS; i++)
        put(&b, 0, 4);
    assert_int_equal(file_write(path, strbuf_str(&b), b.len, &e), 0);
    strbuf_release(&b);
}

static size_t asked_for(const char *device, int stops, int in_memory, int code)
{
    const int stop = stops;
    const struct runner_opts o = {.device = device, .stop = &stop};
    struct runner *r;
    struct err e = ERR_NONE;

    asked_bytes = 0;
    is_there = in_memory;
    assert_int_equal(runner_open(&r, in_dir("three.gguf"), &o, &e), -1); /* it is no model */
    assert_int_equal(e.code, code);
    return asked_bytes;
}

static void all_weights_are_read_ahead_in_whatever_order_they_are_listed(void **state)
{
    size_t all = (size_t)17 * FLOATS * 4, asked;

    (void)state;
    write_tensors(in_dir("three.gguf"), "llama");
    asked = asked_for("cpu", 0, 0, ERR_FORMAT);
    assert_true(asked >= all && asked < all + all / 4);
    assert_int_equal(asked_for("cpu", 0, 1, ERR_FORMAT), 0); /* they are there */
    assert_int_equal(asked_for("cpu", 1, 0, ERR_FORMAT), 0); /* nobody waits for them any more */
    assert_int_equal(asked_for("null", 0, 0, ERR_FORMAT), 0); /* which reads none */
    write_tensors(in_dir("three.gguf"), "lama");
    assert_int_equal(asked_for("cpu", 0, 0, ERR_UNSUPPORTED), 0); /* no device computes it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_weights_are_read_ahead_in_whatever_order_they_are_listed),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
