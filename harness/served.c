#include "harness/served.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/meter.h"
#include "harness/opened.h"
#include "harness/progress.h"
#include "harness/record.h"
#include "harness/remote.h"
#include "harness/version.h"
#include "tasks/prepare.h"

struct session {
    struct context *c;
    struct store *store;
    struct remote *remote;
    const char *model;
    const struct preset *preset;
    struct opened tasks;
    struct store_run *run;
    struct strbuf settings, machine, command_line;
    int64_t across; /* tokens that lay across a join */
};

int served_is(const char *device)
{
    return strncmp(device, REMOTE_PREFIX, strlen(REMOTE_PREFIX)) == 0;
}

void served_text(struct strbuf *b, const struct run_row *r)
{
    struct remote_unknown x;

    if (!r->device || !served_is(r->device))
        return;
    strbuf_adds(b, "not measured, because a server answered:\n");
    for (int i = 0; (x = remote_hidden(i)).name; i++)
        strbuf_addf(b, "  %s: %s\n", x.name, x.why);
}

/* What is said of an engine or a meter that is not here would be ignored. */
static int check_options(const struct args *a, struct err *e)
{
    static const char *const names[] = {
        "judge", "no-cache", "prune", "idle", "meter-csv", "meter-offset", "declared-watts",
        "max-length", "bos", "threads", "numerics", "kv-type", "kernels", "activation",
        "batch-tokens", "kv-memory", "check-finite"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (args_given(a, names[i]))
            return err_set(e, ERR_USAGE, "--%s says nothing to a server", names[i]);
    return 0;
}

/* --- what the tasks ask for ---------------------------------------------------------------- */

static int can_ask(const struct session *s, const struct query *q, const char *task, int *scores,
                   struct err *e)
{
    switch (q->kind) {
    case QUERY_GENERATE: return 0;
    case QUERY_LOGLIKELIHOOD:
        *scores = 1;
        if (!args_flag(s->c->args, "chat"))
            return 0;
        return err_set(e, ERR_UNSUPPORTED, "%s: likelihoods through a server's chat template are "
                                           "not offered", task);
    default:
        return err_set(e, ERR_UNSUPPORTED, "%s: windows of a text are counted in tokens, which a "
                                           "server hides", task);
    }
}

static int look_at(const struct session *s, const struct opened_task *t, int *scores, struct err *e)
{
    struct item it = {0};
    int rc = 0;

    if (task_asks_on(t->task))
        return err_set(e, ERR_UNSUPPORTED, "%s: a judge cannot be asked through a server",
                       task_name(t->task));
    if (t->n == 0 || task_item(t->task, t->order[0], &it, e) < 0)
        return t->n == 0 ? 0 : -1;
    for (int i = 0; i < it.n_queries && rc == 0; i++)
        rc = can_ask(s, &it.queries[i], task_name(t->task), scores, e);
    item_release(&it);
    return rc;
}

/* --- beginning ----------------------------------------------------------------------------- */

static int write_settings(struct session *s, struct err *e)
{
    const struct args *a = s->c->args;
    struct json_out o = JSON_OUT(&s->settings);
    struct remote_unknown x;

    json_begin_object(&o, NULL);
    if (opened_settings(&o, &s->tasks, s->c, s->preset, e) < 0)
        return -1;
    json_put_bool(&o, "chat", args_flag(a, "chat"));
    json_put_str(&o, "system", args_str(a, "system"));
    json_put_str(&o, "likelihoods_by", remote_dialect_name(remote_dialect(s->remote)));
    json_begin_array(&o, "not_measured");
    for (int i = 0; (x = remote_hidden(i)).name; i++)
        json_put_str(&o, NULL, x.name);
    json_end_array(&o);
    json_put_str(&o, "interval", "95 %");
    json_end_object(&o);
    return strbuf_ok(&s->settings, e);
}

static int begin_run(struct session *s, struct err *e)
{
    struct store_task *tasks = mem_calloc((size_t)s->tasks.n, sizeof *tasks);
    struct json_out o = JSON_OUT(&s->machine);
    struct strbuf device = STRBUF_INIT;
    int rc = -1;

    if (!tasks)
        return err_nomem(e);
    opened_rows(&s->tasks, tasks);
    strbuf_addf(&device, "%s%s", REMOTE_PREFIX, remote_url(s->remote));
    json_begin_object(&o, NULL); /* of the computer that computes nothing else is known */
    json_put_str(&o, "server", remote_url(s->remote));
    json_end_object(&o);
    const struct store_run_spec spec = {
        .kind = "eval", .command_line = strbuf_str(&s->command_line),
        .settings = strbuf_str(&s->settings), .program_version = DENSIMETER_VERSION,
        .numerics_id = "server's", .kernels = "server's", .device = strbuf_str(&device),
        .threads = -1, .seed = args_int(s->c->args, "seed"),
        .model = {.name = s->model, .parameters = -1, .parameters_non_embedding = -1,
                  .parameters_embedding = -1, .parameters_active = -1, .file_bytes = -1,
                  .bits_per_weight = NAN},
        .machine = {remote_url(s->remote), strbuf_str(&s->machine)}, .tasks = tasks,
        .n_tasks = s->tasks.n};
    if (strbuf_ok(&device, e) == 0 && strbuf_ok(&s->machine, e) == 0)
        rc = store_run_begin(s->store, &spec, &s->run, e);
    strbuf_release(&device);
    mem_free(tasks);
    return rc;
}

static int begin(struct session *s, const struct selection *chosen, struct err *e)
{
    const struct args *a = s->c->args;
    const struct remote_opts o = {
        .url = args_str(a, "device") + strlen(REMOTE_PREFIX), .model = s->model,
        .timeout_s = args_num(a, "request-timeout"), .chat = args_flag(a, "chat"),
        .stop = s->c->stop};
    int scores = 0;

    for (int i = 0; i < s->c->argc; i++)
        strbuf_addf(&s->command_line, "%s%s", i ? " " : "", s->c->argv[i]);
    if (strbuf_ok(&s->command_line, e) < 0 || check_options(a, e) < 0 ||
        remote_open(&s->remote, &o, e) < 0 ||
        opened_open(&s->tasks, s->c, chosen, s->preset, NULL, e) < 0)
        return -1;
    for (int i = 0; i < s->tasks.n; i++)
        if (look_at(s, &s->tasks.v[i], &scores, e) < 0)
            return -1;
    if (scores && remote_find_dialect(s->remote, e) < 0)
        return -1;
    return write_settings(s, e) < 0 ? -1 : begin_run(s, e);
}

static void session_close(struct session *s)
{
    store_run_close(s->run);
    opened_close(&s->tasks);
    remote_close(s->remote);
    strbuf_release(&s->settings);
    strbuf_release(&s->machine);
    strbuf_release(&s->command_line);
}

/* --- one item ------------------------------------------------------------------------------ */

struct asking {
    struct item item;
    struct answer *answers;
    struct reply_text *replies;
    struct outcome outcome;
};

static void add_count(int64_t *sum, int n)
{
    *sum = n < 0 || *sum < 0 ? -1 : *sum + n;
}

static int ask_score(struct session *s, struct asking *x, int i, struct err *e)
{
    const struct query *q = &x->item.queries[i];
    size_t n = strlen(q->context), kept = prepare_context_bytes(q->context, n);
    char *context = mem_strndup(q->context, kept);
    struct strbuf rest = STRBUF_INIT;
    struct remote_score got;
    double wall_s;
    int rc = -1;

    strbuf_addf(&rest, "%s%s", q->context + kept, q->continuation);
    if (!context)
        err_nomem(e);
    else if (strbuf_ok(&rest, e) == 0 &&
             remote_score(s->remote, context, strbuf_str(&rest), &got, &wall_s, e) == 0) {
        x->answers[i] = (struct answer){got.nats, got.is_greedy, got.n_tokens, got.n_context,
                                        NULL, 0};
        x->outcome.latency_s += wall_s;
        add_count(&x->outcome.prompt_tokens,
                  got.n_context < 0 ? -1 : got.n_context + got.n_tokens);
        s->across += got.n_across;
        rc = 0;
    }
    strbuf_release(&rest);
    mem_free(context);
    return rc;
}

static int ask_text(struct session *s, struct asking *x, int i, struct err *e)
{
    struct query q = x->item.queries[i];
    struct remote_answer got;

    if (!(q.temperature > 0)) {
        q.temperature = args_num(s->c->args, "temperature");
        q.top_p = 1;
        q.seed = (uint64_t)args_int(s->c->args, "seed") << 33; /* servers take few bits */
    }
    if (remote_generate(s->remote, &q, &got, e) < 0)
        return -1;
    x->answers[i] = (struct answer){NAN, -1, got.n_tokens, got.n_prompt, got.text, 0};
    x->outcome.ttft_s = got.ttft_s;
    if (got.n_tokens > 1)
        x->outcome.tpot_s = (got.wall_s - got.ttft_s) / (got.n_tokens - 1);
    x->outcome.latency_s += got.wall_s;
    add_count(&x->outcome.prompt_tokens, got.n_prompt);
    add_count(&x->outcome.generated_tokens, got.n_tokens);
    return 0;
}

static int ask_queries(struct session *s, struct asking *x, struct err *e)
{
    for (int i = 0; i < x->item.n_queries; i++) {
        int rc = x->item.queries[i].kind == QUERY_GENERATE ? ask_text(s, x, i, e)
                                                           : ask_score(s, x, i, e);
        if (rc < 0)
            return -1;
    }
    for (int i = 0; i < x->item.n_queries; i++)
        x->replies[i] = (struct reply_text){
            .loglikelihood = x->answers[i].loglikelihood, .is_greedy = x->answers[i].is_greedy,
            .n_tokens = x->answers[i].n_tokens, .text = x->answers[i].text,
            .latency_s = x->outcome.latency_s};
    return 0;
}

struct task_run {
    struct recorder recorder;
    struct progress progress;
};

static int ask_item(struct session *s, const struct opened_task *t, int number,
                    struct task_run *run, struct err *e)
{
    struct verdict v = {0};
    struct asking x = {.outcome = {.ttft_s = NAN, .tpot_s = NAN, .computed_tokens = -1,
                                   .reused_tokens = -1, .verdict = &v}};
    int rc = -1;

    if (task_item(t->task, number, &x.item, e) < 0)
        return -1;
    x.answers = mem_calloc((size_t)x.item.n_queries, sizeof *x.answers);
    x.replies = mem_calloc((size_t)x.item.n_queries, sizeof *x.replies);
    x.outcome.item = &x.item;
    x.outcome.answers = x.answers;
    if (!x.answers || !x.replies)
        err_nomem(e);
    else if (ask_queries(s, &x, e) < 0)
        err_prefix(e, "%s, item %d", task_name(t->task), x.item.doc_id);
    else if (task_score(t->task, &x.item, x.replies, &v, e) == 0)
        rc = record_item(&run->recorder, &x.outcome, e);
    if (rc == 0 && v.n)
        progress_value(&run->progress, v.credits[0].value);
    verdict_release(&v);
    for (int i = 0; x.answers && i < x.item.n_queries; i++)
        mem_free(x.answers[i].text);
    mem_free(x.answers);
    mem_free(x.replies);
    item_release(&x.item);
    return rc;
}

/* --- a task, and all of them --------------------------------------------------------------- */

static int ask_all(struct session *s, const struct opened_task *t, size_t n_done, struct err *e)
{
    struct task_run run = {.recorder = {.run = s->run, .task = task_name(t->task),
                                        .keep_prompts = args_flag(s->c->args, "keep-prompts")}};
    struct err later;
    int rc = 0;

    progress_begin(&run.progress, s->c->progress ? s->c->log : NULL, task_name(t->task), n_done,
                   n_done + (size_t)t->n);
    for (int i = 0; i < t->n && rc == 0; i++) {
        rc = s->c->stop && *s->c->stop ? err_set(e, ERR_INTERRUPTED, "interrupted")
                                       : ask_item(s, t, t->order[i], &run, e);
        progress_step(&run.progress);
    }
    progress_end(&run.progress);
    if (record_flush(&run.recorder, rc < 0 ? &later : e) < 0)
        rc = -1;
    return rc;
}

static int run_task(struct session *s, struct opened_task *t, struct err *e)
{
    struct session_cost cost = {.energy_j = NAN, .declared_j = NAN, .peak_rss_bytes = NAN,
                                .least_tokens = NAN, .recomputed_tokens = NAN,
                                .pruned_tokens = NAN,
                                .left = {.times = NAN}};
    const struct store_model unknown = {.parameters = -1, .file_bytes = -1, .bits_per_weight = NAN};
    double earlier_s = 0, start_s;
    size_t n_done = 0;
    int *done = NULL;
    int rc = store_run_done(s->run, task_name(t->task), &done, &n_done, e);

    if (rc == 0)
        opened_drop(t, done, n_done);
    mem_free(done);
    if (rc < 0 || (n_done && record_latency(s->store, store_run_id(s->run), task_name(t->task),
                                            &earlier_s, e) < 0))
        return -1;
    start_s = meter_clock_s();
    if (ask_all(s, t, n_done, e) < 0)
        return -1;
    cost.wall_s = meter_clock_s() - start_s;
    return record_finish(s->store, s->run, t->task, &unknown,
                         (int)args_int(s->c->args, "bootstrap"), &cost, earlier_s, e);
}

static int finish(struct session *s, int rc, struct err *e)
{
    struct err late = ERR_NONE;
    enum store_status status = rc == 0                      ? STORE_COMPLETE
                               : e->code == ERR_INTERRUPTED ? STORE_INTERRUPTED
                                                            : STORE_FAILED;

    if (store_run_finish(s->run, status, NULL, rc < 0 ? e->text : NULL, &late) < 0 && rc == 0) {
        *e = late;
        rc = -1;
    }
    if (s->across)
        context_note(s->c, "%lld continuations begin inside a token of the server's, which counts "
                           "as theirs", (long long)s->across);
    if (rc < 0 && e->code == ERR_INTERRUPTED)
        err_hint(e, "run %s: the same command line goes on from there", store_run_id(s->run));
    return rc;
}

int served_eval(struct context *c, struct store *store, const char *model,
                const struct preset *preset, const struct selection *chosen,
                char id[RUN_ID_SIZE], struct err *e)
{
    struct session s = {.c = c, .store = store, .model = model, .preset = preset};
    int rc = begin(&s, chosen, e);

    if (rc == 0) {
        snprintf(id, RUN_ID_SIZE, "%s", store_run_id(s.run));
        for (int i = 0; i < s.tasks.n && rc == 0; i++)
            rc = run_task(&s, &s.tasks.v[i], e);
        rc = finish(&s, rc, e);
    }
    session_close(&s);
    return rc;
}
