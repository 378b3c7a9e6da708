#include "harness/groups.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/metric.h"
#include "harness/command.h"
#include "harness/context.h"
#include "harness/pairs.h"
#include "tasks/task.h"

enum { METRICS_MOST = 32 };

const char *group_of(const char *task)
{
    const struct task_info *t = task_info_find(task);

    return t && t->group && task_group_pools(t->group) ? t->group : NULL;
}

int group_has(const char *group, const char *settings, const char *task)
{
    const char *of = group_of(task);
    const struct task_tag *tag;
    const cJSON *one, *t;
    cJSON *j;
    int has = of && strcmp(of, group) == 0;

    for (int i = 0; (tag = task_tag_at(i)) != NULL; i++)
        has |= tag->of && strcmp(tag->name, group) == 0 && task_tag_has(tag, task);
    if (has || !settings || !strstr(settings, "\"groups\""))
        return has;
    j = json_parse(settings, strlen(settings), "", NULL);
    cJSON_ArrayForEach(one, json_get(j, "groups")) {
        const char *name = json_str(one, "group");
        if (!name || strcmp(name, group) != 0)
            continue;
        cJSON_ArrayForEach(t, json_get(one, "tasks"))
            has |= cJSON_IsString(t) && strcmp(t->valuestring, task) == 0;
    }
    json_free(j);
    return has;
}

int group_begins(const struct task_list *l, size_t i)
{
    const char *group = group_of(l->v[i].task);

    if (!group)
        return 0;
    for (size_t k = 0; k < i; k++) {
        const char *other = group_of(l->v[k].task);
        if (other && strcmp(other, group) == 0)
            return 0;
    }
    return 1;
}

int group_pools(const char *metric)
{
    const struct metric *m = metric_find(metric);

    return m && m->unit[0] == 0 && m->better == BETTER_HIGHER;
}

int group_pool(const struct task_list *l, const char *group, const char *metric,
               const char *filter, struct part *out, struct err *e)
{
    struct part *parts = mem_calloc(l->n + 1, sizeof *parts);
    size_t k = 0;

    if (!parts)
        return err_nomem(e);
    for (size_t i = 0; i < l->n; i++) {
        const char *of = group_of(l->v[i].task);
        const struct store_value *v = task_row_value(&l->v[i], metric, filter);
        if (of && strcmp(of, group) == 0 && v && task_row_items(&l->v[i]) > 0)
            parts[k++] = (struct part){v->value, v->stderr_, (size_t)task_row_items(&l->v[i])};
    }
    *out = stats_pool(parts, k, 1);
    mem_free(parts);
    return 0;
}

/* --- all groups of a run ------------------------------------------------------------------ */

static struct group_score *add_group(struct group_scores *g, const char *name, const char *alias,
                                     size_t most_tasks, size_t most_values)
{
    struct group_score *s;

    if (mem_grow(&g->v, &g->cap, g->n + 1, sizeof *g->v) < 0)
        return NULL;
    s = &g->v[g->n];
    *s = (struct group_score){
        .name = arena_strdup(&g->arena, name),
        .alias = alias ? arena_strdup(&g->arena, alias) : NULL,
        .tasks = arena_alloc(&g->arena, (most_tasks + 1) * sizeof *s->tasks),
        .v = arena_alloc(&g->arena, (most_values + 1) * sizeof *s->v)};
    if (!s->name || (alias && !s->alias) || !s->tasks || !s->v)
        return NULL;
    g->n++;
    return s;
}

/* Of the tasks that have the metric; nothing when none has it. */
static int add_value(struct group_score *s, const char *metric, const char *filter, int by_size,
                     struct err *e)
{
    struct part *parts;
    const struct store_value *name = NULL;
    size_t k = 0;

    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].metric, metric) == 0 && strcmp(s->v[i].filter, filter) == 0)
            return 0;
    parts = mem_calloc(s->n_tasks + 1, sizeof *parts);
    if (!parts)
        return err_nomem(e);
    for (size_t i = 0; i < s->n_tasks; i++) {
        const struct store_value *v = task_row_value(s->tasks[i], metric, filter);
        int n = task_row_items(s->tasks[i]);
        if (!v || n <= 0)
            continue;
        name = v;
        parts[k++] = (struct part){v->value, v->stderr_, (size_t)n};
    }
    if (k)
        s->v[s->n++] = (struct group_value){name->metric, name->filter, by_size,
                                            stats_pool(parts, k, by_size)};
    mem_free(parts);
    return 0;
}

static int in_a_group(const struct group_scores *g, const char *task)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->v[i].n_tasks; k++)
            if (strcmp(g->v[i].tasks[k]->task, task) == 0)
                return 1;
    return 0;
}

static int read_metrics(struct group_score *s, const cJSON *metrics, struct err *e)
{
    const cJSON *m, *f;

    cJSON_ArrayForEach(m, metrics) {
        const char *name = json_str(m, "metric");
        cJSON_ArrayForEach(f, json_get(m, "filters"))
            if (name && cJSON_IsString(f) &&
                add_value(s, name, f->valuestring, json_bool(m, "weight_by_size", 0), e) < 0)
                return -1;
    }
    return 0;
}

static size_t count_filters(const cJSON *metrics)
{
    const cJSON *m;
    size_t n = 0;

    cJSON_ArrayForEach(m, metrics)
        n += (size_t)cJSON_GetArraySize(json_get(m, "filters"));
    return n;
}

static int read_group(struct group_scores *g, const cJSON *j, const struct task_list *l,
                      struct err *e)
{
    const cJSON *metrics = json_get(j, "metrics"), *tasks = json_get(j, "tasks"), *t;
    struct group_score *s;

    if (!json_str(j, "group"))
        return 0;
    s = add_group(g, json_str(j, "group"), json_str(j, "alias"), l->n, count_filters(metrics));
    if (!s)
        return err_nomem(e);
    s->depth = (int)json_num(j, "depth", 0);
    cJSON_ArrayForEach(t, tasks)
        for (size_t i = 0; cJSON_IsString(t) && i < l->n && s->n_tasks < l->n; i++)
            if (strcmp(l->v[i].task, t->valuestring) == 0)
                s->tasks[s->n_tasks++] = &l->v[i];
    return read_metrics(s, metrics, e);
}

/* The tasks of the list that are the group's, or the tag's. */
static int add_own(struct group_scores *g, const char *name, const struct task_tag *tag, int depth,
                   const struct task_list *l, struct err *e)
{
    struct group_score *s = add_group(g, name, NULL, l->n, METRICS_MOST);
    const struct task_row *t;

    if (!s)
        return err_nomem(e);
    s->depth = depth;
    for (size_t i = 0; i < l->n; i++) {
        const char *of = group_of(l->v[i].task);
        if (tag ? task_tag_has(tag, l->v[i].task) : of && strcmp(of, name) == 0)
            s->tasks[s->n_tasks++] = &l->v[i];
    }
    t = s->tasks[0];
    for (int i = 0; i < t->n_values && s->n < METRICS_MOST; i++)
        if (group_pools(t->values[i].metric) &&
            add_value(s, t->values[i].metric, t->values[i].filter, 1, e) < 0)
            return -1;
    return 0;
}

/* How many of the tag's tasks the list has; 0 unless it has them all. */
static size_t whole_tag(const struct task_tag *tag, const struct task_list *l)
{
    size_t n = 0, words = 0;

    while (tag->words[words])
        words++;
    for (size_t i = 0; i < l->n; i++)
        n += (size_t)task_tag_has(tag, l->v[i].task);
    return n == words ? n : 0;
}

/* The group, and the parts of it that are whole; where one part is all there is, that alone. */
static int own_group(struct group_scores *g, const struct task_list *l, size_t first,
                     struct err *e)
{
    const char *name = group_of(l->v[first].task), *of;
    const struct task_tag *tag;
    size_t n = 0;
    int alone = 0;

    for (size_t i = first; i < l->n; i++)
        n += (of = group_of(l->v[i].task)) != NULL && strcmp(of, name) == 0;
    for (int i = 0; (tag = task_tag_at(i)) != NULL; i++)
        alone |= tag->of && strcmp(tag->of, name) == 0 && whole_tag(tag, l) == n;
    if (!alone && add_own(g, name, NULL, 0, l, e) < 0)
        return -1;
    for (int i = 0; (tag = task_tag_at(i)) != NULL; i++)
        if (tag->of && strcmp(tag->of, name) == 0 && whole_tag(tag, l) &&
            add_own(g, tag->name, tag, !alone, l, e) < 0)
            return -1;
    return 0;
}

int groups_score(struct group_scores *out, const char *settings, const struct task_list *l,
                 struct err *e)
{
    struct err why = ERR_NONE;
    cJSON *j = settings ? json_parse(settings, strlen(settings), "", &why) : NULL;
    const cJSON *one;
    int rc = why.code == ERR_NOMEM ? err_nomem(e) : 0;

    *out = (struct group_scores){0};
    cJSON_ArrayForEach(one, json_get(j, "groups"))
        rc = rc < 0 ? -1 : read_group(out, one, l, e);
    for (size_t i = 0; i < l->n && rc == 0; i++)
        if (group_begins(l, i) && !in_a_group(out, l->v[i].task))
            rc = own_group(out, l, i, e);
    json_free(j);
    if (rc < 0)
        groups_release(out);
    return rc;
}

void groups_release(struct group_scores *g)
{
    mem_free(g->v);
    arena_release(&g->arena);
    *g = (struct group_scores){0};
}

size_t pairs_of_group(const struct pairs *p, const struct group_score *g,
                      const struct pair_task **out)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_tasks; i++)
        for (size_t k = 0; k < g->n_tasks; k++)
            if (strcmp(p->tasks[i].task, g->tasks[k]->task) == 0) {
                out[n++] = &p->tasks[i];
                break;
            }
    return n;
}

int groups_settings(struct json_out *o, const struct context *c, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out list = JSON_OUT(&b);
    int rc = 0;

    json_begin_array(&list, NULL);
    for (int i = 0; i < args_count(c->args, "tasks") && rc == 0; i++)
        rc = task_file_groups(args_word(c->args, "tasks", i), &list, e);
    json_end_array(&list);
    if (rc == 0)
        rc = strbuf_ok(&b, e);
    if (rc == 0 && b.len > strlen("[]"))
        json_put_raw(o, "groups", strbuf_str(&b));
    strbuf_release(&b);
    return rc;
}
