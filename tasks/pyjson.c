#include "tasks/pyjson.h"

#include <string.h>

enum { DEPTH_MAX = 500 };

struct reader {
    const char *s, *end;
    int depth;
};

static void blanks(struct reader *r)
{
    while (r->s < r->end && memchr(" \t\n\r", *r->s, 4))
        r->s++;
}

static int take(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0)
        return 0;
    r->s += n;
    return 1;
}

static int digits(struct reader *r)
{
    const char *from = r->s;

    while (r->s < r->end && *r->s >= '0' && *r->s <= '9')
        r->s++;
    return r->s > from;
}

static int number(struct reader *r)
{
    const char *before;

    take(r, "-");
    if (!take(r, "0") && !digits(r))
        return 0;
    before = r->s; /* a part that is not finished is what stands after the number */
    if (take(r, ".") && !digits(r))
        r->s = before;
    before = r->s;
    if (take(r, "e") || take(r, "E")) {
        if (!take(r, "+"))
            take(r, "-");
        if (!digits(r))
            r->s = before;
    }
    return 1;
}

static int string(struct reader *r)
{
    if (!take(r, "\""))
        return 0;
    while (r->s < r->end && *r->s != '"') {
        if ((unsigned char)*r->s < 0x20)
            return 0;
        if (*r->s++ != '\\')
            continue;
        if (r->s == r->end || !memchr("\"\\/bfnrtu", *r->s, 9))
            return 0;
        if (*r->s++ != 'u')
            continue;
        for (int i = 0; i < 4; i++, r->s++)
            if (r->s == r->end || !memchr("0123456789abcdefABCDEF", *r->s, 22))
                return 0;
    }
    return take(r, "\"");
}

static int value(struct reader *r);

/* The members of a list or an object, from behind its opening bracket. */
static int members(struct reader *r, const char *close, int keys)
{
    blanks(r);
    if (take(r, close))
        return 1;
    do {
        blanks(r);
        if (keys) {
            if (!string(r))
                return 0;
            blanks(r);
            if (!take(r, ":"))
                return 0;
        }
        if (!value(r))
            return 0;
        blanks(r);
    } while (take(r, ","));
    return take(r, close);
}

static int value(struct reader *r)
{
    int ok;

    blanks(r);
    if (r->s == r->end || ++r->depth > DEPTH_MAX)
        return 0;
    if (take(r, "{"))
        ok = members(r, "}", 1);
    else if (take(r, "["))
        ok = members(r, "]", 0);
    else if (*r->s == '"')
        ok = string(r);
    else
        ok = take(r, "true") || take(r, "false") || take(r, "null") || take(r, "NaN") ||
             take(r, "Infinity") || take(r, "-Infinity") || number(r);
    r->depth--;
    return ok;
}

int pyjson_valid(const char *s, size_t n)
{
    struct reader r = {s, s + n, 0};

    if (!value(&r))
        return 0;
    blanks(&r);
    return r.s == r.end;
}
