/* bench_server.c -- Poisson arrivals at a rate, or the highest rate that keeps the limits: it is
 * searched, and confirmed with other arrivals. */
#include <math.h>
#include <stdio.h>

#include "harness/bench_play.h"
#include "harness/latency.h"
#include "harness/stats_tail.h"

enum { SEARCH_TRIALS = 6, CONFIRM_TRIALS = 4 };
/* At this share of what a server can do requests hardly meet: who is late then is late alone, and
 * fewer of them, which take as much longer to come, help nobody. */
static const double ALONE = 1.0 / 8;

static int server_trial(struct bench *b, const struct workload *base, double rate, const char *name,
                        uint64_t seed, int *meets, struct err *e)
{
    const struct latency_limits lim = {args_num(b->c->args, "ttft-limit"),
                                       args_num(b->c->args, "tpot-limit"),
                                       args_num(b->c->args, "percentile")};
    struct workload w = *base;
    const struct play p = {b, &w, play_streams(b->c), (int)args_int(b->c->args, "queue"), 1,
                           name};
    struct serve_log l;
    struct played how;
    int rc;

    w.rate_s = rate;
    w.seed = seed;
    if (play_run(&p, &l, &how, e) < 0)
        return -1;
    *meets = latency_meets(&l, &lim);
    const struct store_value extra[] = {
        {"rate_s", "none", rate, NAN, NAN, NAN},
        {"meets_limits", "none", *meets < 0 ? NAN : *meets, NAN, NAN, NAN},
    };
    rc = play_store(&p, &l, &how, extra, 2, e);
    serve_log_release(&l);
    return rc;
}

/* What the engine could do with all requests there at once: no rate above can be kept.  0 in *rate:
 * none can, since requests fail that wait for nobody. */
static int capacity(struct bench *b, const struct workload *base, double *rate, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, play_streams(b->c), w.n, 1, "capacity"};
    struct serve_log l;
    struct played how;

    w.together = w.n;
    w.vanish_share = 0;
    if (play_run(&p, &l, &how, e) < 0)
        return -1;
    play_tell_failures(&p, &l);
    *rate = l.count[SERVED_FAILED] ? 0 : (double)l.count[SERVED_COMPLETED] / l.wall_s;
    serve_log_release(&l);
    return 0;
}

static int too_few(const struct bench *b, struct err *e)
{
    err_set(e, ERR_USAGE, "server: %lld requests are too few to claim percentile %g",
            (long long)args_int(b->c->args, "requests"), args_num(b->c->args, "percentile"));
    err_hint(e, "early stopping needs 44 for 0.9, 459 for 0.99, 4603 for 0.999 (--requests)");
    return -1;
}

static int search(struct bench *b, const struct workload *base, double *low, struct err *e)
{
    double high, rate, most;
    int meets;

    *low = 0;
    if (stats_tail_over((size_t)base->n, args_num(b->c->args, "percentile"), STATS_TAIL_CONF) < 0)
        return too_few(b, e);
    if (capacity(b, base, &high, e) < 0)
        return -1;
    most = high;
    for (int i = 0; i < SEARCH_TRIALS && (*low > 0 || high > most * ALONE); i++) {
        char name[64];
        rate = i ? (*low + high) / 2 : 0.75 * high;
        snprintf(name, sizeof name, "server@%.4g/s#%d", rate, i + 1);
        if (server_trial(b, base, rate, name, base->seed, &meets, e) < 0)
            return -1;
        *(meets == 1 ? low : &high) = rate;
    }
    return 0;
}

/* Other arrivals must keep the limits, too; the rate is lowered until they do. */
static int confirm(struct bench *b, const struct workload *base, double rate, struct err *e)
{
    int meets;

    for (int i = 0; i < CONFIRM_TRIALS; i++, rate *= 0.9) {
        char name[64];
        snprintf(name, sizeof name, "server@%.4g/s", rate);
        if (server_trial(b, base, rate, name, base->seed + 1 + (uint64_t)i, &meets, e) < 0)
            return -1;
        if (meets == 1) {
            context_note(b->c, "server: %.4g requests a second keep the limits", rate);
            return 0;
        }
    }
    context_note(b->c, "server: no rate was confirmed with other arrivals");
    return 0;
}

int scenario_server(struct bench *b, const struct workload *base, struct err *e)
{
    double rate = args_num(b->c->args, "rate");
    int meets;
    char name[64];

    if (rate > 0) {
        snprintf(name, sizeof name, "server@%.4g/s", rate);
        return server_trial(b, base, rate, name, base->seed, &meets, e);
    }
    if (search(b, base, &rate, e) < 0)
        return -1;
    if (rate > 0)
        return confirm(b, base, rate, e);
    context_note(b->c, "server: no rate keeps the limits");
    return 0;
}
