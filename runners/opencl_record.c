/* opencl_record.c -- the launches of a pass, recorded and queued again as one (cl.h).
 *
 * A launch's arguments follow from the batch's shape; tokens, positions, pages and angles are read
 * from memory, which begin() fills for every batch.  So a recording serves every batch of its
 * shape, such as each step of a generation.  It is made when a shape comes for the second time: one
 * that comes once is cheaper launched.  Memory made anew makes all of them stale. */
#include "base/mem.h"
#include "runners/opencl.h"

enum { RECORDINGS_MAX = 16 };

struct shape { /* all that opencl_args_of and the sizes of launches depend on */
    int rows, heads, picks, copies, parts;
};

struct recordings {
    struct {
        struct shape shape;
        struct cl_recording *recording; /* NULL: was seen once */
        uint64_t used;                  /* when, for the oldest to go; 0: empty */
    } at[RECORDINGS_MAX];
    uint64_t now;
};

static int is_same(struct shape a, struct shape b)
{
    return a.rows == b.rows && a.heads == b.heads && a.picks == b.picks && a.copies == b.copies &&
           a.parts == b.parts;
}

/* The place of a shape, or the one that was not used for longest. */
static int place_of(const struct recordings *k, struct shape s)
{
    int oldest = 0;

    for (int i = 0; i < RECORDINGS_MAX; i++) {
        if (k->at[i].used && is_same(k->at[i].shape, s))
            return i;
        if (k->at[i].used < k->at[oldest].used)
            oldest = i;
    }
    return oldest;
}

/* NULL: the launches are to be queued one by one; err when queueing itself fails. */
static struct cl_recording *record(struct device *d, opencl_queue *queue, struct err *e)
{
    struct cl_recording *r = NULL;
    struct err late = ERR_NONE;
    int rc;

    if (cl_record(d->cl, &late) < 0) {
        d->records = 0;
        return NULL;
    }
    rc = queue(d, e);
    if (cl_recorded(d->cl, &r, &late) < 0)
        d->records = 0;
    if (rc == 0)
        return r;
    cl_forget(r);
    return NULL;
}

int opencl_play(struct device *d, opencl_queue *queue, struct err *e)
{
    struct shape s = {d->batch->n, d->batch->n_heads, d->n_picks, d->batch->n_copies, d->n_parts};
    struct recordings *k = d->recordings;
    int i;

    if (!d->records)
        return queue(d, e);
    if (!k)
        k = d->recordings = mem_calloc(1, sizeof *k);
    if (!k)
        return err_nomem(e);
    i = place_of(k, s);
    if (!k->at[i].used || !is_same(k->at[i].shape, s)) {
        cl_forget(k->at[i].recording);
        k->at[i].recording = NULL;
        k->at[i].shape = s;
        k->at[i].used = ++k->now;
        return queue(d, e);
    }
    k->at[i].used = ++k->now;
    if (!k->at[i].recording) {
        struct err failed = ERR_NONE;
        k->at[i].recording = record(d, queue, &failed);
        if (failed.code) {
            *e = failed;
            return -1;
        }
    }
    return k->at[i].recording ? cl_replay(k->at[i].recording, e) : queue(d, e);
}

void opencl_forget(struct device *d)
{
    for (int i = 0; d->recordings && i < RECORDINGS_MAX; i++)
        cl_forget(d->recordings->at[i].recording);
    mem_free(d->recordings);
    d->recordings = NULL;
}
