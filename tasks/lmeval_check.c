#include "tasks/lmeval_check.h"

#include "base/mem.h"
#include "tasks/lmeval.h"

static int count_functions(const struct ynode *y)
{
    int n = y->type == Y_FUNCTION;

    for (size_t i = 0; i < y->n_items; i++)
        n += count_functions(y->items[i]);
    return n;
}

/* A group's parts: names, or maps that name a task and change it. */
static int check_group(const struct lmeval_config *c, struct err *e)
{
    const struct ynode *tasks = config_get(c, "task");

    if (!config_get(c, "group"))
        return ynode_fail(tasks, e, ERR_FORMAT, "a list of tasks is a group: 'group' is missing");
    for (size_t i = 0; i < tasks->n_items; i++) {
        const struct ynode *t = tasks->items[i];
        const struct ynode *name = t->type == Y_MAP ? ynode_get(t, "task") : t;
        if (t->type == Y_MAP && !name)
            name = ynode_get(t, "group");
        if (!name || (name->type != Y_STR && name->type != Y_LIST))
            return ynode_fail(t, e, ERR_FORMAT, "task: the name of a task, or a map with one");
    }
    return 0;
}

static int render_first(struct lmeval *t, const struct task_opts *o, struct lmeval_checked *out,
                        struct err *e)
{
    struct err own = ERR_NONE;
    struct item it;
    int rc = lmeval_load(t, o, &own);

    if (rc < 0 && own.code == ERR_NOTFOUND)
        return 0;
    if (rc < 0) {
        *e = own;
        return -1;
    }
    rc = lmeval_item(t, 0, &it, e);
    if (rc == 0)
        item_release(&it);
    out->rendered = out->with_data = rc == 0;
    return rc;
}

int lmeval_check(const char *path, const struct task_opts *o, struct lmeval_checked *out,
                 struct err *e)
{
    static const enum lmeval_file kinds[] = {[CONFIG_TASK] = LMEVAL_TASK,
                                             [CONFIG_GROUP] = LMEVAL_GROUP,
                                             [CONFIG_PART] = LMEVAL_PART,
                                             [CONFIG_PYTHON] = LMEVAL_PYTHON};
    struct lmeval_config c;
    struct lmeval *t = NULL;
    int rc;

    *out = (struct lmeval_checked){.kind = LMEVAL_PART};
    if (lmeval_config_read(&c, path, e) < 0)
        return -1;
    out->kind = kinds[c.kind];
    out->functions = count_functions(c.map);
    if (c.kind == CONFIG_TASK) {
        rc = lmeval_read(&t, &c, e);
        if (rc == 0)
            rc = render_first(t, o, out, e);
        lmeval_close(t);
        return rc;
    }
    rc = c.kind == CONFIG_PYTHON
             ? ynode_fail(ynode_get(c.map, "class"), e, ERR_UNSUPPORTED,
                          "class: a task written in Python, which is not run here")
             : lmeval_config_check(&c, e);
    if (rc == 0 && c.kind == CONFIG_GROUP)
        rc = check_group(&c, e);
    lmeval_config_release(&c);
    return rc;
}
