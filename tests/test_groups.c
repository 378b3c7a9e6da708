/* Groups of task files as lm-eval (0.4.11) makes them one number: consolidate_group_results on 1,000
 * trees of two groups with tasks of made scores, sizes and standard errors; of its numbers the
 * SHA-256 of lines "GROUP METRIC FILTER %.12g %.12g" (or N/A) and two sums are kept. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "harness/groups.h"
#include "harness/select.h"
#include "tasks/task.h"
#include "tests/lmeval_cases.h"

enum { TASKS_MOST = 16, METRICS = 3 };

static const struct {
    const char *metric, *filter;
} keys[METRICS] = {{"acc", "none"}, {"acc", "strict"}, {"em", "none"}};

struct made { /* a run's tasks */
    struct task_row rows[TASKS_MOST];
    struct store_value values[TASKS_MOST][METRICS];
    char names[TASKS_MOST][16];
    int n, n_inner;
};

static void make(struct made *m, struct cases *c)
{
    m->n = 2 + cases_below(c, 12);
    for (int i = 0; i < m->n; i++) {
        struct task_row *t = &m->rows[i];
        int items = 1 + cases_below(c, 400);
        snprintf(m->names[i], sizeof m->names[i], "t%d", i);
        *t = (struct task_row){.task = m->names[i], .n = items, .n_scored = items,
                               .values = m->values[i]};
        for (int k = 0; k < METRICS; k++) {
            int have = cases_below(c, 4) > 0;
            double v = cases_below(c, 4097) / 4096.0, se = cases_below(c, 4096) / 65536.0;
            if (have)
                m->values[i][t->n_values++] = (struct store_value){
                    keys[k].metric, keys[k].filter, v, items > 1 ? se : NAN, NAN, NAN};
        }
    }
    m->n_inner = 1 + cases_below(c, m->n - 1);
}

static void put_group(struct json_out *o, const char *name, int depth, int n)
{
    char task[16];

    json_begin_object(o, NULL);
    json_put_str(o, "group", name);
    json_put_int(o, "depth", depth);
    json_put_raw(o, "metrics", "[{\"metric\":\"acc\",\"filters\":[\"none\",\"strict\"],"
                               "\"weight_by_size\":true},{\"metric\":\"em\",\"filters\":[\"none\"],"
                               "\"weight_by_size\":false}]");
    json_begin_array(o, "tasks");
    for (int i = 0; i < n; i++) {
        snprintf(task, sizeof task, "t%d", i);
        json_put_str(o, NULL, task);
    }
    json_end_array(o);
    json_end_object(o);
}

static void settings_of(struct strbuf *b, const struct made *m)
{
    struct json_out o = JSON_OUT(b);

    strbuf_clear(b);
    json_begin_object(&o, NULL);
    json_begin_array(&o, "groups");
    put_group(&o, "outer", 0, m->n);
    put_group(&o, "inner", 1, m->n_inner);
    json_end_array(&o);
    json_end_object(&o);
}

static const struct group_value *value_of(const struct group_score *g, int key)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->v[i].metric, keys[key].metric) == 0 &&
            strcmp(g->v[i].filter, keys[key].filter) == 0)
            return &g->v[i];
    return NULL;
}

static void a_group_is_what_lm_eval_makes_of_its_tasks(void **state)
{
    struct cases c = {7};
    struct strbuf settings = STRBUF_INIT, lines = STRBUF_INIT;
    double values = 0, errors = 0;
    char hex[SHA256_HEX];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        static struct made m;
        struct task_list l = {.v = m.rows};
        struct group_scores g;
        make(&m, &c);
        l.n = (size_t)m.n;
        settings_of(&settings, &m);
        assert_int_equal(groups_score(&g, strbuf_str(&settings), &l, NULL), 0);
        assert_int_equal(g.n, 2);
        for (size_t k = 0; k < g.n; k++)
            for (int key = 0; key < METRICS; key++) {
                const struct group_value *v = value_of(&g.v[k], key);
                if (!v)
                    continue;
                strbuf_addf(&lines, "%s %s %s %.12g ", g.v[k].name, v->metric, v->filter,
                            v->pooled.value);
                values += v->pooled.value;
                if (isnan(v->pooled.stderr_)) {
                    strbuf_adds(&lines, "N/A\n");
                    continue;
                }
                strbuf_addf(&lines, "%.12g\n", v->pooled.stderr_);
                errors += v->pooled.stderr_;
            }
        groups_release(&g);
    }
    assert_close(values, 2830.224090706801, 1e-12);
    assert_close(errors, 121.52353084501905, 1e-12);
    assert_int_equal(sha256_bytes(hex, lines.s, lines.len, NULL), 0);
    assert_string_equal(hex, "d4a47e8ec32a1cf53084dd9df4ca274bc7cb6656a0f62ed1419415270a4447aa");
    strbuf_release(&settings);
    strbuf_release(&lines);
    assert_int_equal(mem_live(), 0);
}

/* --- parts of a group that we have ---------------------------------------------------------- */

/* All of mmlu_social_sciences' tasks, each of its number, then `more`. */
static size_t social(struct task_row *rows, const struct store_value *v, const char *more)
{
    const struct task_tag *tag;
    size_t n = 0;

    for (int i = 0; strcmp((tag = task_tag_at(i))->name, "mmlu_social_sciences") != 0; i++)
        ;
    for (; tag->words[n]; n++)
        rows[n] = (struct task_row){.task = tag->words[n], .n = 10, .n_scored = 10,
                                    .values = (struct store_value *)v, .n_values = 1};
    if (more) {
        rows[n] = rows[0];
        rows[n++].task = more;
    }
    return n;
}

static void a_part_that_is_whole_has_a_number_of_its_own(void **state)
{
    const struct store_value v = {"acc", "none", 0.25, 0.1, NAN, NAN};
    struct task_row rows[16];
    struct task_list l = {.v = rows};
    struct group_scores g;
    (void)state;
    l.n = social(rows, &v, "mmlu_anatomy");
    assert_int_equal(groups_score(&g, NULL, &l, NULL), 0);
    assert_int_equal(g.n, 2);
    assert_string_equal(g.v[0].name, "mmlu");
    assert_int_equal(g.v[0].n_tasks, 13);
    assert_string_equal(g.v[1].name, "mmlu_social_sciences");
    assert_int_equal(g.v[1].depth, 1);
    assert_int_equal(g.v[1].n_tasks, 12);
    assert_int_equal(g.v[1].v[0].pooled.n, 120);
    assert_close(g.v[1].v[0].pooled.value, 0.25, 1e-12);
    groups_release(&g);
    l.n = social(rows, &v, NULL); /* then it is no mean of mmlu */
    assert_int_equal(groups_score(&g, NULL, &l, NULL), 0);
    assert_int_equal(g.n, 1);
    assert_string_equal(g.v[0].name, "mmlu_social_sciences");
    assert_int_equal(g.v[0].depth, 0);
    groups_release(&g);
    l.n = 3; /* not whole */
    assert_int_equal(groups_score(&g, NULL, &l, NULL), 0);
    assert_int_equal(g.n, 1);
    assert_string_equal(g.v[0].name, "mmlu");
    groups_release(&g);
    assert_int_equal(mem_live(), 0);
}

static void tags_are_of_tasks_that_there_are(void **state)
{
    const struct task_tag *tag;
    struct selection s = {0};
    size_t n = 0, parts = 0;
    (void)state;
    for (int i = 0; (tag = task_tag_at(i)) != NULL; i++, selection_release(&s)) {
        assert_null(task_info_find(tag->name));
        assert_int_equal(select_word(&s, tag->name, NULL), 0);
        for (size_t k = 0; tag->of && k < s.n; k++)
            assert_string_equal(s.v[k]->group, tag->of);
        parts += tag->of ? s.n : 0;
    }
    assert_int_equal(select_word(&s, "mmlu", NULL), 0);
    n = s.n;
    selection_release(&s);
    assert_int_equal(parts, n); /* every subject is in one of the four */
    assert_true(group_has("mmlu_stem", NULL, "mmlu_anatomy"));
    assert_true(group_has("mmlu", NULL, "mmlu_anatomy"));
    assert_false(group_has("mmlu_other", NULL, "mmlu_anatomy"));
    assert_true(group_has("g", "{\"groups\":[{\"group\":\"g\",\"tasks\":[\"t\"]}]}", "t"));
    assert_false(group_has("g", "{\"groups\":[{\"group\":\"g\",\"tasks\":[\"t\"]}]}", "u"));
    assert_false(group_has("g", "{\"groups\":", "t"));
    assert_int_equal(mem_live(), 0);
}

/* --- from the file ------------------------------------------------------------------------- */

static char folder[] = "/tmp/densimeter-groups-XXXXXX";

static const char *put(const char *name, const char *text)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
    return path;
}

static void a_group_file_says_which_scores_count_and_how(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    struct err e = ERR_NONE;
    const char *path;
    (void)state;
    put("a.yaml", "task: a\ntag: both\ndoc_to_text: x\n");
    put("b.yaml", "task: b\ntag: both\ndoc_to_text: x\n");
    put("c.yaml", "task: c\ndoc_to_text: x\n");
    put("inner.yaml", "group: inner\ntask: [both]\naggregate_metric_list:\n  metric: acc\n");
    path = put("outer.yaml",
               "group: outer\ngroup_alias: The whole\n"
               "task: [{task: inner, group_alias: Half, num_fewshot: 2}, {group: named, task: [c]}]\n"
               "aggregate_metric_list:\n"
               "  - {metric: acc, aggregation: mean, weight_by_size: true, filter_list: [none, x]}\n"
               "  - {metric: f1, filter_list: y}\nmetadata: {version: 2.0}\n");
    json_begin_array(&o, NULL);
    assert_int_equal(task_file_groups(path, &o, &e), 0);
    json_end_array(&o);
    assert_string_equal(
        strbuf_str(&b),
        "[{\"group\":\"outer\",\"alias\":\"The whole\",\"version\":2,\"depth\":0,\"metrics\":["
        "{\"metric\":\"acc\",\"filters\":[\"none\",\"x\"],\"weight_by_size\":true},"
        "{\"metric\":\"f1\",\"filters\":[\"y\"],\"weight_by_size\":false}],"
        "\"tasks\":[\"a\",\"b\",\"c\"]},"
        "{\"group\":\"inner\",\"alias\":\"Half\",\"version\":null,\"depth\":1,\"metrics\":["
        "{\"metric\":\"acc\",\"filters\":[\"none\"],\"weight_by_size\":false}],\"tasks\":[\"a\",\"b\"]},"
        "{\"group\":\"named\",\"alias\":null,\"version\":null,\"depth\":1,\"metrics\":[],"
        "\"tasks\":[\"c\"]}]");
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

static void what_a_group_cannot_be_is_told_with_its_place(void **state)
{
    static const struct {
        const char *list, *says;
    } rows[] = {
        {"{metric: acc, aggregation: median}", ":3:51: aggregation: a group has only the 'mean'"},
        {"{metric: acc, aggregation: !function u.f}", ":3:51: aggregation: !function u.f is not run"},
        {"{metric: acc, weight: 1}", ":3:38: 'weight' is no key of aggregate_metric_list"},
        {"{metric: acc, weight_by_size: 2}", ":3:54: weight_by_size: true or false"},
        {"{metric: acc, filter_list: [[x]]}", ":3:52: filter_list: the name of a filter"},
        {"{metric: acc, filter_list: 3}", ":3:51: filter_list: the name of a filter, or a list"},
        {"acc", ":3:24: aggregate_metric_list: a text does not fit"},
        {"[acc]", ":3:25: aggregate_metric_list: a map with a 'metric' is needed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf text = STRBUF_INIT, b = STRBUF_INIT;
        struct json_out o = JSON_OUT(&b);
        struct err e = ERR_NONE;
        strbuf_addf(&text, "group: g\ntask: [a]\naggregate_metric_list: %s\n", rows[i].list);
        json_begin_array(&o, NULL);
        assert_int_equal(task_file_groups(put("g.yaml", text.s), &o, &e), -1);
        if (!strstr(e.text, rows[i].says))
            fail_msg("%s, expected %s", e.text, rows[i].says);
        strbuf_release(&text);
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

static void groups_survive_every_failed_allocation(void **state)
{
    const char *path = put("outer.yaml", "group: o\ntask: [a, {group: i, task: [b]}]\n"
                                         "aggregate_metric_list: {metric: acc}\n");
    struct task_row rows[2] = {{.task = "a", .n = 1}, {.task = "b", .n = 1}};
    struct task_list l = {.v = rows, .n = 2};
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct strbuf b = STRBUF_INIT;
        struct json_out o = JSON_OUT(&b);
        struct group_scores g = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        json_begin_object(&o, NULL);
        json_begin_array(&o, "groups");
        rc = task_file_groups(path, &o, &e);
        json_end_array(&o);
        json_end_object(&o);
        if (rc == 0)
            rc = strbuf_ok(&b, &e);
        if (rc == 0)
            rc = groups_score(&g, strbuf_str(&b), &l, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        groups_release(&g);
        strbuf_release(&b);
        assert_int_equal(mem_live(), 0);
    }
}

static int clean(void **state)
{
    DIR *d = opendir(folder);
    const struct dirent *f;
    char path[600];
    (void)state;
    while (d && (f = readdir(d)) != NULL)
        if (f->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
            unlink(path);
        }
    if (d)
        closedir(d);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_what_lm_eval_makes_of_its_tasks),
        cmocka_unit_test(a_part_that_is_whole_has_a_number_of_its_own),
        cmocka_unit_test(tags_are_of_tasks_that_there_are),
        cmocka_unit_test(a_group_file_says_which_scores_count_and_how),
        cmocka_unit_test(what_a_group_cannot_be_is_told_with_its_place),
        cmocka_unit_test(groups_survive_every_failed_allocation),
    };

    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, clean);
}
