/* cheats_times.c -- audits of how long a device takes. */
#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "harness/cheats_impl.h"
#include "harness/meter.h"

enum { PAIRS = 24, MORE_PAIRS = 72, TIMES = 3 };
enum { WINDOWS = 12, SPEEDS = 11, PREFILL = 128, DECODED = 8 };
#define WINDOW_S 0.05
#define HOST_MARGIN 1.5 /* the peak of a machine that others use is measured too low */

/* ---- cache ---- */

/* The least of a few times; what the machine does beside only adds. */
static int time_score(struct rig *g, int32_t *ids, int is_fresh, double *least, struct err *e)
{
    const struct asked q = {.n_ids = g->tokens, .n_given = g->tokens - 1};
    double nats, from, to;

    *least = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        if (is_fresh)
            rig_random_ids(g, ids, g->tokens);
        if (watch_read(g->c->watch, &from, e) < 0 ||
            rig_score(g, g->device, &q, 1, ids, &nats, e) < 0 ||
            watch_read(g->c->watch, &to, e) < 0)
            return -1;
        *least = fmin(*least, to - from);
    }
    return 0;
}

/* A second look where the first leaves it open. */
static int pairs_wanted(const struct rig *g, int done)
{
    struct cheat_result r = g->out->audits[CHEAT_CACHE];

    if (done != PAIRS)
        return done < PAIRS ? PAIRS : MORE_PAIRS;
    r.limit = cheat_limit(CHEAT_CACHE, 0);
    cheat_judge(CHEAT_CACHE, &r);
    return r.verdict == CHEAT_OPEN ? MORE_PAIRS : PAIRS;
}

/* Questions that were never asked, and the last of them again. */
int cheats_cache(struct rig *g, struct err *e)
{
    int32_t *ids = mem_alloc((size_t)g->tokens * sizeof *ids);
    double fresh = 0, again = 0;
    int rc = ids ? 0 : err_nomem(e);

    for (int i = -1; rc == 0 && i < pairs_wanted(g, i); i++) { /* the first warms up */
        if (time_score(g, ids, 1, &fresh, e) < 0 || time_score(g, ids, 0, &again, e) < 0)
            rc = -1;
        else if (i >= 0)
            rc = rig_sample(g, CHEAT_CACHE, log(fresh / again), e);
    }
    mem_free(ids);
    return rc;
}

/* ---- clock ---- */

struct moment { /* the clock apart was read between two readings of this process's */
    double before, apart, after;
};

static int read_clocks(struct rig *g, struct moment *m, struct err *e)
{
    m->before = meter_clock_s();
    if (watch_read(g->c->watch, &m->apart, e) < 0)
        return -1;
    m->after = meter_clock_s();
    return 0;
}

/* 0 where what passed by the clock apart may have passed by this one: an honest clock always is. */
static double clock_error(const struct moment *a, const struct moment *b)
{
    double passed = b->apart - a->apart, least = b->before - a->after, most = b->after - a->before;

    return fmax(0, fmax(passed - most, least - passed)) / passed;
}

int cheats_clock(struct rig *g, struct err *e)
{
    for (int i = 0; i < WINDOWS; i++) {
        struct moment from, to;
        double s;
        if (read_clocks(g, &from, e) < 0)
            return -1;
        do {
            if (runner_time_prefill(g->device, 0, g->tokens, &s, e) < 0 ||
                read_clocks(g, &to, e) < 0)
                return -1;
        } while (to.apart - from.apart < WINDOW_S);
        if (rig_sample_at(g, CHEAT_CLOCK, clock_error(&from, &to), e,
                          "%.4g s passed, %.4g s by the clock of the results",
                          to.apart - from.apart, to.before - from.before) < 0)
            return -1;
    }
    return 0;
}

/* ---- speed ---- */

/* Weights that caches cannot hold are read from memory for every token. */
static int is_read_from_memory(double bytes)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);

    return bytes > 4.0 * (double)(cache > 0 ? cache : 1 << 26);
}

int cheats_speed(struct rig *g, struct err *e)
{
    const struct model_info *info = runner_info(g->device);
    const struct peak *peak = g->c->peak;
    double flop = g->c->flop_s, bytes = g->c->bytes_s, s;
    double work = 2.0 * ((double)info->parameters_active - (double)info->parameters_embedding);
    int n = PREFILL < info->context_length ? PREFILL : info->context_length;

    g->out->audits[CHEAT_SPEED].is_soft = !g->c->is_host && (flop <= 0 || bytes <= 0);
    if (flop <= 0)
        flop = HOST_MARGIN * fmax(peak->flop_s, isnan(peak->int8_s) ? 0 : peak->int8_s);
    if (bytes <= 0)
        bytes = HOST_MARGIN * peak->bytes_s;
    for (int i = 0; i < SPEEDS; i++) {
        double used;
        if (runner_time_prefill(g->device, 0, n, &s, e) < 0)
            return -1;
        used = work * n / s / flop;
        if (is_read_from_memory((double)info->weight_bytes_per_token)) {
            if (runner_time_decode(g->device, 0, 1, DECODED, &s, e) < 0)
                return -1;
            used = fmax(used, (double)info->weight_bytes_per_token * DECODED / s / bytes);
        }
        if (rig_sample(g, CHEAT_SPEED, log(used), e) < 0)
            return -1;
    }
    if (g->out->audits[CHEAT_SPEED].is_soft)
        rig_none(g, CHEAT_SPEED, "the limit is this machine's processors'; --limit-flops and "
                                 "--limit-bandwidth tell the device's own");
    return 0;
}
