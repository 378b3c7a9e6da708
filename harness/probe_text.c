#include "harness/probe_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/item_text.h"
#include "harness/stats.h"

enum { FEWEST_TOKENS = 10, LEAST_PERCENT = 20, DEPTHS_MAX = 32 };

/* --- is the text known? ------------------------------------------------------------------- */

/* A text while the model reads it. */
struct reading {
    const struct ids *ids;
    int vocab, n;   /* n: tokens that were predicted */
    double *nats, *z; /* [n] */
};

/* ln p of the next token, and how far it lies from what was to be expected here. */
static int on_logits(void *user, const struct request *q, int position, const float *logits)
{
    struct reading *r = user;
    double top = logits[0], sum = 0, mean = 0, square = 0, nats;

    (void)q;
    if ((size_t)position + 1 >= r->ids->n)
        return 0;
    for (int i = 1; i < r->vocab; i++)
        top = fmax(top, logits[i]);
    for (int i = 0; i < r->vocab; i++)
        sum += exp(logits[i] - top);
    for (int i = 0; i < r->vocab; i++) {
        double ln_p = logits[i] - top - log(sum), p = exp(ln_p);
        mean += p * ln_p;
        square += p * ln_p * ln_p;
    }
    nats = logits[r->ids->v[position + 1]] - top - log(sum);
    r->nats[r->n] = nats;
    r->z[r->n++] = square > mean * mean ? (nats - mean) / sqrt(square - mean * mean) : 0;
    return 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Mean of the smallest fifth; sorts v. */
static double least(double *v, int n)
{
    int k = (n * LEAST_PERCENT + 99) / 100;

    qsort(v, (size_t)n, sizeof *v, ascending);
    return stats_mean(v, (size_t)k);
}

struct familiarity { /* [n] of what each item has */
    double *min_k, *min_k_pp, *nats;
    size_t n;
};

static int read_text(const struct probe_text *p, const char *text, struct familiarity *f,
                     struct err *e)
{
    struct ids ids = {0};
    struct reading r = {.ids = &ids, .vocab = runner_info(p->runner)->vocab_size};
    int rc = encode_text(p->encoder, text, strlen(text), &ids, e);

    if (rc == 0 && (int)ids.n > p->encoder->max_length)
        ids.n = (size_t)p->encoder->max_length;
    if (rc == 0 && ids.n > FEWEST_TOKENS) {
        const struct request q = {.kind = REQUEST_LOGITS, .ids = ids.v, .n_ids = (int)ids.n,
                                  .on_logits = on_logits, .user = &r};
        r.nats = mem_calloc(ids.n, sizeof *r.nats);
        r.z = mem_calloc(ids.n, sizeof *r.z);
        rc = r.nats && r.z ? runner_run(p->runner, &q, 1, NULL, NULL, p->stop, e) : err_nomem(e);
        if (rc == 0) {
            f->nats[f->n] = stats_mean(r.nats, (size_t)r.n);
            f->min_k[f->n] = least(r.nats, r.n);
            f->min_k_pp[f->n++] = least(r.z, r.n);
        }
    }
    mem_free(r.nats);
    mem_free(r.z);
    ids_release(&ids);
    return rc;
}

static char *in_small_letters(const char *text, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    size_t n = strlen(text);
    char *s;

    for (size_t i = 0; i < n;) {
        utf8proc_uint8_t small[4];
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                              (utf8proc_ssize_t)(n - i), &c);
        if (k > 0)
            strbuf_add(&b, small, (size_t)utf8proc_encode_char(utf8proc_tolower(c), small));
        else
            strbuf_addc(&b, text[i]);
        i += k > 0 ? (size_t)k : 1;
    }
    s = strbuf_take(&b);
    if (!s)
        err_nomem(e);
    return s;
}

/* Text and twin of every item that has capitals, compared. */
static int compare_twins(const struct probe_text *p, char *const *texts, int n,
                         struct probe_rows *out, struct err *e)
{
    struct pair *pairs = mem_calloc(2 * (size_t)n + 1, sizeof *pairs);
    struct answer *answers = mem_calloc(2 * (size_t)n + 1, sizeof *answers);
    double *gain = mem_calloc((size_t)n + 1, sizeof *gain), likelier = 0;
    int twins = 0, rc = pairs && answers && gain ? 0 : err_nomem(e);

    for (int i = 0; i < n && rc == 0; i++) {
        char *small = in_small_letters(texts[i], e);
        if (!small)
            rc = -1;
        else if (strcmp(small, texts[i]) == 0)
            mem_free(small);
        else {
            pairs[2 * twins] = (struct pair){"", texts[i]};
            pairs[2 * twins++ + 1] = (struct pair){"", small};
        }
    }
    if (rc == 0 && twins)
        rc = evaluate_pairs(p->runner, p->encoder, pairs, 2 * twins, answers, p->stop, e);
    for (int i = 0; i < twins && rc == 0; i++) {
        gain[i] = answers[2 * i].loglikelihood - answers[2 * i + 1].loglikelihood;
        likelier += gain[i] > 0;
    }
    if (rc == 0 && twins) {
        probe_rows_add(out, "nats that small letters cost", stats_mean(gain, (size_t)twins),
                       stats_stderr(gain, (size_t)twins));
        probe_rows_add(out, "likelier than in small letters", likelier / twins, NAN);
    }
    for (int i = 0; i < twins; i++)
        mem_free((char *)pairs[2 * i + 1].continuation);
    mem_free(pairs);
    mem_free(answers);
    mem_free(gain);
    return rc;
}

static void add_mean(struct probe_rows *out, const char *name, const double *v, size_t n)
{
    probe_rows_add(out, name, stats_mean(v, n), stats_stderr(v, n));
}

int probe_case(const struct probe_text *p, struct probe_rows *out, struct err *e)
{
    int n = task_count(p->task), rc = -1, k = 0;
    struct familiarity f = {0};
    char **texts;

    *out = (struct probe_rows){.n = 0};
    if (p->limit > 0 && p->limit < n)
        n = p->limit;
    texts = mem_calloc((size_t)n + 1, sizeof *texts);
    f.min_k = mem_calloc((size_t)n + 1, sizeof *f.min_k);
    f.min_k_pp = mem_calloc((size_t)n + 1, sizeof *f.min_k_pp);
    f.nats = mem_calloc((size_t)n + 1, sizeof *f.nats);
    if (!texts || !f.min_k || !f.min_k_pp || !f.nats) {
        err_nomem(e);
        goto out;
    }
    for (; k < n; k++)
        if (!(texts[k] = item_text(p->task, k, e)) || read_text(p, texts[k], &f, e) < 0)
            goto out;
    if (f.n == 0) {
        err_set(e, ERR_INVALID, "%s: no item has more than %d tokens", task_name(p->task),
                FEWEST_TOKENS);
        goto out;
    }
    out->n_items = (int)f.n;
    add_mean(out, "min-20 %", f.min_k, f.n);
    add_mean(out, "min-20 %++", f.min_k_pp, f.n);
    add_mean(out, "ln p of a token", f.nats, f.n);
    rc = compare_twins(p, texts, n, out, e);
out:
    for (int i = 0; texts && i < n; i++)
        mem_free(texts[i]);
    mem_free(texts);
    mem_free(f.min_k);
    mem_free(f.min_k_pp);
    mem_free(f.nats);
    return rc;
}

/* --- where in the text? ------------------------------------------------------------------- */

struct by_depth {
    struct probe_rows *out;
    double depth[DEPTHS_MAX]; /* ascending */
    double *credit[DEPTHS_MAX];
    size_t n[DEPTHS_MAX], cap[DEPTHS_MAX];
    int n_depths;
    const char *task;
};

/* The place of a depth in the list, made where it is new; -1. */
static int place_of(struct by_depth *b, double depth, struct err *e)
{
    int i = 0, k;

    while (i < b->n_depths && b->depth[i] < depth)
        i++;
    if (i < b->n_depths && b->depth[i] == depth)
        return i;
    if (b->n_depths == DEPTHS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: more than %d depths", b->task, DEPTHS_MAX);
    for (k = b->n_depths++; k > i; k--) {
        b->depth[k] = b->depth[k - 1];
        b->credit[k] = b->credit[k - 1];
        b->n[k] = b->n[k - 1];
        b->cap[k] = b->cap[k - 1];
    }
    b->depth[i] = depth;
    b->credit[i] = NULL;
    b->n[i] = b->cap[i] = 0;
    return i;
}

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct by_depth *b = user;
    cJSON *doc = json_parse(o->item->doc, strlen(o->item->doc), b->task, e);
    double depth = json_num(doc, "depth", NAN);
    int i;

    json_free(doc);
    if (!doc)
        return -1;
    if (!(depth >= 0 && depth <= 1)) {
        err_set(e, ERR_UNSUPPORTED, "%s: its documents do not say at which depth the answer lies",
                b->task);
        err_hint(e, "needle tasks and qa_distractors do");
        return -1;
    }
    i = place_of(b, depth, e);
    if (i < 0)
        return -1;
    if (mem_grow(&b->credit[i], &b->cap[i], b->n[i] + 1, sizeof **b->credit) < 0)
        return err_nomem(e);
    b->credit[i][b->n[i]++] = o->verdict->n ? o->verdict->credits[0].value : 0;
    if (o->verdict->n)
        snprintf(b->out->metric, sizeof b->out->metric, "%s", o->verdict->credits[0].metric);
    b->out->n_items++;
    return 0;
}

/* A row a depth; then how far they lie apart, and what the middle lacks. */
static void add_depths(const struct by_depth *b)
{
    double low = INFINITY, high = -INFINITY, middle = 0, ends = 0;
    int n_middle = 0, n_ends = 0;

    for (int i = 0; i < b->n_depths; i++) {
        double mean = stats_mean(b->credit[i], b->n[i]);
        int inside = b->depth[i] >= 0.3 && b->depth[i] <= 0.7;
        char name[40];
        snprintf(name, sizeof name, "depth %.2f", b->depth[i]);
        probe_rows_add(b->out, name, mean, stats_stderr(b->credit[i], b->n[i]));
        low = fmin(low, mean);
        high = fmax(high, mean);
        *(inside ? &middle : &ends) += mean;
        *(inside ? &n_middle : &n_ends) += 1;
    }
    probe_rows_add(b->out, "range", high - low, NAN);
    if (n_middle && n_ends)
        probe_rows_add(b->out, "middle less ends", middle / n_middle - ends / n_ends, NAN);
}

int probe_depth(const struct probe_text *p, struct probe_rows *out, struct err *e)
{
    struct by_depth b = {.out = out, .task = task_name(p->task)};
    const struct evaluation ev = {.runner = p->runner, .encoder = p->encoder, .task = p->task,
                                  .stop = p->stop, .on_item = on_item, .user = &b};
    int *order = mem_calloc((size_t)task_count(p->task) + 1, sizeof *order), rc;

    *out = (struct probe_rows){.n = 0};
    rc = order ? evaluate(&ev, order, task_order(p->task, p->limit, order), e) : err_nomem(e);
    if (rc == 0)
        add_depths(&b);
    for (int i = 0; i < b.n_depths; i++)
        mem_free(b.credit[i]);
    mem_free(order);
    return rc;
}
