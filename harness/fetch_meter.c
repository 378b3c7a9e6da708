#include "harness/fetch_meter.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "harness/progress.h"
#include "harness/table.h"

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fetch_meter_bytes(struct fetch_meter *m, uint64_t done, uint64_t total)
{
    char have[32], all[32], rate[32];
    double now = now_s(), speed;
    struct strbuf line = STRBUF_INIT;

    if (!m->c->progress)
        return;
    if (!m->begun) {
        m->begun = 1;
        m->begun_s = now;
        m->first = done;
    }
    if (now - m->drawn_s < 0.1 && done != total)
        return;
    m->drawn_s = now;
    m->drawn = 1;
    speed = now > m->begun_s ? (double)(done - m->first) / (now - m->begun_s) : NAN;
    format_bytes(have, sizeof have, (double)done);
    format_bytes(all, sizeof all, total ? (double)total : NAN);
    format_bytes(rate, sizeof rate, speed);
    progress_bar(&line, m->name, total ? (double)done / (double)total : 0);
    strbuf_addf(&line, "%s of %s, %s/s, ", have, all, rate);
    progress_time(&line, total && speed > 0 ? (double)(total - done) / speed : NAN);
    progress_put(m->c->log, &line);
    strbuf_release(&line);
}

void fetch_meter_end(struct fetch_meter *m)
{
    if (m->drawn) {
        fputs("\r\x1b[K", m->c->log);
        fflush(m->c->log);
    }
    m->drawn = m->begun = 0;
}
