#include <math.h>

#include "harness/compare_write.h"
#include "harness/sides_write.h"

static void put_run(struct json_out *o, const char *key, const struct run_row *r)
{
    json_begin_object(o, key);
    json_put_str(o, "run", r->id);
    json_put_str(o, "label", r->label);
    json_put_str(o, "kind", r->kind);
    json_put_str(o, "created", r->created);
    json_begin_object(o, "model");
    store_model_members(o, &r->model);
    json_end_object(o);
    json_end_object(o);
}

static const struct side_keys keys = {"a", "b", "row_a", "row_b"};

static void put_interval(struct json_out *o, double value, struct interval i)
{
    json_put_num(o, "value", value);
    json_put_num(o, "low", i.low);
    json_put_num(o, "high", i.high);
}

static void put_credit(struct json_out *o, const struct paired_credit *c)
{
    if (c->n + c->alone == 0) {
        json_put_null(o, "accuracy");
        return;
    }
    json_begin_object(o, "accuracy");
    json_put_int(o, "n", (int64_t)c->n);
    json_put_int(o, "on_one_side_only", (int64_t)c->alone);
    json_put_int(o, "clusters", (int64_t)c->n_clusters);
    json_put_num(o, "a", c->a);
    json_put_num(o, "b", c->b);
    put_interval(o, c->difference, c->interval);
    json_put_num(o, "stderr", c->stderr_);
    json_put_num(o, "lost", c->lost);
    json_put_num(o, "won", c->won);
    json_put_num(o, "design_effect", c->design_effect);
    json_put_num(o, "p_loss", c->p_loss);
    json_put_num(o, "p_mcnemar_exact", c->p_exact);
    json_end_object(o);
}

static void put_costs(struct json_out *o, const struct compare_row *r)
{
    if (r->nats.n + r->nats.alone == 0) {
        json_put_null(o, "nats_per_byte");
    } else {
        json_begin_object(o, "nats_per_byte");
        json_put_int(o, "n", (int64_t)r->nats.n);
        json_put_int(o, "on_one_side_only", (int64_t)r->nats.alone);
        json_put_num(o, "a", r->nats.a);
        json_put_num(o, "b", r->nats.b);
        put_interval(o, r->nats.difference, r->nats.interval);
        json_put_num(o, "p_loss", r->nats.p_loss);
        json_end_object(o);
    }
    if (r->latency.n == 0) {
        json_put_null(o, "latency_ratio");
    } else {
        json_begin_object(o, "latency_ratio");
        json_put_int(o, "n", (int64_t)r->latency.n);
        json_put_num(o, "a_s", r->latency.a_s);
        json_put_num(o, "b_s", r->latency.b_s);
        put_interval(o, r->latency.ratio, r->latency.interval);
        json_put_num(o, "coverage", r->latency.coverage);
        json_end_object(o);
    }
    json_put_num(o, "peak_rss_bytes_a", r->memory_a);
    json_put_num(o, "peak_rss_bytes_b", r->memory_b);
    json_put_num(o, "energy_j_a", r->energy_a);
    json_put_num(o, "energy_j_b", r->energy_b);
}

static void put_rows(struct json_out *o, const struct compare *c)
{
    json_begin_array(o, "rows");
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct compare_row *r = &c->rows[i];
        json_begin_object(o, NULL);
        json_put_str(o, "level", compare_level_name(r->level));
        json_put_str(o, "name", r->name);
        json_put_str(o, "metric", r->metric);
        json_put_str(o, "filter", r->filter);
        json_put_int(o, "items", (int64_t)r->n);
        put_credit(o, &r->credit);
        put_costs(o, r);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_bench(struct json_out *o, const struct compare *c)
{
    json_begin_array(o, "bench");
    for (size_t i = 0; i < c->n_bench; i++) {
        const struct compare_bench_row *r = &c->bench[i];
        const struct store_value *a = bench_value(r->a, "tok_s"), *b = bench_value(r->b, "tok_s");
        json_begin_object(o, NULL);
        json_put_str(o, "test", r->a->test);
        json_put_int(o, "depth", r->a->depth);
        json_put_int(o, "batch", r->a->batch);
        json_put_str(o, "rival", r->a->rival);
        json_put_num(o, "tok_s_a", a ? a->value : NAN);
        json_put_num(o, "tok_s_b", b ? b->value : NAN);
        json_begin_object(o, "speed_ratio");
        put_interval(o, r->speed.ratio, (struct interval){r->speed.low, r->speed.high});
        json_put_num(o, "coverage", r->speed.coverage);
        json_end_object(o);
        json_end_object(o);
    }
    json_end_array(o);
}

void compare_json(struct json_out *o, const struct compare *c)
{
    put_run(o, "a", c->a);
    put_run(o, "b", c->b);
    json_put_num(o, "confidence", c->conf);
    sides_environment_json(o, &c->env, &keys, 0);
    json_put_str(o, "noise", c->env.reasons);
    put_rows(o, c);
    put_bench(o, c);
    sides_changed_json(o, "lost", &c->pairs, SIDES_LOST, &keys);
    sides_changed_json(o, "won", &c->pairs, SIDES_WON, &keys);
    json_put_str(o, "sql", query_pair_sql());
}
