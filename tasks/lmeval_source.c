/* lmeval_source.c -- a task of a YAML file behind the verbs of task.h. */
#include <string.h>

#include "base/sha256.h"
#include "tasks/lmeval.h"
#include "tasks/lmeval_group.h"

static void source_close(void *self)
{
    lmeval_close(self);
}

static const char *source_name(const void *self)
{
    return ((const struct lmeval *)self)->name;
}

static int source_version(const void *self)
{
    return ((const struct lmeval *)self)->version;
}

static int source_shots(const void *self)
{
    return ((const struct lmeval *)self)->shots;
}

static int source_count(const void *self)
{
    return ((const struct lmeval *)self)->docs.n;
}

static int source_item(const void *self, int i, struct item *out, struct err *e)
{
    return lmeval_item(self, i, out, e);
}

static int source_score(const void *self, const struct item *it, const struct reply_text *replies,
                        struct verdict *out, struct err *e)
{
    return lmeval_score(self, it, replies, out, e);
}

static const char *source_aggregation(const void *self, const char *metric)
{
    const struct metric_use *m = metrics_find(&((const struct lmeval *)self)->metrics, metric);

    return m ? m->aggregation : NULL;
}

static int add_json(struct sha256 *s, const cJSON *j, struct err *e)
{
    char *text = cJSON_PrintUnformatted(j);
    int rc = text ? sha256_update(s, text, strlen(text), e) : err_nomem(e);

    cJSON_free(text);
    return rc;
}

static int has_function(const struct ynode *y)
{
    for (size_t i = 0; i < y->n_items; i++)
        if (has_function(y->items[i]))
            return 1;
    return y->type == Y_FUNCTION;
}

static int add_value(struct sha256 *s, const struct ynode *y, struct err *e);

/* Every key and value, but of a function, wherever it stands, the name.  What holds a function has
 * its ends in the text, so that nothing else reads the same. */
static int add_config(struct sha256 *s, const struct ynode *y, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < y->n_items && rc == 0; i++) {
        if (y->type == Y_MAP)
            rc = sha256_update(s, y->keys[i]->s, y->keys[i]->n + 1, e);
        if (rc == 0)
            rc = add_value(s, y->items[i], e);
    }
    return rc;
}

static int add_value(struct sha256 *s, const struct ynode *y, struct err *e)
{
    cJSON *v;
    int rc;

    if (y->type != Y_FUNCTION && has_function(y)) {
        if (sha256_update(s, "{", 1, e) < 0 || add_config(s, y, e) < 0)
            return -1;
        return sha256_update(s, "}", 2, e); /* and its NUL */
    }
    v = y->type == Y_FUNCTION ? cJSON_CreateString(y->s) : ynode_json(y, e);
    rc = v ? add_json(s, v, e) : y->type == Y_FUNCTION ? err_nomem(e) : -1;
    json_free(v);
    return rc;
}

/* Of the configuration as it was merged, the documents and the examples. */
static int source_sha256(const void *self, char hex[65], struct err *e)
{
    const struct lmeval *t = self;
    struct sha256 *s = NULL;
    char unused[SHA256_HEX];
    int rc = sha256_begin(&s, e);

    if (rc == 0)
        rc = add_config(s, t->config.map, e);
    if (rc == 0)
        rc = add_json(s, t->docs.list, e);
    if (rc == 0 && t->pool.list)
        rc = add_json(s, t->pool.list, e);
    if (s && sha256_final(s, rc < 0 ? unused : hex, rc < 0 ? NULL : e) < 0)
        rc = -1;
    return rc;
}

static const struct source_ops ops = {
    source_close, source_name, source_version,     source_shots, source_count,
    source_item,  source_score, source_aggregation, .sha256 = source_sha256,
};

static int not_a_task(const struct lmeval_config *c, struct err *e)
{
    static const char *const why[] = {
        [CONFIG_GROUP] = "a group of tasks, not a task",
        [CONFIG_PART] = "no 'task': this file is made to be included by others",
        [CONFIG_PYTHON] = "a task written in Python, which is not run here"};

    return ynode_fail(c->map, e, ERR_UNSUPPORTED, "%s", why[c->kind]);
}

int lmeval_open_file(struct source *out, const char *path, const struct task_opts *o,
                     struct err *e)
{
    struct lmeval_config c;
    struct lmeval *t = NULL;

    if (lmeval_config_open(&c, path, e) < 0)
        return -1;
    if (c.kind != CONFIG_TASK) {
        not_a_task(&c, e);
        lmeval_config_release(&c);
        return -1;
    }
    if (lmeval_read(&t, &c, e) < 0)
        return -1;
    if (lmeval_load(t, o, e) < 0) {
        lmeval_close(t);
        return -1;
    }
    *out = (struct source){&ops, t};
    return 0;
}

struct words {
    int (*each)(void *user, const char *word, struct err *e);
    void *user;
};

static int give_word(void *user, const struct lmeval_member *m, struct err *e)
{
    struct words *w = user;

    return w->each(w->user, m->word, e);
}

int lmeval_source_members(const char *path,
                          int (*each)(void *user, const char *word, struct err *e), void *user,
                          struct err *e)
{
    struct words w = {each, user};
    const struct lmeval_visit visit = {.each = give_word, .user = &w};

    return lmeval_members(path, &visit, e);
}
