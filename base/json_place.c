#include "base/json_place.h"

#include <string.h>

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static void skip_text(struct scan *s) /* from its opening quote */
{
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
        if (*s->at == '\\')
            s->at++;
    if (s->at < s->end)
        s->at++;
    else
        s->at = s->end;
}

static void skip_value(struct scan *s)
{
    int depth = 0;

    skip_blanks(s);
    while (s->at < s->end) {
        if (*s->at == '"') {
            skip_text(s);
        } else if (*s->at == '{' || *s->at == '[') {
            depth++;
            s->at++;
        } else if (*s->at == '}' || *s->at == ']') {
            if (depth == 0)
                return; /* a number or word that the enclosing value ends */
            depth--;
            s->at++;
        } else if (depth == 0 && *s->at == ',') {
            return;
        } else {
            s->at++;
            continue;
        }
        if (depth == 0)
            return;
    }
}

/* From the opening bracket to member n; at_key: to its key.  0 when there is no such member. */
static int enter(struct scan *s, int n, int at_key)
{
    int object = s->at < s->end && *s->at == '{';

    if (s->at == s->end || (*s->at != '{' && *s->at != '['))
        return 0;
    s->at++;
    for (int i = 0;; i++) {
        skip_blanks(s);
        if (s->at == s->end || *s->at == '}' || *s->at == ']')
            return 0;
        if (object && !(i == n && at_key)) {
            skip_text(s);
            skip_blanks(s);
            if (s->at < s->end)
                s->at++; /* the colon */
            skip_blanks(s);
        }
        if (i == n)
            return 1;
        skip_value(s);
        skip_blanks(s);
        if (s->at == s->end || *s->at != ',')
            return 0;
        s->at++;
    }
}

struct json_place json_place_at(const char *text, size_t n, size_t offset)
{
    struct json_place p = {1, 1};

    for (size_t i = 0; i < offset && i < n; i++) {
        p.column++;
        if (text[i] == '\n') {
            p.line++;
            p.column = 1;
        }
    }
    return p;
}

struct json_place json_place(const char *text, size_t n, const int *path, int depth, int at_key)
{
    struct scan s = {text, text + n};

    skip_blanks(&s);
    for (int i = 0; i < depth; i++) {
        struct scan before = s;
        if (!enter(&s, path[i], at_key && i == depth - 1)) {
            s = before;
            break;
        }
    }
    return json_place_at(text, n, (size_t)(s.at - text));
}
