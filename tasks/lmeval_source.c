/* lmeval_source.c -- a task of a YAML file behind the verbs of task.h. */
#include <string.h>

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

    return m ? m->rule->aggregation : NULL;
}

static const struct source_ops ops = {
    source_close, source_name, source_version,     source_shots, source_count,
    source_item,  source_score, source_aggregation, NULL, NULL, NULL,
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

static int give_word(void *user, const char *word, const char *path, const struct ynode *changes,
                     struct err *e)
{
    struct words *w = user;

    (void)path, (void)changes;
    return w->each(w->user, word, e);
}

int lmeval_source_members(const char *path,
                          int (*each)(void *user, const char *word, struct err *e), void *user,
                          struct err *e)
{
    struct words w = {each, user};

    return lmeval_members(path, give_word, &w, e);
}
