/* Task files and data made to harm: each ends within a second of the processor's time with an error
 * that names the file, and the line where there is one.  Large files are sparse: they have a length
 * and no bytes. */
#include "tests/test.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/lmeval_check.h"

#define TASK(data)                                                                                \
    "task: t\ntest_split: test\noutput_type: generate_until\ndoc_to_text: '{{q}}'\n"              \
    "doc_to_target: a\ndataset_kwargs: {data_files: {test: " data "}}\n"
#define ASKS(text)                                                                                \
    "task: t\ntest_split: test\noutput_type: generate_until\ndoc_to_target: a\ndoc_to_text: \"" text   \
    "\"\ndataset_kwargs: {data_files: {test: DIR/d.jsonl}}\n"
#define ONE "d.jsonl", "{\"q\": \"x\", \"a\": \"y\"}\n"
#define GIB ((off_t)1 << 30)
enum { MANY = 100000 };

static const struct {
    const char *what, *yaml;
    const char *name, *bytes; /* a second file */
    off_t length;             /* of the second file; of the task file where there is none */
    const char *says;
} rows[] = {
    {"a line of 1 GB", TASK("DIR/d.jsonl"), "d.jsonl", "{\"q\": \"", GIB, "d.jsonl:1: a line of more"},
    {"a task file of 1 GB", "task: t\n", NULL, NULL, GIB, "t.yaml: larger than"},
    {"data that are no UTF-8", TASK("DIR/d.jsonl"), "d.jsonl", "{\"q\": \"x\"}\n{\"q\": \"\xff\"}\n", 0,
     "d.jsonl:2: not UTF-8"},
    {"a task file that is no UTF-8", "task: t\ndoc_to_text: '\xc3('\n", NULL, NULL, 0,
     "t.yaml:2:15: not UTF-8"},
    {"a file that includes itself", "include: t.yaml\ntask: t\n", NULL, NULL, 0, "t.yaml"},
    {"two files that include each other", "include: b.yaml\ntask: t\n", "b.yaml",
     "include: t.yaml\n", 0, ".yaml"},
    {"names that grow by aliases",
     "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
     "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
     "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
     "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: [*g, *g, *g, *g, *g, *g, *g, *g, *g]\ntask: t\n",
     NULL, NULL, 0, "t.yaml:"},
    {"a template without end",
     "task: t\ntest_split: test\noutput_type: generate_until\ndoc_to_target: a\ndoc_to_text: \"{% for a in "
     "range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% "
     "endfor %}\"\ndataset_kwargs: {data_files: {test: DIR/d.jsonl}}\n",
     "d.jsonl", "{\"q\": \"x\", \"a\": \"y\"}\n", 0, "t.yaml:5:"},
    {"a text times a thousand million", ASKS("{{ 'x' * 1000000000 }}"), ONE, 0, "t.yaml:"},
    {"a number without end", ASKS("{{ 9 ** 9 ** 9 ** 9 }}"), ONE, 0, "t.yaml:"},
    {"a template that calls itself",
     ASKS("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}"), ONE, 0, "t.yaml:"},
    {"a template nested too deep", ASKS("{{ MANY(x }}"), ONE, 0, "t.yaml:"},
    {"a task file nested too deep", "task: t\na: MANY[\n", NULL, NULL, 0, "t.yaml:"},
    {"data nested too deep", TASK("DIR/d.jsonl"), "d.jsonl", "{\"q\": MANY[\n", 0, "d.jsonl:1:"},
    {"a pattern that is too large",
     "task: t\noutput_type: generate_until\ndoc_to_text: q\ndoc_to_target: a\nfilter_list:\n  - name: n\n"
     "    filter: [{function: regex, regex_pattern: '((a{999}){999}){999}'}]\n",
     NULL, NULL, 0, "t.yaml:7:"},
    {"a task called by MB of name", "task: MANYx\ninclude: MANYy\n", NULL, NULL, 0, "t.yaml"},
};

static void put(const char *dir, const char *name, const char *bytes, off_t length)
{
    struct strbuf b = STRBUF_INIT;
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (const char *s = bytes; *s; s++)
        if (strncmp(s, "DIR", 3) == 0) {
            strbuf_adds(&b, dir);
            s += 2;
        } else if (strncmp(s, "MANY", 4) == 0) { /* of the character behind */
            s += 4;
            for (int i = 0; i < MANY; i++)
                strbuf_addc(&b, *s);
        } else {
            strbuf_addc(&b, *s);
        }
    assert_int_equal(file_write(path, b.s, b.len, NULL), 0);
    if (length)
        assert_int_equal(truncate(path, length), 0);
    strbuf_release(&b);
}

static void hostile_files_end_within_a_second_with_their_place(void **state)
{
    char dir[] = "/tmp/densimeter-hostile-XXXXXX", path[128];
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct task_opts o = {.shots = -1, .seed = 1234};
        struct lmeval_checked k;
        struct err e = ERR_NONE;
        clock_t from;
        put(dir, "t.yaml", rows[i].yaml, rows[i].name ? 0 : rows[i].length);
        if (rows[i].name)
            put(dir, rows[i].name, rows[i].bytes, rows[i].length);
        snprintf(path, sizeof path, "%s/t.yaml", dir);
        from = clock();
        if (lmeval_check(path, &o, &k, &e) == 0)
            fail_msg("%s is read", rows[i].what);
        if (!strstr(e.text, rows[i].says))
            fail_msg("%s: '%s' does not say '%s'", rows[i].what, e.text, rows[i].says);
        if (!took_less_than(1, from))
            fail_msg("%s takes longer than a second", rows[i].what);
        lmeval_checked_release(&k);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s", dir, rows[i].name ? rows[i].name : "none");
        unlink(path);
    }
    rmdir(dir);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_files_end_within_a_second_with_their_place),
    };
    return RUN(tests);
}
