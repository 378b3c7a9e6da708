#include "harness/opened.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/groups.h"

static int open_task(const struct context *c, struct opened_task *t, const char *name,
                     const struct task_opts *o, struct err *e)
{
    if (task_open(&t->task, name, o, e) < 0 || task_check_machine(t->task, e) < 0)
        return -1;
    if (task_examples_instead(t->task))
        context_note(c, "%s: the examples are from %s: their usual file is not here", name,
                     task_examples_instead(t->task));
    if (task_sha256(t->task, t->data_sha256, e) < 0)
        return -1;
    t->order = mem_calloc((size_t)task_count(t->task) + 1, sizeof *t->order);
    if (!t->order)
        return err_nomem(e);
    t->n = task_order(t->task, (int)args_int(c->args, "limit"), t->order);
    return 0;
}

/* What a run stores is told apart by the task's name. */
static int same_name(const struct opened *s, int i, struct err *e)
{
    for (int k = 0; k < i; k++)
        if (strcmp(task_name(s->v[k].task), task_name(s->v[i].task)) == 0)
            return err_set(e, ERR_USAGE, "two of the tasks are called %s: run them apart",
                           task_name(s->v[i].task));
    return 0;
}

int opened_open(struct opened *s, const struct context *c, const struct selection *chosen,
                const struct preset *preset, const struct chat_renderer *chat, struct err *e)
{
    const struct args *a = c->args;
    struct task_opts o = {
        .shots = (int)args_int(a, "shots"), .seed = (uint64_t)args_int(a, "seed"),
        .by_doc = args_choice(a, "sampling") == 1, .variant.rotate = (int)args_int(a, "rotate"),
        .system = args_str(a, "system"), .chat = chat};
    int rc = -1;

    if (context_data_dirs(c, &o.data_dirs, &o.n_data_dirs, e) < 0)
        return -1;
    s->v = mem_calloc(chosen->n, sizeof *s->v);
    if (!s->v) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0; i < chosen->n; i++) {
        const struct preset_part *part =
            preset ? preset_part_of(preset, chosen->v[i]->name) : NULL;
        s->n = (int)i + 1;
        if (part) {
            o.shots = part->shots;
            o.pool_named = part->pool_named;
        }
        if (open_task(c, &s->v[i], chosen->v[i]->name, &o, e) < 0 || same_name(s, (int)i, e) < 0)
            goto out;
    }
    rc = 0;
out:
    mem_free((void *)o.data_dirs);
    return rc;
}

void opened_close(struct opened *o)
{
    for (int i = 0; i < o->n; i++) {
        task_close(o->v[i].task);
        mem_free(o->v[i].order);
    }
    mem_free(o->v);
    *o = (struct opened){0};
}

void opened_drop(struct opened_task *t, const int *done, size_t n_done)
{
    int kept = 0;

    for (int i = 0; i < t->n; i++) {
        size_t low = 0, high = n_done;
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (done[mid] < t->order[i])
                low = mid + 1;
            else
                high = mid;
        }
        if (low == n_done || done[low] != t->order[i])
            t->order[kept++] = t->order[i];
    }
    t->n = kept;
}

void opened_rows(const struct opened *o, struct store_task *rows)
{
    for (int i = 0; i < o->n; i++)
        rows[i] = (struct store_task){
            .task = task_name(o->v[i].task), .version = task_version(o->v[i].task),
            .shots = task_shots(o->v[i].task), .n_expected = o->v[i].n,
            .data_sha256 = o->v[i].data_sha256[0] ? o->v[i].data_sha256 : NULL};
}

/* Which file stood in for the one that a task's examples come from. */
static void put_examples(struct json_out *out, const struct opened *o)
{
    int is_open = 0;

    for (int i = 0; i < o->n; i++) {
        const char *instead = task_examples_instead(o->v[i].task);
        if (!instead)
            continue;
        if (!is_open++)
            json_begin_object(out, "examples_from");
        json_put_str(out, task_name(o->v[i].task), path_base(instead));
    }
    if (is_open)
        json_end_object(out);
}

int opened_settings(struct json_out *out, const struct opened *o, const struct context *c,
                    const struct preset *preset, struct err *e)
{
    const struct args *a = c->args;

    json_put_int(out, "limit", args_int(a, "limit"));
    if (preset)
        json_put_str(out, "preset", preset->name);
    if (groups_settings(out, c, e) < 0)
        return -1;
    json_put_str(out, "sampling", args_choice(a, "sampling") ? "by_doc" : "lmeval");
    put_examples(out, o);
    if (args_int(a, "rotate"))
        json_put_int(out, "rotate", args_int(a, "rotate"));
    if (args_num(a, "temperature") > 0)
        json_put_num(out, "temperature", args_num(a, "temperature"));
    return 0;
}
