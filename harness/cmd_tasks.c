/* cmd_tasks.c -- which tasks there are, what exactly one of them asks, and new ones. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/chat.h"
#include "harness/check_files.h"
#include "harness/cmd_tasks_fetch.h"
#include "harness/commands.h"
#include "harness/conventions.h"
#include "harness/encode.h"
#include "harness/open.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "tasks/facts.h"
#include "tasks/scenario.h"
#include "tasks/task.h"

const struct option tasks_options[] = {
    {"doc", 0, OPTION_INT, "N", "0", 0, 1e9, "show: which document"},
    {"shots", 'k', OPTION_INT, "K", "-1", -1, 1000, "show: examples before the question"},
    {"seed", 0, OPTION_INT, "N", "1234", 0, 9e15, "show: of few-shot sampling"},
    {"sampling", 0, OPTION_CHOICE, "lmeval|by_doc", "lmeval", 0, 0, "show: few-shot sampling"},
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "show: system message"},
    {"chat", 0, OPTION_FLAG, NULL, NULL, 0, 0, "show: through the template of --model"},
    {"model", 'm', OPTION_TEXT, "MODEL", NULL, 0, 0, "show: token boundaries by this model"},
    {"convention", 0, OPTION_WORDS, "NAME,...", NULL, 0, 0,
     "show: lm-eval or presets, side by side; with --model their scores"},
    {"kind", 0, OPTION_TEXT, "KIND", "choice", 0, 0, "new: what an answer is"},
    {"kinds", 0, OPTION_FLAG, NULL, NULL, 0, 0, "new: list the kinds of answers"},
    {"schema", 0, OPTION_FLAG, NULL, NULL, 0, 0, "new: print the JSON Schema of task files"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0, "new: where to; NAME.json unless given"},
    TASKS_FETCH_OPTIONS,
    ENCODER_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- list --------------------------------------------------------------------------------- */

/* Items are counted by opening the task; -1 when its data is not here. */
static int count_items(const char *name, struct task_opts *o)
{
    struct task *t = NULL;
    int n = task_open(&t, name, o, NULL) == 0 ? task_count(t) : -1;

    task_close(t);
    return n;
}

static void put_task(struct json_out *o, const struct task_info *t, struct task_opts *opts)
{
    char *data = task_find_data(t, opts, NULL);
    int n = data ? count_items(t->name, opts) : -1;

    json_begin_object(o, NULL);
    json_put_str(o, "task", t->name);
    json_put_str(o, "group", t->group);
    json_put_int(o, "version", t->version);
    json_put_str(o, "kind", t->kind);
    json_put_int(o, "shots", t->default_shots);
    json_put_count(o, "items", n);
    json_put_str(o, "data", data && *data ? data : NULL);
    json_put_bool(o, "built_in", *t->data == 0);
    json_put_bool(o, "available", data != NULL);
    json_put_str(o, "help", t->help);
    json_begin_array(o, "presets");
    for (int i = 0; preset_at(i); i++)
        if (preset_part_of(preset_at(i), t->name))
            json_put_str(o, NULL, preset_at(i)->name);
    json_end_array(o);
    json_end_object(o);
    mem_free(data);
}

static int list_json(const struct context *c, struct task_opts *opts, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "tasks");
    const struct task_info *t;
    int rc;

    json_begin_array(&o, "tasks");
    for (int i = 0; (t = task_info_at(i)) != NULL; i++)
        put_task(&o, t, opts);
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* "open_llm_v1:25": the presets that have the task, and their shots. */
static void put_presets(struct table *table, const char *task)
{
    struct strbuf b = STRBUF_INIT;
    const struct preset *p;

    for (int i = 0; (p = preset_at(i)) != NULL; i++) {
        const struct preset_part *part = preset_part_of(p, task);
        if (part)
            strbuf_addf(&b, "%s%s:%d", b.len ? " " : "", p->name, part->shots);
    }
    table_cell(table, "%s", b.len ? strbuf_str(&b) : "-");
    strbuf_release(&b);
}

static int list_table(const struct context *c, struct task_opts *opts, struct err *e)
{
    static const struct column columns[] = {
        {"task", 0, 0}, {"group", 0, 3}, {"version", 1, 4}, {"shots", 1, 2}, {"items", 1, 0},
        {"kind", 0, 1}, {"data", 0, 6}, {"presets", 0, 5},
    };
    const struct task_info *t;
    struct table table;
    int rc;

    table_init(&table, columns, 8, c->csv);
    for (int i = 0; (t = task_info_at(i)) != NULL; i++) {
        char *data = task_find_data(t, opts, NULL);
        table_cell(&table, "%s", t->name);
        table_cell(&table, "%s", t->group ? t->group : "-");
        table_int(&table, t->version);
        table_int(&table, t->default_shots);
        table_int(&table, data ? count_items(t->name, opts) : -1);
        table_cell(&table, "%s", t->kind);
        table_cell(&table, "%s", !data ? "not here" : *data ? data : "built in");
        put_presets(&table, t->name);
        mem_free(data);
    }
    rc = context_table(c, &table, e);
    table_release(&table);
    return rc;
}

/* --- show --------------------------------------------------------------------------------- */

struct shown {
    const struct context *c;
    struct vocabulary v; /* of --model; empty without */
    struct runner *runner; /* of it, where conventions are compared; else NULL */
    struct conventions conventions;
    struct chat chat;
    struct encoder encoder;
    struct json_out o;
    struct strbuf b;
};

static void json_ids(struct json_out *o, const char *key, const int32_t *v, int n)
{
    json_begin_array(o, key);
    for (int i = 0; i < n; i++)
        json_put_int(o, NULL, v[i]);
    json_end_array(o);
}

/* Where the tokens of a query fall: context ids, then the predicted ones. */
static int put_tokens(struct shown *s, const struct query *q, struct err *e)
{
    struct ids pool = {0};
    struct span span;
    size_t at;
    int rc;

    if (!s->v.tokenizer || q->kind == QUERY_ROLLING || q->kind == QUERY_WINDOWS)
        return 0;
    rc = q->kind == QUERY_GENERATE
             ? encode_prompt(&s->encoder, q->context, q->max_tokens, &pool, &span, e)
             : encode_pair(&s->encoder, q->context, q->continuation, &pool, &span, e);
    if (rc == 0 && s->c->json) {
        json_ids(&s->o, "context_ids", pool.v, span.n_given);
        json_ids(&s->o, "continuation_ids", pool.v + span.n_given, span.n_ids - span.n_given);
    } else if (rc == 0) {
        strbuf_addf(&s->b, "    tokens: %d given, then", span.n_given);
        for (int i = span.n_given; i < span.n_ids; i++) {
            strbuf_addf(&s->b, " %d \"", (int)pool.v[i]);
            at = s->b.len;
            rc |= tokenizer_decode(s->v.tokenizer, &pool.v[i], 1, 1, &s->b, e);
            if (s->b.len > at)
                utf8_make_printable(s->b.s + at, s->b.len - at, 0);
            strbuf_addc(&s->b, '"');
        }
        strbuf_addc(&s->b, '\n');
    }
    ids_release(&pool);
    return rc;
}

static const char *kind_name(enum query_kind kind)
{
    static const char *const names[] = {
        [QUERY_LOGLIKELIHOOD] = "loglikelihood", [QUERY_ROLLING] = "rolling",
        [QUERY_GENERATE] = "generate", [QUERY_WINDOWS] = "windows"};

    return names[kind];
}

static int json_query(struct shown *s, const struct query *q, struct err *e)
{
    json_begin_object(&s->o, NULL);
    json_put_str(&s->o, "kind", kind_name(q->kind));
    json_put_str(&s->o, "context", q->context);
    json_put_str(&s->o, "continuation", q->continuation);
    json_begin_array(&s->o, "until");
    for (int i = 0; i < q->n_until; i++)
        json_put_str(&s->o, NULL, q->until[i]);
    json_end_array(&s->o);
    if (put_tokens(s, q, e) < 0)
        return -1;
    json_end_object(&s->o);
    return 0;
}

static int show_json(struct shown *s, const struct task *t, const struct item *it, struct err *e)
{
    s->o = context_json_begin(&s->b, "tasks.show");
    json_put_str(&s->o, "task", task_name(t));
    json_put_int(&s->o, "version", task_version(t));
    json_put_int(&s->o, "shots", task_shots(t));
    json_put_int(&s->o, "doc_id", it->doc_id);
    json_put_str(&s->o, "doc_hash", it->doc_hash);
    json_put_str(&s->o, "prompt_hash", it->prompt_hash);
    json_put_str(&s->o, "gold", it->gold);
    json_begin_array(&s->o, "queries");
    for (int i = 0; i < it->n_queries; i++)
        if (json_query(s, &it->queries[i], e) < 0)
            return -1;
    json_end_array(&s->o);
    if (conventions_json(&s->o, &s->conventions, e) < 0)
        return -1;
    return context_json_end(s->c, &s->o, e);
}

static void show_part(struct strbuf *b, const char *heading, const char *text)
{
    strbuf_addf(b, "%s\n", heading);
    strbuf_add_printable(b, text, 1);
    strbuf_addc(b, '\n');
}

/* A context that several queries share is printed once. */
static int show_text(struct shown *s, const struct task *t, const struct item *it, struct err *e)
{
    const char *last = NULL;
    char heading[40];

    strbuf_addf(&s->b, "%s, version %d, %d shots, document %d\n", task_name(t), task_version(t),
                task_shots(t), it->doc_id);
    if (task_examples_instead(t)) {
        strbuf_adds(&s->b, "examples from ");
        strbuf_add_printable(&s->b, task_examples_instead(t), 0);
        strbuf_addc(&s->b, '\n');
    }
    strbuf_adds(&s->b, "gold: ");
    strbuf_add_printable(&s->b, it->gold ? it->gold : "-", 1);
    strbuf_addc(&s->b, '\n');
    for (int i = 0; i < it->n_queries; i++) {
        const struct query *q = &it->queries[i];
        if (q->context && (!last || strcmp(last, q->context) != 0))
            show_part(&s->b, "--- context", q->context);
        last = q->context;
        if (q->continuation) {
            snprintf(heading, sizeof heading, "--- continuation %d", i);
            show_part(&s->b, heading, q->continuation);
        }
        for (int k = 0; k < q->n_until; k++)
            strbuf_addf(&s->b, "--- stop %s\n", q->until[k]);
        if (put_tokens(s, q, e) < 0)
            return -1;
    }
    if (conventions_lines(&s->b, &s->conventions, e) < 0)
        return -1;
    return context_print(s->c, &s->b, e);
}

static int show_beside(struct shown *s, const char *name, int doc, struct err *e)
{
    enum { WIDTH = 80 };

    strbuf_addf(&s->b, "%s, document %d\n", name, doc);
    return conventions_beside(&s->b, &s->conventions, WIDTH, e) < 0
               ? -1
               : context_print(s->c, &s->b, e);
}

static int open_conventions(struct shown *s, const char *name, int doc, const struct task_opts *o,
                            struct err *e)
{
    const char *only[CONVENTIONS_MAX];
    int n = args_count(s->c->args, "convention");

    if (n > CONVENTIONS_MAX)
        return err_set(e, ERR_USAGE, "option --convention: at most %d", CONVENTIONS_MAX);
    for (int i = 0; i < n; i++)
        only[i] = args_word(s->c->args, "convention", i);
    if (conventions_open(&s->conventions, name, doc, o, only, n, e) < 0)
        return -1;
    if (s->runner)
        conventions_score(&s->conventions, s->runner, &s->encoder);
    return 0;
}

static int show_item(struct shown *s, struct task_opts *o, const char *name, struct err *e)
{
    int doc = (int)args_int(s->c->args, "doc"), rc = -1;
    struct task *t = NULL;
    struct item it = {0};

    if (task_open(&t, name, o, e) < 0)
        return -1;
    if (doc >= task_count(t))
        err_set(e, ERR_USAGE, "option --doc: %s has documents 0..%d", name, task_count(t) - 1);
    else if (open_conventions(s, name, doc, o, e) < 0)
        rc = -1;
    else if (!s->c->json && args_count(s->c->args, "convention"))
        rc = show_beside(s, task_name(t), doc, e);
    else if (task_item(t, doc, &it, e) == 0) {
        rc = s->c->json ? show_json(s, t, &it, e) : show_text(s, t, &it, e);
        item_release(&it);
    }
    task_close(t);
    return rc;
}

/* The model itself, on the processor: one document is soon asked. */
static int open_scorer(struct shown *s, const char *model, struct err *e)
{
    const struct runner_opts o = {.context = (int)args_int(s->c->args, "max-length")};
    char *path = model_path(model, e);
    int rc = path ? runner_open(&s->runner, path, &o, e) : -1;

    mem_free(path);
    if (rc == 0)
        s->encoder = make_encoder(s->c, runner_tokenizer(s->runner),
                                  runner_info(s->runner)->context_length);
    return rc;
}

static int prepare_model(struct shown *s, struct task_opts *o, struct err *e)
{
    const char *model = args_str(s->c->args, "model");
    struct gguf_str text;
    char *template;
    int rc = 0;

    if (!model)
        return args_flag(s->c->args, "chat")
                   ? err_set(e, ERR_USAGE, "tasks show: --chat needs --model")
                   : 0;
    if (open_vocabulary(model, &s->v, e) < 0)
        return -1;
    s->encoder = make_encoder(s->c, s->v.tokenizer, 0);
    if (args_count(s->c->args, "convention") && open_scorer(s, model, e) < 0)
        return -1;
    if (!args_flag(s->c->args, "chat"))
        return 0;
    text = chat_template_of(s->v.gguf);
    template = mem_strndup(text.s, text.n);
    rc = template ? chat_open(&s->chat, model, template, s->v.tokenizer, e) : err_nomem(e);
    mem_free(template);
    o->chat = &s->chat.renderer;
    return rc;
}

static int show(struct context *c, struct task_opts *o, struct err *e)
{
    const char *name = args_at(c->args, 1);
    struct shown s = {.c = c};
    struct selection chosen = {0};
    int rc = -1;

    if (!name)
        return err_set(e, ERR_USAGE, "tasks show: TASK is missing");
    o->shots = (int)args_int(c->args, "shots");
    o->system = args_str(c->args, "system");
    o->by_doc = args_choice(c->args, "sampling");
    if (select_word(&chosen, name, e) == 0 && prepare_model(&s, o, e) == 0)
        rc = show_item(&s, o, chosen.v[0]->name, e);
    selection_release(&chosen);
    conventions_close(&s.conventions);
    chat_close(&s.chat);
    runner_close(s.runner);
    vocabulary_close(&s.v);
    strbuf_release(&s.b);
    return rc;
}

/* --- check -------------------------------------------------------------------------------- */

struct checked {
    struct context *c;
    struct json_out o; /* defects, --json */
    struct strbuf b;
    int n_defects;
};

static void defect(void *user, const char *line)
{
    struct checked *k = user;

    k->n_defects++;
    if (k->c->json) {
        json_put_str(&k->o, NULL, line);
        return;
    }
    strbuf_add_printable(&k->b, line, 0);
    strbuf_addc(&k->b, '\n');
}

struct checked_bank {
    struct checked *k;
    const char *path;
};

/* The linter calls its bank "facts", whatever file the bytes came from. */
static void bank_defect(void *user, const char *line)
{
    struct checked_bank *bank = user;
    struct strbuf b = STRBUF_INIT;
    int named = strncmp(line, "facts:", strlen("facts:")) == 0;

    strbuf_addf(&b, "%s%s", named ? bank->path : "", named ? line + strlen("facts") : line);
    defect(bank->k, b.failed ? line : strbuf_str(&b));
    strbuf_release(&b);
}

/* A bank of facts (JSON lines). */
static int check_bank(struct checked *k, const char *path, struct err *e)
{
    enum { BANK_MAX = 256 << 20 };
    struct strbuf b = STRBUF_INIT;
    const char *bytes = NULL;
    struct checked_bank bank = {k, path};
    size_t len = 0;
    int rc = 0;

    if (strcmp(path, "facts") == 0) {
        bytes = facts_bank_bytes(&len);
    } else if ((rc = file_read(&b, path, BANK_MAX, e)) == 0) {
        bytes = strbuf_str(&b);
        len = b.len;
    }
    if (rc == 0 && facts_lint(bytes, len, bank_defect, &bank, e) < 0)
        rc = -1;
    if (rc == 0 && k->n_defects == 0)
        context_note(k->c, "%s: nothing is wrong", path);
    strbuf_release(&b);
    return rc;
}

static void remark(void *user, const char *line)
{
    const struct checked *k = user;

    context_note(k->c, "%s", line);
}

/* A scenario: a file, or one that is built in (bytes). */
static int check_scenario(struct checked *k, const char *path, const char *bytes, size_t n,
                          struct err *e)
{
    const struct scenario_lint to = {defect, remark, k};
    enum { FILE_MAX = 64 << 20 };
    struct strbuf b = STRBUF_INIT;
    int rc = bytes ? 0 : file_read(&b, path, FILE_MAX, e), before = k->n_defects;

    if (rc == 0 && scenario_lint(path, bytes ? bytes : strbuf_str(&b), bytes ? n : b.len, &to,
                                 e) < 0)
        rc = -1;
    if (rc == 0 && k->n_defects == before)
        context_note(k->c, "%s: nothing is wrong", path);
    strbuf_release(&b);
    return rc;
}

/* Opens the task and builds every item of it. */
static int check_task(struct context *c, struct task_opts *o, const char *name, struct err *e)
{
    struct task *t = NULL;
    int rc = task_open(&t, name, o, e), n = rc == 0 ? task_count(t) : 0;

    for (int i = 0; i < n && rc == 0; i++) {
        struct item it;
        rc = task_item(t, i, &it, e);
        if (rc == 0)
            item_release(&it);
    }
    if (rc == 0)
        context_note(c, "%s: %d items, nothing is wrong", name, n);
    task_close(t);
    return rc;
}

static int check_tasks(struct checked *k, struct task_opts *o, const char *name, struct err *e)
{
    struct selection chosen = {0};
    int rc = select_word(&chosen, name, e);

    for (size_t i = 0; i < chosen.n && rc == 0; i++) {
        const char *task = chosen.v[i]->name;
        size_t n = 0;
        const char *own = scenario_own_bytes(task, &n);
        rc = own || task_is_file(task) ? check_scenario(k, task, own, n, e)
                                       : check_task(k->c, o, task, e);
    }
    selection_release(&chosen);
    return rc;
}

/* Exit status 1 when a bank or a task file has defects; a task that cannot be built is an error. */
static int check(struct context *c, struct task_opts *o, struct err *e)
{
    const char *name = args_at(c->args, 1);
    struct checked k = {.c = c};
    int rc;

    if (!name)
        return err_set(e, ERR_USAGE, "tasks check: FILE or TASK is missing");
    if (is_task_files(name))
        return check_task_files(c, o, name, e);
    if (c->json) {
        k.o = context_json_begin(&k.b, "tasks.check");
        json_put_str(&k.o, "task", name);
        json_begin_array(&k.o, "defects");
    }
    rc = strcmp(name, "facts") == 0 || (file_exists(name) && !task_is_file(name))
             ? check_bank(&k, name, e)
             : check_tasks(&k, o, name, e);
    if (c->json)
        json_end_array(&k.o);
    if (rc == 0)
        rc = c->json ? context_json_end(c, &k.o, e) : context_print(c, &k.b, e);
    strbuf_release(&k.b);
    return rc < 0 ? -1 : k.n_defects > 0;
}

/* --- new ---------------------------------------------------------------------------------- */

static int list_kinds(const struct context *c, struct err *e)
{
    static const struct column columns[] = {{"kind", 0, 0}, {"what an answer is", 0, 0}};
    struct table table;
    int rc;

    table_init(&table, columns, 2, c->csv);
    for (int i = 0; scenario_kind_name(i); i++) {
        table_cell(&table, "%s", scenario_kind_name(i));
        table_cell(&table, "%s", scenario_kind_help(i));
    }
    rc = context_table(c, &table, e);
    table_release(&table);
    return rc;
}

/* A file that is there is not written over. */
static int write_scaffold(const struct context *c, const char *name, struct err *e)
{
    const char *out = args_str(c->args, "out");
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&path, "%s%s", out ? out : name, out ? "" : ".json");
    if (strbuf_ok(&path, e) < 0 ||
        scenario_scaffold(&text, name, args_str(c->args, "kind"), e) < 0)
        goto out;
    if (strcmp(strbuf_str(&path), "-") == 0) {
        rc = context_print(c, &text, e);
    } else if (file_exists(strbuf_str(&path))) {
        err_set(e, ERR_USAGE, "%s is there already", strbuf_str(&path));
    } else {
        rc = file_write(strbuf_str(&path), text.s, text.len, e);
        if (rc == 0)
            context_note(c, "%s is written; 'densimeter tasks check %s' looks for mistakes",
                         strbuf_str(&path), strbuf_str(&path));
    }
out:
    strbuf_release(&path);
    strbuf_release(&text);
    return rc;
}

static int new_scenario(const struct context *c, struct err *e)
{
    const char *name = args_at(c->args, 1);
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (args_flag(c->args, "kinds"))
        return list_kinds(c, e);
    if (args_flag(c->args, "schema")) {
        rc = scenario_schema(&b, e) < 0 ? -1 : context_print(c, &b, e);
        strbuf_release(&b);
        return rc;
    }
    if (!name)
        return err_set(e, ERR_USAGE, "tasks new: NAME is missing");
    return write_scaffold(c, name, e);
}

int cmd_tasks(struct context *c, struct err *e)
{
    const char *verb = args_at(c->args, 0);
    struct task_opts o = {.shots = -1, .seed = (uint64_t)args_int(c->args, "seed")};
    int rc;

    if (verb && strcmp(verb, "fetch") == 0)
        return tasks_fetch(c, e);
    if (args_n(c->args) > 2)
        return err_set(e, ERR_USAGE, "tasks %s: one at a time; '%s' is one too many", verb,
                       args_at(c->args, 2));
    if (context_data_dirs(c, &o.data_dirs, &o.n_data_dirs, e) < 0)
        return -1;
    if (verb && strcmp(verb, "show") == 0)
        rc = show(c, &o, e);
    else if (verb && strcmp(verb, "check") == 0)
        rc = check(c, &o, e);
    else if (verb && strcmp(verb, "new") == 0)
        rc = new_scenario(c, e);
    else
        rc = c->json ? list_json(c, &o, e) : list_table(c, &o, e);
    mem_free((void *)o.data_dirs);
    return rc;
}
