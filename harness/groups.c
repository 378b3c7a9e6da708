#include "harness/groups.h"

#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "tasks/task.h"

const char *group_of(const char *task)
{
    const struct task_info *t = task_info_find(task);

    return t && t->group && task_group_pools(t->group) ? t->group : NULL;
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
    *out = stats_pool(parts, k);
    mem_free(parts);
    return 0;
}
