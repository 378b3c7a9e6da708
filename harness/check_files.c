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
    n->unscored += loads && k->unscored;
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

static int check_one(const struct context *c, const struct task_opts *o, const char *path,
                     struct counts *n, struct json_out *json, struct strbuf *b)
{
    struct lmeval_checked k;
    struct err why = ERR_NONE;
    int rc = lmeval_check(path, o, &k, &why);

    if (rc < 0 && why.code == ERR_NOMEM)
        return -1;
    count(n, &k, rc == 0);
    if (rc < 0 && c->json) {
        json_put_str(json, NULL, why.text);
    } else if (rc < 0) {
        strbuf_add_printable(b, why.text, 0);
        strbuf_addc(b, '\n');
    }
    return 0;
}

int check_task_files(const struct context *c, const struct task_opts *o, const char *path,
                     struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out json = {0};
    struct counts n = {0};
    struct walk files = {0};
    int rc = walk_files(&files, path, ".yaml", e);

    if (rc == 0 && c->json) {
        json = context_json_begin(&b, "tasks.check");
        json_put_str(&json, "task", path);
        json_begin_array(&json, "defects");
    }
    for (size_t i = 0; i < files.n && rc == 0; i++) {
        if (c->stop && *c->stop)
            rc = err_set(e, ERR_INTERRUPTED, "interrupted");
        else if (check_one(c, o, files.v[i], &n, &json, &b) < 0)
            rc = err_nomem(e);
    }
    if (rc == 0 && c->json) {
        json_end_array(&json);
        put_counts(&json, &n);
        rc = context_json_end(c, &json, e);
    } else if (rc == 0) {
        say_counts(&b, &n);
        rc = context_print(c, &b, e);
    }
    walk_release(&files);
    strbuf_release(&b);
    return rc < 0 ? -1 : n.loads[0] + n.loads[1] + n.loads[2] + n.loads[3] < n.files;
}
