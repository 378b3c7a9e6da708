#include "harness/check_files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/walk.h"
#include "tasks/lmeval_check.h"

enum { KINDS = LMEVAL_PYTHON + 1 };

static const char *const kind_names[KINDS][2] = {
    [LMEVAL_TASK] = {"tasks", "tasks"},
    [LMEVAL_GROUP] = {"groups", "groups"},
    [LMEVAL_PART] = {"parts", "files made to be included"},
    [LMEVAL_PYTHON] = {"python", "tasks written in Python"},
};

struct counts {
    int files, loads[KINDS], refused[KINDS];
    int unscored;           /* of those that load: part of the scoring is not native */
    int plain, plain_loads; /* without !function */
    int with, with_loads, with_rendered; /* with !function */
    int rendered, with_data;
};

static int ends_in(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);

    return n > k && strcmp(s + n - k, suffix) == 0;
}

int is_task_files(const char *path)
{
    struct stat st;

    return (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || ends_in(path, ".yaml") ||
           ends_in(path, ".yml");
}

static void count(struct counts *n, const struct lmeval_checked *k, int loads)
{
    n->files++;
    (loads ? n->loads : n->refused)[k->kind]++;
    n->unscored += loads && k->unscored != NULL;
    n->rendered += loads && k->rendered;
    n->with_data += loads && k->with_data;
    if (k->functions == 0 && k->kind != LMEVAL_PYTHON) {
        n->plain++;
        n->plain_loads += loads;
    } else if (k->kind != LMEVAL_PYTHON) {
        n->with++;
        n->with_loads += loads;
        n->with_rendered += loads && k->rendered;
    }
}

static void put_counts(struct json_out *o, const struct counts *n)
{
    json_put_int(o, "files", n->files);
    for (int k = 0; k < KINDS; k++) {
        json_begin_object(o, kind_names[k][0]);
        json_put_int(o, "load", n->loads[k]);
        json_put_int(o, "refused", n->refused[k]);
        json_end_object(o);
    }
    json_put_int(o, "without_function", n->plain);
    json_put_int(o, "without_function_load", n->plain_loads);
    json_put_int(o, "with_function", n->with);
    json_put_int(o, "with_function_load", n->with_loads);
    json_put_int(o, "with_function_rendered", n->with_rendered);
    json_put_int(o, "not_scored", n->unscored);
    json_put_int(o, "rendered", n->rendered);
    json_put_int(o, "rendered_with_data", n->with_data);
}

static void say_counts(struct strbuf *b, const struct counts *n)
{
    strbuf_addf(b, "%d files:", n->files);
    for (int k = 0, first = 1; k < KINDS; k++) {
        int all = n->loads[k] + n->refused[k];
        if (all == 0)
            continue;
        strbuf_addf(b, "%s %d of %d %s load", first ? "" : ",", n->loads[k], all,
                    kind_names[k][1]);
        first = 0;
    }
    strbuf_addf(b, "\n%d of %d without !function load; the first document of %d was rendered, "
                "%d of them from data\n", n->plain_loads, n->plain, n->rendered, n->with_data);
    if (n->with)
        strbuf_addf(b, "%d of %d with !function load; the first document of %d was rendered\n",
                    n->with_loads, n->with, n->with_rendered);
    if (n->unscored)
        strbuf_addf(b, "%d can be shown and not scored: a metric, a filter or process_results is "
                    "not native here\n", n->unscored);
}

/* One line: "FILE: not scored: acc, f1 (the filter 'x' is not native here)". */
static void say_unscored(struct strbuf *b, const char *path, const struct lmeval_checked *k)
{
    const char *comma = "";
    const cJSON *name;

    strbuf_add_printable(b, path, 0);
    strbuf_adds(b, ": not scored: ");
    cJSON_ArrayForEach(name, k->unscored)
    {
        strbuf_adds(b, comma);
        strbuf_add_printable(b, name->valuestring, 0);
        comma = ", ";
    }
    strbuf_adds(b, " (");
    strbuf_add_printable(b, strbuf_str(&k->why), 0);
    strbuf_adds(b, " is not native here)\n");
}

static void put_unscored(struct json_out *o, const char *path, const struct lmeval_checked *k)
{
    const cJSON *name;

    json_begin_object(o, NULL);
    json_put_str(o, "file", path);
    json_begin_array(o, "metrics");
    cJSON_ArrayForEach(name, k->unscored)
        json_put_str(o, NULL, name->valuestring);
    json_end_array(o);
    json_put_str(o, "not_native", strbuf_str(&k->why));
    json_end_object(o);
}

struct said { /* about files, until all are counted */
    struct strbuf text, unscored_text;
    struct json_out defects, unscored;
};

static int check_one(const struct context *c, const struct task_opts *o, const char *path,
                     struct counts *n, struct said *s)
{
    struct lmeval_checked k;
    struct err why = ERR_NONE;
    int rc = lmeval_check(path, o, &k, &why), no_memory = rc < 0 && why.code == ERR_NOMEM;

    if (!no_memory)
        count(n, &k, rc == 0);
    if (rc < 0 && c->json) {
        json_put_str(&s->defects, NULL, why.text);
    } else if (rc < 0) {
        strbuf_add_printable(&s->text, why.text, 0);
        strbuf_addc(&s->text, '\n');
    } else if (k.unscored && c->json) {
        put_unscored(&s->unscored, path, &k);
    } else if (k.unscored) {
        say_unscored(&s->text, path, &k);
    }
    lmeval_checked_release(&k);
    return no_memory ? -1 : 0;
}

int check_task_files(const struct context *c, const struct task_opts *o, const char *path,
                     struct err *e)
{
    struct said s = {0};
    struct counts n = {0};
    struct walk files = {0};
    int rc = walk_files(&files, path, ".yaml", e);

    s.unscored = JSON_OUT(&s.unscored_text);
    if (rc == 0 && files.n == 0) {
        rc = err_set(e, ERR_NOTFOUND, "%s: no .yaml file below it", path);
        err_hint(e, "a scenario is checked by its own name: densimeter tasks check FILE.json");
    }
    if (rc == 0 && c->json) {
        s.defects = context_json_begin(&s.text, "tasks.check");
        json_put_str(&s.defects, "task", path);
        json_begin_array(&s.defects, "defects");
        json_begin_array(&s.unscored, NULL);
    }
    for (size_t i = 0; i < files.n && rc == 0; i++) {
        if (c->stop && *c->stop)
            rc = err_set(e, ERR_INTERRUPTED, "interrupted");
        else if (check_one(c, o, files.v[i], &n, &s) < 0)
            rc = err_nomem(e);
    }
    if (rc == 0 && c->json) {
        json_end_array(&s.defects);
        json_end_array(&s.unscored);
        json_put_raw(&s.defects, "unscored", strbuf_str(&s.unscored_text));
        s.text.failed |= s.unscored_text.failed;
        put_counts(&s.defects, &n);
        rc = context_json_end(c, &s.defects, e);
    } else if (rc == 0) {
        say_counts(&s.text, &n);
        rc = context_print_folded(c, &s.text, e);
    }
    walk_release(&files);
    strbuf_release(&s.text);
    strbuf_release(&s.unscored_text);
    return rc < 0 ? -1 : n.loads[0] + n.loads[1] + n.loads[2] + n.loads[3] < n.files;
}
