#include "harness/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "harness/published.h"

enum { MODEL, TOTAL, NON_EMBEDDING, DEDUPED, STEP, TOKENS, SHOTS, TASK, ACC, ACC_NORM, NATS,
       COLUMNS };
static const char *const names[COLUMNS] = {"model", "total_params", "non_embedding_params",
                                           "deduped", "step", "tokens", "shots", "task", "acc",
                                           "acc_norm", "loss_nats"};

/* "" is not measured. */
static int number(const struct csv *c, int column, double low, double high, double *out,
                  struct err *e)
{
    const char *text = csv_field(c, column);
    char *end;

    *out = NAN;
    if (!*text)
        return 0;
    *out = strtod(text, &end);
    if (*end || !(*out >= low && *out <= high))
        return err_set(e, ERR_FORMAT, "%s:%zu: '%.40s' is not a number from %g to %g", c->name,
                       c->line, text, low, high);
    return 0;
}

static int wanted(const struct csv *c, int column, double low, double high, double *out,
                  struct err *e)
{
    if (number(c, column, low, high, out, e) < 0)
        return -1;
    return isnan(*out) ? err_set(e, ERR_FORMAT, "%s:%zu: field %d is empty", c->name, c->line,
                                 column + 1)
                       : 0;
}

/* Neighbouring rows mostly share their texts. */
static const char *text(struct ladder *l, const char *before, const char *now)
{
    return before && strcmp(before, now) == 0 ? before : arena_strdup(&l->texts, now);
}

static int read_row(struct ladder *l, const struct csv *c, const int *at, struct err *e)
{
    struct ladder_row *r = &l->v[l->n], *before = l->n ? r - 1 : NULL;
    double deduped, step, shots;

    if (wanted(c, at[TOTAL], 1, 1e15, &r->total_params, e) < 0 ||
        number(c, at[NON_EMBEDDING], 1, 1e15, &r->non_embedding_params, e) < 0 ||
        wanted(c, at[DEDUPED], 0, 1, &deduped, e) < 0 ||
        wanted(c, at[STEP], 0, 1e9, &step, e) < 0 ||
        wanted(c, at[TOKENS], 0, 1e18, &r->tokens, e) < 0 ||
        wanted(c, at[SHOTS], 0, 1000, &shots, e) < 0 ||
        number(c, at[ACC], 0, 1, &r->acc, e) < 0 ||
        number(c, at[ACC_NORM], 0, 1, &r->acc_norm, e) < 0 ||
        number(c, at[NATS], 0, 1000, &r->nats, e) < 0)
        return -1;
    r->deduped = deduped != 0;
    r->step = (long)step;
    r->shots = (int)shots;
    r->model = text(l, before ? before->model : NULL, csv_field(c, at[MODEL]));
    r->task = text(l, before ? before->task : NULL, csv_field(c, at[TASK]));
    if (!r->model || !r->task)
        return err_nomem(e);
    l->n++;
    return 0;
}

static int read_rows(struct ladder *l, struct csv *c, struct err *e)
{
    int at[COLUMNS], have_header = 0, rc;
    size_t cap = 0;

    while ((rc = csv_next(c, e)) == 1) {
        if (*csv_field(c, 0) == '#')
            continue;
        for (int i = 0; i < COLUMNS && !have_header; i++)
            if ((at[i] = csv_column(c, names[i])) < 0)
                return err_set(e, ERR_FORMAT, "%s:%zu: no column '%s'", c->name, c->line, names[i]);
        if (!have_header) {
            have_header = c->n_fields;
            continue;
        }
        if (c->n_fields != have_header)
            return err_set(e, ERR_FORMAT, "%s:%zu: %d fields, the header has %d", c->name, c->line,
                           c->n_fields, have_header);
        if (mem_grow(&l->v, &cap, l->n + 1, sizeof *l->v) < 0)
            return err_nomem(e);
        if (read_row(l, c, at, e) < 0)
            return -1;
    }
    return rc;
}

int ladder_parse(struct ladder *out, const char *csv, size_t n, const char *where, struct err *e)
{
    struct ladder l = {0};
    struct csv c;
    int rc;

    csv_init(&c, csv, n, where);
    rc = read_rows(&l, &c, e);
    csv_release(&c);
    if (rc < 0)
        ladder_free(&l);
    else
        *out = l;
    return rc;
}

int ladder_open(struct ladder *out, struct err *e)
{
    size_t n;
    const char *csv = published_ladder_built_in(&n);

    return ladder_parse(out, csv, n, "built-in ladder", e);
}

void ladder_free(struct ladder *l)
{
    mem_free(l->v);
    arena_release(&l->texts);
    *l = (struct ladder){0};
}
