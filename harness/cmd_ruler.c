/* cmd_ruler.c -- what densities are measured against: list, show, fit, check and drop rulers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/density_present.h"
#include "harness/groups.h"
#include "harness/ruler_store.h"
#include "harness/rulers.h"
#include "harness/stored.h"

const struct option ruler_options[] = {
    {"tasks", 0, OPTION_WORDS, "TASK,...", NULL, 0, 0,
     "fit: only these; else all that every run asked"},
    {"metric", 0, OPTION_TEXT, "NAME", NULL, 0, 0,
     "fit: the score; nats_per_byte: ln p of the right answer (default: the task's first)"},
    {"kind", 0, OPTION_CHOICE, "table|logit|logistic", "table", 0, 0, "fit: the curve"},
    {"chance", 0, OPTION_NUMBER, "SHARE", NULL, 0, 1,
     "fit: what a guesser gets, where it is not known"},
    {"d0", 0, OPTION_NUMBER, "TOKENS", NULL, 1, 1e18, "fit: what the models were trained on"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int list_json(const struct context *c, struct rulers *known, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "ruler");
    int rc = 0;

    json_begin_array(&o, "rulers");
    for (int i = 0; i < rulers_n(known) && rc == 0; i++) {
        const struct ruler *r;
        if ((rc = rulers_at(known, i, &r, e)) < 0)
            break;
        json_begin_object(&o, NULL);
        ruler_json(&o, r, 0);
        json_end_object(&o);
    }
    json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int list_table(const struct context *c, struct rulers *known, struct err *e)
{
    static const struct column columns[] = {
        {"name", 0, 0},     {"kind", 0, 3},    {"benchmark", 0, 2}, {"metric", 0, 5},
        {"shots", 1, 6},    {"models", 1, 7},  {"from", 1, 4},      {"to", 1, 4},
        {"1 sd", 1, 1},     {"origin", 0, 8},
    };
    struct table t;
    int rc = 0;

    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < rulers_n(known) && rc == 0; i++) {
        const struct ruler *r;
        if ((rc = rulers_at(known, i, &r, e)) < 0)
            break;
        table_cell(&t, "%s", r->name);
        table_cell(&t, "%s", ruler_kind_name(r->kind));
        table_cell(&t, "%s", r->benchmark);
        table_cell(&t, "%s", r->metric ? r->metric : "-");
        table_int(&t, r->shots);
        table_int(&t, r->n_nodes);
        table_num(&t, r->n_nodes ? 100 * r->nodes[0].score : NAN, 3);
        table_num(&t, r->n_nodes ? 100 * r->nodes[r->n_nodes - 1].score : NAN, 3);
        if (c->csv || isnan(r->loo_ln))
            table_num(&t, exp(r->loo_ln), 3);
        else
            table_cell(&t, "×/÷ %.2f", exp(r->loo_ln));
        table_cell(&t, "%s", r->origin);
    }
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

static int show_json(const struct context *c, const struct ruler *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "ruler");
    int rc;

    ruler_json(&o, r, 1);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static void put_about(struct strbuf *b, const struct ruler *r)
{
    strbuf_addf(b, "%s: %s\n", r->name, r->origin);
    strbuf_addf(b, "%s", ruler_kind_name(r->kind));
    for (int i = 0; i < ruler_n_constants(r->kind); i++)
        strbuf_addf(b, "%s %s = %.6g", i ? "," : ";", ruler_constant_name(r->kind, i),
                    r->constants[i]);
    strbuf_addf(b, "\n%s, %s, ", r->benchmark, r->metric ? r->metric : "metric not stated");
    if (r->shots >= 0)
        strbuf_addf(b, "%d shots", r->shots);
    else
        strbuf_adds(b, "shots not stated");
    strbuf_addf(b, ", chance %.3g %%", 100 * r->chance);
    if (!isnan(r->d0_tokens))
        strbuf_addf(b, ", reference models trained on %.3g tokens", r->d0_tokens);
    if (!isnan(r->loo_ln))
        strbuf_addf(b, "\nleave-one-out: a factor of %.2f (1 sd of ln N^, %d interior models)",
                    exp(r->loo_ln), r->n_loo);
    strbuf_adds(b, "\n\n");
}

static int show_text(const struct context *c, const struct ruler *r, struct err *e)
{
    static const struct column columns[] = {
        {"model", 0, 0}, {"parameters", 1, 0}, {"tokens", 1, 3}, {"score %", 1, 0},
        {"half range", 1, 2}, {"fitted %", 1, 1}, {"run", 0, 4},
    };
    struct strbuf b = STRBUF_INIT;
    struct table t;
    int rc = 0;

    put_about(&b, r);
    if (!c->csv)
        rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < r->n_nodes && rc == 0; i++) {
        const struct ruler_node *n = &r->nodes[i];
        table_cell(&t, "%s", n->model ? n->model : "-");
        table_num(&t, n->total_params, 6);
        table_num(&t, n->tokens, 4);
        table_num(&t, 100 * n->score, 4);
        table_num(&t, 100 * n->noise, 3);
        table_num(&t, 100 * ruler_score(r, n->total_params, NAN), 4);
        table_cell(&t, "%s", n->run ? n->run : "-");
    }
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* --- check ------------------------------------------------------------------------------------ */

struct finding {
    const char *what;
    int holds;
    char detail[160];
};
enum { FINDINGS = 4 };
#define FACTOR_MOST 2.0 /* of leave-one-out: beyond it a ruler tells a half from a double badly */

static void check_ruler(const struct ruler *r, const struct store_ruler *kept, struct finding *f)
{
    double s[RULER_NODES], ln_n[RULER_NODES];
    int pooled = r->n_nodes - ruler_monotone(r, s, ln_n), above = 0, gone = 0;

    for (int i = 0; i < r->n_nodes; i++)
        above += isnan(r->chance) || r->nodes[i].score > r->chance;
    for (int i = 0; kept && i < kept->n_nodes; i++)
        gone += !kept->nodes[i].run || kept->nodes[i].changed;
    f[0] = (struct finding){.what = "scores rise with size", .holds = pooled == 0};
    snprintf(f[0].detail, sizeof f[0].detail, "%d of %d models are out of order", pooled,
             r->n_nodes);
    f[1] = (struct finding){.what = "models are above chance", .holds = above == r->n_nodes};
    snprintf(f[1].detail, sizeof f[1].detail, "%d of %d", above, r->n_nodes);
    f[2] = (struct finding){.what = "left-out models are found again",
                            .holds = exp(r->loo_ln) <= FACTOR_MOST};
    if (isnan(r->loo_ln))
        snprintf(f[2].detail, sizeof f[2].detail, "not known: needs two interior models");
    else
        snprintf(f[2].detail, sizeof f[2].detail, "within a factor of %.2f (1 sd; at most %.1f)",
                 exp(r->loo_ln), FACTOR_MOST);
    f[3] = (struct finding){.what = "its runs are what they were", .holds = gone == 0};
    snprintf(f[3].detail, sizeof f[3].detail, kept ? "%d deleted or changed" : "published", gone);
}

static void put_findings(struct json_out *o, const struct finding *f)
{
    json_begin_array(o, "checks");
    for (int i = 0; i < FINDINGS; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "check", f[i].what);
        json_put_bool(o, "holds", f[i].holds);
        json_put_str(o, "detail", f[i].detail);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_left_out(struct json_out *o, const struct ruler *r)
{
    json_begin_array(o, "left_out");
    for (int i = 1; i + 1 < r->n_nodes; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "model", r->nodes[i].model);
        json_put_num(o, "ratio", ruler_without(r, i).n / r->nodes[i].total_params);
        json_end_object(o);
    }
    json_end_array(o);
}

static int check_json(const struct context *c, const struct ruler *r, const struct finding *f,
                      const char *verdict, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "ruler");
    int rc;

    json_put_str(&o, "name", r->name);
    json_put_str(&o, "verdict", verdict);
    put_findings(&o, f);
    put_left_out(&o, r);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int check_text(const struct context *c, const struct ruler *r, const struct finding *f,
                      const char *verdict, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (int i = 0; i < FINDINGS; i++)
        strbuf_addf(&b, "%-5s %s: %s\n", f[i].holds ? "ok" : "FAIL", f[i].what, f[i].detail);
    for (int i = 1; i + 1 < r->n_nodes; i++)
        strbuf_addf(&b, "      without %s: N^ / N = %.2f\n", r->nodes[i].model,
                    ruler_without(r, i).n / r->nodes[i].total_params);
    strbuf_addf(&b, "%s: %s\n", r->name, verdict);
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

/* Exit status 1 when a check fails. */
static int check(const struct context *c, const struct ruler *r, const struct store_ruler_list *own,
                 struct err *e)
{
    struct finding f[FINDINGS];
    const struct store_ruler *kept = NULL;
    int fails = 0, rc;

    for (size_t i = 0; i < own->n; i++)
        if (strcmp(own->v[i].name, r->name) == 0)
            kept = &own->v[i];
    check_ruler(r, kept, f);
    for (int i = 0; i < FINDINGS; i++)
        fails += !f[i].holds;
    rc = c->json ? check_json(c, r, f, fails ? "FAIL" : "PASS", e)
                 : check_text(c, r, f, fails ? "FAIL" : "PASS", e);
    return rc < 0 ? -1 : fails > 0;
}

/* --- fit -------------------------------------------------------------------------------------- */

/* The tasks to fit, each once: groups as one. */
static int is_new(const struct task_list *tasks, size_t i)
{
    const char *group = group_of(tasks->v[i].task);

    return !group || group_begins(tasks, i);
}

struct fitted {
    int n, skipped;
};

/* One ruler; a task that carries none is told and passed over, unless it was asked for by name. */
static int fit_task(const struct context *c, struct store *s, struct ruler_plan *plan,
                    const struct run_row *runs, size_t n, int by_name, struct fitted *out,
                    struct err *e)
{
    struct arena texts = ARENA_INIT;
    struct ruler r;
    struct err why = ERR_NONE;
    int rc = ruler_of_runs(&r, plan, s, runs, n, &texts, &why);

    if (rc > 0)
        err_set(&why, ERR_INVALID, "%s: not all of the runs have asked it", plan->task);
    if (rc == 0 && (rc = ruler_keep(&r, s, e)) == 0) {
        out->n++;
        context_note(c, "%s: %d models, %.4g to %.4g, leave-one-out a factor of %.2f", r.name,
                     r.n_nodes, r.nodes[0].score, r.nodes[r.n_nodes - 1].score, exp(r.loo_ln));
    } else if (why.code == ERR_INVALID && !by_name) {
        context_note(c, "%s", why.text);
        out->skipped++;
        rc = 0;
    } else if (why.code) {
        if (e)
            *e = why;
        rc = -1;
    }
    arena_release(&texts);
    return rc;
}

static int fit_tasks(const struct context *c, struct store *s, struct ruler_plan *plan,
                     const struct run_row *runs, size_t n, struct err *e)
{
    int by_name = args_count(c->args, "tasks"), rc;
    struct task_list tasks = {0};
    struct fitted f = {0};

    rc = by_name ? 0 : query_tasks(s, runs[0].id, &tasks, e);
    for (int i = 0; i < by_name && rc == 0; i++) {
        plan->task = args_word(c->args, "tasks", i);
        rc = fit_task(c, s, plan, runs, n, 1, &f, e);
    }
    for (size_t i = 0; i < tasks.n && rc == 0; i++) {
        const char *group = group_of(tasks.v[i].task);
        plan->task = group ? group : tasks.v[i].task;
        if (is_new(&tasks, i))
            rc = fit_task(c, s, plan, runs, n, 0, &f, e);
    }
    if (rc == 0 && f.n == 0)
        rc = err_set(e, ERR_INVALID, "ruler fit %s: no task carries a ruler", plan->set);
    task_list_release(&tasks);
    return rc;
}

static int fit(const struct context *c, struct rulers *known, struct store *s, struct err *e)
{
    struct ruler_plan plan = {
        .set = args_at(c->args, 1), .metric = args_str(c->args, "metric"),
        .kind = (enum ruler_kind)ruler_kind_find(args_str(c->args, "kind")),
        .chance = args_given(c->args, "chance") ? args_num(c->args, "chance") : NAN,
        .d0_tokens = args_given(c->args, "d0") ? args_num(c->args, "d0") : NAN};
    size_t n = args_n(c->args) > 2 ? (size_t)args_n(c->args) - 2 : 0;
    struct run_row *runs;
    struct run_list *lists;
    int rc = 0;

    if (!plan.set || n < 3)
        return err_set(e, ERR_USAGE, "ruler fit: wants a name and at least three runs");
    for (int i = 0; i < rulers_n(known); i++)
        if (!rulers_are_own(known, i) && strcmp(rulers_set(known, i), plan.set) == 0)
            return err_set(e, ERR_USAGE, "ruler fit: '%s' is a published ladder's name", plan.set);
    if (!s)
        return err_set(e, ERR_NOTFOUND, "ruler fit: there are no results yet to make one of");
    runs = mem_calloc(n, sizeof *runs);
    lists = mem_calloc(n, sizeof *lists);
    if (!runs || !lists)
        rc = err_nomem(e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = query_run(s, args_at(c->args, (int)i + 2), &lists[i], e);
        if (rc == 0)
            runs[i] = lists[i].v[0];
    }
    if (rc == 0)
        rc = fit_tasks(c, s, &plan, runs, n, e);
    for (size_t i = 0; lists && i < n; i++)
        run_list_release(&lists[i]);
    mem_free(lists);
    mem_free(runs);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------ */

static int drop(const struct context *c, struct rulers *known, struct store *s, const char *name,
                struct err *e)
{
    const struct ruler *r;
    int gone = s ? ruler_delete(s, name, e) : 0;

    if (gone < 0 || (!gone && rulers_get(known, name, &r, e) < 0))
        return -1;
    if (!gone)
        return err_set(e, ERR_USAGE, "ruler drop: %s is published, not one's own", name);
    context_note(c, "%s is gone", name);
    return 0;
}

static int with_rulers(struct context *c, struct rulers *known, struct store *s,
                       const struct store_ruler_list *own, struct err *e)
{
    const char *verb = args_at(c->args, 0), *name = args_at(c->args, 1);
    const struct ruler *r;

    if (verb && name && strcmp(verb, "list") == 0)
        return err_set(e, ERR_USAGE, "ruler list: it takes no name; 'ruler show %s' shows one",
                       name);
    if (!verb || strcmp(verb, "list") == 0)
        return c->json ? list_json(c, known, e) : list_table(c, known, e);
    if (strcmp(verb, "fit") == 0)
        return fit(c, known, s, e);
    if (!name)
        return err_set(e, ERR_USAGE, "ruler %s: which one? 'densimeter ruler list' has the names",
                       verb);
    if (strcmp(verb, "drop") == 0)
        return drop(c, known, s, name, e);
    if (rulers_get(known, name, &r, e) < 0)
        return -1;
    if (strcmp(verb, "check") == 0)
        return check(c, r, own, e);
    return c->json ? show_json(c, r, e) : show_text(c, r, e);
}

/* A store that is not there yet, or cannot be read as it is, has no rulers to offer. */
static int open_own(struct context *c, struct store **s, struct store_ruler_list *own,
                    struct err *e)
{
    const char *verb = args_at(c->args, 0);
    int writes = verb && (strcmp(verb, "fit") == 0 || strcmp(verb, "drop") == 0);
    struct err why = ERR_NONE;

    if (open_store(c, writes ? STORED_CHANGE : STORED_READ, s, &why) < 0) {
        if (writes && why.code != ERR_NOTFOUND) {
            *e = why;
            return -1;
        }
        if (why.code != ERR_NOTFOUND)
            context_note(c, "%s; only published rulers are known", why.text);
        return 0;
    }
    return query_rulers(*s, NULL, own, e);
}

int cmd_ruler(struct context *c, struct err *e)
{
    struct published *p = NULL;
    struct rulers *known = NULL;
    struct store *s = NULL;
    struct store_ruler_list own = {0};
    int rc = -1;

    if (published_open(&p, e) == 0 && rulers_open(&known, p, e) == 0 &&
        open_own(c, &s, &own, e) == 0 && rulers_add(known, &own, e) == 0)
        rc = with_rulers(c, known, s, &own, e);
    store_ruler_list_release(&own);
    store_close(s);
    rulers_close(known);
    published_free(p);
    return rc;
}
