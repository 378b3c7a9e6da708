#include "harness/trend_study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

enum { CHOICES_MAX = 64 };

void trend_methods(const struct trend *t, struct trend_method out[TREND_METHODS])
{
    const struct trend_method rows[TREND_METHODS] = {
        {"all", "all models; off the ruler: at most, at least", "families left out in turn",
         t->all.slope, t->all.slope_interval},
        {"resolved", "least squares, models off chance", "families redrawn", t->plain.slope,
         t->plain_interval},
        {"frontier", "least squares, best so far", "families redrawn", t->frontier.line.slope,
         t->frontier_interval},
        {"quantile", "90 % quantile line", "families redrawn", t->quantile.slope,
         t->quantile_interval},
    };

    memcpy(out, rows, sizeof rows);
}

/* --- other choices ------------------------------------------------------------------------- */

struct choosing {
    struct trend_side *side;
    const struct trend_rows *p;
    const struct trend_opts *o;
    struct arena *arena;
};

/* A choice that cannot be made (no such counts, no such ruler for this benchmark) is no row. */
static int choose(struct choosing *c, const char *kind, const char *choice,
                  const struct trend_opts *o, struct err *e)
{
    struct trend_side *s = c->side;
    struct trend *t = NULL;
    struct err why = ERR_NONE;

    if (!choice)
        return err_nomem(e);
    if (trend_make(&t, c->p, s->trend->series, o, &why) < 0)
        return why.code == ERR_NOMEM ? err_nomem(e) : 0;
    if (!t->refused && s->n_choices < CHOICES_MAX)
        s->choices[s->n_choices++] = (struct trend_choice){kind, choice, t->n, t->all};
    trend_free(t);
    return 0;
}

static int choose_sizes_and_rulers(struct choosing *c, struct err *e)
{
    struct trend_opts o = *c->o;
    const struct family *f;

    for (int k = 0; k < SIZES; k++) {
        o.size = (enum trend_size)k;
        if (o.size != c->o->size && choose(c, "parameters", trend_size_name(o.size), &o, e) < 0)
            return -1;
    }
    o.size = c->o->size;
    for (int i = 0; (f = family_at(i)); i++) {
        o.ruler = f->name;
        if (f != c->side->trend->ruler.of && choose(c, "ruler", f->name, &o, e) < 0)
            return -1;
    }
    return 0;
}

static int choose_families(struct choosing *c, struct err *e)
{
    struct trend_opts o = *c->o;
    char text[80];
    const char *choice;

    snprintf(text, sizeof text, "without %s", trend_suspects);
    choice = arena_strdup(c->arena, text);
    if (!choice)
        return err_nomem(e);
    o.skip_families = trend_suspects;
    if (choose(c, "contamination", choice, &o, e) < 0)
        return -1;
    o.skip_families = c->o->skip_families;
    o.by_organisation = 1;
    return choose(c, "families", "makers as families", &o, e);
}

static int is_new_maker(const struct trend *t, size_t i)
{
    const char *name = t->models[i].row->organisation;

    for (size_t k = 0; name && k < i; k++) {
        const char *its = t->models[k].row->organisation;
        if (its && strcmp(its, name) == 0)
            return 0;
    }
    return name != NULL;
}

/* The two makers without whom the line is flattest and steepest. */
static int choose_makers(struct choosing *c, struct err *e)
{
    struct trend_side *s = c->side;
    struct trend_opts o = *c->o;
    size_t first = s->n_choices, low = first, high = first;
    char text[120];

    for (size_t i = 0; i < s->trend->n && s->n_choices < CHOICES_MAX; i++) {
        if (!is_new_maker(s->trend, i))
            continue;
        o.skip_maker = s->trend->models[i].row->organisation;
        snprintf(text, sizeof text, "without %s", o.skip_maker);
        if (choose(c, "makers", arena_strdup(c->arena, text), &o, e) < 0)
            return -1;
    }
    for (size_t i = first; i < s->n_choices; i++) {
        if (s->choices[i].all.slope < s->choices[low].all.slope)
            low = i;
        if (s->choices[i].all.slope > s->choices[high].all.slope)
            high = i;
    }
    if (s->n_choices > first + 1) {
        struct trend_choice a = s->choices[low], b = s->choices[high];
        s->choices[first] = a;
        s->choices[first + 1] = b;
        s->n_choices = first + 2;
    }
    return 0;
}

static int make_choices(struct trend_study *s, struct trend_side *side, const struct trend_rows *p,
                        const struct trend_opts *o, struct err *e)
{
    struct trend_opts only_lines = *o;
    struct choosing c = {side, p, &only_lines, &s->arena};

    only_lines.replicates = 0;
    side->choices = arena_alloc(&s->arena, CHOICES_MAX * sizeof *side->choices);
    if (!side->choices)
        return err_nomem(e);
    return choose_sizes_and_rulers(&c, e) < 0 || choose_families(&c, e) < 0
               ? -1
               : choose_makers(&c, e);
}

/* --- the whole ----------------------------------------------------------------------------- */

static int pool(struct trend_study *s, int k, int flag, const char *name, const char *title,
                const struct trend_opts *o, struct err *e)
{
    struct trend *members[TREND_SERIES];
    size_t n = 0;

    s->pools[k].name = name;
    s->pools[k].title = title;
    for (size_t i = 0; i < s->n; i++)
        if (s->sides[i].trend->series->pools & flag)
            members[n++] = s->sides[i].trend;
    return n < 2 ? 0 : trend_pool(&s->pools[k].trend, members, n, o, e);
}

static int unknown(const char *benchmark, struct err *e)
{
    struct suggest near = SUGGEST(benchmark);
    const struct trend_series *x;

    for (int i = 0; (x = trend_series_at(i)); i++)
        suggest_offer(&near, x->name);
    err_set(e, ERR_NOTFOUND, "%s: no such benchmark", benchmark);
    if (suggest_best(&near))
        err_hint(e, "did you mean '%s'?", suggest_best(&near));
    else
        err_hint(e, "'densimeter trend' lists them");
    return -1;
}

static int add_sides(struct trend_study *s, const struct trend_rows *p, const char *benchmark,
                     const struct trend_opts *o, int choices, struct err *e)
{
    const struct trend_series *x;

    for (int i = 0; (x = trend_series_at(i)); i++) {
        struct trend_side *side = &s->sides[s->n];
        struct err why = ERR_NONE;
        if (benchmark && strcmp(x->name, benchmark) != 0 && strcmp(x->benchmark, benchmark) != 0)
            continue;
        if (trend_make(&side->trend, p, x, o, &why) < 0) {
            if (why.code == ERR_INVALID && !benchmark)
                continue; /* a ruler asked for by name that this benchmark has not */
            if (e)
                *e = why;
            return -1;
        }
        if (p->from && !benchmark && side->trend->n + side->trend->n_outs == 0) {
            trend_free(side->trend); /* none of our own runs has asked it */
            continue;
        }
        s->n++;
        if (choices && !side->trend->refused && make_choices(s, side, p, o, e) < 0)
            return -1;
    }
    return 0;
}

int trend_study(struct trend_study *s, const struct trend_rows *p, const char *benchmark,
                const struct trend_opts *o, int choices, struct err *e)
{
    memset(s, 0, sizeof *s);
    if (add_sides(s, p, benchmark, o, choices, e) < 0)
        goto fail;
    if (s->n == 0) {
        if (benchmark)
            unknown(benchmark, e);
        else
            err_set(e, ERR_INVALID, p->from ? "no run has a score on a benchmark of the trend"
                                            : "no benchmark can be read with this ruler");
        goto fail;
    }
    if (pool(s, 0, POOL_ALL, "together", "all benchmarks together", o, e) < 0 ||
        pool(s, 1, POOL_PAPER, "paper", "the paper's five benchmarks together", o, e) < 0)
        goto fail;
    return 0;
fail:
    trend_study_release(s);
    return -1;
}

void trend_study_release(struct trend_study *s)
{
    for (size_t i = 0; i < s->n; i++)
        trend_free(s->sides[i].trend);
    for (int k = 0; k < TREND_POOLS; k++)
        trend_free(s->pools[k].trend);
    arena_release(&s->arena);
    memset(s, 0, sizeof *s);
}
