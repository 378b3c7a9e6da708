#include "runners/cuts.h"

#include "base/mem.h"
#include "base/utf8.h"

int cuts_add(struct cuts *c, size_t end)
{
    if (mem_grow(&c->v, &c->cap, c->n + 1, sizeof *c->v) < 0)
        return -1;
    c->v[c->n++] = end;
    return 0;
}

void cuts_release(struct cuts *c)
{
    mem_free(c->v);
    *c = (struct cuts){0};
}

int cuts_by_regex(struct cuts *c, struct regex *r, const char *text, size_t from, size_t to,
                  struct err *e)
{
    size_t at = 0, done = 0, n = to - from;

    while (at < n) {
        size_t a, b;
        int rc = regex_find(r, text + from, n, at, &a, &b, e);
        if (rc < 0)
            return -1;
        if (rc == 0)
            break;
        if ((a > done && cuts_add(c, from + a) < 0) || (b > a && cuts_add(c, from + b) < 0))
            return err_nomem(e);
        done = b;
        at = b;
        if (a == b && b < n)
            at += utf8_len(text + from + b, n - b);
    }
    return done < n && cuts_add(c, to) < 0 ? err_nomem(e) : 0;
}
