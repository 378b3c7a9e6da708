#include "harness/published.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/stats.h"

#define SCHEMA "densimeter.published/1"
enum { PUBLISHED_BYTES = 64 << 20, SHOTS_MAX = 1000 };

struct published {
    cJSON *json; /* owns the texts */
    struct published_row *rows;
    struct published_score *scores; /* of all rows, one after the other */
    size_t n, n_scores;
};

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

int published_read_date(struct published_date *d, const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t n = strlen(text);

    memset(d, 0, sizeof *d);
    if (n != 7 && n != 10)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return -1;
    if (sscanf(text, "%4d-%2d-%2d", &d->year, &d->month, &d->day) < 2)
        return -1;
    return d->year < 1990 || d->year > 2200 || d->month < 1 || d->month > 12 ||
                   (n == 10 && (d->day < 1 || d->day > days_of(d->year, d->month)))
               ? -1
               : 0;
}

/* NULL is no date. */
static int read_date(struct published_date *d, const char *text, const char *where, struct err *e)
{
    memset(d, 0, sizeof *d);
    if (text && published_read_date(d, text) < 0)
        return err_set(e, ERR_FORMAT, "%s: release_date '%.40s' is neither YYYY-MM-DD nor YYYY-MM",
                       where, text);
    return 0;
}

static int read_count(double *out, const cJSON *j, const char *key, const char *where,
                      struct err *e)
{
    const cJSON *v = json_get(j, key);

    *out = NAN;
    if (!v || cJSON_IsNull(v))
        return 0;
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 1 && v->valuedouble <= 1e18))
        return err_set(e, ERR_FORMAT, "%s: %s is not a count", where, key);
    *out = v->valuedouble;
    return 0;
}

static int read_score(struct published_score *s, const cJSON *j, const char *where, struct err *e)
{
    double shots = json_num(j, "shots", -1);

    s->benchmark = j->string;
    s->value = json_num(j, "value", NAN);
    s->metric = json_str(j, "metric");
    s->note = json_str(j, "note");
    if (!s->benchmark || !*s->benchmark || !isfinite(s->value) || fabs(s->value) > 1e9)
        return err_set(e, ERR_FORMAT, "%s: score '%.60s' has no value", where,
                       s->benchmark ? s->benchmark : "");
    if (!(shots >= -1 && shots <= SHOTS_MAX) || shots != floor(shots))
        return err_set(e, ERR_FORMAT, "%s: score '%.60s': shots is not a small number", where,
                       s->benchmark);
    s->shots = (int)shots;
    return 0;
}

static int read_scores(struct published *p, struct published_row *row, const cJSON *j,
                       const char *where, struct err *e)
{
    const cJSON *scores = json_get(j, "scores"), *item;

    if (!cJSON_IsObject(scores))
        return err_set(e, ERR_FORMAT, "%s: has no scores", where);
    row->scores = p->scores + p->n_scores;
    cJSON_ArrayForEach(item, scores)
    {
        struct published_score *s = &p->scores[p->n_scores];
        if (read_score(s, item, where, e) < 0)
            return -1;
        if (published_score(row, s->benchmark))
            return err_set(e, ERR_FORMAT, "%s: a second score '%.60s'", where, s->benchmark);
        row->n_scores++;
        p->n_scores++;
    }
    return 0;
}

static int read_row(struct published *p, const cJSON *j, const char *where, struct err *e)
{
    struct published_row *row = &p->rows[p->n];
    const struct {
        const char **text;
        const char *key;
        int wanted;
    } texts[] = {
        {&row->model, "model", 1},        {&row->family, "family", 0},
        {&row->organisation, "organisation", 0}, {&row->variant, "variant", 1},
        {&row->source, "source", 1},      {&row->confidence, "confidence", 1},
        {&row->harness, "harness", 0},    {&row->precision, "precision", 0},
        {&row->note, "note", 0},          {&row->meta_source, "meta_source", 0},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].text = json_str(j, texts[i].key);
        if (texts[i].wanted && (!*texts[i].text || !**texts[i].text))
            return err_set(e, ERR_FORMAT, "%s: %s is missing", where, texts[i].key);
    }
    if (read_date(&row->released, json_str(j, "release_date"), where, e) < 0 ||
        read_count(&row->total_params, j, "total_params", where, e) < 0 ||
        read_count(&row->active_params, j, "active_params", where, e) < 0 ||
        read_count(&row->non_embedding_params, j, "non_embedding_params", where, e) < 0 ||
        read_count(&row->training_tokens, j, "training_tokens", where, e) < 0)
        return -1;
    return read_scores(p, row, j, where, e);
}

static int read_rows(struct published *p, const char *where, struct err *e)
{
    const cJSON *rows = json_get(p->json, "rows"), *item;
    const char *schema = json_str(p->json, "schema");
    size_t n = 0, n_scores = 0;
    char place[512];

    if (!schema || strcmp(schema, SCHEMA) != 0 || !cJSON_IsArray(rows))
        return err_set(e, ERR_FORMAT, "%s: no published scores: schema is not " SCHEMA, where);
    cJSON_ArrayForEach(item, rows)
    {
        n++;
        n_scores += (size_t)cJSON_GetArraySize(json_get(item, "scores"));
    }
    p->rows = mem_calloc(n ? n : 1, sizeof *p->rows);
    p->scores = mem_calloc(n_scores ? n_scores : 1, sizeof *p->scores);
    if (!p->rows || !p->scores)
        return err_nomem(e);
    cJSON_ArrayForEach(item, rows)
    {
        snprintf(place, sizeof place, "%s: row %zu", where, p->n + 1);
        if (read_row(p, item, place, e) < 0)
            return -1;
        p->n++;
    }
    return 0;
}

static int finish(struct published **out, cJSON *json, const char *where, struct err *e)
{
    struct published *p = json ? mem_calloc(1, sizeof *p) : NULL;

    if (!p) {
        if (json)
            err_nomem(e);
        json_free(json);
        return -1;
    }
    p->json = json;
    if (read_rows(p, where, e) < 0) {
        published_free(p);
        return -1;
    }
    *out = p;
    return 0;
}

int published_parse(struct published **out, const char *json, size_t n, const char *where,
                    struct err *e)
{
    return finish(out, json_parse(json, n, where, e), where, e);
}

int published_open(struct published **out, struct err *e)
{
    const char *path = getenv("DENSIMETER_PUBLISHED"), *json;
    size_t n;

    if (path && *path)
        return finish(out, json_read(path, PUBLISHED_BYTES, e), path, e);
    json = published_built_in(&n);
    return published_parse(out, json, n, "built-in published scores", e);
}

void published_free(struct published *p)
{
    if (!p)
        return;
    json_free(p->json);
    mem_free(p->rows);
    mem_free(p->scores);
    mem_free(p);
}

size_t published_n(const struct published *p)
{
    return p->n;
}

const struct published_row *published_at(const struct published *p, size_t i)
{
    return i < p->n ? &p->rows[i] : NULL;
}

const struct published_score *published_score(const struct published_row *row,
                                              const char *benchmark)
{
    for (int i = 0; i < row->n_scores; i++)
        if (strcmp(row->scores[i].benchmark, benchmark) == 0)
            return &row->scores[i];
    return NULL;
}

void published_suggest(const struct published *p, struct suggest *s)
{
    for (size_t i = 0; i < p->n; i++)
        suggest_offer(s, p->rows[i].model);
}

int published_days(const struct published_date *d, double *days)
{
    int y = d->year - 1;

    if (!d->year)
        return -1;
    *days = 365.0 * y + y / 4 - y / 100 + y / 400 - 719162;
    for (int m = 1; m < d->month; m++)
        *days += days_of(d->year, m);
    *days += d->day ? d->day - 1 : 0;
    return 0;
}

/* The score of a row that the query lets in, or NULL.  `variant` NULL: any. */
static const struct published_score *counts(const struct published_row *row,
                                            const struct published_query *q, const char *variant)
{
    const struct published_score *s = published_score(row, q->benchmark);

    if (!s || (q->shots >= 0 && s->shots >= 0 && s->shots != q->shots))
        return NULL;
    if (q->metric && s->metric && strcmp(s->metric, q->metric) != 0)
        return NULL;
    if (q->harness && (!row->harness || strncmp(row->harness, q->harness, strlen(q->harness)) != 0))
        return NULL;
    return variant && strcmp(row->variant, variant) != 0 ? NULL : s;
}

static int first_of_model(const struct published *p, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(p->rows[j].model, p->rows[i].model) == 0)
            return 0;
    return 1;
}

static void keep(double *known, double given, int better)
{
    if (isnan(*known) || (better && !isnan(given)))
        *known = given;
}

/* What a row says of its model; `better`: more than what others said. */
static void keep_row(struct published_value *v, const struct published_row *row, int better)
{
    keep(&v->total_params, row->total_params, better);
    keep(&v->active_params, row->active_params, better);
    keep(&v->non_embedding_params, row->non_embedding_params, better);
    keep(&v->training_tokens, row->training_tokens, better);
    if (!v->released.year || (better && row->released.year))
        v->released = row->released;
}

/* Median of the model's rows that count; 0 rows: v->n stays 0.  scratch holds p->n numbers. */
static void one_model(struct published_value *v, const struct published *p, size_t first,
                      const struct published_query *q, const char *variant, double *scratch)
{
    const char *model = p->rows[first].model;

    *v = (struct published_value){.total_params = NAN, .active_params = NAN,
                                  .non_embedding_params = NAN, .training_tokens = NAN};
    for (size_t i = first; i < p->n; i++) {
        const struct published_row *row = &p->rows[i];
        const struct published_score *s;
        if (strcmp(row->model, model) != 0)
            continue;
        s = counts(row, q, variant);
        keep_row(v, row, s && !v->n);
        if (!s)
            continue;
        if (!v->n)
            v->row = row;
        scratch[v->n++] = s->value;
    }
    if (!v->n)
        return;
    stats_sort(scratch, (size_t)v->n);
    v->score = stats_median(scratch, (size_t)v->n);
    v->low = scratch[0];
    v->high = scratch[v->n - 1];
}

int published_values(struct published_value **out, size_t *n, const struct published *p,
                     const struct published_query *q, struct err *e)
{
    struct published_value *list = mem_calloc(p->n ? p->n : 1, sizeof *list);
    double *scratch = mem_calloc(p->n ? p->n : 1, sizeof *scratch);

    if (!list || !scratch) {
        mem_free(list);
        mem_free(scratch);
        return err_nomem(e);
    }
    *n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct published_value *v = &list[*n];
        if (!first_of_model(p, i))
            continue;
        one_model(v, p, i, q, q->variant ? q->variant : "base", scratch);
        if (!v->n && !q->variant)
            one_model(v, p, i, q, NULL, scratch);
        *n += v->n > 0;
    }
    mem_free(scratch);
    *out = list;
    return 0;
}
