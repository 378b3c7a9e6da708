/* bench_peaks.c -- what the processor and its memory give at most. */
#include <math.h>
#include <string.h>

#include "harness/bench_play.h"
#include "harness/peak.h"

/* The first makes what is read. */
static int read_rounds(struct runner *r, uint64_t bytes, double read_s[PEAK_ROUNDS], struct err *e)
{
    double made_s;

    if (runner_time_read(r, bytes, &made_s, e) < 0)
        return -1;
    for (int i = 0; i < PEAK_ROUNDS; i++)
        if (runner_time_read(r, bytes, &read_s[i], e) < 0)
            return -1;
    return 0;
}

static double best_of(const double *s)
{
    double best = s[0];

    for (int i = 1; i < PEAK_ROUNDS; i++)
        best = fmin(best, s[i]);
    return best;
}

/* A block is larger than caches are, and larger still where it is read in less time than a call is
 * good for, as long as the device has room. */
static int device_bandwidth(struct runner *r, struct peak *p, struct err *e)
{
    static const uint64_t least = 128 << 20, most = 1 << 30;
    static const double enough_s = 0.02;
    double s[PEAK_ROUNDS];

    p->block_bytes = 0;
    for (uint64_t bytes = least; bytes <= most; bytes *= 2) {
        struct err why = ERR_NONE;
        if (read_rounds(r, bytes, s, &why) < 0) {
            if (bytes == least)
                *e = why;
            return bytes == least ? -1 : 0;
        }
        memcpy(p->read_s, s, sizeof s);
        p->block_bytes = (double)bytes;
        p->bytes_s = p->block_bytes / best_of(s);
        if (best_of(s) >= enough_s)
            break;
    }
    return 0;
}

/* What is not known is in no value; why, `vendor compare` finds in what the device is. */
int scenario_peaks(struct bench *b, const struct workload *base, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    struct peak p = {.flop_s = NAN};
    struct err why = ERR_NONE;
    int is_cpu = strcmp(m->device, "cpu") == 0;

    (void)base;
    if (is_cpu && peak_measure(&p, m->threads, e) < 0)
        return -1;
    if (!is_cpu && device_bandwidth(b->runner, &p, &why) < 0) {
        if (why.code != ERR_UNSUPPORTED) {
            *e = why;
            return -1;
        }
        context_note(b->c, "peaks: left out, %s", why.text);
        return 0;
    }
    const struct store_value v[] = {
        {"read_bytes_s", "none", p.bytes_s, NAN, NAN, NAN},
        {"read_block_bytes", "none", p.block_bytes, NAN, NAN, NAN},
        {"flop_s", "none", p.flop_s, NAN, NAN, NAN},
    };
    const struct store_bench row = {.test = "peaks", .batch = 1, .threads = m->threads,
                                    .device = args_str(b->c->args, "device"),
                                    .samples = p.read_s, .n_samples = PEAK_ROUNDS,
                                    .values = v, .n_values = is_cpu ? 3 : 2};
    return store_bench_add(b->run, &row, e) < 0 ? -1 : 0;
}
