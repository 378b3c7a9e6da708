/* vendor_profile_json.c -- profile.json out, and a stranger's in. */
#include <string.h>

#include "base/json.h"
#include "harness/vendor_profile_impl.h"

static void put_list(struct json_out *o, const char *key, const char *const *v, int n)
{
    json_begin_array(o, key);
    for (int i = 0; i < n; i++)
        json_put_str(o, NULL, v[i]);
    json_end_array(o);
}

void vendor_profile_write(const struct vendor_profile *p, struct strbuf *out)
{
    struct json_out o = JSON_OUT(out);

    o.pretty = 1;
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", "densimeter.vendor-profile/1");
    json_put_str(&o, "profile", p->name);
    json_put_int(&o, "version", p->version);
    json_put_str(&o, "base", p->base);
    json_put_str(&o, "model", p->model);
    json_put_str(&o, "model_sha256", p->model_sha256);
    json_put_str(&o, "device", p->device);
    put_list(&o, "more", p->more, p->n_more);
    json_begin_array(&o, "changes");
    for (int i = 0; i < p->n_changes; i++) {
        json_begin_object(&o, NULL);
        json_put_str(&o, "step", p->changes[i].step);
        json_put_str(&o, "option", p->changes[i].option);
        json_put_str(&o, "value", p->changes[i].value);
        json_end_object(&o);
    }
    json_end_array(&o);
    json_begin_array(&o, "steps");
    for (int i = 0; i < p->n_steps; i++) {
        const struct vendor_step *s = &p->steps[i];
        json_begin_object(&o, NULL);
        json_put_str(&o, "name", s->name);
        json_put_str(&o, "command", s->command);
        put_list(&o, "words", s->words, s->n_words);
        json_put_str(&o, "run", s->run);
        json_put_str(&o, "outcome", s->outcome);
        json_put_str(&o, "reason", s->reason);
        json_end_object(&o);
    }
    json_end_array(&o);
    json_end_object(&o);
    strbuf_addc(out, '\n');
}

/* A list of texts of `most` at most; NULL and *n = 0 when it is none: told. */
static const char **take_list(struct maker *m, const cJSON *j, const char *key, int most, int *n,
                              const char *where)
{
    const cJSON *list = json_get(j, key), *x;
    const char **v = profile_room(m, (size_t)most, sizeof *v);

    *n = 0;
    if (m->failed) {
        err_nomem(m->e);
        return NULL;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > most) {
        err_set(m->e, ERR_FORMAT, "%s: \"%s\" is no list of %d texts at most", where, key, most);
        return NULL;
    }
    for (x = list->child; x; x = x->next) {
        if (!cJSON_IsString(x)) {
            err_set(m->e, ERR_FORMAT, "%s: \"%s\" is no list of texts", where, key);
            return NULL;
        }
        v[(*n)++] = profile_keep_all(m, x->valuestring);
    }
    return v;
}

static int take_step(struct maker *m, const cJSON *j, const char *where)
{
    struct vendor_step *s = &m->p->steps[m->p->n_steps];
    const char *command = json_str(j, "command"), *name = json_str(j, "name");

    if (!name || !*name || !command || (strcmp(command, "eval") && strcmp(command, "bench")))
        return err_set(m->e, ERR_FORMAT, "%s: a step without a name or with a command that is "
                       "neither eval nor bench", where);
    *s = (struct vendor_step){
        .name = profile_keep_all(m, name),
        .command = strcmp(command, "eval") == 0 ? "eval" : "bench",
        .run = profile_keep_all(m, json_str(j, "run")),
        .outcome = profile_keep_all(m, json_str(j, "outcome")),
        .reason = profile_keep_all(m, json_str(j, "reason"))};
    s->words = take_list(m, j, "words", WORDS_MAX, &s->n_words, where);
    if (!s->words)
        return -1;
    for (int i = 0; i < m->p->n_steps; i++)
        if (strcmp(m->p->steps[i].name, s->name) == 0)
            return err_set(m->e, ERR_FORMAT, "%s: step %.60s is there twice", where, s->name);
    m->p->n_steps++;
    return 0;
}

static int take_steps(struct maker *m, const cJSON *j, const char *where)
{
    const cJSON *list = json_get(j, "steps"), *x;

    m->p->steps = profile_room(m, STEPS_MAX, sizeof *m->p->steps);
    if (m->failed)
        return err_nomem(m->e);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 1 ||
        cJSON_GetArraySize(list) > STEPS_MAX)
        return err_set(m->e, ERR_FORMAT, "%s: \"steps\" is no list of 1 to %d", where, STEPS_MAX);
    for (x = list->child; x; x = x->next)
        if (take_step(m, x, where) < 0)
            return -1;
    return 0;
}

static int take_changes(struct maker *m, const cJSON *j, const char *where)
{
    const cJSON *list = json_get(j, "changes"), *x;

    m->p->changes = profile_room(m, CHANGES_MAX, sizeof *m->p->changes);
    if (m->failed)
        return err_nomem(m->e);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > CHANGES_MAX)
        return err_set(m->e, ERR_FORMAT, "%s: \"changes\" is no list of %d at most", where,
                       CHANGES_MAX);
    for (x = list->child; x; x = x->next) {
        const char *option = json_str(x, "option"), *value = json_str(x, "value");
        if (!option || !value)
            return err_set(m->e, ERR_FORMAT, "%s: a change without option or value", where);
        m->p->changes[m->p->n_changes++] = (struct vendor_change){
            profile_keep_all(m, json_str(x, "step")), profile_keep_all(m, option),
            profile_keep_all(m, value)};
    }
    return 0;
}

static int take_head(struct maker *m, const cJSON *j, const char *where)
{
    static const char *const texts[] = {"profile", "base", "model", "device"};
    const char *schema = json_str(j, "schema");
    double version = json_num(j, "version", 0);
    struct vendor_profile *p = m->p;

    if (!schema || strcmp(schema, "densimeter.vendor-profile/1") != 0)
        return err_set(m->e, ERR_FORMAT, "%s: not of the form densimeter.vendor-profile/1", where);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!json_str(j, texts[i]) || !*json_str(j, texts[i]))
            return err_set(m->e, ERR_FORMAT, "%s: \"%s\" is missing", where, texts[i]);
    if (!(version >= 1 && version <= 1000 && version == (int)version))
        return err_set(m->e, ERR_FORMAT, "%s: \"version\" is no number from 1 to 1000", where);
    p->version = (int)version;
    p->name = profile_keep_all(m, json_str(j, "profile"));
    p->base = profile_keep_all(m, json_str(j, "base"));
    p->model = profile_keep_all(m, json_str(j, "model"));
    p->device = profile_keep_all(m, json_str(j, "device"));
    p->model_sha256 = profile_keep_all(m, json_str(j, "model_sha256"));
    p->more = take_list(m, j, "more", WORDS_MAX, &p->n_more, where);
    return p->more ? 0 : -1;
}

int vendor_profile_parse(struct vendor_profile *out, const char *bytes, size_t n,
                         const char *where, struct err *e)
{
    struct maker m = {.p = out, .e = e};
    cJSON *j = json_parse(bytes, n, where, e);
    int rc = -1;

    *out = (struct vendor_profile){0};
    if (j && take_head(&m, j, where) == 0 && take_changes(&m, j, where) == 0)
        rc = take_steps(&m, j, where);
    if (rc == 0 && m.failed)
        rc = err_nomem(e);
    json_free(j);
    if (rc < 0)
        vendor_profile_release(out);
    return rc;
}
