#include "harness/conventions.h"

#include <string.h>

#include "base/mem.h"
#include "harness/evaluate.h"
#include "harness/preset.h"

/* --- which there are ---------------------------------------------------------------------- */

#define OWN "lm-eval"

static int reads_the_same(const struct task_info *a, const struct task_info *b)
{
    return a == b || (*a->data && strcmp(a->data, b->data) == 0);
}

/* 1 for a task that is there for a preset only. */
static int is_a_presets(const char *task)
{
    for (int i = 0; preset_at(i); i++)
        if (preset_at(i)->prefix &&
            strncmp(task, preset_at(i)->prefix, strlen(preset_at(i)->prefix)) == 0)
            return 1;
    return 0;
}

static int has_document(const char *task, const char *hash, int at, const struct task_opts *o);

/* The task that asks as lm-eval does where this one is a preset's: the first with the document. */
static const char *lm_evals(const struct task_info *t, const char *hash, int at,
                            const struct task_opts *o)
{
    const struct task_info *peer;

    for (int i = 0; is_a_presets(t->name) && (peer = task_info_at(i)) != NULL; i++)
        if (peer != t && reads_the_same(peer, t) && !is_a_presets(peer->name) &&
            has_document(peer->name, hash, at, o))
            return peer->name;
    return t->name;
}

static void add(struct conventions *c, struct convention v)
{
    if (c->n < CONVENTIONS_MAX)
        c->v[c->n++] = v;
}

static void list(struct conventions *out, const char *task, const char *hash, int at,
                 const struct task_opts *o)
{
    const struct task_info *t = task_info_find(task), *peer;
    struct task_opts plain = *o;
    const struct preset *p;

    plain.shots = 0;
    add(out, (struct convention){.name = OWN, .shots = -1,
                                 .task = t ? lm_evals(t, hash, at, &plain) : task});
    for (int k = 0; t && (p = preset_at(k)) != NULL; k++)
        for (int i = 0; (peer = task_info_at(i)) != NULL; i++) {
            const struct preset_part *part =
                reads_the_same(peer, t) ? preset_part_of(p, peer->name) : NULL;
            if (part)
                add(out, (struct convention){.name = p->name, .task = peer->name,
                                             .metric = preset_metric(part, peer->name),
                                             .shots = part->shots, .pool_named = part->pool_named});
        }
}

/* Leaves those of these names. */
static int choose(struct conventions *c, const char *task, const char *const *only, int n_only,
                  struct err *e)
{
    struct strbuf names = STRBUF_INIT;
    int kept = 0, rc = 0;

    for (int i = 0; i < c->n; i++)
        if (i == 0 || strcmp(c->v[i].name, c->v[i - 1].name) != 0)
            strbuf_addf(&names, "%s%s", i ? ", " : "", c->v[i].name);
    for (int k = 0; k < n_only && rc == 0; k++) {
        int found = 0;
        for (int i = 0; i < c->n; i++)
            found |= strcmp(c->v[i].name, only[k]) == 0;
        if (!found) {
            rc = err_set(e, ERR_USAGE, "option --convention: %s has none called %s", task, only[k]);
            err_hint(e, "there are: %s", strbuf_str(&names));
        }
    }
    for (int i = 0; i < c->n && n_only && rc == 0; i++)
        for (int k = 0; k < n_only; k++)
            if (strcmp(c->v[i].name, only[k]) == 0) {
                c->v[kept++] = c->v[i];
                break;
            }
    if (n_only && rc == 0)
        c->n = kept;
    strbuf_release(&names);
    return rc;
}

/* --- what they ask ------------------------------------------------------------------------- */

/* The same record: where it was, or anywhere (files of which a task reads a part). */
static int find_document(const struct task *t, const char *hash, int at, int *doc)
{
    for (int i = -1; i < task_count(t); i++) {
        int k = i < 0 ? at : i, same;
        struct item it;
        if (k >= task_count(t) || task_item(t, k, &it, NULL) < 0)
            continue;
        same = strcmp(it.doc_hash, hash) == 0;
        item_release(&it);
        if (same) {
            *doc = k;
            return 1;
        }
    }
    return 0;
}

static int has_document(const char *task, const char *hash, int at, const struct task_opts *o)
{
    struct task *t = NULL;
    int doc, found = task_open(&t, task, o, NULL) == 0 && find_document(t, hash, at, &doc);

    task_close(t);
    return found;
}

static void ask(struct convention *c, const char *hash, int at, const struct task_opts *base)
{
    struct task_opts o = *base;
    struct task *bare = NULL;

    o.by_doc = 0;
    o.shots = c->shots;
    o.pool_named = c->pool_named;
    if (task_open(&c->open, c->task, &o, &c->why) < 0)
        return;
    if (!find_document(c->open, hash, at, &c->doc)) {
        err_set(&c->why, ERR_NOTFOUND, "%s: reads the data in another way", c->task);
        return;
    }
    o.shots = 0;
    if (task_item(c->open, c->doc, &c->item, &c->why) == 0 &&
        task_open(&bare, c->task, &o, &c->why) == 0)
        task_item(bare, c->doc, &c->bare, &c->why);
    c->shots = task_shots(c->open);
    task_close(bare);
}

int conventions_open(struct conventions *out, const char *task, int doc, const struct task_opts *o,
                     const char *const *only, int n_only, struct err *e)
{
    struct task_opts plain = *o;
    struct task *t = NULL;
    struct item it;
    char hash[sizeof it.doc_hash];

    *out = (struct conventions){0};
    plain.shots = 0;
    if (task_open(&t, task, &plain, e) < 0 || task_item(t, doc, &it, e) < 0) {
        task_close(t);
        return -1;
    }
    memcpy(hash, it.doc_hash, sizeof hash);
    item_release(&it);
    task_close(t);
    list(out, task, hash, doc, o);
    if (choose(out, task, only, n_only, e) < 0)
        return -1;
    for (int i = 0; i < out->n; i++)
        ask(&out->v[i], hash, doc, o);
    return 0;
}

void conventions_close(struct conventions *c)
{
    for (int i = 0; i < c->n; i++) {
        item_release(&c->v[i].item);
        item_release(&c->v[i].bare);
        verdict_release(&c->v[i].verdict);
        task_close(c->v[i].open);
    }
    *c = (struct conventions){0};
}

/* --- what comes of it --------------------------------------------------------------------- */

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct verdict *v = user;

    for (int i = 0; i < o->verdict->n; i++) {
        v->credits[i] = o->verdict->credits[i];
        v->credits[i].filtered = NULL;
    }
    v->n = o->verdict->n;
    v->prediction = o->verdict->prediction ? mem_strdup(o->verdict->prediction) : NULL;
    return o->verdict->prediction && !v->prediction ? err_nomem(e) : 0;
}

void conventions_score(struct conventions *c, struct runner *r, struct encoder *encoder)
{
    for (int i = 0; i < c->n; i++) {
        struct convention *v = &c->v[i];
        struct evaluation ev = {.runner = r, .encoder = encoder, .task = v->open,
                                .on_item = on_item, .user = &v->verdict};
        if (!v->why.code && task_check_machine(v->open, &v->unscored) == 0)
            evaluate(&ev, &v->doc, 1, &v->unscored);
    }
}
