#include "runners/special.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct by_length {
    size_t len;
    uint8_t starts[32]; /* bit set of first bytes */
    int is_present;     /* in the text at hand */
};

struct special {
    const struct vocab *v;
    struct gguf_str *texts;
    int32_t *ids;
    size_t n;
    struct text_map by_text;
    struct by_length *lengths; /* longest first */
    size_t n_lengths;
    uint8_t pairs[65536 / 8]; /* bit set of the first two bytes, which most places fail on */
    struct fragments a, b;
};

static int has_bit(const uint8_t *set, unsigned i)
{
    return set[i / 8] >> i % 8 & 1;
}

static void set_bit(uint8_t *set, unsigned i)
{
    set[i / 8] |= (uint8_t)(1 << i % 8);
}

static unsigned pair_of(const char *s)
{
    return (unsigned)(unsigned char)s[0] << 8 | (unsigned char)s[1];
}

/* A text of one byte may be followed by any other. */
static void set_pairs(struct special *s, struct gguf_str t)
{
    if (t.n > 1)
        set_bit(s->pairs, pair_of(t.s));
    for (unsigned c = 0; t.n == 1 && c < 256; c++)
        set_bit(s->pairs, (unsigned)(unsigned char)t.s[0] << 8 | c);
}

static int is_special(const struct vocab *v, int id)
{
    return v->type[id] >= TOKEN_UNKNOWN && v->type[id] <= TOKEN_USER && v->text[id].n &&
           !(v->traits[id] & TOKEN_OF_MODEL);
}

static int longer_first(const void *a, const void *b)
{
    size_t x = ((const struct by_length *)a)->len, y = ((const struct by_length *)b)->len;

    return (x < y) - (x > y);
}

/* One row per distinct length, with the first bytes of its texts. */
static void index_lengths(struct special *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        s->lengths[i].len = s->texts[i].n;
    qsort(s->lengths, s->n, sizeof *s->lengths, longer_first);
    for (size_t i = 0; i < s->n; i++)
        if (n == 0 || s->lengths[n - 1].len != s->lengths[i].len)
            s->lengths[n++] = s->lengths[i];
    s->n_lengths = n;
    for (size_t i = 0; i < s->n; i++) {
        struct by_length key = {.len = s->texts[i].n};
        struct by_length *row = bsearch(&key, s->lengths, n, sizeof key, longer_first);
        set_bit(row->starts, (unsigned char)s->texts[i].s[0]);
        set_pairs(s, s->texts[i]);
    }
}

int special_open(struct special **out, const struct vocab *v, struct err *e)
{
    struct special *s = mem_calloc(1, sizeof *s);
    size_t n = 0;

    *out = NULL;
    if (!s)
        return err_nomem(e);
    s->v = v;
    for (int i = 0; i < v->n; i++)
        n += is_special(v, i) ? 1 : 0;
    s->texts = mem_calloc(n, sizeof *s->texts);
    s->ids = mem_calloc(n, sizeof *s->ids);
    s->lengths = mem_calloc(n, sizeof *s->lengths);
    if (!s->texts || !s->ids || !s->lengths || text_map_reserve(&s->by_text, s->texts, n) < 0)
        goto nomem;
    for (int i = 0; i < v->n; i++) {
        if (!is_special(v, i))
            continue;
        s->texts[s->n] = v->text[i];
        s->ids[s->n] = i;
        if (text_map_put(&s->by_text, s->texts, (uint32_t)s->n++) < 0)
            goto nomem;
    }
    index_lengths(s);
    *out = s;
    return 0;
nomem:
    special_close(s);
    return err_nomem(e);
}

void special_close(struct special *s)
{
    if (!s)
        return;
    mem_free(s->texts);
    mem_free(s->ids);
    mem_free(s->lengths);
    text_map_release(&s->by_text);
    mem_free(s->a.v);
    mem_free(s->b.v);
    mem_free(s);
}

/* The special token of this length that starts here, or -1. */
static int32_t match(const struct special *s, const struct by_length *row, const char *text,
                     size_t left, int with_control)
{
    int32_t i, id;

    if (row->len > left || !has_bit(row->starts, (unsigned char)text[0]))
        return -1;
    i = text_map_get(&s->by_text, s->texts, text, row->len);
    if (i < 0)
        return -1;
    id = s->ids[i];
    return with_control || s->v->type[id] == TOKEN_USER ? id : -1;
}

/* Which lengths occur at all: most texts have none, and then nothing more is to be done. */
static int find_lengths(struct special *s, const char *text, size_t n, int with_control)
{
    int any = 0;

    for (size_t r = 0; r < s->n_lengths; r++)
        s->lengths[r].is_present = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && !has_bit(s->pairs, pair_of(text + i)))
            continue;
        for (size_t r = 0; r < s->n_lengths; r++) {
            struct by_length *row = &s->lengths[r];
            if (!row->is_present && match(s, row, text + i, n - i, with_control) >= 0)
                any = row->is_present = 1;
        }
    }
    return any;
}

static int add(struct fragments *l, size_t from, size_t to, int32_t id)
{
    if (from == to)
        return 0;
    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0)
        return -1;
    l->v[l->n++] = (struct fragment){from, to, id};
    return 0;
}

static int is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cuts one plain fragment at every token of one length. */
static int split_plain(const struct special *s, const struct by_length *row, const char *text,
                       struct fragment f, int with_control, struct fragments *out)
{
    size_t from = f.from, i = f.from, left;

    while (i + row->len <= f.to) {
        int32_t id = match(s, row, text + i, f.to - i, with_control);
        if (id < 0) {
            i++;
            continue;
        }
        left = i;
        while (s->v->traits[id] & TOKEN_EATS_LEFT && left > from && is_white(text[left - 1]))
            left--;
        if (add(out, from, left, -1) < 0 || add(out, i, i + row->len, id) < 0)
            return -1;
        i += row->len;
        while (s->v->traits[id] & TOKEN_EATS_RIGHT && i < f.to && is_white(text[i]))
            i++;
        from = i;
    }
    return add(out, from, f.to, -1);
}

int special_split(struct special *s, const char *text, size_t n, int with_control,
                  const struct fragments **out, struct err *e)
{
    struct fragments *now = &s->a, *next = &s->b, *swap;

    now->n = 0;
    if (add(now, 0, n, -1) < 0)
        return err_nomem(e);
    if (find_lengths(s, text, n, with_control)) {
        for (size_t r = 0; r < s->n_lengths; r++) {
            if (!s->lengths[r].is_present)
                continue;
            next->n = 0;
            for (size_t i = 0; i < now->n; i++) {
                struct fragment f = now->v[i];
                int rc = f.id >= 0
                             ? add(next, f.from, f.to, f.id)
                             : split_plain(s, &s->lengths[r], text, f, with_control, next);
                if (rc < 0)
                    return err_nomem(e);
            }
            swap = now;
            now = next;
            next = swap;
        }
    }
    *out = now;
    return 0;
}
