#include "harness/latency.h"

#include <math.h>

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_tail.h"

static double ttft(const struct served *r)
{
    return r->first_s - r->arrival_s;
}

static double tpot(const struct served *r)
{
    return r->n > 1 ? (r->last_s - r->first_s) / (r->n - 1) : NAN;
}

static double whole(const struct served *r)
{
    return r->last_s - r->arrival_s;
}

long latency_tokens(const struct serve_log *l)
{
    long n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += l->v[i].n;
    return n;
}

int latency_meets(const struct serve_log *l, const struct latency_limits *lim)
{
    long late = 0, slow = 0, most = stats_tail_over(l->n, lim->percentile, STATS_TAIL_CONF);

    if (most < 0)
        return -1;
    for (size_t i = 0; i < l->n; i++) {
        const struct served *r = &l->v[i];
        int lost = r->state == SERVED_REFUSED || r->state == SERVED_FAILED;
        double waited = isnan(r->first_s) ? r->end_s - r->arrival_s : ttft(r);
        late += lost || waited > lim->ttft_s;
        slow += lost || tpot(r) > lim->tpot_s;
    }
    return late <= most && slow <= most;
}

double latency_decode_rate(const struct serve_log *l, double from_s, double to_s)
{
    double sum = 0, n = 0;

    for (size_t i = 0; i < l->n; i++)
        for (int k = 1; k < l->v[i].n; k++)
            if (l->v[i].token_s[k - 1] >= from_s && l->v[i].token_s[k] < to_s) {
                sum += l->v[i].token_s[k] - l->v[i].token_s[k - 1];
                n++;
            }
    return sum > 0 ? n / sum : NAN;
}

/* --- columns of numbers ----------------------------------------------------------------------- */

struct numbers {
    double *v;
    size_t n, cap;
};

static int add(struct numbers *x, double v, struct err *e)
{
    if (isnan(v))
        return 0;
    if (mem_grow(&x->v, &x->cap, x->n + 1, sizeof *x->v) < 0)
        return err_nomem(e);
    x->v[x->n++] = v;
    return 0;
}

static void put(struct store_value *v, int *n, const char *metric, double value)
{
    v[(*n)++] = (struct store_value){metric, "none", value, NAN, NAN, NAN};
}

/* names: median, p90, p95, p99, longest, claim; the first with its interval. */
static void put_tail(struct store_value *v, int *n, const char *const names[6],
                     struct numbers *x, double percentile)
{
    double coverage;
    struct interval in;

    if (x->n == 0)
        return;
    stats_sort(x->v, x->n);
    in = stats_median_interval(x->v, x->n, 0.95, &coverage);
    v[(*n)++] = (struct store_value){names[0], "none", stats_median(x->v, x->n), NAN, in.low,
                                     in.high};
    put(v, n, names[1], stats_percentile_nearest(x->v, x->n, .90));
    put(v, n, names[2], stats_percentile_nearest(x->v, x->n, .95));
    put(v, n, names[3], stats_percentile_nearest(x->v, x->n, .99));
    put(v, n, names[4], x->v[x->n - 1]);
    put(v, n, names[5], stats_tail_estimate(x->v, x->n, percentile, STATS_TAIL_CONF));
}

/* A group with a request that was not answered has no latency. */
static double group_latency(const struct serve_log *l, size_t first, int together)
{
    double longest = NAN;

    for (size_t i = first; i < first + (size_t)together; i++) {
        if (i >= l->n || l->v[i].state != SERVED_COMPLETED)
            return NAN;
        longest = fmax(longest, whole(&l->v[i]));
    }
    return longest;
}

static void put_counts(const struct serve_log *l, struct store_value *v, int *n)
{
    static const char *const names[SERVED_N] = {"completed", "refused", "cancelled", "failed"};

    put(v, n, "tok_s", (double)latency_tokens(l) / l->wall_s);
    put(v, n, "requests_s", (double)l->count[SERVED_COMPLETED] / l->wall_s);
    put(v, n, "arrived", (double)l->n);
    for (int i = 0; i < SERVED_N; i++)
        put(v, n, names[i], (double)l->count[i]);
    put(v, n, "queue_longest", l->queue_longest);
}

enum { TTFT, TPOT, GAP, LATENCY, KINDS };

static const char *const tails[KINDS][6] = {
    {"ttft_s", "ttft_p90_s", "ttft_p95_s", "ttft_p99_s", "ttft_max_s", "ttft_claim_s"},
    {"tpot_s", "tpot_p90_s", "tpot_p95_s", "tpot_p99_s", "tpot_max_s", "tpot_claim_s"},
    {"gap_p50_s", "gap_p90_s", "gap_p95_s", "gap_p99_s", "gap_max_s", "gap_claim_s"},
    {"latency_s", "latency_p90_s", "latency_p95_s", "latency_p99_s", "latency_max_s",
     "latency_claim_s"},
};

static int gather(const struct serve_log *l, int together, struct numbers x[KINDS], struct err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct served *r = &l->v[i];
        if (i % (size_t)together == 0 && add(&x[LATENCY], group_latency(l, i, together), e) < 0)
            return -1;
        if (r->state != SERVED_COMPLETED)
            continue;
        if (add(&x[TTFT], ttft(r), e) < 0 || add(&x[TPOT], tpot(r), e) < 0)
            return -1;
        for (int k = 1; k < r->n; k++)
            if (add(&x[GAP], r->token_s[k] - r->token_s[k - 1], e) < 0)
                return -1;
    }
    return 0;
}

int latency_values(const struct serve_log *l, int together, double percentile,
                   struct store_value *v, int *n, struct err *e)
{
    struct numbers x[KINDS] = {{0}};
    int rc = gather(l, together, x, e);

    if (rc == 0) {
        put_counts(l, v, n);
        for (int k = 0; k < KINDS; k++)
            put_tail(v, n, tails[k], &x[k], percentile);
    }
    for (int k = 0; k < KINDS; k++)
        mem_free(x[k].v);
    return rc;
}
