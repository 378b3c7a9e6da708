#include "base/csv.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void csv_init(struct csv *c, const char *bytes, size_t n, const char *name)
{
    *c = (struct csv){.name = name, .at = bytes, .end = bytes + n, .line = 1, .next_line = 1};
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        c->at += 3;
}

void csv_release(struct csv *c)
{
    strbuf_release(&c->text);
    mem_free(c->starts);
    c->starts = NULL;
}

/* Steps over a line end; 0 when there is none here. */
static int line_end(struct csv *c)
{
    size_t left = (size_t)(c->end - c->at);

    if (left && c->at[0] == '\n')
        c->at++;
    else if (left > 1 && c->at[0] == '\r' && c->at[1] == '\n')
        c->at += 2;
    else
        return 0;
    c->next_line++;
    return 1;
}

static int quoted(struct csv *c, struct err *e)
{
    for (c->at++; c->at < c->end; c->at++) {
        if (*c->at != '"') {
            c->next_line += *c->at == '\n';
            strbuf_addc(&c->text, *c->at);
            continue;
        }
        if (c->end - c->at > 1 && c->at[1] == '"') {
            strbuf_addc(&c->text, '"');
            c->at++;
            continue;
        }
        c->at++;
        if (c->at == c->end || *c->at == ',' || *c->at == '\n' ||
            (*c->at == '\r' && c->end - c->at > 1 && c->at[1] == '\n'))
            return 0;
        return err_set(e, ERR_FORMAT, "%s:%zu: text after a closing quote", c->name, c->next_line);
    }
    return err_set(e, ERR_FORMAT, "%s:%zu: a quote is never closed", c->name, c->line);
}

static void plain(struct csv *c)
{
    const char *s = c->at;

    while (c->at < c->end && *c->at != ',' && *c->at != '\n')
        c->at++;
    strbuf_add(&c->text, s, (size_t)(c->at - s));
    if (c->at > s && c->at < c->end && *c->at == '\n' && c->at[-1] == '\r')
        strbuf_truncate(&c->text, c->text.len - 1); /* the line's, not the field's */
}

static int field(struct csv *c, struct err *e)
{
    size_t start = c->text.len;

    if (mem_grow(&c->starts, &c->cap, (size_t)c->n_fields + 1, sizeof *c->starts) < 0)
        return err_nomem(e);
    c->starts[c->n_fields++] = start;
    if (c->at < c->end && *c->at == '"') {
        if (quoted(c, e) < 0)
            return -1;
    } else {
        plain(c);
    }
    if (strbuf_ok(&c->text, e) < 0)
        return -1;
    if (memchr(strbuf_str(&c->text) + start, 0, c->text.len - start) ||
        !utf8_valid(strbuf_str(&c->text) + start, c->text.len - start))
        return err_set(e, ERR_FORMAT, "%s:%zu: not UTF-8 text", c->name, c->line);
    strbuf_addc(&c->text, 0);
    return strbuf_ok(&c->text, e);
}

int csv_next(struct csv *c, struct err *e)
{
    strbuf_clear(&c->text);
    c->n_fields = 0;
    while (line_end(c))
        ;
    c->line = c->next_line;
    if (c->at >= c->end)
        return 0;
    for (;;) {
        if (field(c, e) < 0)
            return -1;
        if (c->at >= c->end || line_end(c))
            return 1;
        c->at++; /* the comma: a field ends at nothing else */
    }
}

const char *csv_field(const struct csv *c, int i)
{
    return c->text.s + c->starts[i];
}

int csv_column(const struct csv *c, const char *name)
{
    for (int i = 0; i < c->n_fields; i++)
        if (strcmp(csv_field(c, i), name) == 0)
            return i;
    return -1;
}

void csv_put(struct strbuf *b, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        strbuf_adds(b, s);
        return;
    }
    strbuf_addc(b, '"');
    for (; *s; s++) {
        if (*s == '"')
            strbuf_addc(b, '"');
        strbuf_addc(b, *s);
    }
    strbuf_addc(b, '"');
}
