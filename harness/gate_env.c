#include "harness/gate_env.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static int named(const struct gate_names *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], key) == 0)
            return 1;
    return 0;
}

static int differ(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) != 0 : a != b;
}

static int note(struct env *env, const char *key, const char *a, const char *b,
                const struct gate_policy *p, struct err *e)
{
    struct env_difference d = {.effect = ENV_NOTED};

    if (!differ(a, b))
        return 0;
    if (named(&p->forbid_for_timing, key))
        d.effect = ENV_FORBIDS_TIMING;
    if (named(&p->forbid, key))
        d.effect = ENV_FORBIDS;
    d.key = arena_strdup(&env->arena, key);
    d.a = arena_strdup(&env->arena, a);
    d.b = arena_strdup(&env->arena, b);
    if (!d.key || (a && !d.a) || (b && !d.b) ||
        mem_grow(&env->v, &env->cap, env->n + 1, sizeof *env->v) < 0)
        return err_nomem(e);
    env->v[env->n++] = d;
    env->worst = d.effect > env->worst ? d.effect : env->worst;
    return 0;
}

/* A fact of the machine as text; NULL for null. */
static const char *fact_text(const cJSON *v, char *space, size_t size)
{
    if (cJSON_IsString(v))
        return v->valuestring;
    if (cJSON_IsNumber(v))
        json_format_num(space, size, v->valuedouble);
    else if (cJSON_IsBool(v))
        snprintf(space, size, "%s", cJSON_IsTrue(v) ? "true" : "false");
    else
        return NULL;
    return space;
}

static int note_facts(struct env *env, const cJSON *a, const cJSON *b, const char *prefix,
                      const struct gate_policy *p, struct err *e)
{
    for (const cJSON *m = a ? a->child : NULL; m; m = m->next) {
        const cJSON *other = json_get(b, m->string ? m->string : "");
        char key[160], x[40], y[40];
        int rc;
        snprintf(key, sizeof key, "%s.%.100s", prefix, m->string ? m->string : "");
        if (cJSON_IsObject(m) && strcmp(prefix, "machine") == 0)
            rc = note_facts(env, m, other, key, p, e);
        else
            rc = note(env, key, fact_text(m, x, sizeof x), fact_text(other, y, sizeof y), p, e);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Machines differ as a whole by their hash; the facts say in what. */
static int note_machines(struct env *env, const struct run_row *a, const struct run_row *b,
                         const struct gate_policy *p, struct err *e)
{
    cJSON *x = NULL, *y = NULL;
    int rc = -1;

    if (!differ(a->machine_hash, b->machine_hash))
        return 0;
    if (note(env, "machine", a->machine_name, b->machine_name, p, e) < 0)
        return -1;
    if (env->n == 0 || strcmp(env->v[env->n - 1].key, "machine") != 0) {
        /* one name, but not the same any more */
        char short_a[16], short_b[16];
        snprintf(short_a, sizeof short_a, "%.12s", a->machine_hash ? a->machine_hash : "");
        snprintf(short_b, sizeof short_b, "%.12s", b->machine_hash ? b->machine_hash : "");
        if (note(env, "machine", short_a, short_b, p, e) < 0)
            return -1;
    }
    if (!a->machine_json || !b->machine_json)
        return 0;
    x = json_parse(a->machine_json, strlen(a->machine_json), "machine of the baseline", e);
    y = json_parse(b->machine_json, strlen(b->machine_json), "machine of the candidate", e);
    if (x && y)
        rc = note_facts(env, x, y, "machine", p, e);
    json_free(x);
    json_free(y);
    return rc;
}

int env_add_noise(struct env *env, const char *which, const struct run_row *r, struct err *e)
{
    const char *noise = r->noise_after;
    cJSON *j = noise ? json_parse(noise, strlen(noise), "noise of a run", e) : NULL;
    const char *why = json_str(j, "reasons");
    int noisy = cJSON_IsFalse(json_get(j, "quiet")), invalid = json_bool(j, "invalid", 0), rc = 0;
    char text[320];

    if (noise && !j)
        return -1;
    env->noisy |= noisy;
    env->invalid |= invalid;
    if ((noisy || invalid) && !env->reasons) {
        snprintf(text, sizeof text, "%s: %.256s", which, why && *why ? why : "not quiet");
        env->reasons = arena_strdup(&env->arena, text);
        rc = env->reasons ? 0 : err_nomem(e);
    }
    json_free(j);
    return rc;
}

int env_quiet(const struct run_row *r, int *quiet, struct err *e)
{
    struct env env = {0};
    int rc = env_add_noise(&env, r->id, r, e);

    *quiet = !env.noisy && !env.invalid;
    env_release(&env);
    return rc;
}

int env_compare(struct env *out, const struct run_row *a, const struct run_row *b,
                const struct gate_policy *p, struct err *e)
{
    char threads[2][16], seeds[2][32];
    int rc = -1;

    *out = (struct env){0};
    snprintf(threads[0], sizeof threads[0], "%d", a->threads);
    snprintf(threads[1], sizeof threads[1], "%d", b->threads);
    snprintf(seeds[0], sizeof seeds[0], "%" PRId64, a->seed);
    snprintf(seeds[1], sizeof seeds[1], "%" PRId64, b->seed);
    if (note(out, "program", a->program_version, b->program_version, p, e) == 0 &&
        note(out, "numerics", a->numerics_id, b->numerics_id, p, e) == 0 &&
        note(out, "kernels", a->kernels, b->kernels, p, e) == 0 &&
        note(out, "device", a->device, b->device, p, e) == 0 &&
        note(out, "threads", threads[0], threads[1], p, e) == 0 &&
        note(out, "seed", seeds[0], seeds[1], p, e) == 0 &&
        note(out, "settings", a->settings, b->settings, p, e) == 0 &&
        note(out, "model", a->model.sha256, b->model.sha256, p, e) == 0 &&
        note_machines(out, a, b, p, e) == 0 &&
        env_add_noise(out, "baseline", a, e) == 0 && env_add_noise(out, "candidate", b, e) == 0)
        rc = 0;
    if (rc < 0)
        env_release(out);
    return rc;
}

void env_release(struct env *env)
{
    mem_free(env->v);
    arena_release(&env->arena);
    *env = (struct env){0};
}
