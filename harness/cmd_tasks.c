/* cmd_tasks.c -- which tasks there are, whether they are well formed, and new ones. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/check_files.h"
#include "harness/cmd_tasks_fetch.h"
#include "harness/cmd_tasks_show.h"
#include "harness/commands.h"
#include "harness/encode.h"
#include "harness/open.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "tasks/facts.h"
#include "tasks/scenario.h"
#include "tasks/task.h"

const struct option tasks_options[] = {
    TASKS_SHOW_OPTIONS,
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
        rc = c->json ? context_json_end(c, &k.o, e) : context_print_folded(c, &k.b, e);
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
        rc = tasks_show(c, &o, e);
    else if (verb && strcmp(verb, "check") == 0)
        rc = check(c, &o, e);
    else if (verb && strcmp(verb, "new") == 0)
        rc = new_scenario(c, e);
    else
        rc = c->json ? list_json(c, &o, e) : list_table(c, &o, e);
    mem_free((void *)o.data_dirs);
    return rc;
}
