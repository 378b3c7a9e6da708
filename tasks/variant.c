#include "tasks/variant.h"

#include <string.h>

#include "base/mem.h"

enum { OPTIONS = 26 };

/* The text of the option with this letter, without the letter: up to the end of its line.  A blank
 * may stand before the letter. */
static struct span option_in(const char *text, char letter)
{
    for (const char *p = text; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        p += *p == ' ';
        if (p[0] == letter && p[1] == '.' && p[2] == ' ')
            return (struct span){p + 3, strcspn(p + 3, "\n")};
    }
    return (struct span){NULL, 0};
}

/* The options' places, in order; 0 when the document does not list them by letter. */
static int find_options(const struct doc *d, struct span *out)
{
    const char *at = d->text;

    if (!d->text || d->n_choices < 2 || d->n_choices > OPTIONS || d->right)
        return 0;
    for (int i = 0; i < d->n_choices; i++) {
        if (d->choices[i][0] != 'A' + i || d->choices[i][1])
            return 0;
        out[i] = option_in(at, (char)('A' + i));
        if (!out[i].s)
            return 0;
        at = out[i].s + out[i].n;
    }
    return 1;
}

static int rotate_doc(struct arena *a, struct doc *d, int by, struct err *e)
{
    struct span options[OPTIONS];
    struct strbuf b = STRBUF_INIT;
    const char *from = d->text;
    int k = d->n_choices;

    if (!find_options(d, options))
        return 1;
    for (int i = 0; i < k; i++) {
        struct span moved = options[(i + by) % k];
        strbuf_add(&b, from, (size_t)(options[i].s - from));
        strbuf_add(&b, moved.s, moved.n);
        from = options[i].s + options[i].n;
    }
    strbuf_adds(&b, from);
    d->text = strbuf_ok(&b, e) == 0 ? arena_strdup(a, strbuf_str(&b)) : NULL;
    strbuf_release(&b);
    if (!d->text)
        return err_nomem(e);
    d->gold = (d->gold + k - by % k) % k;
    return 0;
}

int variant_rotate(struct docs *d, int by, const char *task, struct err *e)
{
    for (size_t i = 0; i < d->n; i++) {
        int rc = rotate_doc(&d->arena, &d->v[i], by, e);
        if (rc > 0)
            return err_set(e, ERR_UNSUPPORTED,
                           "%s: its options are not listed by letter in the prompt: their order "
                           "cannot matter", task);
        if (rc < 0)
            return -1;
    }
    return 0;
}
