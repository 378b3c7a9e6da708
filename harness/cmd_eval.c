/* cmd_eval.c -- tasks on models: the tables are printed from what each model's run stored. */
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/commands.h"
#include "harness/energy.h"
#include "harness/eval_model.h"
#include "harness/open.h"
#include "harness/pass.h"
#include "harness/present.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "harness/served.h"
#include "harness/stored.h"

const struct option eval_options[] = {
    {"tasks", 0, OPTION_WORDS, "TASK,...", NULL, 0, 0, "tasks and groups to run"},
    {"preset", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "a published convention: its tasks and shots"},
    {"shots", 'k', OPTION_INT, "K", "-1", -1, 1000, "examples before the question; -1: as usual"},
    {"limit", 'n', OPTION_INT, "N", "0", 0, 1e9, "items per task at most; 0: all"},
    {"seed", 0, OPTION_INT, "N", "1234", 0, 9e15, "of few-shot sampling"},
    {"sampling", 0, OPTION_CHOICE, "lmeval|by_doc", "lmeval", 0, 0,
     "few-shot examples: lm-eval's one stream, or a stream for each document"},
    {"temperature", 0, OPTION_NUMBER, "T", "0", 0, 100,
     "sample what tasks generate greedily, by --seed: to ask again (handover --rerun)"},
    {"rotate", 0, OPTION_INT, "N", "0", 0, 25,
     "move the options that a prompt lists by N places (mmlu, cmmlu, scenarios)"},
    {"chat", 0, OPTION_FLAG, NULL, NULL, 0, 0, "ask through the model's chat template"},
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "system message, or text before the prompt"},
    {"judge", 0, OPTION_TEXT, "MODEL", NULL, 0, 0,
     "credits outputs where a task asks a judge; the model itself unless given"},
    {"keep-prompts", 0, OPTION_FLAG, NULL, NULL, 0, 0, "store every prompt and continuation"},
    {"no-cache", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "compute every likelihood, also those that an earlier run of the same model computed"},
    {"prune", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "give up options that cannot win where acc, acc_norm and the like are all that is asked: the "
     "same scores with fewer tokens, and no likelihoods of those options"},
    {"bootstrap", 0, OPTION_INT, "N", "100000", 1, 1e7,
     "replicates for standard errors that need resampling"},
    ENERGY_OPTIONS,
    {"request-timeout", 0, OPTION_NUMBER, "S", "300", 0.1, 86400,
     "of one request, where --device is a server: openai:http://127.0.0.1:8080/v1"},
    ENCODER_OPTIONS,
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

struct measured { /* one operand of the command line */
    const char *model;
    char id[RUN_ID_SIZE];
    struct err why; /* code ERR_OK: id is a complete run */
};

/* A model that could not be measured is a line among the tables of the others. */
static int print_failure(const struct context *c, const struct measured *m, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (c->csv)
        return 0;
    strbuf_addf(&b, "%s: not measured: %s\n", path_base(m->model), m->why.text);
    if (b.len)
        utf8_make_printable(b.s, b.len - 1, 0);
    rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int print_text(const struct context *c, struct store *s, const struct measured *m, int n,
                      struct err *e)
{
    for (int i = 0; i < n; i++) {
        struct run_list l = {0};
        int rc;
        if (m[i].why.code != ERR_OK) {
            rc = print_failure(c, &m[i], e);
        } else {
            rc = query_run(s, m[i].id, &l, e);
            if (rc == 0)
                rc = present_run_text(c, s, &l.v[0], e);
        }
        run_list_release(&l);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int put_measured(struct json_out *o, struct store *s, const struct measured *m,
                        struct err *e)
{
    struct run_list l = {0};
    int rc;

    if (m->why.code != ERR_OK) {
        json_put_null(o, "run");
        json_put_str(o, "error", m->why.text);
        json_begin_object(o, "model");
        json_put_str(o, "name", path_base(m->model));
        json_put_str(o, "path", m->model);
        json_end_object(o);
        return 0;
    }
    rc = query_run(s, m->id, &l, e);
    if (rc == 0)
        rc = present_run_json(o, s, &l.v[0], e);
    run_list_release(&l);
    return rc;
}

/* One model: its members stand in the document itself; several: in runs[]. */
static int print_json(const struct context *c, struct store *s, const struct measured *m, int n,
                      struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "eval");
    int rc = 0;

    if (n > 1)
        json_begin_array(&o, "runs");
    for (int i = 0; i < n && rc == 0; i++) {
        if (n > 1)
            json_begin_object(&o, NULL);
        rc = put_measured(&o, s, &m[i], e);
        if (n > 1)
            json_end_object(&o);
    }
    if (n > 1)
        json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int choose_preset(const struct context *c, const struct preset **preset,
                         struct selection *out, struct err *e)
{
    *preset = preset_find(args_str(c->args, "preset"), e);
    if (!*preset)
        return -1;
    if (args_count(c->args, "tasks") || args_int(c->args, "shots") >= 0)
        return err_set(e, ERR_USAGE, "eval: --preset says itself which tasks, and how many shots");
    for (const struct preset_part *part = (*preset)->parts; part->word; part++)
        if (select_word(out, part->word, e) < 0 ||
            (part->or_word && select_word(out, part->or_word, e) < 0))
            return -1;
    return 0;
}

static int choose(const struct context *c, const struct preset **preset, struct selection *out,
                  struct err *e)
{
    if (args_str(c->args, "preset"))
        return choose_preset(c, preset, out, e);
    if (args_count(c->args, "tasks") == 0) {
        err_set(e, ERR_USAGE, "eval: --tasks is missing");
        err_hint(e, "'densimeter tasks' lists them");
        return -1;
    }
    for (int i = 0; i < args_count(c->args, "tasks"); i++)
        if (select_word(out, args_word(c->args, "tasks", i), e) < 0)
            return -1;
    return 0;
}

/* One broken model does not keep the others from being measured; the first failure becomes the
 * command's.  Ctrl-C ends them all. */
static int eval_models(struct context *c, struct store *store, const struct preset *preset,
                       const struct selection *chosen, struct measured *m, int n,
                       struct err *first)
{
    int (*eval)(struct context *, struct store *, const char *, const struct preset *,
                const struct selection *, char *, struct err *) =
        served_is(args_str(c->args, "device")) ? served_eval : eval_model;

    for (int i = 0; i < n; i++) {
        m[i].model = args_at(c->args, i);
        if (eval(c, store, m[i].model, preset, chosen, m[i].id, &m[i].why) == 0)
            continue;
        if (first->code == ERR_OK || m[i].why.code == ERR_INTERRUPTED)
            *first = m[i].why;
        if (n == 1 || m[i].why.code == ERR_INTERRUPTED)
            return -1;
    }
    return 0;
}

/* The exit status by what tasks demand: FAIL over INCONCLUSIVE over PASS. */
static int judge(struct store *s, const struct measured *m, int n, int *status, struct err *e)
{
    enum pass worst = PASS_NONE;

    for (int i = 0; i < n; i++) {
        struct task_list l = {0};
        if (m[i].why.code != ERR_OK)
            continue;
        if (query_tasks(s, m[i].id, &l, e) < 0)
            return -1;
        for (size_t k = 0; k < l.n; k++) {
            enum pass p = passing_of(&l.v[k]).pass;
            worst = p > worst ? p : worst;
        }
        task_list_release(&l);
    }
    *status = pass_status(worst);
    return 0;
}

int cmd_eval(struct context *c, struct err *e)
{
    struct selection chosen = {0};
    const struct preset *preset = NULL;
    struct err first = ERR_NONE;
    struct store *store = NULL;
    int n = args_n(c->args), rc = -1;
    struct measured *m = mem_calloc((size_t)n, sizeof *m);

    if (!m) {
        err_nomem(e);
        goto out;
    }
    if (choose(c, &preset, &chosen, e) < 0 || open_store(c, STORED_ADD, &store, e) < 0)
        goto out;
    rc = eval_models(c, store, preset, &chosen, m, n, &first);
    if (rc == 0)
        rc = c->json ? print_json(c, store, m, n, e) : print_text(c, store, m, n, e);
    if (rc == 0 && first.code == ERR_OK && n == 2)
        context_next(c, (const char *const[]){"compare", m[0].id, m[1].id, NULL});
    else if (rc == 0 && first.code == ERR_OK)
        context_next(c, n > 2 ? (const char *const[]){"report", NULL}
                              : (const char *const[]){"items", "last", "--wrong", NULL});
    if (rc == 0 && first.code == ERR_OK && judge(store, m, n, &rc, e) < 0)
        rc = -1;
    if (first.code != ERR_OK) {
        *e = first;
        rc = -1;
    }
out:
    store_close(store);
    selection_release(&chosen);
    mem_free(m);
    return rc;
}
