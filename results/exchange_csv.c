/* exchange_csv.c -- a table of scores: one line per model, task, metric and filter. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/csv.h"
#include "base/mem.h"
#include "results/exchange_internal.h"

#define MODELS_MAX 1000 /* each is a run; a table of more is not a table of scores */

enum column {
    MODEL, TASK, METRIC, FILTER, VALUE, STDERR, LOW, HIGH, N, SHOTS, VERSION, PARAMETERS,
    FILE_BYTES, N_COLUMNS
};
static const struct {
    const char *name;
    int needed, count; /* count: a whole number >= 0 */
} columns[N_COLUMNS] = {
    [MODEL] = {"model", 1, 0},   [TASK] = {"task", 1, 0},       [METRIC] = {"metric", 1, 0},
    [FILTER] = {"filter", 0, 0}, [VALUE] = {"value", 1, 0},     [STDERR] = {"stderr", 0, 0},
    [LOW] = {"low", 0, 0},       [HIGH] = {"high", 0, 0},       [N] = {"n", 0, 1},
    [SHOTS] = {"shots", 0, 1},   [VERSION] = {"version", 0, 1},
    [PARAMETERS] = {"parameters", 0, 1},                        [FILE_BYTES] = {"file_bytes", 0, 1},
};

struct table {
    struct import *im;
    struct csv csv;
    int at[N_COLUMNS]; /* field of each column; -1: not in this table */
    struct arena names;
    struct { const char *name; int64_t run_id; } models[MODELS_MAX];
    int n_models;
    int idx; /* order of display */
};

static int bad(struct table *t, enum column c, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%zu: %s %s", t->im->path, t->csv.line, columns[c].name,
                   what);
}

static const char *text(struct table *t, enum column c)
{
    int i = t->at[c];

    return i >= 0 && i < t->csv.n_fields ? csv_field(&t->csv, i) : "";
}

/* NAN for an empty field; what is no finite number (or no count where one is due) is an error. */
static int number(struct table *t, enum column c, double *out, struct err *e)
{
    const char *s = text(t, c);
    char *end;

    *out = NAN;
    if (!*s)
        return columns[c].needed ? bad(t, c, "is empty", e) : 0;
    *out = strtod(s, &end);
    if (*end || !isfinite(*out))
        return bad(t, c, "is not a number", e);
    if (columns[c].count && (*out < 0 || *out != floor(*out) || *out > 9e15))
        return bad(t, c, "is not a count", e);
    return 0;
}

static int header(struct table *t, struct err *e)
{
    int rc = csv_next(&t->csv, e);

    if (rc < 0)
        return -1;
    for (int c = 0; c < N_COLUMNS; c++) {
        t->at[c] = rc == 1 ? csv_column(&t->csv, columns[c].name) : -1;
        if (t->at[c] < 0 && columns[c].needed) {
            err_set(e, ERR_FORMAT, "%s:1: not a table of scores: no column \"%s\"", t->im->path,
                    columns[c].name);
            err_hint(e, "import reads lm-eval results and samples, llama-bench JSON, and tables "
                        "with model,task,metric,value");
            return -1;
        }
    }
    return 0;
}

/* Makes the run of this line's model the current one. */
static int choose_run(struct table *t, double parameters, double file_bytes, struct err *e)
{
    struct store_model m = {
        .name = text(t, MODEL), .parameters = isnan(parameters) ? -1 : (int64_t)parameters,
        .parameters_non_embedding = -1, .parameters_embedding = -1, .parameters_active = -1,
        .file_bytes = isnan(file_bytes) ? -1 : (int64_t)file_bytes, .bits_per_weight = NAN,
    };

    if (!*m.name)
        return bad(t, MODEL, "is empty", e);
    for (int i = 0; i < t->n_models; i++) {
        if (strcmp(t->models[i].name, m.name) != 0)
            continue;
        t->im->run_id = t->models[i].run_id;
        return 0;
    }
    if (t->n_models == MODELS_MAX)
        return bad(t, MODEL, "is one too many: a table may have 1000", e);
    if (import_run(t->im, &m, "{}", e) < 0)
        return -1;
    t->models[t->n_models].run_id = t->im->run_id;
    t->models[t->n_models].name = arena_strdup(&t->names, m.name);
    return t->models[t->n_models++].name ? 0 : err_nomem(e);
}

static int read_line(struct table *t, struct err *e)
{
    struct import *im = t->im;
    double v[N_COLUMNS];
    const char *filter = text(t, FILTER);
    struct store_task task = {.task = text(t, TASK)};
    struct err why = ERR_NONE;
    int64_t id;

    for (int c = VALUE; c < N_COLUMNS; c++)
        if (number(t, c, &v[c], e) < 0)
            return -1;
    if (!*task.task)
        return bad(t, TASK, "is empty", e);
    if (!*text(t, METRIC))
        return bad(t, METRIC, "is empty", e);
    task.version = isnan(v[VERSION]) || v[VERSION] > 1e9 ? -1 : (int)v[VERSION];
    task.shots = isnan(v[SHOTS]) || v[SHOTS] > 1e9 ? -1 : (int)v[SHOTS];
    if (choose_run(t, v[PARAMETERS], v[FILE_BYTES], e) < 0 || import_task(im, &task, &id, e) < 0)
        return -1;
    if (v[N] <= 1e9 && db_run(im->db, SQL_TASK_SCORED, e, "ni", (int)v[N], id) < 0)
        return -1;
    if (db_run(im->db, SQL_VALUE_PUT, &why, "ittndddd", id, text(t, METRIC),
               *filter ? filter : "none", t->idx++, v[VALUE], v[STDERR], v[LOW], v[HIGH]) >= 0) {
        im->result->values++;
        return 0;
    }
    if (why.code == ERR_INVALID)
        return bad(t, METRIC, "came before for this model, task and filter", e);
    if (e)
        *e = why;
    return -1;
}

int import_csv(struct import *im, struct err *e)
{
    struct table *t = mem_calloc(1, sizeof *t);
    int rc = -1;

    if (!t)
        return err_nomem(e);
    t->im = im;
    csv_init(&t->csv, im->bytes, im->n_bytes, im->path);
    if (header(t, e) < 0)
        goto out;
    while ((rc = csv_next(&t->csv, e)) == 1)
        if ((rc = read_line(t, e)) < 0)
            break;
out:
    csv_release(&t->csv);
    arena_release(&t->names);
    mem_free(t);
    return rc;
}

/* --- writing ----------------------------------------------------------------------------- */

static void put_number(struct strbuf *b, double v)
{
    char digits[40];

    strbuf_addc(b, ',');
    if (!isfinite(v))
        return;
    json_format_num(digits, sizeof digits, v);
    strbuf_adds(b, digits);
}

static void put_count(struct strbuf *b, int64_t n)
{
    put_number(b, n < 0 ? NAN : (double)n);
}

/* Nothing of what was not measured: a line is a score. */
static void put_line(struct strbuf *b, const struct run_row *r, const char *task,
                     const char *filter, const struct store_value *v, int n, int shots,
                     int version)
{
    if (!isfinite(v->value))
        return;
    csv_put(b, r->model.name);
    strbuf_addc(b, ',');
    csv_put(b, task);
    strbuf_addc(b, ',');
    csv_put(b, v->metric);
    strbuf_addc(b, ',');
    csv_put(b, filter);
    put_number(b, v->value);
    put_number(b, v->stderr_);
    put_number(b, v->low);
    put_number(b, v->high);
    put_count(b, n);
    put_count(b, shots);
    put_count(b, version);
    put_count(b, r->model.parameters);
    put_count(b, r->model.file_bytes);
    strbuf_addc(b, '\n');
}

int export_csv(struct store *s, const char *id, const char *to, struct err *e)
{
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    struct out_file f = {0};
    int rc = -1;

    if (query_run(s, id, &runs, e) < 0 || query_tasks(s, id, &tasks, e) < 0 ||
        query_bench(s, id, &bench, e) < 0 || out_open(&f, to, e) < 0)
        goto out;
    for (int c = 0; c < N_COLUMNS; c++)
        strbuf_addf(&f.b, "%s%s", c ? "," : "", columns[c].name);
    strbuf_addc(&f.b, '\n');
    for (size_t i = 0; i < tasks.n; i++)
        for (int k = 0; k < tasks.v[i].n_values; k++)
            put_line(&f.b, &runs.v[0], tasks.v[i].task, tasks.v[i].values[k].filter,
                     &tasks.v[i].values[k], tasks.v[i].n_scored, tasks.v[i].shots,
                     tasks.v[i].version);
    for (size_t i = 0; i < bench.n; i++) /* a rival's row of a test is told from ours by its name */
        for (int k = 0; k < bench.v[i].n_values; k++)
            put_line(&f.b, &runs.v[0], bench.v[i].test,
                     bench.v[i].rival ? bench.v[i].rival : "none", &bench.v[i].values[k],
                     bench.v[i].n_samples, -1, -1);
    rc = out_finish(&f, e);
out:
    out_close(&f);
    run_list_release(&runs);
    task_list_release(&tasks);
    bench_list_release(&bench);
    return rc;
}
