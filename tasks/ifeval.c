/* ifeval.c -- whether an instruction can be checked with its arguments, and whether a text follows
 * it, as it is or in one of its looser forms.  What is checked is in ifeval_instructions.c. */
#include "tasks/ifeval.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/ifeval_impl.h"
#include "tasks/pytext.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static int compiles(const struct answer *a, const char *pattern, struct err *e)
{
    pcre2_code *code = NULL;
    int rc = answer_compile(a, &code, pattern, e);

    pcre2_code_free(code);
    return rc == 0;
}

static int are_patterns(const struct answer *a, const cJSON *list, struct err *e)
{
    const cJSON *v;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        return 0;
    cJSON_ArrayForEach(v, list)
        if (!cJSON_IsString(v) || !compiles(a, v->valuestring, e))
            return 0;
    return 1;
}

static int is_argument(const struct answer *a, const cJSON *v, enum argument_kind kind,
                       struct err *e)
{
    const char *s = cJSON_IsString(v) ? v->valuestring : NULL;

    switch (kind) {
    case ARGUMENT_NUMBER: return cJSON_IsNumber(v) && v->valuedouble > 0 && v->valuedouble < 1e9;
    case ARGUMENT_TEXT: return s && *s;
    case ARGUMENT_PATTERN: return s && *s && compiles(a, s, e);
    case ARGUMENT_PATTERNS: return are_patterns(a, v, e);
    case ARGUMENT_RELATION:
        return s && (strcmp(s, "less than") == 0 || strcmp(s, "at least") == 0);
    }
    return 0;
}

int ifeval_check(const struct answer *a, const char *id, const cJSON *arguments, struct err *e)
{
    const struct instruction *i = ifeval_find(id);
    struct err why = ERR_NONE;

    if (!i)
        return err_set(e, ERR_FORMAT, "instruction \"%s\" is not known", id);
    for (size_t k = 0; k < LENGTH(i->arguments) && i->arguments[k].key; k++)
        if (!is_argument(a, json_get(arguments, i->arguments[k].key), i->arguments[k].kind, &why)) {
            if (why.code == ERR_NOMEM)
                return err_nomem(e);
            return err_set(e, ERR_FORMAT, "instruction \"%s\": \"%s\" is not what it takes%s%s", id,
                           i->arguments[k].key, why.code ? ": " : "", why.text);
        }
    return 0;
}

int ifeval_follows(const struct answer *a, const char *id, const cJSON *arguments,
                   const char *text, struct err *e)
{
    const struct instruction *i = ifeval_find(id);
    int failed = 0, follows;
    struct question q = {a, arguments, {text, strlen(text)}, e, &failed};

    if (!i)
        return err_set(e, ERR_FORMAT, "instruction \"%s\" is not known", id);
    follows = ifeval_is_blank(q.text) ? 0 : i->follows(&q);
    return failed ? err_nomem(e) : follows;
}

/* Form f: bit 0 without asterisks; then all of it, or without its first, last, or both lines. */
static char *form_of(const char *text, int f, struct err *e)
{
    const char *first = strchr(text, '\n'), *last = strrchr(text, '\n');
    const char *from = text, *to = text + strlen(text);
    struct strbuf b = STRBUF_INIT;
    struct span s;
    char *out;

    if (f & 2)
        from = first ? first + 1 : to;
    if (f & 4)
        to = last && last >= from ? last : from;
    s = (struct span){from, (size_t)(to - from)};
    if (f & 6)
        s = py_strip(s.s, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (!(f & 1) || s.s[i] != '*')
            strbuf_addc(&b, s.s[i]);
    out = strbuf_take(&b);
    if (!out)
        err_nomem(e);
    strbuf_release(&b);
    return out;
}

int ifeval_follows_loosely(const struct answer *a, const char *id, const cJSON *arguments,
                           const char *text, struct err *e)
{
    int follows = 0;

    for (int f = 0; f < 8 && follows == 0; f++) {
        char *form = form_of(text, f, e);
        follows = form ? ifeval_follows(a, id, arguments, form, e) : -1;
        mem_free(form);
    }
    return follows;
}
