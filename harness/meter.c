#include "harness/meter_impl.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"

static const double POWER_EVERY_S = 0.1, COUNTER_EVERY_S = 5;
static const double GAP_MAX_S = 30; /* a counter that wraps each 5 minutes is surely known */
static const double POWER_MAX_W = 2e4; /* beyond it a reading is garbage */

/* In order of directness: the first whose channel is whole is the headline. */
struct source_row {
    const char *name;
    void (*find)(struct meter *m, const char *root);
};
static const struct source_row sources[] = {
    {"rapl", meter_find_rapl},
    {"hwmon", meter_find_hwmon},
    {"battery", meter_find_batteries},
    {"nvml", meter_find_nvml},
};

double meter_clock_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double meter_peak_rss(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    struct rusage usage;
    char line[256];
    double kbytes = NAN;

    while (f && isnan(kbytes) && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kbytes = strtod(line + 6, NULL);
    if (f)
        fclose(f);
    if (isnan(kbytes) && getrusage(RUSAGE_SELF, &usage) == 0)
        kbytes = (double)usage.ru_maxrss;
    return kbytes * 1024;
}

void meter_reset_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");

    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

/* --- readings --------------------------------------------------------------------------------- */

static void spoil(struct channel *c, const char *why)
{
    if (!c->reason[0])
        snprintf(c->reason, sizeof c->reason, "%s", why);
}

static double moved(struct channel *c, double v, double dt, char *why)
{
    double d = v - c->last;

    if (c->kind == CHANNEL_POWER) {
        d = (c->last + v) / 2 * dt;
        if (v < 0)
            snprintf(why, METER_REASON, "%s: its power is negative", c->label);
        else if (dt > GAP_MAX_S)
            snprintf(why, METER_REASON, "%s: no reading for %.0f s", c->label, dt);
    } else if (!isnan(c->range_j) && dt > GAP_MAX_S) {
        snprintf(why, METER_REASON, "%s: no reading for %.0f s, in which it may have wrapped",
                 c->label, dt);
    } else if (d < 0) {
        d += isnan(c->range_j) ? 0 : c->range_j;
        if (d < 0)
            snprintf(why, METER_REASON, "%s: the counter went backwards", c->label);
    }
    if (!why[0] && d > POWER_MAX_W * (dt + 1))
        snprintf(why, METER_REASON, "%s: it jumped by %.3g J in %.3g s", c->label, d, dt);
    return d;
}

static void tick_channel(struct channel *c, double now, int is_first)
{
    char why[METER_REASON] = "";
    double v = c->read(c, why), dt = now - c->last_s, d;

    if (isnan(v)) {
        spoil(c, why);
        c->last = NAN;
        return;
    }
    c->samples++;
    if (!is_first && !isnan(c->last)) {
        d = moved(c, v, dt, why);
        if (why[0])
            spoil(c, why);
        c->window_j += d;
        if (dt > c->gap_s)
            c->gap_s = dt;
    } else if (c->kind == CHANNEL_POWER && v < 0) {
        snprintf(why, sizeof why, "%s: its power is negative", c->label);
        spoil(c, why);
    }
    c->last = v;
    c->last_s = now;
}

/* The time that the readings are given. */
static double tick(struct meter *m, int is_first)
{
    double now = m->clock();

    for (int i = 0; i < m->n; i++)
        tick_channel(&m->v[i], now, is_first);
    return now;
}

static void *watch(void *user)
{
    struct meter *m = user;

    pthread_mutex_lock(&m->lock);
    while (!m->is_ending) {
        struct timespec until;
        double at;
        if (!m->is_open) {
            pthread_cond_wait(&m->wake, &m->lock);
            continue;
        }
        at = meter_clock_s() + m->every_s;
        until = (struct timespec){(time_t)at, (long)((at - floor(at)) * 1e9)};
        if (pthread_cond_timedwait(&m->wake, &m->lock, &until) != 0 && m->is_open)
            tick(m, 0);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* --- windows ---------------------------------------------------------------------------------- */

void meter_subject(struct meter *m)
{
    for (int i = 0; i < m->n; i++) {
        struct channel *c = &m->v[i];
        c->joules = c->seconds = c->gap_s = 0;
        c->samples = 0;
        c->sum_reason[0] = 0;
    }
}

void meter_start(struct meter *m)
{
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < m->n; i++) {
        m->v[i].window_j = 0;
        m->v[i].reason[0] = 0;
        m->v[i].sign = 0;
        m->v[i].last_s = NAN;
    }
    m->start_s = tick(m, 1);
    m->is_open = 1;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

void meter_tick(struct meter *m)
{
    pthread_mutex_lock(&m->lock);
    if (m->is_open)
        tick(m, 0);
    pthread_mutex_unlock(&m->lock);
}

static void close_window(struct channel *c, double seconds)
{
    char why[METER_REASON];

    c->seconds += seconds;
    if (!c->reason[0] && c->must_move && c->window_j == 0) {
        snprintf(why, sizeof why, "%s: its gauge did not move in this time", c->label);
        spoil(c, why);
    }
    c->joules += c->window_j;
    if (c->reason[0] && !c->sum_reason[0])
        memcpy(c->sum_reason, c->reason, sizeof c->sum_reason);
}

/* A source's whole channels together. */
static double headline(const struct meter *m, int of_window, const char **reason)
{
    double sum = 0;

    *reason = NULL;
    for (int i = 0; i < m->n && !*reason; i++) {
        const struct channel *c = &m->v[i];
        if (!c->is_whole || c->source != m->headline)
            continue;
        sum += of_window ? c->window_j : c->joules;
        if (of_window ? c->reason[0] : c->sum_reason[0])
            *reason = of_window ? c->reason : c->sum_reason;
    }
    if (!m->headline)
        *reason = m->reason;
    return *reason ? NAN : sum;
}

double meter_stop(struct meter *m)
{
    const char *reason;
    double now;

    pthread_mutex_lock(&m->lock);
    now = tick(m, 0);
    m->is_open = 0;
    for (int i = 0; i < m->n; i++)
        close_window(&m->v[i], now - m->start_s);
    pthread_mutex_unlock(&m->lock);
    if (m->on_window)
        m->on_window(m->user, m->start_s, now);
    return headline(m, 1, &reason);
}

int meter_count(const struct meter *m)
{
    return m->n;
}

void meter_reading(const struct meter *m, int i, struct meter_reading *out)
{
    const struct channel *c = &m->v[i];

    *out = (struct meter_reading){
        .source = c->source, .channel = c->label, .seconds = c->seconds, .samples = c->samples,
        .gap_s = c->gap_s, .is_headline = c->is_whole && c->source == m->headline,
        .joules = c->sum_reason[0] ? NAN : c->joules,
        .reason = c->sum_reason[0] ? c->sum_reason : NULL};
}

double meter_energy_j(const struct meter *m, const char **reason)
{
    const char *unused;

    return headline(m, 0, reason ? reason : &unused);
}

const char *meter_source(const struct meter *m)
{
    return m->headline;
}

/* --- opening ---------------------------------------------------------------------------------- */

struct channel *meter_add(struct meter *m, const char *source, const char *label)
{
    struct channel *c;

    if (m->n == CHANNELS_MAX)
        return NULL;
    c = &m->v[m->n++];
    *c = (struct channel){.source = source, .range_j = NAN, .last = NAN, .gauge = NAN, .scale = 1};
    snprintf(c->label, sizeof c->label, "%s", label);
    return c;
}

/* A channel that could be read just now goes before one that could not. */
static void choose_headline(struct meter *m, int on_gpu)
{
    for (int readable = 1; readable >= 0; readable--)
        for (int i = 0; i < m->n && !m->headline; i++)
            if (m->v[i].is_whole && m->v[i].covers_gpu == on_gpu &&
                (!readable || !isnan(m->v[i].last)))
                m->headline = m->v[i].source;
    if (m->headline)
        return;
    if (m->n == 0)
        snprintf(m->reason, sizeof m->reason,
                 "no_meter: no powercap, hwmon, battery or NVML that tells energy or power");
    else
        snprintf(m->reason, sizeof m->reason, "no_meter: nothing that is metered here is known to "
                 "be the whole of %s", on_gpu ? "the GPU" : "what computed");
}

static int start_thread(struct meter *m, struct err *e)
{
    m->every_s = COUNTER_EVERY_S;
    for (int i = 0; i < m->n; i++)
        if (m->v[i].kind == CHANNEL_POWER)
            m->every_s = POWER_EVERY_S;
    if (pthread_create(&m->thread, NULL, watch, m) != 0)
        return err_set(e, ERR_IO, "the meter's thread does not start");
    m->has_thread = 1;
    return 0;
}

int meter_open(struct meter **out, const struct meter_opts *o, struct err *e)
{
    static const struct meter_opts usual = {.root = ""};
    struct meter *m = mem_calloc(1, sizeof *m);
    pthread_condattr_t attr;

    *out = NULL;
    o = o ? o : &usual;
    if (!m)
        return err_nomem(e);
    m->v = mem_calloc(CHANNELS_MAX, sizeof *m->v);
    if (!m->v) {
        mem_free(m);
        return err_nomem(e);
    }
    m->nvml = o->nvml;
    m->clock = o->clock ? o->clock : meter_clock_s;
    m->on_window = o->on_window;
    m->user = o->user;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        sources[i].find(m, o->root ? o->root : "");
    tick(m, 1);
    choose_headline(m, o->on_gpu);
    meter_subject(m);
    if (m->n > 0 && !o->by_hand && start_thread(m, e) < 0) {
        meter_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

void meter_close(struct meter *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->is_ending = 1;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    if (m->has_thread)
        pthread_join(m->thread, NULL);
    for (int i = 0; i < m->n; i++)
        if (m->v[i].handle) {
            meter_close_nvml();
            break;
        }
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    mem_free(m->v);
    mem_free(m);
}
