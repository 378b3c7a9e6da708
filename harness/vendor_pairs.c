/* vendor_pairs.c -- does a side answer as the reference does, and may their speeds be compared? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/vendor.h"

/* The side's evaluation of the same tasks; NULL: none. */
static const struct vendor_run *same_tasks(const struct vendor_side *s, const struct vendor_run *a)
{
    for (size_t i = 0; i < s->n_runs; i++) {
        const struct vendor_run *b = &s->runs[i];
        size_t k = 0;
        if (b->tasks.n != a->tasks.n || a->tasks.n == 0)
            continue;
        while (k < a->tasks.n && strcmp(a->tasks.v[k].task, b->tasks.v[k].task) == 0)
            k++;
        if (k == a->tasks.n)
            return b;
    }
    return NULL;
}

static int invalid(struct vendor_pairing *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int invalid(struct vendor_pairing *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->why, sizeof p->why, fmt, ap);
    va_end(ap);
    p->parity = PARITY_INVALID;
    return 0;
}

/* What cannot be paired is a result (PARITY_INVALID), not an error. */
static int load_run(struct vendor *v, struct vendor_pairing *p, const struct vendor_side *side,
                    const struct vendor_run *a, struct err *e)
{
    const struct vendor_run *b = same_tasks(side, a);
    struct err why = ERR_NONE;

    if (!b)
        return invalid(p, "%s has no evaluation of the tasks of run %s (%.60s%s)", side->letter,
                       a->row.v[0].id, a->tasks.v[0].task, a->tasks.n > 1 ? ", ..." : "");
    if (pairs_load(&p->pairs[p->n_pairs], v->store, a->row.v[0].id, b->row.v[0].id, NULL, 0,
                   &why) == 0) {
        p->n_pairs++;
        return 0;
    }
    if (why.code == ERR_INVALID && strcmp(v->sides[0].profile_text, side->profile_text) != 0)
        return invalid(p, "the profiles ask other items"); /* so many that a list tells nothing */
    if (why.code == ERR_INVALID)
        return invalid(p, "%.319s", why.text);
    *e = why;
    return -1;
}

static int load_pairs(struct vendor *v, struct vendor_pairing *p, const struct vendor_side *side,
                      struct err *e)
{
    const struct vendor_side *a = &v->sides[0];
    size_t n = 0;

    p->pairs = mem_calloc(a->n_runs + 1, sizeof *p->pairs);
    if (!p->pairs)
        return err_nomem(e);
    for (size_t i = 0; i < a->n_runs; i++) {
        if (a->runs[i].tasks.n == 0)
            continue;
        n++;
        if (load_run(v, p, side, &a->runs[i], e) < 0)
            return -1;
        if (p->parity == PARITY_INVALID)
            return 0;
    }
    return n ? 0 : invalid(p, "%s has no evaluation", a->letter);
}

/* Tasks with credits, of all evaluations together. */
static int gather(struct vendor_pairing *p, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_pairs; i++)
        n += p->pairs[i].n_tasks;
    p->tasks = mem_calloc(n + 1, sizeof *p->tasks);
    if (!p->tasks)
        return err_nomem(e);
    for (size_t i = 0; i < p->n_pairs; i++)
        for (size_t k = 0; k < p->pairs[i].n_tasks; k++)
            if (p->pairs[i].tasks[k].metric)
                p->tasks[p->n_tasks++] = &p->pairs[i].tasks[k];
    return 0;
}

static double generated(const struct task_row *t)
{
    return t->generated_tokens > 0 ? (double)t->generated_tokens : 0;
}

static void judge(struct vendor_pairing *p)
{
    const struct paired_credit *c = &p->credit;
    struct parity_facts *f = &p->facts;

    *f = (struct parity_facts){
        .n = c->n, .a = c->a, .b = c->b, .p_worse = c->p_loss,
        .low = paired_credit_interval(c, 1 - 2 * PARITY_ALPHA).low,
        .p_margin = paired_credit_noninferiority(c, PARITY_MARGIN)};
    for (size_t i = 0; i < p->n_tasks; i++) {
        f->tokens_a += generated(p->tasks[i]->a);
        f->tokens_b += generated(p->tasks[i]->b);
    }
    p->parity = parity_judge(f, p->why, sizeof p->why);
}

/* Another profile measured other loads; other answers are another model. */
static int allow_ratios(struct vendor *v, struct vendor_pairing *p, const struct vendor_side *s,
                        struct err *e)
{
    const char *a = v->sides[0].profile_text, *b = s->profile_text;
    struct strbuf why = STRBUF_INIT;
    int rc;

    if (p->parity != PARITY_PASS)
        strbuf_addf(&why, "parity of answers: %s, %s", parity_name(p->parity), p->why);
    if (strcmp(a, b) != 0)
        strbuf_addf(&why, "%sthe profiles differ: %s, and %s", why.len ? "; " : "", a, b);
    if (why.len)
        p->no_ratio = arena_strdup(&v->arena, strbuf_str(&why));
    rc = why.failed || (why.len && !p->no_ratio) ? err_nomem(e) : 0;
    strbuf_release(&why);
    return rc;
}

int vendor_pair(struct vendor *v, int side, struct err *e)
{
    static const struct gate_policy nothing_forbidden = {0};
    const struct vendor_side *s = &v->sides[side];
    struct vendor_pairing *p = &v->pairing[side];

    if (v->sides[0].main && s->main &&
        env_compare(&p->env, v->sides[0].main, s->main, &nothing_forbidden, e) < 0)
        return -1;
    if (load_pairs(v, p, s, e) < 0)
        return -1;
    if (p->parity != PARITY_INVALID) {
        if (gather(p, e) < 0 ||
            paired_credit(p->tasks, p->n_tasks, v->conf, &p->credit, e) < 0)
            return -1;
        judge(p);
    }
    return allow_ratios(v, p, s, e);
}

void vendor_pairing_release(struct vendor_pairing *p)
{
    for (size_t i = 0; i < p->n_pairs; i++)
        pairs_release(&p->pairs[i]);
    mem_free(p->pairs);
    mem_free(p->tasks);
    env_release(&p->env);
    *p = (struct vendor_pairing){0};
}
