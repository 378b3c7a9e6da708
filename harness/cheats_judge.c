/* cheats_judge.c -- from samples to verdicts, and documents of them out and in. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/cheats.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"

#define MOST 1e300 /* what is no number becomes: JSON has no infinity */
#define CONFIDENCE 0.999

static const struct cheat_info infos[CHEAT_AUDITS] = {
    [CHEAT_PRECISION] = {"precision", "less precision than declared", "of the logits' size",
                         CHEAT_WORST},
    [CHEAT_HIDDEN] = {"hidden", "wrong answers to unseen prompts", "nats a token", CHEAT_WORST},
    [CHEAT_KNOWN] = {"known", "answers special-cased by prompt", "nats a token", CHEAT_WORST},
    [CHEAT_RENAMED] = {"renamed", "answers remembered by token ids", "nats a token", CHEAT_WORST},
    [CHEAT_MODES] = {"modes", "other work when timed (TEST01)", "of the margin, logits",
                     CHEAT_WORST},
    [CHEAT_END] = {"end", "early end, skipped work (TEST06, TEST09)", "behind the best, logits",
                   CHEAT_WORST},
    [CHEAT_CACHE] = {"cache", "results kept between questions (TEST04)", "times as fast again",
                     CHEAT_MOST},
    [CHEAT_CLOCK] = {"clock", "a clock that lies", "off the clock apart, share", CHEAT_WORST},
    [CHEAT_SPEED] = {"speed", "times beyond the hardware's", "of the limit", CHEAT_MOST},
};

const struct cheat_info *cheat_info(int audit)
{
    return audit >= 0 && audit < CHEAT_AUDITS ? &infos[audit] : NULL;
}

static const char *const verdicts[] = {"PASS", "FAIL", "INCONCLUSIVE", "-"};

const char *cheat_verdict_name(enum cheat_verdict v)
{
    return verdicts[v];
}

double cheat_limit(int audit, double hidden)
{
    switch (audit) {
    case CHEAT_KNOWN:
    case CHEAT_RENAMED:
        return fmax(1e-3, 4 * hidden);
    case CHEAT_MODES:
        return fmax(1e-3, 8 * hidden);
    case CHEAT_END: /* who is so near the best is as good as the best */
        return fmax(0.02, 8 * hidden);
    case CHEAT_CACHE:
        return log(1.10);
    case CHEAT_CLOCK:
        return 1e-3;
    default:
        return 0;
    }
}

void cheat_report_release(struct cheat_report *r)
{
    for (int i = 0; i < CHEAT_AUDITS; i++) {
        mem_free(r->audits[i].samples);
        r->audits[i].samples = NULL;
        r->audits[i].n = r->audits[i].cap = 0;
    }
}

enum cheat_verdict cheat_verdict(const struct cheat_report *r)
{
    enum cheat_verdict worst = CHEAT_PASS;

    for (int i = 0; i < CHEAT_AUDITS; i++) {
        enum cheat_verdict v = r->audits[i].verdict;
        if (v == CHEAT_FAIL || (v == CHEAT_OPEN && worst == CHEAT_PASS))
            worst = v;
    }
    return worst;
}

/* ---- judging ---- */

static void judge_worst(const struct cheat_info *info, struct cheat_result *r)
{
    r->worst = 0;
    for (size_t i = 0; i < r->n; i++)
        r->worst = fmax(r->worst, r->samples[i]);
    r->verdict = r->over ? CHEAT_FAIL : CHEAT_PASS;
    if (r->over)
        snprintf(r->found, sizeof r->found, "%zu of %zu are over %.3g %s, the largest %.3g: %s",
                 r->over, r->n, r->limit, info->unit, r->worst, r->where);
    else
        snprintf(r->found, sizeof r->found, "%zu within %.3g %s, the largest %.3g", r->n, r->limit,
                 info->unit, r->worst);
}

/* Samples are logarithms of ratios. */
static void judge_most(const struct cheat_info *info, struct cheat_result *r)
{
    struct interval in;
    double coverage;

    stats_sort(r->samples, r->n);
    r->worst = stats_median(r->samples, r->n);
    in = stats_median_interval(r->samples, r->n, CONFIDENCE, &coverage);
    r->low = in.low;
    r->high = in.high;
    r->p = dist_binomial_sf((double)r->over, (double)r->n, 0.5);
    r->verdict = r->p < CHEAT_P ? CHEAT_FAIL : in.high > r->limit ? CHEAT_OPEN : CHEAT_PASS;
    snprintf(r->found, sizeof r->found,
             "%zu of %zu are over %.3g %s, median %.3g (%.3g to %.3g, %.4g %%), p %.2g%s%s",
             r->over, r->n, exp(r->limit), info->unit, exp(r->worst), exp(r->low), exp(r->high),
             100 * coverage, r->p, *r->where ? ": " : "", r->where);
}

void cheat_judge(int audit, struct cheat_result *r)
{
    const struct cheat_info *info = &infos[audit];

    r->over = 0;
    r->worst = r->low = r->high = r->p = NAN;
    r->verdict = CHEAT_NONE;
    if (r->n == 0) {
        snprintf(r->found, sizeof r->found, "%s",
                 *r->where ? r->where : "there was nothing to look at");
        return;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (!isfinite(r->samples[i]))
            r->samples[i] = MOST;
        r->over += r->samples[i] > r->limit;
    }
    if (info->rule == CHEAT_WORST)
        judge_worst(info, r);
    else
        judge_most(info, r);
    if (r->verdict == CHEAT_FAIL && r->is_soft)
        r->verdict = CHEAT_OPEN;
}

/* ---- out ---- */

static void put_audit(struct json_out *o, int i, const struct cheat_result *r)
{
    json_begin_object(o, NULL);
    json_put_str(o, "audit", infos[i].name);
    json_put_str(o, "stops", infos[i].stops);
    json_put_str(o, "verdict", verdicts[r->verdict]);
    json_put_str(o, "found", r->found);
    json_put_str(o, "rule", infos[i].rule == CHEAT_WORST ? "none over" : "sign test");
    json_put_str(o, "unit", infos[i].unit);
    json_put_num(o, "limit", r->limit);
    json_put_bool(o, "limit_is_guess", r->is_soft);
    json_put_num(o, infos[i].rule == CHEAT_WORST ? "largest" : "median", r->worst);
    json_put_num(o, "low", r->low);
    json_put_num(o, "high", r->high);
    json_put_int(o, "n", (int64_t)r->n);
    json_put_int(o, "over", (int64_t)r->over);
    json_put_num(o, "p", r->p);
    json_put_str(o, "where", r->where);
    json_begin_array(o, "samples");
    for (size_t k = 0; k < r->n; k++)
        json_put_num(o, NULL, r->samples[k]);
    json_end_array(o);
    json_end_object(o);
}

void cheats_put(struct json_out *o, const struct cheat_report *r)
{
    json_put_str(o, "device", r->device);
    json_put_str(o, "device_sha256", *r->sha256 ? r->sha256 : NULL);
    json_put_str(o, "numerics", r->numerics);
    json_put_str(o, "precision", r->precision);
    json_put_str(o, "kernels", r->kernels);
    json_put_str(o, "model_sha256", r->model_sha256);
    json_put_bool(o, "isolated", r->isolated);
    json_put_str(o, "tasks", r->tasks);
    json_put_int(o, "seed", (int64_t)r->seed);
    json_put_str(o, "verdict", verdicts[cheat_verdict(r)]);
    json_begin_array(o, "audits");
    for (int i = 0; i < CHEAT_AUDITS; i++)
        put_audit(o, i, &r->audits[i]);
    json_end_array(o);
}

/* ---- in ---- */

static void take_text(char *to, size_t size, const cJSON *j, const char *key)
{
    const char *s = json_str(j, key);

    snprintf(to, size, "%s", s ? s : "");
}

static int take_audit(struct cheat_result *r, int audit, const cJSON *j, const char *where,
                      struct err *e)
{
    const cJSON *samples = json_get(j, "samples"), *x;

    if (!json_str(j, "audit") || strcmp(json_str(j, "audit"), infos[audit].name) != 0 ||
        !cJSON_IsArray(samples))
        return err_set(e, ERR_FORMAT, "%s: where is the audit '%s'?", where, infos[audit].name);
    r->limit = json_num(j, "limit", NAN);
    r->is_soft = json_bool(j, "limit_is_guess", 0);
    take_text(r->where, sizeof r->where, j, "where");
    for (x = samples->child; x; x = x->next) {
        if (mem_grow(&r->samples, &r->cap, r->n + 1, sizeof *r->samples) < 0)
            return err_nomem(e);
        r->samples[r->n++] = cJSON_IsNumber(x) ? x->valuedouble : NAN;
    }
    if (r->n && !isfinite(r->limit))
        return err_set(e, ERR_FORMAT, "%s: audit '%s' has no limit", where, infos[audit].name);
    cheat_judge(audit, r);
    return 0;
}

static int take_report(struct cheat_report *out, const cJSON *j, const char *where, struct err *e)
{
    const char *schema = json_str(j, "schema");
    const cJSON *audits = json_get(j, "audits");

    if (!schema || strcmp(schema, "densimeter.device/1") != 0 || !cJSON_IsArray(audits) ||
        cJSON_GetArraySize(audits) != CHEAT_AUDITS)
        return err_set(e, ERR_FORMAT, "%s: is no document of 'device audit --json'", where);
    take_text(out->device, sizeof out->device, j, "device");
    take_text(out->sha256, sizeof out->sha256, j, "device_sha256");
    take_text(out->numerics, sizeof out->numerics, j, "numerics");
    take_text(out->precision, sizeof out->precision, j, "precision");
    take_text(out->kernels, sizeof out->kernels, j, "kernels");
    take_text(out->model_sha256, sizeof out->model_sha256, j, "model_sha256");
    take_text(out->tasks, sizeof out->tasks, j, "tasks");
    out->isolated = json_bool(j, "isolated", 0);
    out->seed = (uint64_t)fmin(fmax(json_num(j, "seed", 0), 0), 9e15);
    for (int i = 0; i < CHEAT_AUDITS; i++)
        if (take_audit(&out->audits[i], i, cJSON_GetArrayItem(audits, i), where, e) < 0)
            return -1;
    return 0;
}

int cheats_parse(struct cheat_report *out, const char *bytes, size_t n, const char *where,
                 struct err *e)
{
    cJSON *j = json_parse(bytes, n, where, e);
    int rc;

    *out = (struct cheat_report){0};
    if (!j)
        return -1;
    rc = take_report(out, j, where, e);
    json_free(j);
    if (rc < 0)
        cheat_report_release(out);
    return rc;
}

/* ---- does the document follow from its samples? ---- */

struct speaker {
    void (*say)(void *user, const char *line);
    void *user;
    const char *where;
    int n;
};

static void defect(struct speaker *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void defect(struct speaker *s, const char *fmt, ...)
{
    char text[400], line[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "%.150s: %s", s->where, text);
    s->say(s->user, line);
    s->n++;
}

static void check_audit(struct speaker *s, const struct cheat_report *r, int i, const cJSON *j)
{
    const struct cheat_result *x = &r->audits[i];
    double most = cheat_limit(i, r->audits[CHEAT_HIDDEN].worst);
    const char *said = json_str(j, "verdict"), *found = json_str(j, "found");

    if (!said || strcmp(said, verdicts[x->verdict]) != 0)
        defect(s, "the audit '%s' is said to be %s, its samples say %s", infos[i].name,
               said ? said : "nothing", verdicts[x->verdict]);
    else if (!found || strcmp(found, x->found) != 0)
        defect(s, "the audit '%s' is said to have found something else than its samples say: %s",
               infos[i].name, x->found);
    if (x->n && (most > 0 || i == CHEAT_SPEED) && x->limit > most * (1 + 1e-9))
        defect(s, "the audit '%s' has the limit %.6g, and at most %.6g is allowed", infos[i].name,
               x->limit, most);
    if (x->verdict == CHEAT_FAIL)
        defect(s, "the device %s failed the audit '%s': %s", r->device, infos[i].name, x->found);
}

int cheats_check(const char *bytes, size_t n, const char *where,
                 void (*say)(void *user, const char *line), void *user, struct err *e)
{
    struct speaker s = {say, user, where, 0};
    struct cheat_report r = {0};
    cJSON *j = json_parse(bytes, n, where, e);
    const char *said;
    int rc = -1;

    if (j && take_report(&r, j, where, e) == 0) {
        said = json_str(j, "verdict");
        if (!said || strcmp(said, verdicts[cheat_verdict(&r)]) != 0)
            defect(&s, "its verdict is %s, its audits say %s", said ? said : "missing",
                   verdicts[cheat_verdict(&r)]);
        for (int i = 0; i < CHEAT_AUDITS; i++)
            check_audit(&s, &r, i, cJSON_GetArrayItem(json_get(j, "audits"), i));
        rc = s.n;
    }
    cheat_report_release(&r);
    json_free(j);
    return rc;
}
