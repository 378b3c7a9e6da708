#include "runners/digits.h"

#include <utf8proc.h>

#include "runners/unicode.h"

const struct digit_rule digits_from_right = {.any_number = 1};
const struct digit_rule digits_before_boundary = {.needs_boundary = 1};
const struct digit_rule digits_cut_only = {.keeps_rest = 1};

static int is_digit(const struct digit_rule *d, uint32_t c)
{
    if (d->any_number)
        return (unicode_class(c) & UNICODE_NUMBER) != 0;
    return c < UNICODE_STRAY &&
           utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

/* Cuts in front of text[at..to) of `left` digits wherever threes remain; the text before it ends
 * at `at`, and *done is the last cut. */
static int cut_run(struct cuts *c, const struct digit_rule *d, const char *text, size_t at,
                   size_t to, size_t left, size_t *done)
{
    for (size_t i = at, len; i < to; i += len, left--) {
        int is_start = i == at && !d->keeps_rest;
        if ((is_start || left % 3 == 0) && i > *done) {
            if (cuts_add(c, i) < 0)
                return -1;
            *done = i;
        }
        unicode_at(text + i, to - i, &len);
    }
    if (!d->keeps_rest) {
        if (cuts_add(c, to) < 0)
            return -1;
        *done = to;
    }
    return 0;
}

int cuts_by_digits(struct cuts *c, const struct digit_rule *d, const char *text, size_t from,
                   size_t to, struct err *e)
{
    size_t done = from, len;

    for (size_t i = from; i < to;) {
        size_t end = i, count = 0;
        uint32_t after = 0;
        for (; end < to; end += len, count++)
            if (!is_digit(d, after = unicode_at(text + end, to - end, &len)))
                break;
        if (count && !(d->needs_boundary && end < to && unicode_is_word(after)) &&
            cut_run(c, d, text, i, end, count, &done) < 0)
            return err_nomem(e);
        i = end;
        if (i < to) {
            unicode_at(text + i, to - i, &len);
            i += len;
        }
    }
    return done < to && cuts_add(c, to) < 0 ? err_nomem(e) : 0;
}
