/* cmd_explain.c -- what lies behind the scores of a run. */
#include <math.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/explain.h"
#include "harness/stored.h"

const struct option explain_options[] = {
    {"task", 0, OPTION_TEXT, "TASK", NULL, 0, 0, "only this task"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* One line of the table: what a number is about, and the number; NAN: the task has none. */
struct line {
    const char *key, *help;
    double value;
};

enum { LINES = 9 };

static int lines_of(const struct explained *x, struct line *out)
{
    double choice = x->n_choice ? 0 : NAN, text = x->n_text ? 0 : NAN;
    double script = x->n_script ? 0 : NAN;
    const struct line all[LINES] = {
        {"acc", "accuracy of the likeliest option", x->accuracy + choice},
        {"confidence", "mean probability of the likeliest option", x->confidence + choice},
        {"ece", "calibration error, 10 bins of equal width", x->calibration.ece_width + choice},
        {"ece_mass", "the same, bins of equally many", x->calibration.ece_mass + choice},
        {"brier", "mean squared error of the confidence", x->calibration.brier + choice},
        {"surer_half", "accuracy of the surer half", x->surer_half + choice},
        {"empty", "share of outputs that are empty", x->empty + text},
        {"repeating", "share of outputs that go round in circles", x->repeating + text},
        {"drifting", "share in another script than the answer", x->drifting + script},
    };
    int n = 0;

    for (int i = 0; i < LINES; i++)
        if (!isnan(all[i].value))
            out[n++] = all[i];
    return n;
}

static void put_confusion(struct json_out *o, const struct explained *x)
{
    json_begin_object(o, "confusion");
    json_begin_array(o, "labels");
    for (int i = 0; i < x->n_labels; i++)
        json_put_str(o, NULL, x->labels[i]);
    json_end_array(o);
    json_begin_array(o, "counts"); /* rows: right; columns: answered, then anything else */
    for (int g = 0; g < x->n_labels; g++) {
        json_begin_array(o, NULL);
        for (int p = 0; p <= x->n_labels; p++)
            json_put_int(o, NULL, x->confusion[g][p]);
        json_end_array(o);
    }
    json_end_array(o);
    json_end_object(o);
}

static void put_places(struct json_out *o, const struct explained *x)
{
    json_begin_array(o, "places");
    for (int p = 0; p < x->n_places; p++) {
        json_begin_object(o, NULL);
        json_put_num(o, "chosen", x->chosen[p]);
        json_put_num(o, "right", x->right[p]);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_task(struct json_out *o, const char *task, const struct explained *x)
{
    struct line lines[LINES];
    int n = lines_of(x, lines);

    json_begin_object(o, NULL);
    json_put_str(o, "task", task);
    json_put_int(o, "n_choice", x->n_choice);
    json_put_int(o, "n_text", x->n_text);
    for (int i = 0; i < n; i++)
        json_put_num(o, lines[i].key, lines[i].value);
    put_places(o, x);
    if (x->n_labels)
        put_confusion(o, x);
    json_end_object(o);
}

static void add_rows(struct table *t, const char *task, const struct explained *x)
{
    struct line lines[LINES];
    int n = lines_of(x, lines);

    for (int i = 0; i < n; i++) {
        table_cell(t, "%s", task);
        table_cell(t, "%s", lines[i].key);
        table_num(t, lines[i].value, 3);
        table_cell(t, "%s", lines[i].help);
    }
    for (int p = 0; p < x->n_places; p++) {
        table_cell(t, "%s", task);
        table_cell(t, "place_%d", p);
        table_num(t, x->chosen[p], 3);
        table_cell(t, "share chosen; right in %.3g", x->right[p]);
    }
}

/* Rows: what is right; columns: what was answered, the last one neither. */
static void add_confusion(struct strbuf *b, const char *task, const struct explained *x)
{
    strbuf_addf(b, "%s: right (rows) and answered (columns), in the order of the rows, "
                   "then anything else\n", task);
    for (int g = 0; g < x->n_labels; g++) {
        for (int p = 0; p <= x->n_labels; p++)
            strbuf_addf(b, "%4d", x->confusion[g][p]);
        strbuf_adds(b, "  ");
        strbuf_add_printable(b, x->labels[g], 0);
        strbuf_addc(b, '\n');
    }
}

static int explain_run(const struct context *c, struct store *s, const struct run_row *r,
                       struct json_out *o, struct table *t, struct strbuf *matrices,
                       struct err *e)
{
    const char *only = args_str(c->args, "task");
    struct task_list tasks = {0};
    int rc = query_tasks(s, r->id, &tasks, e), n = 0;

    for (size_t i = 0; i < tasks.n && rc == 0; i++) {
        struct explained x;
        if (only && strcmp(only, tasks.v[i].task) != 0)
            continue;
        n++;
        rc = explain_task(s, r->id, tasks.v[i].task, &x, e);
        if (rc < 0)
            break;
        if (c->json)
            put_task(o, tasks.v[i].task, &x);
        else
            add_rows(t, tasks.v[i].task, &x);
        if (!c->json && !c->csv && x.n_labels)
            add_confusion(matrices, tasks.v[i].task, &x);
    }
    if (rc == 0 && n == 0)
        rc = only ? err_set(e, ERR_USAGE, "run %s has no task %s", r->id, only)
                  : err_set(e, ERR_INVALID, "run %s asked no task: there is nothing to explain",
                            r->id);
    task_list_release(&tasks);
    return rc;
}

int cmd_explain(struct context *c, struct err *e)
{
    static const struct column columns[] = {
        {"task", 0, 0}, {"what", 0, 0}, {"value", 1, 0}, {"meaning", 0, 1}};
    struct strbuf b = STRBUF_INIT, matrices = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "explain");
    struct store *s = NULL;
    struct run_list l = {0};
    struct table t;
    int rc = -1;

    table_init(&t, columns, 4, c->csv);
    if (open_store(c, STORED_READ, &s, e) < 0 || query_run(s, args_at(c->args, 0), &l, e) < 0)
        goto out;
    json_put_str(&o, "run", l.v[0].id);
    json_begin_array(&o, "tasks");
    rc = explain_run(c, s, &l.v[0], &o, &t, &matrices, e);
    json_end_array(&o);
    if (rc == 0 && c->json)
        rc = context_json_end(c, &o, e);
    else if (rc == 0)
        rc = context_table(c, &t, e) < 0 || context_print(c, &matrices, e) < 0 ? -1 : 0;
out:
    table_release(&t);
    strbuf_release(&b);
    strbuf_release(&matrices);
    run_list_release(&l);
    store_close(s);
    return rc;
}
