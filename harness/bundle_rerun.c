/* bundle_rerun.c -- a sceptic's own machine asks some of the items again. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/bundle.h"
#include "harness/chat.h"
#include "harness/evaluate.h"
#include "harness/model_hash.h"

#define SHARE 0.01 /* of other numerics than exact: engine_design.md leaves them that */
#define NATS 0.05

struct picked {
    uint64_t order;
    int task, doc_id;
};

struct again { /* one run, asked again */
    const struct rerun *o;
    const struct run_row *run;
    struct store *store;
    struct task_list tasks;
    cJSON *settings;
    struct runner *runner;
    struct encoder encoder;
    struct chat chat;
    struct picked *picked;
    size_t n, cap;
    const char *task; /* being asked */
    bundle_say *say;
    void *user;
    int found;
};

static void defect(struct again *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void defect(struct again *a, const char *fmt, ...)
{
    char text[400];
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    a->found++;
    strbuf_addf(&b, "run %s: %s: %s", a->run->id, a->task, text);
    a->say(a->user, strbuf_str(&b));
    strbuf_release(&b);
}

/* --- which --------------------------------------------------------------------------------- */

static int by_order(const void *x, const void *y)
{
    const struct picked *a = x, *b = y;

    return (a->order > b->order) - (a->order < b->order);
}

static int by_place(const void *x, const void *y)
{
    const struct picked *a = x, *b = y;

    return a->task != b->task ? a->task - b->task
                              : (a->doc_id > b->doc_id) - (a->doc_id < b->doc_id);
}

static int pick(struct again *a, struct err *e)
{
    for (size_t t = 0; t < a->tasks.n; t++) {
        const struct item_filter f = {.task = a->tasks.v[t].task};
        struct item_iter *it = NULL;
        struct store_item item;
        int got = query_items(a->store, a->run->id, &f, &it, e);
        while (got >= 0 && (got = item_iter_next(it, &item, e)) == 1) {
            if (mem_grow(&a->picked, &a->cap, a->n + 1, sizeof *a->picked) < 0)
                got = err_nomem(e);
            else
                a->picked[a->n++] = (struct picked){0, (int)t, item.doc_id};
        }
        item_iter_close(it);
        if (got < 0)
            return -1;
    }
    for (size_t i = 0; i < a->n; i++)
        a->picked[i].order = splitmix64_mix(a->o->seed * UINT64_C(0x9E3779B97F4A7C15) + i);
    qsort(a->picked, a->n, sizeof *a->picked, by_order);
    if (a->n > (size_t)a->o->items)
        a->n = (size_t)a->o->items;
    qsort(a->picked, a->n, sizeof *a->picked, by_place);
    return 0;
}

/* --- the engine as the run had it ---------------------------------------------------------- */

static int open_engine(struct again *a, struct err *e)
{
    const struct run_row *r = a->run;
    const char *bos;
    struct runner_opts o = {.threads = a->o->threads};

    a->settings = json_parse(r->settings, strlen(r->settings), "settings", e);
    if (!a->settings)
        return -1;
    if (!r->numerics_id)
        return err_set(e, ERR_FORMAT, "run %s does not say its numerics", r->id);
    if (numerics_find(r->numerics_id, &o.numerics, &o.kv_type) < 0 || o.numerics > NUMERICS_FAST)
        o.numerics = NUMERICS_EXACT; /* another device's: its answers may differ a little */
    o.context = (int)json_num(a->settings, "max_length", 0);
    o.activation = json_str(a->settings, "activation");
    if (runner_open(&a->runner, a->o->model, &o, e) < 0)
        return -1;
    bos = json_str(a->settings, "bos");
    a->encoder = (struct encoder){
        .tokenizer = runner_tokenizer(a->runner),
        .bos = bos && strcmp(bos, "always") == 0  ? BOS_ALWAYS
               : bos && strcmp(bos, "never") == 0 ? BOS_NEVER
                                                  : BOS_AUTO,
        .max_length = (int)json_num(a->settings, "max_length", 2048)};
    if (!json_bool(a->settings, "chat", 0))
        return 0;
    return chat_open(&a->chat, a->o->model, runner_info(a->runner)->chat_template,
                     a->encoder.tokenizer, e);
}

static int open_task(struct again *a, const struct task_row *t, struct task **out, struct err *e)
{
    const char *sampling = json_str(a->settings, "sampling");
    const struct task_opts o = {
        .data_dirs = a->o->data_dirs, .n_data_dirs = a->o->n_data_dirs, .shots = t->shots,
        .seed = (uint64_t)a->run->seed, .system = json_str(a->settings, "system"),
        .by_doc = sampling && strcmp(sampling, "by_doc") == 0,
        .chat = json_bool(a->settings, "chat", 0) ? &a->chat.renderer : NULL};

    if (task_open(out, t->task, &o, e) < 0)
        return err_prefix(e, "asking again");
    if (task_version(*out) == t->version)
        return 0;
    return err_set(e, ERR_INVALID, "%s: the run asked version %d, and this program has %d",
                   t->task, t->version, task_version(*out));
}

/* --- the answers --------------------------------------------------------------------------- */

static int differs(const struct again *a, double then, double now)
{
    if (isnan(then) && isnan(now))
        return 0;
    if (strncmp(a->run->numerics_id, "exact", 5) == 0)
        return then != now;
    return !(fabs(then - now) <= NATS + SHARE * fabs(then));
}

static void compare(struct again *a, const struct outcome *o, const struct store_item *then)
{
    const char *text = o->answers[0].text;

    if (!then->prompt_hash || strcmp(then->prompt_hash, o->item->prompt_hash) != 0 ||
        then->n_requests != o->item->n_queries) {
        defect(a, "item %d asked something else: other prompts", o->item->doc_id);
        return;
    }
    for (int i = 0; i < then->n_requests; i++)
        if (differs(a, then->requests[i].loglikelihood, o->answers[i].loglikelihood)) {
            defect(a, "item %d, request %d: log-likelihood %.17g in the bundle, %.17g here",
                   o->item->doc_id, i, then->requests[i].loglikelihood,
                   o->answers[i].loglikelihood);
            return;
        }
    if (text && (!then->output || strcmp(then->output, text) != 0))
        defect(a, "item %d: the generated text is another one here", o->item->doc_id);
}

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct again *a = user;
    const struct item_filter f = {.task = a->task, .doc_id = o->item->doc_id, .one_doc = 1};
    struct item_iter *it = NULL;
    struct store_item then;
    int got;

    if (query_items(a->store, a->run->id, &f, &it, e) < 0)
        return -1;
    got = item_iter_next(it, &then, e);
    if (got == 1)
        compare(a, o, &then);
    item_iter_close(it);
    ++*a->o->asked;
    return got < 0 ? -1 : 0;
}

/* As many items as --limit leaves of the task: none was dropped. */
static int check_count(struct again *a, const struct task_row *row, const struct task *t,
                       struct err *e)
{
    int *order = mem_alloc(((size_t)task_count(t) + 1) * sizeof *order), n;

    if (!order)
        return err_nomem(e);
    n = task_order(t, (int)json_num(a->settings, "limit", 0), order);
    if (n != row->n_expected)
        defect(a, "%d items were asked, and its settings ask %d", row->n_expected, n);
    mem_free(order);
    return n < 0 ? err_nomem(e) : 0;
}

static int ask(struct again *a, size_t from, size_t to, struct err *e)
{
    const struct task_row *row = &a->tasks.v[a->picked[from].task];
    struct evaluation ev = {.runner = a->runner, .encoder = &a->encoder, .on_item = on_item,
                            .user = a};
    struct task *t = NULL;
    int *order = mem_alloc((to - from) * sizeof *order), n = 0, rc = -1;

    a->task = row->task;
    if (!order) {
        err_nomem(e);
    } else if (open_task(a, row, &t, e) == 0 && check_count(a, row, t, e) == 0) {
        for (size_t i = from; i < to; i++)
            if (a->picked[i].doc_id < task_count(t))
                order[n++] = a->picked[i].doc_id;
            else
                defect(a, "item %d is not among the task's %d", a->picked[i].doc_id,
                       task_count(t));
        ev.task = t;
        rc = evaluate(&ev, order, n, e);
    }
    task_close(t);
    mem_free(order);
    return rc;
}

static int run_again(struct again *a, struct err *e)
{
    int rc = -1;

    if (query_tasks(a->store, a->run->id, &a->tasks, e) < 0 || pick(a, e) < 0 ||
        (a->n && open_engine(a, e) < 0))
        goto out;
    rc = 0;
    for (size_t i = 0, next; i < a->n && rc == 0; i = next) {
        for (next = i; next < a->n && a->picked[next].task == a->picked[i].task; next++)
            ;
        rc = ask(a, i, next, e);
    }
out:
    chat_close(&a->chat);
    runner_close(a->runner);
    json_free(a->settings);
    task_list_release(&a->tasks);
    mem_free(a->picked);
    return rc;
}

int bundle_rerun(const struct bundle *b, const struct rerun *o, bundle_say *say, void *user,
                 struct err *e)
{
    struct bundle_run r;
    char hash[SHA256_HEX];
    int got, found = 0, runs = 0;

    *o->asked = 0;
    if (model_hash(hash, o->model, e) < 0)
        return -1;
    for (int i = 0; (got = bundle_run_open(b, i, &r, e)) == 1; i++) {
        const struct run_row *row = &r.row.v[0];
        struct again a = {.o = o, .run = row, .store = r.store, .say = say, .user = user};
        int rc = 0;
        if (row->model.sha256 && strcmp(row->model.sha256, hash) == 0 &&
            strcmp(row->kind, "eval") == 0) {
            rc = run_again(&a, e);
            found += a.found;
            runs++;
        }
        bundle_run_close(&r);
        if (rc < 0)
            return -1;
    }
    if (got < 0)
        return -1;
    if (runs)
        return found;
    err_set(e, ERR_INVALID, "%s is the model of no evaluation in the bundle", o->model);
    err_hint(e, "the manifest's runs name their models: see runs/ID/published.json");
    return -1;
}
