/* vendor_json.c -- a comparison of devices as JSON: all numbers in full. */
#include <math.h>

#include "harness/present.h"
#include "harness/vendor_write.h"

static void put_steps(struct json_out *o, const struct vendor_profile *p)
{
    json_begin_array(o, "steps");
    for (int i = 0; i < p->n_steps; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "name", p->steps[i].name);
        json_put_str(o, "outcome", p->steps[i].outcome);
        json_put_str(o, "reason", p->steps[i].reason);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_value(struct json_out *o, const char *key, double value, double low, double high)
{
    json_begin_object(o, key);
    json_put_num(o, "value", value);
    json_put_num(o, "low", low);
    json_put_num(o, "high", high);
    json_end_object(o);
}

static void put_side(struct json_out *o, const struct vendor *v, int k)
{
    const struct vendor_side *s = &v->sides[k];
    const struct run_row *m = s->main;

    json_begin_object(o, NULL);
    json_put_str(o, "side", s->letter);
    json_put_str(o, "bundle", s->path);
    json_put_str(o, "profile", s->profile_text);
    json_put_str(o, "signer", *s->signer ? s->signer : NULL);
    json_put_int(o, "not_recomputed", s->unknown);
    json_put_str(o, "device", m->device);
    json_put_str(o, "numerics", m->numerics_id);
    json_put_int(o, "threads", s->threads ? s->threads : m->threads);
    json_put_str(o, "machine", m->machine_name);
    json_begin_object(o, "model");
    store_model_members(o, &m->model);
    json_end_object(o);
    json_put_num(o, "cpu_ops", s->cpu_ops);
    json_put_str(o, "no_energy", s->no_energy);
    json_put_str(o, "no_bandwidth", s->no_bandwidth);
    json_put_str(o, "no_rate", s->no_rate);
    put_steps(o, &s->profile);
    json_end_object(o);
}

static void put_credit(struct json_out *o, const struct paired_credit *c)
{
    json_put_int(o, "items", (int64_t)c->n);
    json_put_num(o, "reference", c->n ? c->a : NAN);
    json_put_num(o, "candidate", c->n ? c->b : NAN);
    put_value(o, "difference", c->n ? c->difference : NAN, c->n ? c->interval.low : NAN,
              c->n ? c->interval.high : NAN);
    json_put_num(o, "lost", c->n ? c->lost : NAN);
    json_put_num(o, "won", c->n ? c->won : NAN);
}

static void put_pairing(struct json_out *o, const struct vendor *v, int k)
{
    const struct vendor_pairing *p = &v->pairing[k];

    json_begin_object(o, NULL);
    json_put_str(o, "side", v->sides[k].letter);
    json_put_str(o, "against", v->sides[0].letter);
    json_put_str(o, "verdict", parity_name(p->parity));
    json_put_str(o, "reason", p->why[0] ? p->why : NULL);
    json_put_bool(o, "speed_comparison_void", p->no_ratio != NULL);
    json_put_str(o, "void_because", p->no_ratio);
    json_put_num(o, "margin", PARITY_MARGIN);
    json_put_num(o, "p_margin", p->credit.n ? p->facts.p_margin : NAN);
    put_credit(o, &p->credit);
    json_put_num(o, "generated_tokens_reference", p->facts.tokens_a);
    json_put_num(o, "generated_tokens_candidate", p->facts.tokens_b);
    json_begin_array(o, "tasks");
    for (size_t i = 0; i < p->n_tasks; i++) {
        struct paired_credit c;
        if (paired_credit(&p->tasks[i], 1, v->conf, &c, NULL) < 0)
            continue;
        json_begin_object(o, NULL);
        json_put_str(o, "task", p->tasks[i]->task);
        json_put_str(o, "metric", p->tasks[i]->metric);
        put_credit(o, &c);
        json_end_object(o);
    }
    json_end_array(o);
    json_begin_array(o, "differences");
    for (size_t i = 0; i < p->env.n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "key", p->env.v[i].key);
        json_put_str(o, "reference", p->env.v[i].a);
        json_put_str(o, "candidate", p->env.v[i].b);
        json_end_object(o);
    }
    json_end_array(o);
    json_end_object(o);
}

static void put_row(struct json_out *o, const struct vendor *v, const struct vendor_row *r)
{
    json_begin_object(o, NULL);
    json_put_str(o, "group", vendor_group_name(r->group));
    json_put_str(o, "test", r->test);
    json_put_str(o, "metric", r->metric->name);
    json_put_count(o, "threads", r->threads ? r->threads : -1);
    json_begin_array(o, "values");
    for (int k = 0; k < v->n; k++)
        put_value(o, NULL, r->cells[k].value, r->cells[k].low, r->cells[k].high);
    json_end_array(o);
    json_begin_array(o, "ratios");
    for (int k = 0; k < v->n; k++)
        put_value(o, NULL, r->ratios[k].ratio, r->ratios[k].low, r->ratios[k].high);
    json_end_array(o);
    json_end_object(o);
}

static void put_point(struct json_out *o, const struct vendor *v, int k)
{
    const struct vendor_point *p = &v->points[k];

    json_begin_object(o, NULL);
    json_put_str(o, "side", v->sides[k].letter);
    put_value(o, "accuracy", p->accuracy.value, p->accuracy.low, p->accuracy.high);
    json_put_num(o, "bits_per_mbyte", p->bits_per_mbyte);
    json_begin_array(o, "costs");
    for (int c = 0; c < VENDOR_COSTS; c++) {
        json_begin_object(o, NULL);
        json_put_str(o, "metric", vendor_cost_metric((enum vendor_cost)c)->name);
        json_put_num(o, "value", p->cost[c]);
        json_put_bool(o, "on_frontier", p->on[c]);
        json_end_object(o);
    }
    json_end_array(o);
    json_end_object(o);
}

void vendor_json(struct json_out *o, const struct vendor *v)
{
    json_begin_array(o, "sides");
    for (int k = 0; k < v->n; k++)
        put_side(o, v, k);
    json_end_array(o);
    json_begin_array(o, "parity");
    for (int k = 1; k < v->n; k++)
        put_pairing(o, v, k);
    json_end_array(o);
    json_begin_array(o, "rows");
    for (size_t i = 0; i < v->n_rows; i++)
        put_row(o, v, &v->rows[i]);
    json_end_array(o);
    json_begin_array(o, "frontier");
    for (int k = 0; k < v->n; k++)
        put_point(o, v, k);
    json_end_array(o);
}
