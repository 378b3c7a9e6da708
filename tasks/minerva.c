#include "tasks/minerva.h"

#include <string.h>

#include "tasks/pyregex.h"
#include "tasks/pytext.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const char *const replaced[][2] = {
    {"an ", ""}, {"a ", ""}, {".$", "$"}, {"\\$", ""}, {"\\ ", ""}, {" ", ""}, {"mbox", "text"},
    {",\\text{and}", ","}, {"\\text{and}", ","}, {"\\text{m}", "\\text{}"}, {"square", ""},
    {"ways", ""}, {"integers", ""}, {"dollars", ""}, {"mph", ""}, {"inches", ""}, {"ft", ""},
    {"hours", ""}, {"km", ""}, {"units", ""}, {"\\ldots", ""}, {"sue", ""}, {"points", ""},
    {"feet", ""}, {"minutes", ""}, {"digits", ""}, {"cents", ""}, {"degrees", ""}, {"cm", ""},
    {"gm", ""}, {"pounds", ""}, {"meters", ""}, {"meals", ""}, {"edges", ""}, {"students", ""},
    {"childrentickets", ""}, {"multiples", ""}, {"\\text{s}", ""}, {"\\text{.}", ""},
    {"\\text{\ns}", ""}, {"\\text{}^2", ""}, {"\\text{}^3", ""}, {"\\text{\n}", ""},
    {"\\text{}", ""}, {"\\mathrm{th}", ""}, {"^\\circ", ""}, {"^{\\circ}", ""}, {"\\;", ""},
    {",\\!", ""}, {"{,}", ""}, {"\"", ""}, {"\\dots", ""},
};

/* What is between dollars, in a box, bold; then what TeX takes without braces. */
static const char *const patterns[][2] = {
    {"(.*?)(\\$)(.*?)(\\$)(.*)", "$\\3$"}, {"(\\\\text\\{)(.*?)(\\})", "\\2"},
    {"(\\\\textbf\\{)(.*?)(\\})", "\\2"}, {"(\\\\overline\\{)(.*?)(\\})", "\\2"},
    {"(\\\\boxed\\{)(.*)(\\})", "\\2"}, {"(frac)([^{])(.)", "frac{\\2}{\\3}"},
    {"(sqrt)([^{])", "sqrt{\\2}"},
};

static int take_match(void *user, const struct span *g, int n)
{
    (void)n;
    *(struct span *)user = g[1];
    return 1;
}

int minerva_stated(const char *text, struct strbuf *out, struct err *e)
{
    static const char pattern[] =
        "Final Answer: The final answer is(.*?). I hope it is correct.";
    struct strbuf all = STRBUF_INIT;
    struct span found = {MINERVA_NONE, sizeof MINERVA_NONE - 1};
    struct pyregex *r = NULL;
    int rc;

    strbuf_addf(&all, "%sI hope it is correct.", text);
    rc = strbuf_ok(&all, e) < 0 ? -1 : pyregex_open(&r, pattern, e);
    if (rc == 0)
        rc = pyregex_each(r, all.s, all.len, take_match, &found, e);
    if (rc == 0) {
        found = py_strip(found.s, found.n);
        strbuf_add(out, found.s, found.n);
        rc = strbuf_ok(out, e);
    }
    pyregex_close(r);
    strbuf_release(&all);
    return rc;
}

static void exchange(struct strbuf *a, struct strbuf *b)
{
    struct strbuf held = *a;

    *a = *b;
    *b = held;
    strbuf_clear(b);
}

static int is_number(const char *s)
{
    size_t digits = 0;

    for (; *s; s++) {
        digits += *s >= '0' && *s <= '9';
        if (*s != ',' && (*s < '0' || *s > '9'))
            return 0;
    }
    return digits > 0;
}

int minerva_spell(const char *answer, struct strbuf *out, struct err *e)
{
    const char *equals = strrchr(answer, '=');
    struct strbuf b = STRBUF_INIT, next = STRBUF_INIT;
    int rc = 0;

    strbuf_adds(&b, equals ? equals + 1 : answer);
    for (size_t i = 0; i < LENGTH(replaced); i++) {
        py_replace(&next, strbuf_str(&b), b.len, replaced[i][0], replaced[i][1]);
        exchange(&b, &next);
    }
    for (size_t i = 0; i < LENGTH(patterns) && rc == 0; i++) {
        struct pyregex *r = NULL;
        rc = pyregex_open(&r, patterns[i][0], e);
        if (rc == 0)
            rc = pyregex_replace(r, patterns[i][1], strbuf_str(&b), b.len, &next, e);
        pyregex_close(r);
        exchange(&b, &next);
    }
    py_replace(&next, strbuf_str(&b), b.len, "$", "");
    if (is_number(strbuf_str(&next)))
        py_replace(out, next.s, next.len, ",", "");
    else
        strbuf_adds(out, strbuf_str(&next));
    if (rc == 0 && (b.failed || next.failed || out->failed))
        rc = err_nomem(e);
    strbuf_release(&b);
    strbuf_release(&next);
    return rc;
}
