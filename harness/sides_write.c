#include "harness/sides_write.h"

static const struct {
    const char *key, *words;
} effects[] = {
    [ENV_NOTED] = {"noted", "noted"},
    [ENV_FORBIDS_TIMING] = {"forbids_timing", "forbids comparing times"},
    [ENV_FORBIDS] = {"forbids", "forbids comparing"},
};

void sides_environment_json(struct json_out *o, const struct env *env, const struct side_keys *k,
                            int with_effect)
{
    json_begin_array(o, "environment");
    for (size_t i = 0; i < env->n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "key", env->v[i].key);
        json_put_str(o, k->a, env->v[i].a);
        json_put_str(o, k->b, env->v[i].b);
        if (with_effect)
            json_put_str(o, "effect", effects[env->v[i].effect].key);
        json_end_object(o);
    }
    json_end_array(o);
}

void sides_environment_page(struct report *r, const struct env *env, int with_effect)
{
    report_section(r, "What differs besides the results");
    for (size_t i = 0; i < env->n; i++) {
        const struct env_difference *d = &env->v[i];
        report_fact(r, d->key, report_fmt(r, "%.200s \xe2\x86\x92 %.200s%s%s%s",
                                          d->a ? d->a : "unknown", d->b ? d->b : "unknown",
                                          with_effect ? " (" : "",
                                          with_effect ? effects[d->effect].words : "",
                                          with_effect ? ")" : ""));
    }
    if (env->n == 0)
        report_text(r, "Nothing: program, numerics, device, settings, model and machine are the "
                       "same.");
    if (env->reasons)
        report_warning(r, "The machine was not quiet: %s.", env->reasons);
}

int sides_changed(const struct pair *p, int which)
{
    return (which & SIDES_LOST && p->b.credit < p->a.credit) ||
           (which & SIDES_WON && p->b.credit > p->a.credit);
}

void sides_changed_json(struct json_out *o, const char *key, const struct pairs *p, int which,
                        const struct side_keys *k)
{
    json_begin_array(o, key);
    for (size_t t = 0; p && t < p->n_tasks; t++)
        for (size_t i = 0; i < p->tasks[t].n; i++) {
            const struct pair *q = &p->tasks[t].v[i];
            if (!sides_changed(q, which))
                continue;
            json_begin_object(o, NULL);
            json_put_str(o, "task", p->tasks[t].task);
            json_put_int(o, "doc_id", q->doc_id);
            json_put_str(o, "doc_hash", q->doc_hash);
            json_put_int(o, k->row_a, q->a.item);
            json_put_int(o, k->row_b, q->b.item);
            json_put_num(o, k->a, q->a.credit);
            json_put_num(o, k->b, q->b.credit);
            json_end_object(o);
        }
    json_end_array(o);
}
