#include "harness/progress.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "harness/context.h"
#include "harness/meter.h"
#include "harness/stats.h"
#include "harness/table.h"

enum { BAR = 10, NAME = 18 }; /* with its numbers a line of less than 80 */

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

void progress_time(struct strbuf *b, double s)
{
    if (!isfinite(s) || s < 0 || s > 359999)
        strbuf_adds(b, "--:--");
    else if (s >= 3600)
        strbuf_addf(b, "%d:%02d:%02d", (int)s / 3600, (int)s / 60 % 60, (int)s % 60);
    else
        strbuf_addf(b, "%d:%02d", (int)s / 60, (int)s % 60);
}

void progress_bar(struct strbuf *b, const char *what, double share)
{
    char name[NAME + 1];

    snprintf(name, sizeof name, "%.*s", (int)utf8_whole(what, strnlen(what, NAME)), what);
    strbuf_add_printable(b, name, 0);
    strbuf_adds(b, " [");
    for (int i = 0; i < BAR; i++)
        strbuf_addc(b, i < (int)(share * BAR) ? '#' : '.');
    strbuf_adds(b, "] ");
}

/* One write, and nothing wiped before it is written over: a line drawn in parts flickers, and one
 * that the terminal breaks stays there. */
void progress_put(FILE *log, const struct strbuf *line)
{
    struct strbuf out = STRBUF_INIT;
    size_t room = (size_t)context_width() - 1, n = line->len < room ? line->len : room;

    strbuf_addf(&out, "\r%.*s\x1b[K", (int)utf8_whole(strbuf_str(line), n), strbuf_str(line));
    if (!line->failed && !out.failed)
        fwrite(out.s, 1, out.len, log);
    fflush(log);
    strbuf_release(&out);
}

static void draw(const struct progress *p, double now)
{
    double rate = (double)(p->done - p->started_at) / (now - p->start_s);
    struct strbuf line = STRBUF_INIT;
    char done[32], total[32], speed[32];

    progress_bar(&line, p->what, p->total ? (double)p->done / (double)p->total : 0);
    if (p->is_bytes) {
        format_bytes(done, sizeof done, (double)p->done);
        format_bytes(total, sizeof total, (double)p->total);
        format_bytes(speed, sizeof speed, rate);
        strbuf_addf(&line, "%s of %s, %s/s, ", done, total, speed);
    } else {
        strbuf_addf(&line, "%zu/%zu %.3g/s ", p->done, p->total, rate);
    }
    progress_time(&line, (double)(p->total - p->done) / rate);
    if (p->scored > 0 && p->is_share) {
        struct interval i = stats_wilson(p->right, p->scored, STATS_Z95);
        strbuf_addf(&line, " %.2f [%.2f, %.2f]", p->right / p->scored, i.low, i.high);
    }
    progress_put(p->log, &line);
    strbuf_release(&line);
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
