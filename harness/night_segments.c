/* night_segments.c -- what must be the same for two nights of a series to be one stretch.
 *
 * Model file, data, task versions, settings, arithmetic, kernels, device, machine.  The program
 * itself is not among them: its changes are what a night is looking for. */
#include <string.h>

#include "base/mem.h"
#include "harness/night_impl.h"
#include "results/query.h"

static void put_tasks(struct json_out *o, const struct task_list *tasks)
{
    json_begin_object(o, "tasks");
    for (size_t i = 0; i < tasks->n; i++) {
        json_begin_object(o, tasks->v[i].task);
        json_put_int(o, "version", tasks->v[i].version);
        json_put_int(o, "shots", tasks->v[i].shots);
        json_put_int(o, "items", tasks->v[i].n_expected);
        json_put_str(o, "data_sha256", tasks->v[i].data_sha256);
        json_end_object(o);
    }
    json_end_object(o);
}

static int fingerprint(struct store *s, const char *run, struct strbuf *out, struct err *e)
{
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct json_out o = JSON_OUT(out);
    int rc = query_run(s, run, &runs, e);

    if (rc == 0)
        rc = query_tasks(s, run, &tasks, e);
    if (rc == 0) {
        const struct run_row *r = &runs.v[0];
        json_begin_object(&o, NULL);
        json_put_str(&o, "model_sha256", r->model.sha256);
        json_put_str(&o, "numerics", r->numerics_id);
        json_put_str(&o, "kernels", r->kernels);
        json_put_str(&o, "device", r->device);
        json_put_int(&o, "threads", r->threads);
        if (strcmp(r->kind, "eval") == 0) { /* a speed test's hold its command line */
            json_put_raw(&o, "settings", r->settings);
            put_tasks(&o, &tasks);
        }
        json_put_raw(&o, "machine", r->machine_json);
        json_end_object(&o);
        rc = strbuf_ok(out, e);
    }
    task_list_release(&tasks);
    run_list_release(&runs);
    return rc;
}

static void put_short(struct strbuf *b, const cJSON *j)
{
    char number[40];

    if (cJSON_IsString(j)) { /* of a hash the beginning says enough */
        strbuf_addf(b, "%.*s", strlen(j->valuestring) == 64 ? 12 : 60, j->valuestring);
    } else if (cJSON_IsNumber(j)) {
        json_format_num(number, sizeof number, j->valuedouble);
        strbuf_adds(b, number);
    } else {
        strbuf_adds(b, !j || cJSON_IsNull(j) ? "unknown" : cJSON_IsTrue(j)  ? "true"
                                                       : cJSON_IsFalse(j) ? "false"
                                                                          : "another value");
    }
}

/* "kernel 6.1 -> 6.2; tasks.facts.version 2 -> 3", in the order of `to`. */
static void put_differences(struct strbuf *b, const char *prefix, const cJSON *from,
                            const cJSON *to)
{
    for (const cJSON *m = to ? to->child : NULL; m; m = m->next) {
        const cJSON *old = json_get(from, m->string);
        struct strbuf name = STRBUF_INIT;
        strbuf_addf(&name, "%s%s%s", prefix, *prefix ? "." : "", m->string);
        if (cJSON_IsObject(m) && cJSON_IsObject(old)) {
            put_differences(b, strbuf_str(&name), old, m);
        } else if (!old || !cJSON_Compare(old, m, 1)) {
            strbuf_addf(b, "%s%s ", b->len ? "; " : "", strbuf_str(&name));
            put_short(b, old);
            strbuf_adds(b, " -> ");
            put_short(b, m);
        }
        b->failed |= name.failed;
        strbuf_release(&name);
    }
}

static int differences(struct strbuf *b, const char *before, const char *now, struct err *e)
{
    cJSON *from = json_parse(before, strlen(before), "segments.fingerprint", e);
    cJSON *to = from ? json_parse(now, strlen(now), "fingerprint", e) : NULL;
    int rc = -1;

    if (to) {
        put_differences(b, "", from, to);
        if (b->len == 0) /* something of before is not there any more */
            strbuf_adds(b, "fewer things are known");
        rc = strbuf_ok(b, e);
    }
    json_free(from);
    json_free(to);
    return rc;
}

/* A new kernel begins a segment of every series, for one reason. */
static int note_reason(struct judge *j, const char *series, const char *changed)
{
    for (size_t i = 0; i < j->n_reasons; i++)
        if (strcmp(j->reasons[i].changed, changed) == 0) {
            j->reasons[i].series++;
            return 0;
        }
    if (mem_grow(&j->reasons, &j->cap_reasons, j->n_reasons + 1, sizeof *j->reasons) < 0)
        return err_nomem(j->e);
    j->reasons[j->n_reasons] = (struct reason){judge_text(j, "%s", changed), series, 1};
    return j->reasons[j->n_reasons++].changed ? 0 : err_nomem(j->e);
}

int judge_segment(struct judge *j, const struct cell_row *cell, int64_t *segment)
{
    const struct night_row *n = &j->r->night;
    struct strbuf now = STRBUF_INIT, changed = STRBUF_INIT;
    struct segment g = {0};
    char *before = NULL;
    int rc = segment_last(j->store, n->plan_id, cell->spec.series, &g, &before, j->e);
    int is_known = rc == 1;

    if (rc >= 0)
        rc = fingerprint(j->store, cell->run, &now, j->e);
    if (rc == 0 && is_known && strcmp(before, strbuf_str(&now)) != 0)
        rc = differences(&changed, before, strbuf_str(&now), j->e);
    if (rc == 0)
        rc = segment_enter(j->store, n->plan_id, cell->spec.series, n->id, strbuf_str(&now),
                           changed.len ? strbuf_str(&changed) : NULL, &g, j->e);
    if (rc == 0 && g.is_new && changed.len)
        rc = note_reason(j, cell->spec.series, strbuf_str(&changed));
    *segment = g.id;
    mem_free(before);
    strbuf_release(&now);
    strbuf_release(&changed);
    return rc;
}
