/* cmd_nightly.c -- every night: measure, compare, tell; and what makes it run every night. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/isolate.h"
#include "harness/night_page.h"
#include "harness/stored.h"
#include "harness/timer.h"
#include "harness/work.h"
#include "results/query.h"

const struct option nightly_options[] = {
    {"again", 0, OPTION_FLAG, NULL, NULL, 0, 0, "another night although this one is measured"},
    {"now", 0, OPTION_TEXT, "DATE", NULL, 0, 0, "the night's date instead of the clock's"},
    {"nights", 'n', OPTION_INT, "N", "14", 1, 1000, "status: how many"},
    {"user", 0, OPTION_FLAG, NULL, NULL, 0, 0, "install: for this user, not for the machine"},
    {"at", 0, OPTION_TEXT, "HH:MM", "02:30", 0, 0, "install: when, local time"},
    {"to", 0, OPTION_TEXT, "DIR", NULL, 0, 0, "install: write the units there"},
    {"sysroot", 0, OPTION_TEXT, "DIR", "", 0, 0, "read the machine's files below DIR"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- a night -------------------------------------------------------------------------------- */

/* "2026-11-26", with or without a time behind it. */
static int date_of(const struct context *c, char date[NIGHT_DATE_SIZE], struct err *e)
{
    const char *given = args_str(c->args, "now");
    time_t now = time(NULL);
    struct tm t;
    int y, m, d, end = 0;

    if (!given) {
        localtime_r(&now, &t);
        strftime(date, NIGHT_DATE_SIZE, "%Y-%m-%d", &t);
        return 0;
    }
    if (sscanf(given, "%4d-%2d-%2d%n", &y, &m, &d, &end) != 3 || end != 10 || m < 1 || m > 12 ||
        d < 1 || d > 31 || (given[10] && given[10] != 'T' && given[10] != ' '))
        return err_set(e, ERR_USAGE, "nightly: --now %s: a date is like 2026-11-26", given);
    snprintf(date, NIGHT_DATE_SIZE, "%.10s", given);
    return 0;
}

static int write_page(const struct context *c, const struct plan *p, const struct night_report *r,
                      struct err *e)
{
    struct report_options o = {.gnuplot = p->gnuplot ? p->gnuplot : "gnuplot"};
    struct report page;
    struct strbuf title = STRBUF_INIT;
    int rc = -1;

    if (!p->report)
        return 0;
    strbuf_addf(&title, "%s: night %d of %s: %s", r->night.plan, r->night.n, r->night.date,
                verdict_names[r->verdict]);
    report_init(&page, strbuf_str(&title));
    if (night_page(&page, r, e) == 0)
        rc = report_write(&page, &o, p->report, e);
    report_release(&page);
    strbuf_release(&title);
    if (rc == 0)
        context_note(c, "the report is in %s", p->report);
    return rc;
}

static int print_night(const struct context *c, const struct night_report *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (!c->json)
        return night_text(c, r, e);
    o = context_json_begin(&b, "nightly");
    json_put_str(&o, "plan", r->night.plan);
    json_put_int(&o, "night", r->night.n);
    json_put_str(&o, "date", r->night.date);
    json_put_int(&o, "cells", r->night.n_cells);
    json_put_int(&o, "cells_done", r->night.n_done);
    json_put_int(&o, "cells_failed", r->night.n_failed);
    night_summary(r, &o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* What was found is in the database before anything is printed. */
static int conclude(const struct context *c, struct work *w, const struct plan *p, struct err *e)
{
    struct night_report r;
    struct strbuf summary = STRBUF_INIT;
    struct json_out o = JSON_OUT(&summary);
    double waited = 0;
    int rc;

    do
        rc = night_judge(&r, w->store, p, &w->night, e);
    while (rc < 0 && work_be_patient(c, &waited, e));
    if (rc < 0)
        return -1;
    json_begin_object(&o, NULL);
    night_summary(&r, &o);
    json_end_object(&o);
    rc = strbuf_ok(&summary, e);
    if (rc == 0)
        rc = work_finish(w, r.exit_status, strbuf_str(&summary), e);
    if (rc == 0)
        rc = print_night(c, &r, e);
    if (rc == 0)
        rc = write_page(c, p, &r, e);
    if (rc == 0)
        rc = r.exit_status;
    strbuf_release(&summary);
    night_report_release(&r);
    return rc;
}

/* A baseline that is not there is told before hours are spent. */
static int has_baseline(const struct work *w, const struct plan *p, struct err *e)
{
    char run[RUN_ID_SIZE];

    if (!p->baseline || strcmp(p->baseline, "first") == 0)
        return 0;
    if (query_resolve(w->store, p->baseline, run, e) == 0)
        return 0;
    return err_prefix(e, "%s: \"baseline\"", p->path);
}

static int night(struct context *c, struct err *e)
{
    struct work w = {0};
    struct plan p;
    char date[NIGHT_DATE_SIZE];
    int rc = -1;

    if (date_of(c, date, e) < 0 || plan_read(&p, args_at(c->args, 0), e) < 0)
        return -1;
    if (work_open(&w, c, &p, e) == 0 && has_baseline(&w, &p, e) == 0 &&
        work_night(&w, "nightly", date, args_flag(c->args, "again"), e) == 0) {
        if (w.night.is_complete)
            context_note(c, "night %d of %s is measured already; --again measures another",
                         w.night.n, w.night.date);
        rc = conclude(c, &w, &p, e);
    }
    work_close(&w);
    plan_release(&p);
    return rc;
}

/* --- pin, unpin ------------------------------------------------------------------------------- */

/* All runs of the run's night, or the run alone. */
static int set_pins(struct store *s, const char *run, int pinned, int *n, struct err *e)
{
    struct cell_list cells = {0};
    int64_t night_id;
    int rc = night_of_run(s, run, &night_id, e);

    *n = 0;
    if (rc == 0) {
        *n = 1;
        return pin_set(s, run, pinned, e);
    }
    if (rc > 0)
        rc = query_cells(s, night_id, &cells, e);
    for (size_t i = 0; i < cells.n && rc == 0; i++)
        if (cells.v[i].run && strcmp(cells.v[i].status, "done") == 0) {
            rc = pin_set(s, cells.v[i].run, pinned, e);
            ++*n;
        }
    cell_list_release(&cells);
    return rc;
}

static int pin_as(struct context *c, int pinned, struct err *e)
{
    const char *name = args_at(c->args, 1);
    struct store *s = NULL;
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    char run[RUN_ID_SIZE];
    int n, rc = -1;

    if (!name) {
        err_set(e, ERR_USAGE, "nightly %s: RUN is missing", pinned ? "pin" : "unpin");
        err_hint(e, "'densimeter runs' lists them; last is the newest");
        return -1;
    }
    if (open_store(c, STORED_CHANGE, &s, e) == 0 && query_resolve(s, name, run, e) == 0)
        rc = set_pins(s, run, pinned, &n, e);
    if (rc == 0 && c->json) {
        o = context_json_begin(&b, "nightly.pin");
        json_put_str(&o, "run", run);
        json_put_bool(&o, "pinned", pinned);
        json_put_int(&o, "runs", n);
        rc = context_json_end(c, &o, e);
    } else if (rc == 0) {
        context_note(c, "run %s%s: %d run%s %s", run, n > 1 ? " and its night" : "", n,
                     n == 1 ? "" : "s", pinned ? "pinned" : "no longer pinned");
    }
    strbuf_release(&b);
    store_close(s);
    return rc;
}

static int pin(struct context *c, struct err *e)
{
    return pin_as(c, 1, e);
}

static int unpin(struct context *c, struct err *e)
{
    return pin_as(c, 0, e);
}

/* --- status ----------------------------------------------------------------------------------- */

/* "verdict" of a stored summary, or what there is instead. */
static void verdict_of(const struct night_row *n, char *text, size_t size)
{
    cJSON *s = n->summary ? json_parse(n->summary, strlen(n->summary), "nights.summary", NULL)
                          : NULL;
    const char *verdict = json_str(s, "verdict");

    snprintf(text, size, "%s", verdict ? verdict : n->status);
    json_free(s);
}

static int status_text(const struct context *c, struct store *s, const struct night_list *l,
                       struct err *e)
{
    static const struct column columns[] = {
        {"plan", 0, 3},   {"night", 1, 0},  {"date", 0, 0},    {"verdict", 0, 0}, {"done", 1, 0},
        {"failed", 1, 0}, {"skipped", 1, 2}, {"noisy", 1, 2}, {"clock", 0, 4},
    };
    struct table t;
    int rc;

    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0; i < l->n; i++) {
        const struct night_row *n = &l->v[i];
        char verdict[32];
        verdict_of(n, verdict, sizeof verdict);
        table_cell(&t, "%s", n->plan);
        table_int(&t, n->n);
        table_cell(&t, "%s", n->date);
        table_cell(&t, "%s", verdict);
        table_cell(&t, "%d/%d", n->n_done, n->n_cells);
        table_int(&t, n->n_failed);
        table_int(&t, n->n_skipped);
        table_int(&t, n->n_noisy);
        table_cell(&t, "%s", n->clock_back ? "set back" : "");
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    for (size_t i = 0; i < l->n && rc == 0 && !c->csv; i++) {
        struct point_list points;
        size_t k = 0;
        while (k < i && l->v[k].plan_id != l->v[i].plan_id)
            k++;
        if (k < i) /* this plan's series are printed */
            continue;
        rc = query_points(s, l->v[i].plan_id, 0, &points, e);
        if (rc == 0)
            rc = night_sparklines(c, &points, (int)args_int(c->args, "nights"), e);
        point_list_release(&points);
    }
    return rc;
}

static int status_json(const struct context *c, const struct night_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "nightly.status");
    int rc;

    json_begin_array(&o, "nights");
    for (size_t i = 0; i < l->n; i++) {
        const struct night_row *n = &l->v[i];
        json_begin_object(&o, NULL);
        json_put_str(&o, "plan", n->plan);
        json_put_int(&o, "night", n->n);
        json_put_str(&o, "date", n->date);
        json_put_bool(&o, "clock_was_set_back", n->clock_back);
        json_put_str(&o, "status", n->status);
        json_put_str(&o, "started", n->started);
        json_put_str(&o, "ended", n->ended);
        json_put_count(&o, "exit_status", n->exit_status);
        json_put_int(&o, "cells", n->n_cells);
        json_put_int(&o, "cells_done", n->n_done);
        json_put_int(&o, "cells_failed", n->n_failed);
        json_put_int(&o, "cells_skipped", n->n_skipped);
        json_put_int(&o, "cells_noisy", n->n_noisy);
        json_put_raw(&o, "summary", n->summary);
        json_end_object(&o);
    }
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int status(struct context *c, struct err *e)
{
    struct plan p = {0};
    struct store *s = NULL;
    struct night_list l = {0};
    int rc = args_at(c->args, 1) ? plan_read(&p, args_at(c->args, 1), e) : 0;

    if (rc == 0)
        rc = open_store(c, STORED_READ, &s, e);
    if (rc == 0)
        rc = query_nights(s, p.name, "nightly", (int)args_int(c->args, "nights"), &l, e);
    if (rc == 0 && l.n == 0) {
        err_set(e, ERR_NOTFOUND, "%s: no night yet", store_path(s));
        err_hint(e, "'densimeter nightly PLAN.json' measures one");
        rc = -1;
    }
    if (rc == 0)
        rc = c->json ? status_json(c, &l, e) : status_text(c, s, &l, e);
    night_list_release(&l);
    store_close(s);
    plan_release(&p);
    return rc;
}

/* --- install ---------------------------------------------------------------------------------- */

static char *units_folder(const struct context *c)
{
    const char *to = args_str(c->args, "to"), *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (to)
        return mem_strdup(to);
    if (!args_flag(c->args, "user"))
        return mem_strdup("/etc/systemd/system");
    if (config && *config)
        return path_join(config, "systemd/user");
    return path_join(home ? home : ".", ".config/systemd/user");
}

static int write_unit(const char *folder, const char *name, const char *suffix,
                      const struct strbuf *text, struct err *e)
{
    struct strbuf file = STRBUF_INIT;
    char *path = NULL;
    int rc = -1;

    strbuf_addf(&file, "%s%s", name, suffix);
    if (strbuf_ok(&file, e) == 0 && !(path = path_join(folder, file.s)))
        err_nomem(e);
    else if (path)
        rc = file_write(path, text->s, text->len, e);
    mem_free(path);
    strbuf_release(&file);
    return rc;
}

/* Where things are when nobody has set a variable or stands in this folder. */
struct places {
    char program[PATH_MAX], plan[PATH_MAX], folder[PATH_MAX];
    char *database;
    char *database_absolute;
};

static int find_places(const struct context *c, struct places *out, struct err *e)
{
    if (isolate_program(out->program, sizeof out->program, e) < 0)
        return -1;
    if (!realpath(args_at(c->args, 1), out->plan))
        return err_errno(e, "%s", args_at(c->args, 1));
    if (!getcwd(out->folder, sizeof out->folder))
        return err_errno(e, "the current folder");
    out->database = context_db_path(c, e);
    if (!out->database)
        return -1;
    out->database_absolute = *out->database == '/' ? mem_strdup(out->database)
                                                   : path_join(out->folder, out->database);
    return out->database_absolute ? 0 : err_nomem(e);
}

static int write_units(const struct context *c, const struct timer *t, struct strbuf *cron,
                       struct strbuf *unit, const char *folder, struct err *e)
{
    struct strbuf service = STRBUF_INIT, timer = STRBUF_INIT;
    int rc = -1;

    timer_unit(t, unit);
    if (strbuf_ok(unit, e) == 0 && timer_service(t, &service, e) == 0 &&
        timer_timer(t, &timer, e) == 0 && timer_cron(t, cron, e) == 0 &&
        (file_exists(folder) || dir_make(folder, e) == 0) &&
        write_unit(folder, unit->s, ".service", &service, e) == 0)
        rc = write_unit(folder, unit->s, ".timer", &timer, e);
    strbuf_release(&service);
    strbuf_release(&timer);
    (void)c;
    return rc;
}

static int say_installed(const struct context *c, const char *folder, const char *unit,
                         const char *cron, struct err *e)
{
    const char *user = args_flag(c->args, "user") ? " --user" : "";
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (c->json) {
        o = context_json_begin(&b, "nightly.install");
        json_put_str(&o, "folder", folder);
        json_put_str(&o, "unit", unit);
        json_put_str(&o, "cron", cron);
        rc = context_json_end(c, &o, e);
    } else {
        strbuf_addf(&b, "%s/%s.service and %s.timer are written. They start with\n"
                        "    systemctl%s daemon-reload && systemctl%s enable --now %s.timer\n"
                        "Without systemd, this line for crontab -e does the same:\n%s",
                    folder, unit, unit, user, user, unit, cron);
        rc = context_print(c, &b, e);
    }
    strbuf_release(&b);
    return rc;
}

static int install(struct context *c, struct err *e)
{
    struct places at = {.database = NULL};
    struct strbuf cron = STRBUF_INIT, unit = STRBUF_INIT;
    struct plan p = {0};
    struct timer t;
    char *folder = units_folder(c);
    int rc = -1;

    t = (struct timer){.models = getenv("DENSIMETER_MODELS"), .data = getenv("DENSIMETER_DATA")};
    if (!folder)
        err_nomem(e);
    else if (!args_at(c->args, 1))
        err_set(e, ERR_USAGE, "nightly install: PLAN.json is missing");
    else if (timer_time(args_str(c->args, "at"), &t.hour, &t.minute, e) == 0 &&
             plan_read(&p, args_at(c->args, 1), e) == 0 && find_places(c, &at, e) == 0) {
        t.name = p.name;
        t.program = at.program;
        t.plan = at.plan;
        t.folder = at.folder;
        t.database = at.database_absolute;
        rc = write_units(c, &t, &cron, &unit, folder, e);
    }
    if (rc == 0)
        rc = say_installed(c, folder, unit.s, strbuf_str(&cron), e);
    mem_free(folder);
    mem_free(at.database);
    mem_free(at.database_absolute);
    strbuf_release(&cron);
    strbuf_release(&unit);
    plan_release(&p);
    return rc;
}

int cmd_nightly(struct context *c, struct err *e)
{
    static const struct {
        const char *name;
        int (*run)(struct context *c, struct err *e);
    } verbs[] = {{"pin", pin}, {"unpin", unpin}, {"status", status}, {"install", install}};
    const char *word = args_at(c->args, 0);
    struct suggest s = SUGGEST(word);

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(word, verbs[i].name) == 0)
            return verbs[i].run(c, e);
        suggest_offer(&s, verbs[i].name);
    }
    if (args_at(c->args, 1) || (suggest_best(&s) && access(word, F_OK) < 0)) {
        err_set(e, ERR_USAGE, "nightly: '%s' is none of pin|unpin|status|install", word);
        if (suggest_best(&s))
            err_hint(e, "did you mean '%s'?", suggest_best(&s));
        return -1;
    }
    return night(c, e);
}
