/* meter_impl.h -- what the files meter*.c share: channels, and how each kind of meter finds its
 * own. */
#ifndef HARNESS_METER_IMPL_H
#define HARNESS_METER_IMPL_H

#include <pthread.h>

#include "harness/meter.h"

enum { METER_PATH = 512, METER_LABEL = 80, CHANNELS_MAX = 96 };

enum channel_kind {
    CHANNEL_COUNTER, /* read gives joules so far */
    CHANNEL_POWER,   /* read gives watts now */
};

struct channel {
    const char *source;
    char label[METER_LABEL];
    enum channel_kind kind;
    int covers_gpu, is_whole; /* is_whole: may be (part of) the headline */
    /* NAN with why filled, when there is no number now. */
    double (*read)(struct channel *c, char *why);
    char path[METER_PATH], second[METER_PATH], third[METER_PATH]; /* as read understands them */
    void *handle;
    double range_j;  /* where the counter wraps; NAN: it does not */
    double scale;    /* of the number in the file, to joules or watts */
    int sign;        /* battery: of the first current of the window */
    double gauge, moved; /* battery: last charge; joules since the meter was opened */
    int must_move;   /* a gauge that stood still through a window said nothing */

    /* The window and the sums of the subject. */
    double last, last_s, window_j;
    double joules, seconds, gap_s;
    long samples;
    char reason[METER_REASON], sum_reason[METER_REASON];
};

struct meter {
    struct channel *v; /* [CHANNELS_MAX]: their addresses stay */
    int n;
    const char *nvml; /* of meter_opts */
    const char *headline; /* source; NULL: none */
    double (*clock)(void);
    char reason[METER_REASON]; /* why there is no headline at all */
    int is_open; /* a window, since start_s */
    double start_s;
    void (*on_window)(void *user, double start_s, double end_s);
    void *user;
    double every_s;
    int has_thread, is_ending;
    pthread_t thread;
    pthread_mutex_t lock; /* of everything above, while there is a thread */
    pthread_cond_t wake;
};

/* A new channel of this kind, or NULL when there are too many. */
struct channel *meter_add(struct meter *m, const char *source, const char *label);

/* Each adds the channels below root. */
void meter_find_rapl(struct meter *m, const char *root);
void meter_find_hwmon(struct meter *m, const char *root); /* AMD's GPUs, too */
void meter_find_batteries(struct meter *m, const char *root);
void meter_find_nvml(struct meter *m, const char *root);
void meter_close_nvml(void);

#endif
