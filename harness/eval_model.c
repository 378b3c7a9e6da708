/* eval_model.c -- one model's run: every item is stored as it is answered. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "harness/chat.h"
#include "harness/describe.h"
#include "harness/energy.h"
#include "harness/eval_model.h"
#include "harness/kept.h"
#include "harness/machine.h"
#include "harness/open.h"
#include "harness/opened.h"
#include "harness/preset.h"
#include "harness/progress.h"
#include "harness/record.h"
#include "harness/select.h"
#include "harness/version.h"
#include "runners/hf.h"

struct session { /* one model's run */
    struct context *c;
    struct store *store;
    struct runner *runner;
    struct encoder encoder;
    struct description model;
    struct runner *judge; /* NULL: the model itself */
    struct encoder judge_encoder;
    struct description judge_model;
    struct chat chat;
    int use_chat;
    const struct preset *preset; /* NULL: none */
    struct opened tasks;
    struct kept *kept; /* NULL: everything is computed */
    struct store_run *run;
    struct energy *energy;
    struct strbuf settings, machine, command_line;
    struct noise_sample quiet_before;
};

/* --- preparing ---------------------------------------------------------------------------- */

/* The judge of --judge, where a task asks one. */
static int open_judge(struct session *s, struct err *e)
{
    const char *model = args_str(s->c->args, "judge");
    int asks = 0;

    for (int i = 0; i < s->tasks.n; i++)
        asks |= task_asks_on(s->tasks.v[i].task);
    if (!model)
        return 0;
    if (!asks)
        return err_set(e, ERR_USAGE, "option --judge: none of the tasks asks a judge");
    if (open_model(s->c, model, (int)args_int(s->c->args, "max-length"), &s->judge, e) < 0)
        return -1;
    s->judge_encoder = make_encoder(s->c, runner_tokenizer(s->judge),
                                    runner_info(s->judge)->context_length);
    return describe_model(&s->judge_model, s->judge, model, e);
}

/* Everything typed that may change a result, in a fixed order: part of the run's key. */
static int write_settings(struct session *s, struct err *e)
{
    static const char *const bos[] = {"auto", "always", "never"};
    const struct args *a = s->c->args;
    struct json_out o = JSON_OUT(&s->settings);
    char hash[SHA256_HEX];
    const char *template = runner_info(s->runner)->chat_template;

    json_begin_object(&o, NULL);
    if (opened_settings(&o, &s->tasks, s->c, s->preset, e) < 0)
        return -1;
    json_put_bool(&o, "chat", s->use_chat);
    if (s->use_chat) {
        if (sha256_bytes(hash, template, strlen(template), e) < 0)
            return -1;
        json_put_str(&o, "chat_template_sha256", hash);
    }
    json_put_str(&o, "system", args_str(a, "system"));
    if (args_flag(a, "prune"))
        json_put_bool(&o, "prune", 1);
    if (args_str(a, "activation"))
        json_put_str(&o, "activation", args_str(a, "activation"));
    describe_choice(&o, runner_info(s->runner));
    if (s->judge) {
        json_begin_object(&o, "judge");
        json_put_str(&o, "name", s->judge_model.model.name);
        json_put_str(&o, "sha256", s->judge_model.sha256);
        json_end_object(&o);
    }
    json_put_str(&o, "bos", bos[s->encoder.bos]);
    json_put_int(&o, "max_length", s->encoder.max_length);
    energy_settings(&o, s->c);
    json_put_str(&o, "interval", "95 %");
    json_end_object(&o);
    return strbuf_ok(&s->settings, e);
}

static int begin_run(struct session *s, struct err *e)
{
    const struct model_info *m = runner_info(s->runner);
    const char *root = args_str(s->c->args, "sysroot");
    struct store_task *tasks = mem_calloc((size_t)s->tasks.n, sizeof *tasks);
    char host[256];
    int rc;

    if (!tasks)
        return err_nomem(e);
    opened_rows(&s->tasks, tasks);
    machine_name(host, sizeof host, root);
    const struct store_run_spec spec = {
        .kind = "eval", .command_line = strbuf_str(&s->command_line),
        .settings = strbuf_str(&s->settings), .program_version = DENSIMETER_VERSION,
        .numerics_id = m->numerics_id, .kernels = m->kernels,
        .device = m->device, .threads = m->threads,
        .seed = args_int(s->c->args, "seed"), .model = s->model.model,
        .machine = {host, strbuf_str(&s->machine)}, .tasks = tasks, .n_tasks = s->tasks.n};
    rc = store_run_begin(s->store, &spec, &s->run, e);
    mem_free(tasks);
    return rc;
}

/* A file's tokenizer is in its keys, a folder's in files that its hash covers. */
static int keep_encodings(struct session *s, struct err *e)
{
    const struct gguf *g = runner_gguf(s->runner);
    char hash[SHA256_HEX];

    if (hf_is_folder(gguf_path(g)))
        return kept_encodings(s->kept, s->model.sha256, e);
    return tokenizer_sha256(hash, g, e) < 0 ? -1 : kept_encodings(s->kept, hash, e);
}

/* Whoever names kernels or looks for NaN wants to see them at work; a plug-in may be another one
 * tomorrow under the same name, and what it gives is its own word only. */
static int open_kept(struct session *s, struct err *e)
{
    const struct args *a = s->c->args;

    if (args_flag(a, "no-cache") || args_flag(a, "check-finite") || args_str(a, "kernels") ||
        runner_info(s->runner)->device_sha256)
        return 0;
    if (kept_open(&s->kept, s->store, s->model.sha256, runner_info(s->runner),
                  args_str(a, "device"), args_str(a, "activation"), e) < 0)
        return -1;
    return keep_encodings(s, e);
}

static int begin_session(struct session *s, const char *model, const struct selection *chosen,
                         struct err *e)
{
    const char *root = args_str(s->c->args, "sysroot");

    noise_sample(&s->quiet_before, root);
    for (int i = 0; i < s->c->argc; i++)
        strbuf_addf(&s->command_line, "%s%s", i ? " " : "", s->c->argv[i]);
    if (open_model(s->c, model, (int)args_int(s->c->args, "max-length"), &s->runner, e) < 0)
        return -1;
    s->encoder = make_encoder(s->c, runner_tokenizer(s->runner),
                              runner_info(s->runner)->context_length);
    s->use_chat = args_flag(s->c->args, "chat");
    if (s->use_chat && chat_open(&s->chat, model, runner_info(s->runner)->chat_template,
                                 runner_tokenizer(s->runner), e) < 0)
        return -1;
    if (describe_model(&s->model, s->runner, model, e) < 0 ||
        machine_json(&s->machine, root, e) < 0 || energy_open(&s->energy, s->c, e) < 0 ||
        opened_open(&s->tasks, s->c, chosen, s->preset, s->use_chat ? &s->chat.renderer : NULL,
                    e) < 0 || open_judge(s, e) < 0 || write_settings(s, e) < 0 ||
        strbuf_ok(&s->command_line, e) < 0 || open_kept(s, e) < 0)
        return -1;
    return begin_run(s, e);
}

static void session_close(struct session *s)
{
    store_run_close(s->run);
    kept_close(s->kept);
    opened_close(&s->tasks);
    energy_close(s->energy);
    strbuf_release(&s->settings);
    strbuf_release(&s->machine);
    strbuf_release(&s->command_line);
    description_release(&s->model);
    description_release(&s->judge_model);
    chat_close(&s->chat);
    runner_close(s->judge);
    runner_close(s->runner);
}

/* --- running ------------------------------------------------------------------------------ */

struct task_run {
    struct recorder recorder;
    struct progress progress;
};

/* Of a plug-in: whatever becomes of an item there is a row, and the run goes on. */
static int on_failed(void *user, const struct item *item, const struct err *why, struct err *e)
{
    struct task_run *t = user;

    if (record_failed(&t->recorder, item, why->text, e) < 0)
        return -1;
    progress_step(&t->progress);
    return 0;
}

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct task_run *t = user;

    if (record_item(&t->recorder, o, e) < 0)
        return -1;
    if (o->verdict->n)
        progress_value(&t->progress, o->verdict->credits[0].value);
    progress_step(&t->progress);
    return 0;
}

/* Another process that writes to this database waits for a batch of rows, not for the model. */
static int on_rest(void *user, struct err *e)
{
    struct task_run *t = user;

    return record_flush(&t->recorder, e);
}

static int ask(struct session *s, struct opened_task *t, size_t n_done, struct err *e)
{
    struct task_run run = {
        .recorder = {.run = s->run, .task = task_name(t->task),
                     .keep_prompts = args_flag(s->c->args, "keep-prompts")}};
    struct evaluation ev = {
        .runner = s->runner, .encoder = &s->encoder, .task = t->task, .stop = s->c->stop,
        .judge = s->judge, .judge_encoder = &s->judge_encoder,
        .kept = task_timed(t->task) ? NULL : s->kept, .prune = args_flag(s->c->args, "prune"),
        .sampling = {args_num(s->c->args, "temperature"), 1,
                     (uint64_t)args_int(s->c->args, "seed")},
        .on_item = on_item, .user = &run,
        .on_failed = runner_info(s->runner)->device_sha256 ? on_failed : NULL};
    struct err later;
    int rc;

    progress_begin(&run.progress, s->c->progress ? s->c->log : NULL, task_name(t->task), n_done,
                   n_done + (size_t)t->n);
    runner_on_rest(s->runner, on_rest, &run);
    if (s->judge)
        runner_on_rest(s->judge, on_rest, &run);
    rc = evaluate(&ev, t->order, t->n, e);
    runner_on_rest(s->runner, NULL, NULL);
    if (s->judge)
        runner_on_rest(s->judge, NULL, NULL);
    progress_end(&run.progress);
    /* What was answered before an interruption or an error is kept. */
    if (record_flush(&run.recorder, rc < 0 ? &later : e) < 0)
        rc = -1;
    return rc;
}

/* What was not computed now has no energy. */
static int store_energy_of(struct session *s, const char *task, int resumed, struct err *e)
{
    struct task_list l = {0};
    int cached = 0;

    if (query_tasks(s->store, store_run_id(s->run), &l, e) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++)
        cached |= strcmp(l.v[i].task, task) == 0 && task_row_cost(&l.v[i], "cached_tokens") > 0;
    task_list_release(&l);
    return energy_store(s->energy, s->run,
                        resumed  ? "an interrupted session measured a part of it"
                        : cached ? "answers of earlier runs were used (--no-cache computes them)"
                                 : NULL,
                        e);
}

static int run_task(struct session *s, struct opened_task *t, struct err *e)
{
    const struct args *a = s->c->args;
    struct session_cost cost;
    struct counts counts;
    struct left before;
    double earlier_s = 0, start_s, joules;
    size_t n_done = 0;
    int *done = NULL;
    int scored, rc = -1;

    if (store_run_done(s->run, task_name(t->task), &done, &n_done, e) < 0)
        return -1;
    opened_drop(t, done, n_done);
    if (store_run_scored(s->run, task_name(t->task), &scored, e) < 0)
        goto out;
    if (t->n == 0 && scored == (int)n_done) { /* an earlier session finished it, costs and all */
        rc = 0;
        goto out;
    }
    if (n_done && record_latency(s->store, store_run_id(s->run), task_name(t->task), &earlier_s,
                                 e) < 0)
        goto out;
    runner_recount(s->runner);
    meter_reset_peak();
    if (energy_subject(s->energy, task_name(t->task), e) < 0 ||
        left_now(&before, s->runner, e) < 0)
        goto out;
    meter_start(energy_meter(s->energy));
    start_s = meter_clock_s();
    rc = ask(s, t, n_done, e);
    joules = meter_stop(energy_meter(s->energy));
    if (rc < 0)
        goto out;
    rc = -1;
    cost = (struct session_cost){.wall_s = meter_clock_s() - start_s,
                                 .energy_j = n_done ? NAN : joules,
                                 .declared_j = n_done ? NAN : energy_declared_j(s->energy),
                                 .peak_rss_bytes = meter_peak_rss()};
    counts = runner_counts(s->runner);
    cost.least_tokens = n_done ? NAN : (double)counts.least;
    cost.recomputed_tokens =
        n_done ? NAN : (double)(counts.computed + counts.pruned - counts.least);
    cost.pruned_tokens = n_done || !args_flag(a, "prune") ? NAN : (double)counts.pruned;
    if (left_now(&cost.left, s->runner, e) < 0)
        goto out;
    left_between(&cost.left, &before, &cost.left);
    if (n_done)
        cost.left = (struct left){.times = NAN};
    rc = record_finish(s->store, s->run, t->task, &s->model.model,
                       (int)args_int(a, "bootstrap"), &cost, earlier_s, e);
    if (rc == 0)
        rc = store_energy_of(s, task_name(t->task), n_done > 0, e);
out:
    mem_free(done);
    return rc;
}

static int run_tasks(struct session *s, struct err *e)
{
    if (energy_idle(s->energy, s->run, 0, e) < 0)
        return -1;
    for (int i = 0; i < s->tasks.n; i++)
        if (run_task(s, &s->tasks.v[i], e) < 0)
            return -1;
    return energy_finish(s->energy, s->store, s->run, e);
}

/* Stores how the session ended and how noisy the machine was; rc and e are the session's. */
static int end_run(struct session *s, int rc, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    struct noise_sample after;
    struct noise noise;
    struct err late = ERR_NONE;
    enum store_status status = rc == 0                      ? STORE_COMPLETE
                               : e->code == ERR_INTERRUPTED ? STORE_INTERRUPTED
                                                            : STORE_FAILED;

    noise_sample(&after, args_str(s->c->args, "sysroot"));
    noise_between(&noise, &s->quiet_before, &after, 0);
    noise_json(&o, NULL, &noise);
    if (store_run_finish(s->run, status, strbuf_str(&b), rc < 0 ? e->text : NULL, &late) < 0 &&
        rc == 0) {
        *e = late;
        rc = -1;
    }
    strbuf_release(&b);
    if (noise.quiet == QUIET_NO)
        context_note(s->c, "this machine was not quiet: %s", noise.reasons);
    if (s->chat.dropped_system)
        context_note(s->c, "the chat template takes no system message; it was left out");
    if (s->encoder.kept_ids)
        context_note(s->c, "%llu tokens were encoded by earlier runs",
                     (unsigned long long)s->encoder.kept_ids);
    if (s->encoder.split_joins)
        context_note(s->c, "%llu continuations had a token across the join and were encoded apart",
                     (unsigned long long)s->encoder.split_joins);
    return rc;
}

static int interrupted(struct session *s, struct err *e)
{
    struct run_list l = {0};
    int kept = 0, expected = 0;

    if (query_run(s->store, store_run_id(s->run), &l, NULL) == 0) {
        kept = l.v[0].n_items;
        expected = l.v[0].n_expected;
    }
    run_list_release(&l);
    err_set(e, ERR_INTERRUPTED, "run %s interrupted: %d of %d items are kept",
            store_run_id(s->run), kept, expected);
    err_hint(e, "the same command line goes on from there");
    return -1;
}

int eval_model(struct context *c, struct store *store, const char *model,
               const struct preset *preset, const struct selection *chosen,
               char id[RUN_ID_SIZE], struct err *e)
{
    struct session s = {.c = c, .store = store, .preset = preset};
    int rc = begin_session(&s, model, chosen, e);

    if (rc == 0) {
        snprintf(id, RUN_ID_SIZE, "%s", store_run_id(s.run));
        if (store_run_resumed(s.run))
            context_note(c, "run %s goes on where it was left", id);
        rc = end_run(&s, run_tasks(&s, e), e);
        if (rc < 0 && e->code == ERR_INTERRUPTED)
            interrupted(&s, e);
    }
    session_close(&s);
    return rc;
}
