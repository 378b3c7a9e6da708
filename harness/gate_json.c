#include <math.h>

#include "harness/gate_write.h"
#include "harness/sides_write.h"

static void put_run(struct json_out *o, const char *key, const struct run_row *r)
{
    json_begin_object(o, key);
    json_put_str(o, "run", r->id);
    json_put_str(o, "label", r->label);
    json_put_str(o, "status", r->status);
    json_put_str(o, "created", r->created);
    json_begin_object(o, "model");
    store_model_members(o, &r->model);
    json_end_object(o);
    json_put_str(o, "program_version", r->program_version);
    json_put_str(o, "numerics", r->numerics_id);
    json_put_str(o, "device", r->device);
    json_put_int(o, "threads", r->threads);
    json_put_int(o, "seed", r->seed);
    json_put_str(o, "machine", r->machine_name);
    json_put_raw(o, "noise", r->noise_after);
    json_end_object(o);
}

/* Ratios over processes: how far they differ, and what each one said. */
static void put_processes(struct json_out *o, const struct gate_check *c)
{
    static const char *const methods[] = {[PROCESS_UNKNOWN] = "noise_floor",
                                          [PROCESS_STUDENT] = "student",
                                          [PROCESS_RANKS] = "hodges_lehmann",
                                          [PROCESS_PAIRS] = "signed_ranks"};

    json_put_str(o, "method", methods[c->method]);
    json_put_bool(o, "brief", c->is_brief);
    json_put_num(o, "spread", c->spread);
    json_put_num(o, "spread_df", c->spread_df);
    json_begin_array(o, "levels");
    for (size_t i = 0; i < c->n_levels; i++) {
        const struct gate_process *p = c->levels[i].process;
        json_begin_object(o, NULL);
        json_put_str(o, "run", p->run->id);
        json_put_str(o, "side", p->candidate ? "candidate" : "baseline");
        json_put_bool(o, "earlier", p->earlier);
        json_put_num(o, "level", c->levels[i].level);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_check(struct json_out *o, const struct gate_check *c)
{
    const struct {
        const char *key;
        double v;
    } numbers[] = {
        {"baseline", c->a}, {"candidate", c->b}, {"estimate", c->estimate}, {"low", c->low},
        {"high", c->high}, {"confidence", c->conf}, {"margin", c->margin},
        {"practical", c->practical}, {"noise_floor", c->floor}, {"lost", c->lost},
        {"won", c->won}, {"design_effect", c->design_effect}, {"p_mcnemar_exact", c->p_exact},
        {"p_loss", c->p_loss}, {"p_adjusted", c->p_adjusted}, {"p_margin", c->p_margin},
        {"mde", c->mde}, {c->levels ? "runs_needed" : "items_needed", c->n_needed},
    };

    json_begin_object(o, NULL);
    json_put_str(o, "quantity", gate_quantity_name(c->quantity));
    json_put_str(o, "unit", gate_quantity_unit(c->quantity));
    json_put_str(o, "task", c->task);
    json_put_str(o, "metric", c->metric);
    json_put_str(o, "filter", c->filter);
    json_put_str(o, "verdict", verdict_name(c->verdict));
    json_put_str(o, "reason", c->reason);
    json_put_int(o, "n", (int64_t)c->n);
    json_put_int(o, "clusters", (int64_t)c->n_clusters);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_put_num(o, numbers[i].key, numbers[i].v);
    if (c->levels)
        put_processes(o, c);
    json_end_object(o);
}

static const struct side_keys keys = {"baseline", "candidate", "baseline_row", "candidate_row"};

static void put_validity(struct json_out *o, const struct env *env)
{
    json_begin_object(o, "validity");
    json_put_bool(o, "noisy", env->noisy);
    json_put_bool(o, "swapped_or_throttled", env->invalid);
    json_put_str(o, "reasons", env->reasons);
    json_end_object(o);
}

/* Where every item came from: the statement, and what it was run with. */
static void put_queries(struct json_out *o, const struct gate_story *s)
{
    json_put_str(o, "sql", query_pair_sql());
    json_begin_array(o, "sql_arguments");
    for (size_t k = 0; s->in->pairs && k < s->in->pairs->n_tasks; k++) {
        const struct pair_task *t = &s->in->pairs->tasks[k];
        const char *const runs[] = {s->in->a->id, s->in->b->id};
        for (int side = 0; side < 2; side++) {
            json_begin_array(o, NULL);
            json_put_str(o, NULL, runs[side]);
            json_put_str(o, NULL, t->task);
            json_put_str(o, NULL, t->metric ? t->metric : "");
            json_put_str(o, NULL, t->filter ? t->filter : "");
            json_end_array(o);
        }
    }
    json_end_array(o);
}

void gate_json(struct json_out *o, const struct gate_story *s)
{
    json_put_str(o, "verdict", verdict_name(s->gate->verdict));
    json_put_int(o, "exit_status", verdict_status(s->gate->verdict));
    json_put_str(o, "reason", s->gate->reason);
    put_run(o, "baseline", s->in->a);
    put_run(o, "candidate", s->in->b);
    json_begin_object(o, "policy");
    json_put_str(o, "path", s->policy_path);
    json_put_str(o, "sha256", s->policy->sha256);
    json_put_raw(o, "contents", s->policy->text);
    json_put_int(o, "look", s->gate->look);
    json_put_int(o, "looks", s->policy->looks);
    json_put_num(o, "alpha_of_look", gate_policy_alpha(s->policy));
    json_end_object(o);
    if (s->in->pairs)
        json_put_int(o, "items", (int64_t)s->in->pairs->n);
    else
        json_put_null(o, "items");
    json_put_bool(o, "alternate", s->gate->alternate);
    json_begin_array(o, "checks");
    for (size_t i = 0; i < s->gate->n_checks; i++)
        put_check(o, &s->gate->checks[i]);
    json_end_array(o);
    sides_environment_json(o, &s->gate->env, &keys, 1);
    put_validity(o, &s->gate->env);
    sides_changed_json(o, "changed_items", s->in->pairs, SIDES_LOST | SIDES_WON, &keys);
    put_queries(o, s);
}
