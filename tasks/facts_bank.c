/* facts_bank.c -- JSON lines to rows.  A file opens with its header; a line with a "relation" is
 * one.  Checked here: form, types, lengths.  Whether what a row says makes sense is the linter's
 * question (facts_lint.c). */
#include "tasks/facts_bank.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"

const struct facts_language facts_languages[FACTS_LANGUAGES] = {{"en", " "}, {"zh", ""}};
const char *const facts_bands[FACTS_BANDS] = {"head", "middle", "tail"};

struct place { /* of the line being read */
    const char *relation;
    int line; /* within its file */
};

static int bad(struct err *e, struct place p, const char *what, const char *key)
{
    return err_set(e, ERR_FORMAT, "%s.jsonl:%d: %s \"%s\"", p.relation, p.line, what, key);
}

/* Text that can stand in a prompt: something, not too much, no control characters, no blanks
 * around it. */
static int text_ok(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > FACTS_TEXT_MAX || s[0] == ' ' || s[n - 1] == ' ')
        return 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return 0;
    return 1;
}

static int get_text(const char **out, const cJSON *j, const char *key, struct place p,
                    struct err *e)
{
    *out = json_str(j, key);
    if (!*out || !text_ok(*out))
        return bad(e, p, "missing or unusable", key);
    return 0;
}

static int get_name(int *out, const char *name, const char *const *names, int n)
{
    for (*out = 0; *out < n; (*out)++)
        if (strcmp(names[*out], name) == 0)
            return 0;
    return -1;
}

static int get_list(const char **out, int *count, const cJSON *j, const char *key, struct place p,
                    struct err *e)
{
    const cJSON *list = json_get(j, key), *s;

    *count = 0;
    if (!list)
        return 0;
    if (!cJSON_IsArray(list))
        return bad(e, p, "no list:", key);
    cJSON_ArrayForEach(s, list) {
        if (*count == FACTS_ALIASES || !cJSON_IsString(s) || !text_ok(s->valuestring))
            return bad(e, p, "too many or unusable texts in", key);
        out[(*count)++] = s->valuestring;
    }
    return 0;
}

static int read_templates(struct relation *r, int language, const cJSON *list, struct place p,
                          struct err *e)
{
    const char *name = facts_languages[language].name;
    const cJSON *t;
    int n = 0;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != FACTS_TEMPLATES)
        return bad(e, p, "not three templates for", name);
    cJSON_ArrayForEach(t, list) {
        const char *at = cJSON_IsString(t) && text_ok(t->valuestring)
                             ? strstr(t->valuestring, "{s}") : NULL;
        if (!at || strstr(at + 1, "{s}"))
            return bad(e, p, "a template without its one {s} for", name);
        r->templates[language][n++] = t->valuestring;
    }
    return 0;
}

static int read_header(struct facts *f, const cJSON *j, struct place *p, int line, struct err *e)
{
    struct relation *r;
    const cJSON *templates = json_get(j, "templates"), *neutral = json_get(j, "neutral");

    if (mem_grow(&f->relations, &f->relations_cap, (size_t)f->n_relations + 1, sizeof *r) < 0)
        return err_nomem(e);
    r = &f->relations[f->n_relations++];
    *r = (struct relation){.first = f->n_facts, .line = line};
    p->line = 1;
    if (get_text(&r->name, j, "relation", *p, e) < 0)
        return -1;
    p->relation = r->name;
    if (get_text(&r->domain, j, "domain", *p, e) < 0 ||
        get_text(&r->source_kind, j, "source_kind", *p, e) < 0 ||
        get_text(&r->licence, j, "licence", *p, e) < 0)
        return -1;
    for (int l = 0; l < FACTS_LANGUAGES; l++) {
        const char *name = facts_languages[l].name;
        const cJSON *list = json_get(templates, name);
        if (list && (read_templates(r, l, list, *p, e) < 0 ||
                     get_text(&r->neutral[l], neutral, name, *p, e) < 0))
            return -1;
    }
    return 0;
}

static int read_fact(struct facts *f, const cJSON *j, struct place p, int line, struct err *e)
{
    const char *languages[FACTS_LANGUAGES], *language, *band;
    struct fact *x;

    for (int l = 0; l < FACTS_LANGUAGES; l++)
        languages[l] = facts_languages[l].name;
    if (!f->n_relations)
        return err_set(e, ERR_FORMAT, "facts:%d: a fact before the first header", line);
    if (mem_grow(&f->facts, &f->facts_cap, (size_t)f->n_facts + 1, sizeof *x) < 0)
        return err_nomem(e);
    x = &f->facts[f->n_facts];
    *x = (struct fact){.relation = f->n_relations - 1, .line = line};
    if (get_text(&x->id, j, "id", p, e) < 0 || get_text(&x->subject, j, "subject", p, e) < 0 ||
        get_text(&x->answer, j, "answer", p, e) < 0 ||
        get_text(&language, j, "language", p, e) < 0 ||
        get_text(&band, j, "band", p, e) < 0 ||
        get_list(x->aliases, &x->n_aliases, j, "aliases", p, e) < 0 ||
        get_list(x->also, &x->n_also, j, "also", p, e) < 0)
        return -1;
    if (get_name(&x->language, language, languages, FACTS_LANGUAGES) < 0)
        return bad(e, p, "unknown language", language);
    if (get_name(&x->band, band, facts_bands, FACTS_BANDS) < 0)
        return bad(e, p, "unknown band", band);
    if (!f->relations[x->relation].templates[x->language][0])
        return bad(e, p, "the header has no templates for", language);
    f->n_facts++;
    f->relations[x->relation].count++;
    return 0;
}

static int read_line(struct facts *f, const char *s, size_t n, struct place *p, int line,
                     struct err *e)
{
    char where[FACTS_TEXT_MAX + 32];
    cJSON *j;

    snprintf(where, sizeof where, "%s.jsonl:%d", p->relation, p->line);
    if (mem_grow(&f->lines, &f->lines_cap, (size_t)f->n_lines + 1, sizeof *f->lines) < 0)
        return err_nomem(e);
    j = json_parse(s, n, where, e);
    if (!j)
        return -1;
    f->lines[f->n_lines++] = j;
    if (json_get(j, "relation"))
        return read_header(f, j, p, line, e);
    return read_fact(f, j, *p, line, e);
}

static void mark_answers(struct facts *f)
{
    for (int i = 0; i < f->n_facts; i++) {
        struct fact *x = &f->facts[i];
        x->new_answer = 1;
        for (int k = f->relations[x->relation].first; k < i && x->new_answer; k++)
            x->new_answer = f->facts[k].language != x->language ||
                            strcmp(f->facts[k].answer, x->answer) != 0;
    }
}

int facts_parse(struct facts **out, const char *bytes, size_t n, uint64_t seed, struct err *e)
{
    struct facts *f = mem_calloc(1, sizeof *f);
    struct place p = {"facts", 0};
    int line = 0, rc = -1;

    if (!f)
        return err_nomem(e);
    f->seed = seed;
    if (sha256_bytes(f->sha256, bytes, n, e) < 0)
        goto out;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(bytes + at, '\n', n - at);
        size_t len = end ? (size_t)(end - bytes) - at : n - at;
        line++;
        p.line++;
        if (len && read_line(f, bytes + at, len, &p, line, e) < 0)
            goto out;
        at += len + 1;
    }
    mark_answers(f);
    *out = f;
    f = NULL;
    rc = 0;
out:
    facts_close(f);
    return rc;
}

int facts_open(struct facts **out, uint64_t seed, struct err *e)
{
    size_t n;
    const char *bytes = facts_bank_bytes(&n);

    return facts_parse(out, bytes, n, seed, e);
}

void facts_close(struct facts *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->n_lines; i++)
        json_free(f->lines[i]);
    mem_free(f->lines);
    mem_free(f->relations);
    mem_free(f->facts);
    mem_free(f);
}

int facts_line(const struct facts *f, const struct fact *x)
{
    return x->line - f->relations[x->relation].line + 1;
}

uint64_t facts_hash(uint64_t seed, ...)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ splitmix64_mix(seed); /* FNV-1a over the bytes */
    const char *s;
    va_list ap;

    va_start(ap, seed);
    while ((s = va_arg(ap, const char *)) != NULL) {
        do
            h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
        while (*s++); /* the zero byte too: "ab" "c" is not "a" "bc" */
    }
    va_end(ap);
    return splitmix64_mix(h);
}
