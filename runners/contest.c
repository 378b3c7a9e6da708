/* contest.c -- which options of a question are worth going on with.
 *
 * The nats of tokens are at most 0, but for rounding, so that the sum so far bounds what an option
 * can reach.  An option is lost when by each rule a finished one has more than it can reach:
 * strictly more, so that equals are left to whoever compares them.  Of those under way, the one
 * that can reach most by some rule goes on and the others wait: it must be finished whatever they
 * turn out to be. */
#include <math.h>

#include "runners/run.h"

/* ln p is the difference of a logit and a sum that is rounded: it may be over 0 by less
 * than this. */
static const double SLACK = 1e-3;

/* Not under what its nats are, or would be. */
static double bound_of(const struct run *run, int i)
{
    const struct request *q = &run->q[i];
    const struct progress *p = &run->p[i];

    return p->wanted == 0 ? p->nats : p->so_far + SLACK * (q->n_ids - q->n_given - p->in_row);
}

static double can_reach(const struct run *run, int i, int rule)
{
    double length = run->q[i].lengths[rule];

    return length > 0 ? bound_of(run, i) / length : -INFINITY;
}

struct members { /* of the contest that a request is in: from .. to-1 */
    int from, to;
};

static struct members members_of(const struct run *run, int i)
{
    struct members m = {i, i + 1};

    while (m.from > 0 && run->q[m.from - 1].contest == run->q[i].contest)
        m.from--;
    while (m.to < run->n && run->q[m.to].contest == run->q[i].contest)
        m.to++;
    return m;
}

static int is_beaten(const struct run *run, struct members m, int i, int rule)
{
    double most = can_reach(run, i, rule);

    for (int k = m.from; k < m.to; k++)
        if (run->p[k].wanted == 0 && can_reach(run, k, rule) > most)
            return 1;
    return 0;
}

/* Of those under way that are not lost, the lowest of equals. */
static int leads(const struct run *run, int i, int rule)
{
    const struct schedule *s = &run->r->schedule;
    double most = can_reach(run, i, rule);

    for (int t = 0; t < s->n_streams; t++) {
        int k = s->streams[t].request;
        if (k < 0 || !s->streams[t].path || k == i || /* < 0: ended in this pass */
            run->q[k].contest != run->q[i].contest ||
            run->p[k].wanted == 0 || run->p[k].is_pruned)
            continue;
        double other = can_reach(run, k, rule);
        if (other > most || (other == most && k < i))
            return 0;
    }
    return 1;
}

static void give_up(struct run *run, int i)
{
    const struct schedule *s = &run->r->schedule;
    struct progress *p = &run->p[i];

    for (int t = 0; t < s->n_streams; t++)
        if (s->streams[t].request == i)
            p->pruned_rows = s->streams[t].limit - s->streams[t].length;
    run->r->counts.pruned += p->pruned_rows;
    p->is_pruned = 1;
    p->nats = bound_of(run, i);
    run_deliver(run, i);
}

enum option_fate run_fate(void *arg, int i)
{
    struct run *run = arg;
    struct members m = members_of(run, i);
    int goes_on = 0, is_lost = 1;

    for (int rule = 0; rule < run->q[i].n_rules; rule++) {
        if (is_beaten(run, m, i, rule))
            continue;
        is_lost = 0;
        goes_on |= leads(run, i, rule);
    }
    if (!is_lost)
        return goes_on ? OPTION_GOES_ON : OPTION_WAITS;
    give_up(run, i);
    return OPTION_LOST;
}
