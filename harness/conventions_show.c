/* conventions_show.c -- conventions for people and as JSON. */
#include <string.h>

#include "base/metric.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/conventions.h"

static const char *context_of(const struct item *it)
{
    return it->n_queries ? it->queries[0].context : "";
}

static size_t characters(const struct convention *c)
{
    const char *s = context_of(&c->item);

    return utf8_count(s, strlen(s));
}

/* --- lines -------------------------------------------------------------------------------- */

/* first: the prompt to compare with; NULL: none. */
static void put_line(struct strbuf *b, const struct convention *c, const char *first)
{
    strbuf_addf(b, "%-12s  ", c->name);
    if (c->why.code) {
        strbuf_addf(b, "%2d shots  %s", c->shots, c->metric ? c->metric : "-");
        strbuf_adds(b, "  not here: ");
        strbuf_add_printable(b, c->why.text, 0);
    } else {
        strbuf_addf(b, "%2d shots  %-24s  %zu characters", c->shots,
                    c->metric ? c->metric : "all its metrics", characters(c));
        if (first)
            strbuf_addf(b, ", %s prompt",
                        strcmp(c->item.prompt_hash, first) == 0 ? "the same" : "another");
    }
    if (c->pool_named && c->shots > 0)
        strbuf_adds(b, "; examples drawn from the training split by name");
    strbuf_addc(b, '\n');
}

int conventions_lines(struct strbuf *b, const struct conventions *c, struct err *e)
{
    if (c->n > 1)
        strbuf_adds(b, "--- conventions\n");
    for (int i = 0; i < c->n && c->n > 1; i++)
        put_line(b, &c->v[i], i ? c->v[0].item.prompt_hash : NULL);
    return strbuf_ok(b, e);
}

/* --- side by side ------------------------------------------------------------------------- */

/* How much of s fits in a line of `width` characters: up to a line's end, else the last blank, else
 * what fits.  *next: where the line after it begins. */
static size_t fit(const char *s, int width, const char **next)
{
    size_t n = 0, blank = 0;

    for (int k = 0; k < width && s[n] && s[n] != '\n'; k++) {
        if (s[n] == ' ')
            blank = n;
        for (n++; ((unsigned char)s[n] & 0xc0) == 0x80; n++)
            ;
    }
    if (s[n] && s[n] != '\n' && s[n] != ' ' && blank)
        n = blank;
    *next = s[n] == '\n' || s[n] == ' ' ? s + n + 1 : s + n;
    return n;
}

static void put_columns(struct strbuf *b, const struct strbuf *cells, int n, int width)
{
    const char *at[CONVENTIONS_MAX], *next;
    int left = 1;

    for (int i = 0; i < n; i++)
        at[i] = strbuf_str(&cells[i]);
    while (left) {
        left = 0;
        for (int i = 0; i < n; i++) {
            size_t len = fit(at[i], width, &next);
            int pad = width - (int)utf8_count(at[i], len);
            strbuf_adds(b, i ? " | " : "");
            strbuf_add(b, at[i], len);
            if (i < n - 1)
                strbuf_addf(b, "%*s", pad, "");
            at[i] = next;
            left |= *next != 0;
        }
        while (b->len && b->s[b->len - 1] == ' ')
            strbuf_truncate(b, b->len - 1);
        strbuf_addc(b, '\n');
    }
}

static void cell_shots(struct strbuf *b, const struct convention *c)
{
    strbuf_addf(b, "%d%s", c->shots,
                c->pool_named && c->shots > 0 ? ", drawn from the training split by name" : "");
}

/* Of the context what is not there without examples, up to its first empty line.  Where the first
 * example and the question begin alike the cut is moved to where a line begins. */
static void cell_example(struct strbuf *b, const struct convention *c)
{
    const char *with = context_of(&c->item), *without = context_of(&c->bare), *end;
    size_t n = strlen(with), m = strlen(without), at = 0, more = n > m ? n - m : 0;

    while (at < m && with[at] == without[at])
        at++;
    while (at > 0 && more && with[at - 1] == with[at - 1 + more] && with[at - 1] != '\n')
        at--;
    end = strstr(with + at, "\n\n");
    if (more)
        strbuf_add(b, with + at, end && end < with + at + more ? (size_t)(end - with) - at : more);
    else
        strbuf_adds(b, "-");
}

static void cell_question(struct strbuf *b, const struct convention *c)
{
    strbuf_adds(b, context_of(&c->bare));
}

static int has_metric(const struct convention *c, const char *metric)
{
    const char *const *names = task_metrics(c->open);

    for (int i = 0; names && names[i]; i++)
        if (strcmp(names[i], metric) == 0)
            return 1;
    return 0;
}

/* What is predicted, the right one marked; where options end contexts of their own those too. */
static void cell_choices(struct strbuf *b, const struct convention *c)
{
    const struct item *it = &c->item;
    int alone = has_metric(c, "acc_mutual_info"), n = it->n_queries / (1 + alone);

    if (n && it->queries[0].kind == QUERY_GENERATE) {
        strbuf_addf(b, "generates up to %d tokens", it->queries[0].max_tokens);
        return;
    }
    for (int i = 0; i < n; i++)
        strbuf_addf(b, "%s%s%s%s", i ? "\n" : "", i == it->gold_index ? ">" : " ",
                    n > 1 && strcmp(it->queries[0].context, it->queries[1].context) != 0
                        ? c->bare.queries[i].context : "",
                    it->queries[i].continuation);
    if (alone)
        strbuf_addf(b, "\nand after \"%s\" alone", it->queries[n].context);
}

static void cell_metric(struct strbuf *b, const struct convention *c)
{
    const char *const *names = task_metrics(c->open);

    if (c->metric)
        strbuf_adds(b, c->metric);
    else
        for (int i = 0; names && names[i]; i++)
            strbuf_addf(b, "%s%s", i ? ", " : "", names[i]);
    if (!c->metric && !names)
        strbuf_adds(b, "all that it has");
}

static void cell_normalisation(struct strbuf *b, const struct convention *c)
{
    const char *const *names = task_metrics(c->open), *one[] = {c->metric, NULL};

    if (c->metric)
        names = one;
    for (int i = 0; names && names[i]; i++) {
        const struct metric *m = metric_find(names[i]);
        strbuf_addf(b, "%s%s", i ? "\n" : "", m ? m->help : names[i]);
    }
}

static void cell_score(struct strbuf *b, const struct convention *c)
{
    if (c->unscored.code)
        strbuf_addf(b, "none: %s", c->unscored.text);
    for (int i = 0; i < c->verdict.n; i++) {
        const struct credit *x = &c->verdict.credits[i];
        if (c->metric && strcmp(c->metric, x->metric) != 0)
            continue;
        strbuf_addf(b, "%s%s %.4g%s%s", b->len ? "\n" : "", x->metric, x->value,
                    strcmp(x->filter, "none") == 0 ? "" : " by ",
                    strcmp(x->filter, "none") == 0 ? "" : x->filter);
    }
    if (c->verdict.prediction)
        strbuf_addf(b, "\nanswer: %s", c->verdict.prediction);
}

static void cell_task(struct strbuf *b, const struct convention *c)
{
    strbuf_addf(b, "%s\n%s", c->name, c->task);
}

static void cell_prompt(struct strbuf *b, const struct convention *c)
{
    strbuf_addf(b, "%zu characters, %.8s", characters(c), c->item.prompt_hash);
}

int conventions_beside(struct strbuf *b, const struct conventions *c, int width, struct err *e)
{
    static const struct {
        const char *heading;
        void (*cell)(struct strbuf *b, const struct convention *c);
    } rows[] = {
        {"convention, task", cell_task},
        {"shots", cell_shots},
        {"first example", cell_example},
        {"question", cell_question},
        {"choices", cell_choices},
        {"metric", cell_metric},
        {"normalisation", cell_normalisation},
        {"whole prompt", cell_prompt},
        {"score", cell_score},
    };
    struct strbuf cells[CONVENTIONS_MAX];
    int column = (width - 3 * (c->n - 1)) / c->n, scored = 0, rc;

    memset(cells, 0, sizeof cells);
    for (int i = 0; i < c->n; i++)
        scored |= c->v[i].verdict.n || c->v[i].unscored.code;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        if (rows[r].cell == cell_score && !scored)
            continue;
        strbuf_addf(b, "--- %s\n", rows[r].heading);
        for (int i = 0; i < c->n; i++) {
            strbuf_clear(&cells[i]);
            if (!c->v[i].why.code || rows[r].cell == cell_task)
                rows[r].cell(&cells[i], &c->v[i]);
            if (c->v[i].why.code && rows[r].cell == cell_task)
                strbuf_addf(&cells[i], "\nnot here: %s", c->v[i].why.text);
            if (cells[i].len)
                utf8_make_printable(cells[i].s, cells[i].len, 1);
            b->failed |= cells[i].failed;
        }
        put_columns(b, cells, c->n, column);
    }
    rc = strbuf_ok(b, e);
    for (int i = 0; i < c->n; i++)
        strbuf_release(&cells[i]);
    return rc;
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_asked(struct json_out *out, const struct convention *c)
{
    const char *const *names = task_metrics(c->open);

    json_begin_array(out, "metrics");
    for (int i = 0; names && names[i]; i++)
        json_put_str(out, NULL, names[i]);
    json_end_array(out);
    json_put_int(out, "doc_id", c->doc);
    json_put_int(out, "gold_index", c->item.gold_index);
    json_put_str(out, "context", context_of(&c->item));
    json_put_str(out, "question", context_of(&c->bare));
    json_begin_array(out, "continuations");
    for (int i = 0; i < c->item.n_queries; i++)
        json_put_str(out, NULL, c->item.queries[i].continuation);
    json_end_array(out);
    json_begin_array(out, "credits");
    for (int i = 0; i < c->verdict.n; i++) {
        json_begin_object(out, NULL);
        json_put_str(out, "metric", c->verdict.credits[i].metric);
        json_put_str(out, "filter", c->verdict.credits[i].filter);
        json_put_num(out, "value", c->verdict.credits[i].value);
        json_end_object(out);
    }
    json_end_array(out);
    json_put_str(out, "prediction", c->verdict.prediction);
}

int conventions_json(struct json_out *out, const struct conventions *c, struct err *e)
{
    json_begin_array(out, "conventions");
    for (int i = 0; i < c->n; i++) {
        const struct convention *v = &c->v[i];
        json_begin_object(out, NULL);
        json_put_str(out, "name", v->name);
        json_put_str(out, "task", v->task);
        json_put_int(out, "shots", v->shots);
        json_put_str(out, "metric", v->metric);
        json_put_bool(out, "pool_named", v->pool_named);
        json_put_count(out, "characters", v->why.code ? -1 : (int64_t)characters(v));
        json_put_str(out, "prompt_hash", v->why.code ? NULL : v->item.prompt_hash);
        json_put_str(out, "error", v->why.code        ? v->why.text
                                   : v->unscored.code ? v->unscored.text
                                                      : NULL);
        if (!v->why.code)
            put_asked(out, v);
        json_end_object(out);
    }
    json_end_array(out);
    return strbuf_ok(out->b, e);
}
