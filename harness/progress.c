#include "harness/progress.h"

#include <math.h>
#include <string.h>

#include "harness/meter.h"
#include "harness/stats.h"

enum { BAR = 20 };

void progress_begin(struct progress *p, FILE *log, const char *what, size_t done, size_t total)
{
    *p = (struct progress){.log = log, .what = what, .done = done, .started_at = done,
                           .total = total, .is_share = 1, .start_s = meter_clock_s()};
}

void progress_value(struct progress *p, double value)
{
    p->is_share &= value == 0 || value == 1;
    p->right += value;
    p->scored++;
}

static void draw_time(FILE *f, double s)
{
    if (!isfinite(s) || s > 359999)
        fputs("--:--", f);
    else if (s >= 3600)
        fprintf(f, "%d:%02d:%02d", (int)s / 3600, (int)s / 60 % 60, (int)s % 60);
    else
        fprintf(f, "%d:%02d", (int)s / 60, (int)s % 60);
}

static void draw(const struct progress *p, double now)
{
    size_t full = p->total ? p->done * BAR / p->total : 0;
    double rate = (double)(p->done - p->started_at) / (now - p->start_s);

    fprintf(p->log, "\r\x1b[K%.24s [", p->what);
    for (size_t i = 0; i < BAR; i++)
        fputc(i < full ? '#' : '.', p->log);
    fprintf(p->log, "] %zu/%zu %.3g/s ", p->done, p->total, rate);
    draw_time(p->log, (double)(p->total - p->done) / rate);
    if (p->scored > 0 && p->is_share) {
        struct interval i = stats_wilson(p->right, p->scored, STATS_Z95);
        fprintf(p->log, " %.3f [%.3f, %.3f]", p->right / p->scored, i.low, i.high);
    }
    fflush(p->log);
}

void progress_step(struct progress *p)
{
    double now;

    p->done++;
    if (!p->log)
        return;
    now = meter_clock_s();
    if (now - p->drawn_s < 0.1 && p->done < p->total)
        return;
    p->drawn_s = now;
    draw(p, now);
}

void progress_end(struct progress *p)
{
    if (p->log && p->drawn_s > 0) {
        fputs("\r\x1b[K", p->log);
        fflush(p->log);
    }
}
