#include "tasks/lmeval_check.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/template.h"
#include "tasks/lmeval.h"
#include "tasks/lmeval_group.h"

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
        if (t->type == Y_MAP && lmeval_group_check(t, e) < 0)
            return -1;
    }
    return lmeval_group_check(c->map, e);
}

/* --- a first document --------------------------------------------------------------------- */

static int is_name(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return 0;
    while (isalnum((unsigned char)*s) || *s == '_')
        s++;
    return *s == 0;
}

/* A field that is one word is a column: of choices a list, of a target among choices a number. */
static int sample_column(const struct lmeval *t, const struct field *f, cJSON *doc)
{
    static const char *const four[] = {"a text", "another", "a third", "a fourth"};
    cJSON *v = f == &t->choice ? cJSON_CreateStringArray(four, 4)
               : t->choice.kind != FIELD_NONE ? cJSON_CreateNumber(0)
                                              : cJSON_CreateString("a text");

    if (v && cJSON_AddItemToObject(doc, f->node->s, v))
        return 0;
    json_free(v);
    return -1;
}

static int sample_field(const struct lmeval *t, const struct field *f, cJSON *doc, struct err *e)
{
    if (f->kind == FIELD_NATIVE)
        return native_sample(f->native, doc, e);
    if (f->kind != FIELD_TEXT)
        return 0;
    if (f != &t->description && f != &t->prefix && is_name(f->node->s) &&
        !cJSON_GetObjectItemCaseSensitive(doc, f->node->s))
        return sample_column(t, f, doc) < 0 ? err_nomem(e) : 0;
    return template_sample(f->template, doc, f == &t->choice, e);
}

/* A document with what the templates ask for; NULL without memory. */
static cJSON *sample_document(const struct lmeval *t, struct err *e)
{
    const struct field *fields[] = {&t->choice, &t->text, &t->target, &t->description, &t->prefix};
    cJSON *list, *doc;

    json_begin();
    list = cJSON_CreateArray();
    doc = cJSON_CreateObject();
    if (!list || !doc || !cJSON_AddItemToArray(list, doc)) {
        json_free(list);
        json_free(doc);
        err_nomem(e);
        return NULL;
    }
    if (t->process && native_sample(t->process, doc, e) < 0) {
        json_free(list);
        return NULL;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (sample_field(t, fields[i], doc, e) < 0) {
            json_free(list);
            return NULL;
        }
    return list;
}

/* What is made up may not be what a template needs: that says nothing about the task. */
static int render_sample(struct lmeval *t, struct lmeval_checked *out, struct err *e)
{
    struct err own = ERR_NONE;
    cJSON *list = sample_document(t, &own);
    struct item it;

    docset_release(&t->docs);
    if (list && lmeval_load_docs(t, list, &own) == 0 && lmeval_item(t, 0, &it, &own) == 0) {
        item_release(&it);
        out->rendered = 1;
    }
    if (own.code == ERR_NOMEM)
        return err_nomem(e);
    return 0;
}

static int render_first(struct lmeval *t, const struct task_opts *o, struct lmeval_checked *out,
                        struct err *e)
{
    struct err own = ERR_NONE;
    struct item it;
    int rc = lmeval_load(t, o, &own);

    if (rc < 0 && own.code == ERR_NOTFOUND) {
        t->shots = 0;
        return render_sample(t, out, e);
    }
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

/* --- what is not scored -------------------------------------------------------------------- */

static int add_name(cJSON *names, const char *s)
{
    cJSON *v = cJSON_CreateString(s);

    if (v && cJSON_AddItemToArray(names, v))
        return 0;
    json_free(v);
    return -1;
}

/* One part that is not native leaves all metrics of the task without numbers. */
static int name_unscored(const struct lmeval *t, struct lmeval_checked *out, struct err *e)
{
    const struct ynode *list = config_get(&t->config, "metric_list");
    const char *what;
    const struct ynode *part = lmeval_not_native(t, &what);
    int failed = 0;

    if (!part)
        return 0;
    json_begin();
    out->unscored = cJSON_CreateArray();
    for (size_t i = 0; out->unscored && list && i < list->n_items && !failed; i++) {
        const struct ynode *name = ynode_get(list->items[i], "metric");
        if (name && !ynode_is(name, "bypass"))
            failed = add_name(out->unscored, name->s) < 0;
    }
    for (int i = 0; out->unscored && !list && i < t->metrics.n && !failed; i++)
        failed = add_name(out->unscored, t->metrics.v[i].rule->name) < 0;
    strbuf_addf(&out->why, "the %s '%s'", what, part->s);
    return !out->unscored || failed || out->why.failed ? err_nomem(e) : 0;
}

void lmeval_checked_release(struct lmeval_checked *k)
{
    json_free(k->unscored);
    strbuf_release(&k->why);
    k->unscored = NULL;
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
        if (rc == 0)
            rc = name_unscored(t, out, e);
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
