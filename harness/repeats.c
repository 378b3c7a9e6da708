#include "harness/repeats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness/pairs.h"

int repeats_rotation(const struct run_row *r, int *out, struct err *e)
{
    cJSON *j;

    *out = 0;
    if (!r->settings)
        return 0;
    j = json_parse(r->settings, strlen(r->settings), r->id, e);
    if (!j)
        return -1;
    *out = (int)fmin(fmax(json_num(j, "rotate", 0), 0), 1000);
    json_free(j);
    return 0;
}

struct answer repeats_answer(const struct store_item *it, int rotation)
{
    int k = it->n_requests, best = 0;

    if (it->gold_index < 0 || k < 2)
        return (struct answer){-1, it->prediction};
    for (int i = 1; i < k; i++)
        if (it->requests[i].loglikelihood > it->requests[best].loglikelihood)
            best = i;
    return (struct answer){(best + rotation) % k, NULL};
}

static int is_same(const struct answer *a, const struct answer *b)
{
    if (a->option >= 0 || b->option >= 0)
        return a->option == b->option;
    return a->text && b->text && strcmp(a->text, b->text) == 0;
}

static int in_order(const void *a, const void *b)
{
    const struct asked *x = a, *y = b;
    int order = strcmp(x->task, y->task);

    return order ? order : (x->doc_id > y->doc_id) - (x->doc_id < y->doc_id);
}

static double tokens_of(const struct task_row *t)
{
    if (t->n <= 0 || t->prompt_tokens < 0)
        return NAN;
    return ((double)t->prompt_tokens + fmax(0, (double)t->generated_tokens)) / t->n;
}

static int same_data(const struct task_row *a, const struct task_row *b)
{
    const char *x = a->data_sha256, *y = b->data_sha256;

    return a->version == b->version && (x && y ? strcmp(x, y) == 0 : x == y);
}

static int count_task(struct asked *v, size_t n, struct store *s, const struct run_row *repeat,
                      const struct task_row *t, int rotation, struct err *e)
{
    const struct item_filter f = {.task = t->task};
    struct item_iter *it = NULL;
    struct store_item item;
    int rc = query_items(s, repeat->id, &f, &it, e);

    while (rc == 0 && (rc = item_iter_next(it, &item, e)) == 1) {
        const struct asked key = {.task = t->task, .doc_id = item.doc_id};
        struct asked *at = bsearch(&key, v, n, sizeof *v, in_order);
        struct answer answer = repeats_answer(&item, rotation);
        rc = 0;
        if (!at)
            continue;
        if (!same_data(at->row, t)) {
            rc = err_set(e, ERR_INVALID, "run %s: its %s has another version or other data",
                         repeat->id, t->task);
            break;
        }
        at->times++;
        at->same += is_same(&at->answer, &answer);
        at->seconds += item.latency_s;
        at->tokens += tokens_of(t);
    }
    item_iter_close(it);
    return rc < 0 ? -1 : 0;
}

/* By its weights or, behind a server, by what the same server calls it. */
static int same_model(const struct run_row *a, const struct run_row *b)
{
    const char *x = a->model.sha256, *y = b->model.sha256;

    if (x || y)
        return x && y && strcmp(x, y) == 0;
    return a->model.name && b->model.name && strcmp(a->model.name, b->model.name) == 0 &&
           a->device && b->device && strcmp(a->device, b->device) == 0;
}

int repeats_count(struct asked *v, size_t n, struct store *s, const struct run_row *first,
                  const struct run_row *repeat, struct err *e)
{
    struct task_list tasks = {0};
    int rotation, rc;

    if (run_complete(repeat, e) < 0 || repeats_rotation(repeat, &rotation, e) < 0)
        return -1;
    if (strcmp(first->id, repeat->id) == 0)
        return err_set(e, ERR_INVALID, "run %s: it repeats itself", repeat->id);
    if (!same_model(first, repeat))
        return err_set(e, ERR_INVALID, "run %s: it is of another model than run %s", repeat->id,
                       first->id);
    qsort(v, n, sizeof *v, in_order);
    rc = query_tasks(s, repeat->id, &tasks, e);
    for (size_t i = 0; rc == 0 && i < tasks.n; i++)
        rc = count_task(v, n, s, repeat, &tasks.v[i], rotation, e);
    task_list_release(&tasks);
    return rc;
}
