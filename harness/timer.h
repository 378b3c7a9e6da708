/* timer.h -- the texts that make a system start `nightly` every night.
 *
 * systemd: a service and a timer with Persistent=true, so that a night missed while the machine was
 * off is made up for at the next start; cron: one line.  Pure: nothing is written or started here.
 * Source: systemd.service(5), systemd.timer(5), systemd.syntax(7), crontab(5). */
#ifndef HARNESS_TIMER_H
#define HARNESS_TIMER_H

#include "base/err.h"
#include "base/strbuf.h"

struct timer {
    const char *name;      /* of the plan */
    const char *program, *plan, *database, *folder; /* absolute paths; folder: where it runs */
    const char *models, *data; /* values of DENSIMETER_MODELS, DENSIMETER_DATA; NULL: not set */
    int hour, minute;
};

/* "02:30"; ERR_USAGE for anything else. */
int timer_time(const char *text, int *hour, int *minute, struct err *e);
/* "densimeter-NAME" without what a unit's name may not have. */
void timer_unit(const struct timer *t, struct strbuf *out);
/* A line break or control character in a path cannot be written: ERR_USAGE. */
int timer_service(const struct timer *t, struct strbuf *out, struct err *e);
int timer_timer(const struct timer *t, struct strbuf *out, struct err *e);
int timer_cron(const struct timer *t, struct strbuf *out, struct err *e);

#endif
