/* lmeval_outline.c -- the groups of a file with what lm-eval makes of their tasks' scores: only
 * means, by the number of items or not, of the filters that are listed (aggregate_metric_list). */
#include <string.h>

#include "base/mem.h"
#include "tasks/lmeval_group.h"

struct outlined {
    struct strbuf head, tasks; /* members of the object but the last, the names in that one */
    int depth;
};
struct outline {
    struct outlined *v;
    size_t n, cap;
};

static const struct ynode *key_of(const struct ynode *map, const struct ynode *instead,
                                  const char *key)
{
    const struct ynode *y = ynode_get(instead, key);

    y = y ? y : ynode_get(map, key);
    return y && y->type != Y_NULL ? y : NULL;
}

/* "filter_list": a name or a list of them; without it what no filter was named for. */
static int put_filters(struct json_out *o, const struct ynode *y, struct err *e)
{
    json_begin_array(o, "filters");
    if (!y || y->type == Y_NULL)
        json_put_str(o, NULL, "none");
    else if (y->type == Y_STR)
        json_put_str(o, NULL, y->s);
    else if (y->type != Y_LIST)
        return ynode_fail(y, e, ERR_FORMAT, "filter_list: the name of a filter, or a list of them");
    for (size_t i = 0; y && y->type == Y_LIST && i < y->n_items; i++) {
        if (y->items[i]->type != Y_STR)
            return ynode_fail(y->items[i], e, ERR_FORMAT, "filter_list: the name of a filter");
        json_put_str(o, NULL, y->items[i]->s);
    }
    json_end_array(o);
    return 0;
}

static int check_keys(const struct ynode *map, struct err *e)
{
    static const char *const keys[] = {"metric", "aggregation", "weight_by_size", "filter_list"};

    for (size_t i = 0; i < map->n_items; i++) {
        int known = 0;
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            known |= ynode_is(map->keys[i], keys[k]);
        if (!known)
            return ynode_fail(map->keys[i], e, ERR_FORMAT,
                              "'%s' is no key of aggregate_metric_list",
                              map->keys[i]->s ? map->keys[i]->s : "?");
    }
    return 0;
}

static int put_metric(struct json_out *o, const struct ynode *y, struct err *e)
{
    const struct ynode *metric = ynode_get(y, "metric"), *how = ynode_get(y, "aggregation");
    const struct ynode *by_size = ynode_get(y, "weight_by_size");

    if (y->type != Y_MAP || !metric || metric->type != Y_STR)
        return ynode_fail(y, e, ERR_FORMAT,
                          "aggregate_metric_list: a map with a 'metric' is needed");
    if (check_keys(y, e) < 0)
        return -1;
    if (how && how->type == Y_FUNCTION)
        return ynode_fail(how, e, ERR_UNSUPPORTED, "aggregation: !function %s is not run here; "
                          "'mean' is", how->s);
    if (how && !ynode_is(how, "mean"))
        return ynode_fail(how, e, ERR_UNSUPPORTED, "aggregation: a group has only the 'mean' "
                          "of its tasks' scores");
    if (by_size && by_size->type != Y_BOOL)
        return ynode_fail(by_size, e, ERR_FORMAT, "weight_by_size: true or false");
    json_begin_object(o, NULL);
    json_put_str(o, "metric", metric->s);
    if (put_filters(o, ynode_get(y, "filter_list"), e) < 0)
        return -1;
    json_put_bool(o, "weight_by_size", by_size && by_size->num != 0);
    json_end_object(o);
    return 0;
}

static int put_metrics(struct json_out *o, const struct ynode *y, struct err *e)
{
    int rc = 0;

    json_begin_array(o, "metrics");
    if (y && y->type != Y_LIST)
        rc = put_metric(o, y, e);
    for (size_t i = 0; y && y->type == Y_LIST && i < y->n_items && rc == 0; i++)
        rc = put_metric(o, y->items[i], e);
    json_end_array(o);
    return rc;
}

static int enter(void *user, const struct ynode *map, const struct ynode *instead, int depth,
                 struct err *e)
{
    struct outline *l = user;
    const struct ynode *name = key_of(map, instead, "group");
    const struct ynode *alias = key_of(map, instead, "group_alias");
    const struct ynode *about = key_of(map, instead, "metadata");
    const struct ynode *version = about ? ynode_get(about, "version") : NULL;
    struct outlined *g;
    struct json_out o;

    if (!name || name->type != Y_STR)
        return ynode_fail(map, e, ERR_FORMAT, "a list of tasks is a group: 'group' is missing");
    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0)
        return err_nomem(e);
    g = &l->v[l->n++];
    *g = (struct outlined){STRBUF_INIT, STRBUF_INIT, depth};
    o = JSON_OUT(&g->head);
    json_begin_object(&o, NULL);
    json_put_str(&o, "group", name->s);
    json_put_str(&o, "alias", alias ? alias->s : NULL);
    if (version && (version->type == Y_INT || version->type == Y_FLOAT))
        json_put_num(&o, "version", version->num);
    else
        json_put_null(&o, "version");
    json_put_int(&o, "depth", depth);
    if (put_metrics(&o, key_of(map, instead, "aggregate_metric_list"), e) < 0)
        return -1;
    return strbuf_ok(&g->head, e);
}

/* The groups around a task are the last ones entered with fewer and fewer around them. */
static int count_in(void *user, const struct lmeval_member *m, struct err *e)
{
    struct outline *l = user;
    int depth = m->depth;

    (void)e;
    for (size_t i = l->n; i-- > 0 && depth > 0;) {
        struct outlined *g = &l->v[i];
        struct json_out o = JSON_OUT(&g->tasks);
        if (g->depth >= depth)
            continue;
        depth = g->depth;
        o.comma[0] = g->tasks.len > 0;
        json_put_str(&o, NULL, m->name);
    }
    return 0;
}

int lmeval_groups(const char *path, struct json_out *o, struct err *e)
{
    struct outline l = {0};
    const struct lmeval_visit visit = {.each = count_in, .enter = enter, .user = &l};
    int rc = lmeval_members(path, &visit, e);

    for (size_t i = 0; i < l.n; i++) {
        struct outlined *g = &l.v[i];
        if (rc == 0) {
            strbuf_addf(&g->head, ",\"tasks\":[%s]}", strbuf_str(&g->tasks));
            rc = strbuf_ok(&g->tasks, e) < 0 || strbuf_ok(&g->head, e) < 0 ? -1 : 0;
        }
        if (rc == 0)
            json_put_raw(o, NULL, strbuf_str(&g->head));
        strbuf_release(&g->head);
        strbuf_release(&g->tasks);
    }
    mem_free(l.v);
    return rc < 0 ? -1 : strbuf_ok(o->b, e);
}

int lmeval_group_check(const struct ynode *map, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    int rc;

    json_begin_object(&o, NULL);
    rc = put_metrics(&o, key_of(map, NULL, "aggregate_metric_list"), e);

    strbuf_release(&b);
    return rc;
}
