#include "tasks/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void record_fail(struct record *r, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    if (r->failed)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(r->e, ERR_FORMAT, "%s: %s", r->where, text);
    r->failed = 1;
}

void record_no_memory(struct record *r)
{
    if (!r->failed)
        err_nomem(r->e);
    r->failed = 1;
}

const char *record_string(struct record *r, const cJSON *object, const char *key)
{
    const char *s = json_str(object, key);

    if (!s)
        record_fail(r, "%s \"%s\"", json_get(object, key) ? "not a text:" : "no field", key);
    return s ? s : "";
}

const char *record_field(struct record *r, const char *key)
{
    return record_string(r, r->json, key);
}

const char *record_keep(struct record *r, struct strbuf *b)
{
    const char *s = b->failed ? NULL : arena_strndup(r->arena, strbuf_str(b), b->len);

    strbuf_release(b);
    if (!s)
        record_no_memory(r);
    return s ? s : "";
}

const char *record_text(struct record *r, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    return record_keep(r, &b);
}

const char *record_copy(struct record *r, struct span s)
{
    const char *t = arena_strndup(r->arena, s.s, s.n);

    if (!t)
        record_no_memory(r);
    return t ? t : "";
}

const char *record_strip(struct record *r, const char *s)
{
    return record_copy(r, py_strip(s, strlen(s)));
}

const char *const *record_list(struct record *r, const char *const *texts, int n)
{
    const char **v = r->failed ? NULL : arena_alloc(r->arena, (size_t)n * sizeof *v);

    if (!v) {
        record_no_memory(r);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        v[i] = record_copy(r, (struct span){texts[i], strlen(texts[i])});
    return v;
}

void record_choices(struct record *r, const char *const *texts, int n)
{
    r->doc->choices = record_list(r, texts, n);
    r->doc->n_choices = n;
}

void record_target(struct record *r, const char *s)
{
    r->doc->targets = record_list(r, &s, 1);
    r->doc->n_targets = 1;
}

int record_strings(struct record *r, const cJSON *object, const char *key, const char **out,
                   int most)
{
    const cJSON *array = json_get(object, key), *v;
    int n = 0;

    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) < 1 ||
        cJSON_GetArraySize(array) > most) {
        record_fail(r, "\"%s\" is not a list of 1 to %d texts", key, most);
        return 0;
    }
    cJSON_ArrayForEach(v, array)
    {
        if (!cJSON_IsString(v)) {
            record_fail(r, "\"%s\": entry %d is not a text", key, n);
            return 0;
        }
        out[n++] = v->valuestring;
    }
    return n;
}

int record_index(struct record *r, const char *key, int base, int n)
{
    const cJSON *v = json_get(r->json, key);
    double x = NAN;

    if (cJSON_IsNumber(v))
        x = v->valuedouble;
    else if (cJSON_IsString(v) && v->valuestring[0] >= '0' && v->valuestring[0] <= '9' &&
             !v->valuestring[1])
        x = v->valuestring[0] - '0';
    if (!(x >= base && x < base + n && x == floor(x))) {
        record_fail(r, "\"%s\" is not a label from %d to %d", key, base, base + n - 1);
        return 0;
    }
    return (int)x - base;
}

int record_letter(struct record *r, const char *key, int n)
{
    const char *s = record_field(r, key);

    if (!r->failed && (s[0] < 'A' || s[0] >= 'A' + n || s[1]))
        record_fail(r, "\"%s\" is not a letter from A to %c", key, 'A' + n - 1);
    return r->failed ? 0 : s[0] - 'A';
}

void record_targets(struct record *r, const char *key)
{
    const char *answers[ANSWERS_MAX];

    r->doc->n_targets = record_strings(r, r->json, key, answers, ANSWERS_MAX);
    r->doc->targets = record_list(r, answers, r->doc->n_targets);
}

void record_labelled(struct record *r, const char **out, int *n)
{
    const cJSON *choices = json_get(r->json, "choices");
    const char *labels[CHOICES_MAX], *key = record_field(r, "answerKey");
    struct span want = py_lstrip(key, strlen(key));

    *n = record_strings(r, choices, "text", out, CHOICES_MAX);
    if (record_strings(r, choices, "label", labels, CHOICES_MAX) != *n)
        record_fail(r, "%d choices but another number of labels", *n);
    r->doc->gold = -1;
    for (int i = *n - 1; i >= 0 && !r->failed; i--)
        if (strcmp(labels[i], want.s) == 0)
            r->doc->gold = i;
    if (r->doc->gold < 0)
        record_fail(r, "\"answerKey\" is none of the labels");
}
