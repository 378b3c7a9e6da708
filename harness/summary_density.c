/* summary_density.c -- the densities of a report's runs. */
#include <math.h>

#include "harness/density_report.h"
#include "harness/rulers.h"
#include "harness/summary_impl.h"

static int with_rulers(struct summary *s, struct store *store, struct rulers *known,
                       const char *ruler, struct err *e)
{
    const struct run_row **runs = arena_alloc(&s->report->arena, (s->n + 1) * sizeof *runs);
    struct density_source from = {.store = store, .rulers = known, .ruler = ruler, .runs = runs,
                                  .n_runs = s->n, .each_run = s->each_run};
    struct store_ruler_list own = {0};
    struct err why = ERR_NONE;
    int rc = -1;

    if (!runs)
        return err_nomem(e);
    for (size_t i = 0; i < s->n; i++)
        runs[i] = s->runs[i].run;
    if (query_rulers(store, NULL, &own, e) == 0 && rulers_add(known, &own, e) == 0) {
        rc = density_runs(&s->densities, &from, &why);
        /* That no run asks what a ruler asks is told in its place; a ruler that is none is an
         * error. */
        if (rc < 0 && why.code == ERR_NOTFOUND && !s->ruler)
            rc = 0;
        else if (rc < 0 && e)
            *e = why;
    }
    store_ruler_list_release(&own);
    return rc;
}

int summary_densities(struct summary *s, struct store *store, struct err *e)
{
    int rc = -1;

    if (published_open(&s->published, e) == 0 && rulers_open(&s->rulers, s->published, e) == 0)
        rc = with_rulers(s, store, s->rulers, s->ruler ? s->ruler : DEFAULT_RULERS, e);
    return rc;
}

void summary_densities_release(struct summary *s)
{
    density_list_release(&s->densities);
    rulers_close(s->rulers);
    published_free(s->published);
}

static const char *no_energy(const struct summary *s)
{
    for (size_t i = 0; i < s->densities.n; i++)
        if (!isnan(s->densities.v[i].cost[PER_JOULE]))
            return NULL;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].energy.n; k++)
            if (s->runs[i].energy.v[k].reason && !s->runs[i].energy.v[k].is_declared)
                return report_fmt(s->report, "not known: %s (run %s).",
                                  s->runs[i].energy.v[k].reason, s->runs[i].run->id);
    return "not known, and these runs kept no reason ('densimeter doctor' says which meters are "
           "here).";
}

int densities_section(struct summary *s, struct err *e)
{
    if (s->densities.n) {
        density_section(s->report, &s->densities);
        if (density_standing(s->report, &s->densities, s->published, e) < 0)
            return -1;
        density_costs(s->report, &s->densities, no_energy(s));
        return 0;
    }
    report_section(s->report, "Density");
    report_text(s->report, "Density: unknown. No complete run has asked what the rulers "
                           "'" DEFAULT_RULERS
                           "' ask ('densimeter eval MODEL --tasks "
                           "lambada_openai,piqa,arc_easy,sciq').");
    return 0;
}
