#include "tasks/wikitext.h"

#include <string.h>

#include "tasks/pytext.h"

struct step {
    const char *from, *to; /* replaced as Python's str.replace; to = NULL: */
    char open, close;      /* white space inside this pair of brackets goes */
};

/* In this order.  Python's pattern "/' [0-9]/" between the first two never matches anything. */
static const struct step steps[] = {
    {"s '", "s'", 0, 0},
    {" @-@ ", "-", 0, 0},
    {" @,@ ", ",", 0, 0},
    {" @.@ ", ".", 0, 0},
    {" : ", ": ", 0, 0},
    {" ; ", "; ", 0, 0},
    {" . ", ". ", 0, 0},
    {" ! ", "! ", 0, 0},
    {" ? ", "? ", 0, 0},
    {" , ", ", ", 0, 0},
    {NULL, NULL, '(', ')'},
    {NULL, NULL, '[', ']'},
    {NULL, NULL, '{', '}'},
    {NULL, NULL, '"', '"'},
    {NULL, NULL, '\'', '\''},
    {"= = = =", "====", 0, 0},
    {"= = =", "===", 0, 0},
    {"= =", "==", 0, 0},
    {" \xc2\xb0 ", "\xc2\xb0", 0, 0},
    {" \n", "\n", 0, 0},
    {"\n ", "\n", 0, 0},
    {" N ", " 1 ", 0, 0},
    {" 's", "'s", 0, 0},
};

/* re.sub(r"\(\s*([^\)]*?)\s*\)", r"(\1)", s): from an opening to the next closing bracket. */
static void trim_inside(struct strbuf *out, const char *s, size_t n, char open, char close)
{
    const char *end = s + n;

    while (s < end) {
        const char *a = memchr(s, open, (size_t)(end - s));
        const char *b = a ? memchr(a + 1, close, (size_t)(end - a - 1)) : NULL;
        struct span inner;
        if (!b) {
            strbuf_add(out, s, (size_t)(end - s));
            return;
        }
        inner = py_strip(a + 1, (size_t)(b - a - 1));
        strbuf_add(out, s, (size_t)(a + 1 - s));
        strbuf_add(out, inner.s, inner.n);
        strbuf_addc(out, close);
        s = b + 1;
    }
}

int wikitext_detokenize(struct strbuf *out, const char *page, size_t n, struct err *e)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    int rc;

    strbuf_add(&a, page, n);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *t = &steps[i];
        struct strbuf swap;
        strbuf_clear(&b);
        if (t->from)
            py_replace(&b, strbuf_str(&a), a.len, t->from, t->to);
        else
            trim_inside(&b, strbuf_str(&a), a.len, t->open, t->close);
        swap = a, a = b, b = swap;
    }
    strbuf_add(out, strbuf_str(&a), a.len);
    rc = a.failed || b.failed ? err_nomem(e) : strbuf_ok(out, e);
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

int wikitext_is_title(const char *line, size_t n, struct err *e)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    struct span s;
    int rc;

    if (!memchr(line, '=', n))
        return 0;
    py_replace(&a, line, n, "= = =", "===");
    py_replace(&b, strbuf_str(&a), a.len, "= =", "==");
    s = py_strip(strbuf_str(&b), b.len);
    rc = a.failed || b.failed ? err_nomem(e)
                              : s.n >= 2 && memcmp(s.s, "= ", 2) == 0 &&
                                    memcmp(s.s + s.n - 2, " =", 2) == 0;
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}
