/* scenario_json.c -- answers with structure: a JSON value credited field by field, and calls of
 * tools compared as what they do. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/schema.h"
#include "tasks/pytext.h"
#include "tasks/scenario_impl.h"

/* --- finding it in a text ----------------------------------------------------------------- */

/* Where the value that begins at s ends, by its brackets; 0 when it does not. */
static size_t balanced(const char *s, size_t n)
{
    int depth = 0, quoted = 0;

    for (size_t i = 0; i < n; i++) {
        if (quoted) {
            if (s[i] == '\\')
                i++;
            else if (s[i] == '"')
                quoted = 0;
        } else if (s[i] == '"') {
            quoted = 1;
        } else if (s[i] == '{' || s[i] == '[') {
            depth++;
        } else if ((s[i] == '}' || s[i] == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

enum { ATTEMPTS = 50 };

/* The first JSON object or list in a text: json_free; NULL when there is none. */
static cJSON *json_in_text(const char *text)
{
    size_t n = strnlen(text, OUTPUT_MAX);
    int attempts = 0;

    for (const char *p = text; p < text + n && attempts < ATTEMPTS; p++) {
        size_t len;
        cJSON *j;
        if (*p != '{' && *p != '[')
            continue;
        attempts++;
        len = balanced(p, (size_t)(text + n - p));
        j = len ? json_parse(p, len, "", NULL) : NULL;
        if (j)
            return j;
    }
    return NULL;
}

/* --- credit ------------------------------------------------------------------------------- */

/* {"any_of": [...]}: each of these is right. */
static const cJSON *alternatives(const cJSON *want)
{
    const cJSON *any = cJSON_IsObject(want) && want->child && !want->child->next
                           ? json_get(want, "any_of")
                           : NULL;

    return cJSON_IsArray(any) && any->child ? any : NULL;
}

static double value_credit(const struct scenario *s, const cJSON *want, const cJSON *got);

static double object_credit(const struct scenario *s, const cJSON *want, const cJSON *got)
{
    double sum = 0;
    int n = 0;

    if (!cJSON_IsObject(got))
        return 0;
    for (const cJSON *m = want->child; m; m = m->next, n++)
        sum += value_credit(s, m, json_get(got, m->string));
    for (const cJSON *m = got->child; m; m = m->next)
        n += !json_get(want, m->string) && !cJSON_IsNull(m);
    return n ? sum / n : 1;
}

static double array_credit(const struct scenario *s, const cJSON *want, const cJSON *got)
{
    const cJSON *w = want->child, *g = cJSON_IsArray(got) ? got->child : NULL;
    double sum = 0;
    int n = 0;

    if (!cJSON_IsArray(got))
        return 0;
    for (; w || g; w = w ? w->next : NULL, g = g ? g->next : NULL, n++)
        sum += w && g ? value_credit(s, w, g) : 0;
    return n ? sum / n : 1;
}

/* A number may come as a text ("42"), as models write it. */
static int number_credit_of(const struct scenario *s, double want, const cJSON *got)
{
    double v = NAN, most = fmax(s->tolerance, s->relative * fabs(want));
    char *end = NULL;

    if (cJSON_IsNumber(got)) {
        v = got->valuedouble;
    } else if (cJSON_IsString(got) && *got->valuestring) {
        v = strtod(got->valuestring, &end);
        if (*end)
            v = NAN;
    }
    return fabs(v - want) <= most + 1e-9 * fabs(want);
}

/* How much of `want` is in `got`, [0, 1]. */
static double value_credit(const struct scenario *s, const cJSON *want, const cJSON *got)
{
    const cJSON *any = alternatives(want);
    double best = 0;

    if (any) {
        for (const cJSON *m = any->child; m; m = m->next)
            best = fmax(best, value_credit(s, m, got));
        return best;
    }
    if (cJSON_IsNull(want))
        return !got || cJSON_IsNull(got) || (cJSON_IsString(got) && !*got->valuestring);
    if (!got)
        return 0;
    if (cJSON_IsObject(want))
        return object_credit(s, want, got);
    if (cJSON_IsArray(want))
        return array_credit(s, want, got);
    if (cJSON_IsNumber(want))
        return number_credit_of(s, want->valuedouble, got);
    if (cJSON_IsBool(want))
        return cJSON_IsBool(got) && cJSON_IsTrue(got) == cJSON_IsTrue(want);
    return cJSON_IsString(got) &&
           text_same(want->valuestring, got->valuestring, s->ignore, NULL) == 1;
}

/* --- json --------------------------------------------------------------------------------- */

KIND_CHECK(json)
{
    if (!cJSON_IsObject(it->answer) && !cJSON_IsArray(it->answer))
        return json_text_wrong(&s->file, it->answer, 0, e,
                               "\"answer\" must be an object or a list");
    return 0;
}

/* The first of alternatives, everything else as it is; mem_free by cJSON_Delete. */
static cJSON *shown(const cJSON *want)
{
    const cJSON *any = alternatives(want), *m;
    cJSON *copy;

    if (any)
        return shown(any->child);
    copy = cJSON_Duplicate(want, 0);
    for (m = copy ? want->child : NULL; m; m = m->next) {
        cJSON *v = shown(m);
        int ok = v && (cJSON_IsArray(copy) ? cJSON_AddItemToArray(copy, v)
                                           : cJSON_AddItemToObject(copy, m->string, v));
        if (!ok) {
            cJSON_Delete(v);
            cJSON_Delete(copy);
            return NULL;
        }
    }
    return copy;
}

KIND_SHOW(json)
{
    cJSON *j = shown(it->answer);
    char *text = j ? cJSON_PrintUnformatted(j) : NULL;

    (void)s;
    if (text)
        strbuf_adds(out, text);
    cJSON_free(text);
    cJSON_Delete(j);
    return text ? strbuf_ok(out, e) : err_nomem(e);
}

static int keep_json(struct found *out, const cJSON *j, const char *otherwise, struct err *e)
{
    char *text = j ? cJSON_PrintUnformatted(j) : NULL;

    if (j && !text)
        return err_nomem(e);
    strbuf_adds(&out->text, text ? text : otherwise);
    cJSON_free(text);
    return strbuf_ok(&out->text, e);
}

KIND_CREDIT(json)
{
    cJSON *got = json_in_text(output);
    int rc;

    out->well_formed = got && (!s->schema || schema_holds(s->schema, got));
    out->credit = got ? value_credit(s, it->answer, got) : 0;
    if (!out->well_formed && out->credit == 1)
        out->credit = 0; /* everything in its place, but not what the reader was promised */
    rc = keep_json(out, got, "", e);
    json_free(got);
    return rc;
}

/* --- calls -------------------------------------------------------------------------------- */

static int check_call(const struct scenario *s, const cJSON *call, struct err *e)
{
    if (!cJSON_IsObject(call) || !json_str(call, "name") ||
        !cJSON_IsObject(json_get(call, "arguments")))
        return json_text_wrong(&s->file, call, 0, e,
                               "a call is {\"name\": \"...\", \"arguments\": {...}}");
    return 0;
}

KIND_CHECK(call)
{
    const cJSON *m;

    if (!cJSON_IsArray(it->answer))
        return check_call(s, it->answer, e);
    if (!it->answer->child)
        return json_text_wrong(&s->file, it->answer, 0, e, "no call is a call too few");
    cJSON_ArrayForEach(m, it->answer)
        if (check_call(s, m, e) < 0)
            return -1;
    return 0;
}

KIND_SHOW(call)
{
    return json_show(s, it, out, e);
}

/* The value of an argument in name(key=value, ...): JSON, else the bare word. */
static cJSON *argument(const char *s, size_t n)
{
    struct span t = py_strip(s, n);
    cJSON *j = NULL;
    char *word;

    if (t.n >= 2 && t.s[0] == '\'' && t.s[t.n - 1] == '\'') {
        t.s++, t.n -= 2;
    } else if (t.n) {
        j = json_parse(t.s, t.n, "", NULL);
        if (!j && t.n == 4 && memcmp(t.s, "True", 4) == 0)
            j = cJSON_CreateTrue();
        if (!j && t.n == 5 && memcmp(t.s, "False", 5) == 0)
            j = cJSON_CreateFalse();
    }
    if (j)
        return j;
    word = mem_strndup(t.s, t.n);
    j = word ? cJSON_CreateString(word) : NULL;
    mem_free(word);
    return j;
}

static int is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* The end of one argument: a comma or the closing bracket outside quotes and brackets. */
static const char *argument_end(const char *p)
{
    int depth = 0;
    char quote = 0;

    for (; *p; p++) {
        if (quote) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == quote)
                quote = 0;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '[' || *p == '{' || *p == '(') {
            depth++;
        } else if (depth == 0 && (*p == ',' || *p == ')')) {
            return p;
        } else if (*p == ']' || *p == '}' || *p == ')') {
            depth--;
        }
    }
    return NULL;
}

/* key=value pairs into object; the byte after the closing bracket, NULL when it is none. */
static const char *read_arguments(const char *p, cJSON *object)
{
    while (*p == ' ')
        p++;
    while (*p && *p != ')') {
        const char *key = p, *end;
        char name[64];
        size_t n = 0;
        cJSON *v;
        while (is_name_byte(*p))
            p++;
        n = (size_t)(p - key);
        while (*p == ' ')
            p++;
        if (n == 0 || n >= sizeof name || (*p != '=' && *p != ':') || !(end = argument_end(p + 1)))
            return NULL;
        memcpy(name, key, n);
        name[n] = 0;
        v = argument(p + 1, (size_t)(end - p - 1));
        if (!v || !cJSON_AddItemToObject(object, name, v)) {
            cJSON_Delete(v);
            return NULL;
        }
        p = *end == ',' ? end + 1 : end;
        while (*p == ' ' || *p == '\n')
            p++;
    }
    return *p == ')' ? p + 1 : NULL;
}

static int add_call(cJSON *calls, const char *name, size_t n, cJSON *arguments)
{
    cJSON *call = cJSON_CreateObject();
    char *text = mem_strndup(name, n);
    int ok = call && text && arguments && cJSON_AddStringToObject(call, "name", text) &&
             cJSON_AddItemToObject(call, "arguments", arguments);

    if (!ok)
        cJSON_Delete(arguments);
    mem_free(text);
    if (!ok || !cJSON_AddItemToArray(calls, call)) {
        cJSON_Delete(call);
        return -1;
    }
    return 0;
}

/* Every name(key=value, ...) in a text. */
static void written_calls(const char *text, cJSON *calls)
{
    const char *end = text + strnlen(text, OUTPUT_MAX), *p = text;

    while (p < end) {
        const char *name = p, *after;
        cJSON *arguments;
        while (is_name_byte(*p))
            p++;
        if (p == name || *p != '(') {
            p += p == name;
            continue;
        }
        arguments = cJSON_CreateObject();
        after = arguments ? read_arguments(p + 1, arguments) : NULL;
        if (!after) {
            cJSON_Delete(arguments);
            p++;
            continue;
        }
        if (add_call(calls, name, (size_t)(p - name), arguments) < 0)
            return;
        p = after;
    }
}

/* One call as JSON, in the shapes that models are taught: name and arguments (or parameters, or
 * args), within "function" or not, the arguments as an object or as the text of one. */
static void json_call(const cJSON *j, cJSON *calls)
{
    static const char *const keys[] = {"arguments", "parameters", "args", "input"};
    const cJSON *f = json_get(j, "function"), *a = NULL;
    const char *name;
    cJSON *arguments;

    if (cJSON_IsObject(f))
        j = f;
    name = json_str(j, "name");
    if (!name)
        name = json_str(j, "function");
    if (!name)
        name = json_str(j, "tool");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !a; i++)
        a = json_get(j, keys[i]);
    if (!name)
        return;
    if (cJSON_IsString(a))
        arguments = json_in_text(a->valuestring);
    else
        arguments = a ? cJSON_Duplicate(a, 1) : NULL;
    add_call(calls, name, strlen(name), arguments ? arguments : cJSON_CreateObject());
}

static void json_calls(const cJSON *j, cJSON *calls)
{
    const cJSON *list = cJSON_IsArray(j) ? j : json_get(j, "tool_calls"), *m;

    if (!cJSON_IsArray(list)) {
        json_call(j, calls);
        return;
    }
    cJSON_ArrayForEach(m, list)
        json_call(m, calls);
}

/* All JSON values in a text that are calls, else what is written like one. */
static cJSON *read_calls(const char *text)
{
    cJSON *calls = cJSON_CreateArray();
    const char *p = text, *end = text + strnlen(text, OUTPUT_MAX);
    int attempts = 0;

    while (calls && p < end && attempts < ATTEMPTS) {
        size_t n = *p == '{' || *p == '[' ? balanced(p, (size_t)(end - p)) : 0;
        cJSON *j = NULL;
        attempts += *p == '{' || *p == '[';
        if (n && (j = json_parse(p, n, "", NULL)) != NULL)
            json_calls(j, calls);
        p += j ? n : 1;
        json_free(j);
    }
    if (calls && !calls->child)
        written_calls(text, calls);
    return calls;
}

/* The name is one part, each argument another; a wrong name is worth nothing. */
static double call_credit_of(const struct scenario *s, const cJSON *want, const cJSON *got)
{
    const cJSON *w = json_get(want, "arguments"), *g = json_get(got, "arguments");
    double parts = 0;

    if (strcmp(json_str(want, "name"), json_str(got, "name")) != 0)
        return 0;
    for (const cJSON *m = w->child; m; m = m->next)
        parts++;
    for (const cJSON *m = cJSON_IsObject(g) ? g->child : NULL; m; m = m->next)
        parts += !json_get(w, m->string) && !cJSON_IsNull(m);
    return parts == 0 ? 1 : (1 + parts * object_credit(s, w, g)) / (1 + parts);
}

/* Calls of the answer, each with the best of those made that is left. */
static int match_calls(const struct scenario *s, const cJSON *want, const cJSON *calls,
                       double *credit, struct err *e)
{
    int made = cJSON_GetArraySize(calls), n = 0;
    unsigned char *used = mem_calloc((size_t)made + 1, 1);
    double sum = 0;

    if (!used)
        return err_nomem(e);
    for (const cJSON *w = cJSON_IsArray(want) ? want->child : want; w;
         w = cJSON_IsArray(want) ? w->next : NULL, n++) {
        double best = 0;
        int at = -1, i = 0;
        for (const cJSON *g = calls->child; g; g = g->next, i++) {
            double v = used[i] ? 0 : call_credit_of(s, w, g);
            if (v > best)
                best = v, at = i;
        }
        if (at >= 0)
            used[at] = 1;
        sum += best;
    }
    mem_free(used);
    *credit = sum / (made > n ? made : n);
    return 0;
}

KIND_CREDIT(call)
{
    cJSON *calls = read_calls(output);
    int rc = calls ? 0 : err_nomem(e);

    if (rc == 0) {
        out->well_formed = calls->child != NULL;
        rc = match_calls(s, it->answer, calls, &out->credit, e);
    }
    if (rc == 0)
        rc = keep_json(out, calls->child ? calls : NULL, "", e);
    json_free(calls);
    return rc;
}
