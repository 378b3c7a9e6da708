/* drop.c -- DROP (Dua et al. 2019): the answer is one or several spans, a number or a date, and an
 * answer is credited by the words that it shares with one of them.
 *
 * What a model writes is one span, so that aligning it with an answer of n spans is taking the best
 * of them, and the F1 of the answer is that one's over n.  Numbers have to agree before words
 * count. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/pyfloat.h"
#include "tasks/bags.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

static int is_number(const char *s, size_t n)
{
    double v;

    return pyfloat_parse(s, n, &v);
}

/* re.sub(r"\b(a|an|the)\b", " ", s) */
static void drop_articles(struct strbuf *out, const char *s, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = py_word_characters(s + i, n - i);
        if ((k == 1 && s[i] == 'a') || (k == 2 && memcmp(s + i, "an", 2) == 0) ||
            (k == 3 && memcmp(s + i, "the", 3) == 0)) {
            strbuf_addc(out, ' ');
            continue;
        }
        if (k == 0)
            k = 1;
        strbuf_add(out, s + i, k);
    }
}

/* Appends the words of s with one blank between them, and one before unless they begin `out`. */
static void add_words(struct strbuf *out, const char *s, size_t n)
{
    while (n) {
        struct span rest = py_lstrip(s, n);
        size_t k = py_word(rest.s, rest.n);
        if (k == 0)
            break;
        if (out->len)
            strbuf_addc(out, ' ');
        strbuf_add(out, rest.s, k);
        s = rest.s + k;
        n = rest.n - k;
    }
}

/* One piece of a span: small letters, no punctuation unless it is a number, a number as Python
 * prints it, no articles. */
static void add_piece(struct strbuf *out, const char *s, size_t n)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    char number[40];
    double v;

    py_lower(&a, s, n);
    if (is_number(strbuf_str(&a), a.len))
        strbuf_add(&b, strbuf_str(&a), a.len);
    else
        py_drop_punctuation(&b, strbuf_str(&a), a.len);
    strbuf_clear(&a);
    if (pyfloat_parse(strbuf_str(&b), b.len, &v)) {
        pyfloat_repr(number, v);
        drop_articles(&a, number, strlen(number));
    } else {
        drop_articles(&a, strbuf_str(&b), b.len);
    }
    add_words(out, strbuf_str(&a), a.len);
    out->failed |= a.failed | b.failed;
    strbuf_release(&a);
    strbuf_release(&b);
}

void bag_normalize(struct strbuf *out, const char *s)
{
    for (;; s++) {
        size_t n = strcspn(s, " -");
        add_piece(out, s, n);
        s += n;
        if (!*s)
            break;
    }
}

/* The words of a normalised span, each once; their storage is the span's. */
struct bag {
    struct span *v;
    size_t n;
};

static int make_bag(struct bag *b, const char *s, struct err *e)
{
    size_t cap = 0;

    *b = (struct bag){0};
    while (*s) {
        size_t k = strcspn(s, " "), i = 0;
        while (i < b->n && !(b->v[i].n == k && memcmp(b->v[i].s, s, k) == 0))
            i++;
        if (i == b->n) {
            if (mem_grow(&b->v, &cap, b->n + 1, sizeof *b->v) < 0)
                return err_nomem(e);
            b->v[b->n++] = (struct span){s, k};
        }
        s += k + (s[k] == ' ');
    }
    return 0;
}

static int has(const struct bag *b, struct span w)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].n == w.n && memcmp(b->v[i].s, w.s, w.n) == 0)
            return 1;
    return 0;
}

static double overlap(const struct bag *got, const struct bag *want)
{
    size_t both = 0, numbers = 0, same = 0;
    double precision, recall;

    for (size_t i = 0; i < want->n; i++) {
        int in = has(got, want->v[i]), number = is_number(want->v[i].s, want->v[i].n);
        both += (size_t)in;
        numbers += (size_t)number;
        same += (size_t)(in && number);
    }
    if (numbers && !same)
        return 0;
    precision = got->n ? (double)both / (double)got->n : 1;
    recall = want->n ? (double)both / (double)want->n : 1;
    return precision == 0 && recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
}

int bag_f1(const char *got, const char *want, double *f1, struct err *e)
{
    struct bag a = {0}, b = {0};
    int rc = -1;

    if (make_bag(&a, got, e) == 0 && make_bag(&b, want, e) == 0) {
        *f1 = overlap(&a, &b);
        rc = 0;
    }
    mem_free(a.v);
    mem_free(b.v);
    return rc;
}

/* --- the data set's records ---------------------------------------------------------------- */

enum { SPANS_MAX = 256 };

/* One way of answering: a number, else spans, else a date.  How many texts; 0: malformed. */
static int spans_of(const cJSON *number, const cJSON *spans, const cJSON *date, const char **out,
                    char *line, size_t size)
{
    const cJSON *v;
    int n = 0;

    if (cJSON_IsString(number) && number->valuestring[0]) {
        out[0] = number->valuestring;
        return 1;
    }
    cJSON_ArrayForEach(v, spans)
    {
        if (!cJSON_IsString(v) || n == SPANS_MAX)
            return 0;
        out[n++] = v->valuestring;
    }
    if (n == 0 && cJSON_IsObject(date)) {
        const char *day = json_str(date, "day"), *month = json_str(date, "month"),
                   *year = json_str(date, "year");
        if (!day || !month || !year)
            return 0;
        snprintf(line, size, "%s %s %s", day, month, year);
        out[n++] = line;
    }
    return n;
}

/* Calls use for each answer until it fails; a record without any is malformed. */
static int each_answer(const cJSON *json, const char *where, void *user,
                       int (*use)(void *user, const char *const *spans, int n, struct err *e),
                       struct err *e)
{
    const cJSON *own = json_get(json, "answer"), *others = json_get(json, "validated_answers");
    const cJSON *numbers = json_get(others, "number");
    const char *spans[SPANS_MAX];
    char line[256];
    int n = spans_of(json_get(own, "number"), json_get(own, "spans"), json_get(own, "date"), spans,
                     line, sizeof line);

    if (n == 0)
        return err_set(e, ERR_FORMAT, "%s: \"answer\" has no number, spans or date", where);
    if (use(user, spans, n, e) < 0)
        return -1;
    for (int i = 0; i < cJSON_GetArraySize(numbers); i++) {
        n = spans_of(cJSON_GetArrayItem(numbers, i),
                     cJSON_GetArrayItem(json_get(others, "spans"), i),
                     cJSON_GetArrayItem(json_get(others, "date"), i), spans, line, sizeof line);
        if (n == 0)
            return err_set(e, ERR_FORMAT, "%s: \"validated_answers\": answer %d is none", where, i);
        if (use(user, spans, n, e) < 0)
            return -1;
    }
    return 0;
}

struct best {
    const char *got; /* normalised */
    double em, f1;
};

static int compare_answer(void *user, const char *const *spans, int n, struct err *e)
{
    struct best *b = user;
    double most = 0, f1 = 0;
    int same = 0;

    if (py_strip(spans[0], strlen(spans[0])).n == 0)
        return 0;
    for (int i = 0; i < n; i++) {
        struct strbuf want = STRBUF_INIT;
        int rc;
        bag_normalize(&want, spans[i]);
        rc = strbuf_ok(&want, e) < 0 ? -1 : bag_f1(b->got, strbuf_str(&want), &f1, e);
        same = n == 1 && strcmp(b->got, strbuf_str(&want)) == 0;
        strbuf_release(&want);
        if (rc < 0)
            return -1;
        most = fmax(most, f1);
    }
    b->em = fmax(b->em, same);
    b->f1 = fmax(b->f1, rint(most / n * 100) / 100);
    return 0;
}

int drop_compare(const cJSON *json, const char *where, const char *text, double *em, double *f1,
                 struct err *e)
{
    struct strbuf got = STRBUF_INIT;
    struct best b = {0};
    int rc = -1;

    bag_normalize(&got, text);
    if (strbuf_ok(&got, e) == 0) {
        b.got = strbuf_str(&got);
        rc = each_answer(json, where, &b, compare_answer, e);
    }
    strbuf_release(&got);
    *em = b.em;
    *f1 = b.f1;
    return rc;
}

static int take_first(void *user, const char *const *spans, int n, struct err *e)
{
    struct record *r = user;

    (void)n, (void)e;
    if (r->doc->n_targets == 0)
        record_target(r, spans[0]);
    return r->failed ? -1 : 0;
}

static void read_drop(struct record *r)
{
    if (!r->failed && each_answer(r->json, r->where, r, take_first, r->e) < 0)
        r->failed = 1;
    r->doc->passage = record_text(r, "%s", record_field(r, "passage"));
    r->doc->text = record_text(r, "%s %s", r->doc->passage, record_field(r, "question"));
}

static int drop_credit(const struct task *t, const struct doc *d, const struct reply_text *replies,
                       struct verdict *out, struct err *e)
{
    const char *text = replies[0].text ? replies[0].text : "", *name = t->row->info.name;
    cJSON *json = json_parse(d->json, strlen(d->json), name, e);
    double em, f1;
    int rc = json ? drop_compare(json, name, text, &em, &f1, e) : -1;

    json_free(json);
    if (rc < 0)
        return -1;
    out->credits[out->n++] = (struct credit){"em", "none", em, 1, NULL};
    out->credits[out->n++] = (struct credit){"f1", "none", f1, 1, NULL};
    out->prediction = mem_strdup(text);
    return out->prediction ? 0 : err_nomem(e);
}

const struct format format_drop = {
    "generate_until", PROMPTS_ONE, format_ask_text, drop_credit, NULL, NULL,
};
static const char *const full_stop[] = {"."};
/* Without examples only: lm-eval's show the names of columns in place of answers. */
const struct recipe recipe_drop = {
    .format = &format_drop, .load = load_jsonl, .read = read_drop, .target_delimiter = "",
    .shot_delimiter = "\n\n", .until = full_stop, .n_until = 1, .max_tokens = 256,
};
