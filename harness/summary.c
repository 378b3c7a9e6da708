#include "harness/summary.h"

#include <time.h>

#include "harness/summary_impl.h"
#include "harness/version.h"

static int has_facts(const struct summary *s)
{
    return any_entry(s, "knowledge_bits");
}

static void knowledge_section(struct summary *s)
{
    report_section(s->report, "Knowledge");
    if (!has_facts(s)) {
        report_text(s->report, "Bits of knowledge: unknown. No complete run has asked the facts "
                               "('densimeter eval MODEL --tasks facts').");
        return;
    }
    knowledge_plots(s);
    knowledge_tables(s);
}

static void speed_section(struct summary *s)
{
    report_section(s->report, "Speed");
    if (!s->n_speeds) {
        report_text(s->report, "Prefill and decode speed: unknown. No complete run has measured "
                               "them ('densimeter bench MODEL').");
        return;
    }
    speed_plots(s);
    speed_table(s);
    scenario_table(s);
    gaps_plot(s);
}

static void results_section(struct summary *s)
{
    report_section(s->report, "Results");
    models_table(s);
    if (s->n_entries) {
        score_tables(s);
        cost_table(s);
    }
    energy_table(s);
}

void summary_stamp(struct report *r)
{
    time_t now = time(NULL);
    struct tm utc;
    char when[32];

    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    r->generated = report_fmt(r, "%s, densimeter " DENSIMETER_VERSION, when);
}

static int fill(struct summary *s, struct err *e)
{
    struct report *r = s->report;

    summary_stamp(r);
    r->subtitle = report_str(r, "What each model knows, and what knowing it costs.");
    headlines(s);
    warnings(s);
    if (densities_section(s, e) < 0 || tracker_section(s, e) < 0)
        return -1;
    accuracy_section(s);
    knowledge_section(s);
    speed_section(s);
    results_section(s);
    method(s);
    machines(s);
    runs_section(s);
    return report_ok(r, e);
}

int summarise(struct report *out, struct store *store, const struct run_row *runs, size_t n,
              const struct summary_opts *o, struct err *e)
{
    struct summary s = {.report = out, .ruler = o->ruler};
    int rc = summary_read(&s, store, runs, n, o->latest, e);

    if (rc == 0)
        rc = summary_gaps(&s, store, e);
    if (rc == 0)
        rc = summary_densities(&s, store, e);
    if (rc == 0)
        rc = fill(&s, e);
    summary_densities_release(&s);
    summary_release(&s);
    return rc;
}
