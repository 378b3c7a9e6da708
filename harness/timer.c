#include "harness/timer.h"

#include <stdio.h>
#include <string.h>

int timer_time(const char *text, int *hour, int *minute, struct err *e)
{
    int end = 0;

    if (strlen(text) == 5 && sscanf(text, "%2d:%2d%n", hour, minute, &end) == 2 && end == 5 &&
        *hour >= 0 && *hour < 24 && *minute >= 0 && *minute < 60)
        return 0;
    return err_set(e, ERR_USAGE, "--at %s: a time is like 02:30", text);
}

void timer_unit(const struct timer *t, struct strbuf *out)
{
    strbuf_adds(out, "densimeter-");
    for (const char *p = t->name; *p; p++) {
        int plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("-_.", *p) != NULL;
        strbuf_addc(out, plain ? *p : '_');
    }
}

static int check(const char *text, struct err *e)
{
    for (const char *p = text; text && *p; p++)
        if ((unsigned char)*p < 32 || *p == 127)
            return err_set(e, ERR_USAGE, "nightly install: a path with a control character");
    return 0;
}

static int check_all(const struct timer *t, struct err *e)
{
    const char *const texts[] = {t->name, t->program, t->plan, t->database, t->folder, t->models,
                                 t->data};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (check(texts[i], e) < 0)
            return -1;
    return 0;
}

/* One word of a unit file: quoted, with what systemd would expand doubled. */
static void unit_word(struct strbuf *b, const char *text, int command)
{
    strbuf_addc(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            strbuf_addc(b, '\\');
        if (*p == '%' || (command && *p == '$'))
            strbuf_addc(b, *p);
        strbuf_addc(b, *p);
    }
    strbuf_addc(b, '"');
}

static void environment(struct strbuf *b, const char *name, const char *value)
{
    struct strbuf pair = STRBUF_INIT;

    if (!value)
        return;
    strbuf_addf(&pair, "%s=%s", name, value);
    strbuf_adds(b, "Environment=");
    unit_word(b, strbuf_str(&pair), 0);
    strbuf_addc(b, '\n');
    b->failed |= pair.failed;
    strbuf_release(&pair);
}

/* A path that is a whole line is not quoted; only specifiers are doubled. */
static void unit_path(struct strbuf *b, const char *path)
{
    for (const char *p = path; *p; p++) {
        if (*p == '%')
            strbuf_addc(b, '%');
        strbuf_addc(b, *p);
    }
}

int timer_service(const struct timer *t, struct strbuf *out, struct err *e)
{
    if (check_all(t, e) < 0)
        return -1;
    strbuf_adds(out, "[Unit]\nDescription=densimeter nightly ");
    unit_path(out, t->name);
    strbuf_adds(out, "\n\n[Service]\nType=oneshot\nWorkingDirectory=");
    unit_path(out, t->folder);
    strbuf_addc(out, '\n');
    environment(out, "DENSIMETER_MODELS", t->models);
    environment(out, "DENSIMETER_DATA", t->data);
    strbuf_adds(out, "ExecStart=");
    unit_word(out, t->program, 1);
    strbuf_adds(out, " nightly ");
    unit_word(out, t->plan, 1);
    strbuf_adds(out, " --db ");
    unit_word(out, t->database, 1);
    strbuf_adds(out, "\n# The item that is being measured is finished first.\n"
                     "KillMode=mixed\nTimeoutStopSec=120\n");
    return strbuf_ok(out, e);
}

int timer_timer(const struct timer *t, struct strbuf *out, struct err *e)
{
    if (check_all(t, e) < 0)
        return -1;
    strbuf_adds(out, "[Unit]\nDescription=densimeter nightly ");
    unit_path(out, t->name);
    strbuf_addf(out, ", every night\n\n[Timer]\nOnCalendar=*-*-* %02d:%02d:00\n", t->hour,
                t->minute);
    strbuf_adds(out, "# A night missed while the machine was off is made up for.\n"
                     "Persistent=true\n\n[Install]\nWantedBy=timers.target\n");
    return strbuf_ok(out, e);
}

/* For /bin/sh within single quotes; cron itself takes % for a line break. */
static void cron_word(struct strbuf *b, const char *text)
{
    strbuf_addc(b, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            strbuf_adds(b, "'\\''");
        else if (*p == '%')
            strbuf_adds(b, "\\%");
        else
            strbuf_addc(b, *p);
    }
    strbuf_addc(b, '\'');
}

int timer_cron(const struct timer *t, struct strbuf *out, struct err *e)
{
    if (check_all(t, e) < 0)
        return -1;
    strbuf_addf(out, "%d %d * * * cd ", t->minute, t->hour);
    cron_word(out, t->folder);
    if (t->models) {
        strbuf_adds(out, " && DENSIMETER_MODELS=");
        cron_word(out, t->models);
    } else {
        strbuf_adds(out, " &&");
    }
    if (t->data) {
        strbuf_adds(out, " DENSIMETER_DATA=");
        cron_word(out, t->data);
    }
    strbuf_addc(out, ' ');
    cron_word(out, t->program);
    strbuf_adds(out, " nightly ");
    cron_word(out, t->plan);
    strbuf_adds(out, " --db ");
    cron_word(out, t->database);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}
