/* cmd_db.c -- labels, files in and out, and the database itself. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "harness/commands.h"
#include "harness/published.h"
#include "harness/stored.h"
#include "results/exchange.h"
#include "results/encodings.h"
#include "results/likelihoods.h"
#include "results/nights.h"

const struct option label_options[] = {
    {"remove", 0, OPTION_FLAG, NULL, NULL, 0, 0, "take the run's label away"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

const struct option export_options[] = {
    {"format", 0, OPTION_CHOICE, "lm-eval|csv|json|sqlite", "json", 0, 0, "what to write"},
    {"out", 'o', OPTION_TEXT, "PATH", "-", 0, 0,
     "a file, a folder for lm-eval; '-': stdout, for csv and json"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- label -------------------------------------------------------------------------------- */

/* "NAME@2025-03-14" is when the model was released; "team@home" and "x@4bit" are names. */
static int check_date(const char *name, struct err *e)
{
    const char *at = name ? strrchr(name, '@') : NULL;
    struct published_date d;

    if (!at || !strchr(at, '-') || at[1 + strspn(at + 1, "0123456789-")] ||
        published_read_date(&d, at + 1) == 0)
        return 0;
    err_set(e, ERR_USAGE, "label: '%s' ends in no date of the calendar", name);
    err_hint(e, "a day is written NAME@2025-03-14, a month NAME@2025-03");
    return -1;
}

static int label(struct context *c, struct store *s, struct err *e)
{
    const char *name = args_flag(c->args, "remove") ? NULL : args_at(c->args, 1);
    char id[RUN_ID_SIZE], moved_from[RUN_ID_SIZE];
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc = 0;

    if (query_resolve(s, args_at(c->args, 0), id, e) < 0 ||
        store_label(s, id, name, moved_from, e) < 0)
        return -1;
    if (c->json) {
        o = context_json_begin(&b, "label");
        json_put_str(&o, "run", id);
        json_put_str(&o, "label", name);
        json_put_str(&o, "moved_from", moved_from[0] ? moved_from : NULL);
        rc = context_json_end(c, &o, e);
    } else if (moved_from[0]) {
        context_note(c, "label %s moved from run %s to %s", name, moved_from, id);
    }
    strbuf_release(&b);
    return rc;
}

int cmd_label(struct context *c, struct err *e)
{
    struct store *s = NULL;
    int rc;

    if ((args_at(c->args, 1) != NULL) + args_flag(c->args, "remove") != 1)
        return err_set(e, ERR_USAGE, "label: give a NAME, or --remove");
    if (check_date(args_at(c->args, 1), e) < 0)
        return -1;
    rc = open_store(c, STORED_CHANGE, &s, e);
    if (rc == 0)
        rc = label(c, s, e);
    store_close(s);
    return rc;
}

/* --- export, import ----------------------------------------------------------------------- */

/* With --json and a file to write, the document on stdout says what was written. */
static int say_export(const struct context *c, const char *id, const char *format, const char *out,
                      struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "export.file");
    int rc;

    json_put_str(&o, "run", id);
    json_put_str(&o, "format", format);
    json_put_str(&o, "file", out);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

int cmd_export(struct context *c, struct err *e)
{
    const char *format = args_str(c->args, "format"), *out = args_str(c->args, "out");
    int to_stdout = strcmp(out, "-") == 0;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    int rc = -1;

    if (to_stdout && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0) {
        err_set(e, ERR_USAGE, "export: --out is missing, which %s needs", format);
        err_hint(e, "--out names %s", strcmp(format, "sqlite") == 0 ? "a file" : "a folder");
        return -1;
    }
    if (c->json && to_stdout && strcmp(format, "json") != 0)
        return err_set(e, ERR_USAGE, "export: --json and %s both on standard output; give --out",
                       format);
    if (open_store(c, STORED_READ, &s, e) == 0 && query_resolve(s, args_at(c->args, 0), id, e) == 0)
        rc = export_run(s, id, format, out, e);
    if (rc == 0 && c->json && !to_stdout)
        rc = say_export(c, id, format, out, e);
    store_close(s);
    return rc;
}

static void put_import(struct json_out *o, const char *path, const struct import_result *r)
{
    json_begin_object(o, NULL);
    json_put_str(o, "file", path);
    json_put_str(o, "format", r->format);
    json_put_str(o, "run", r->run_id);
    json_put_int(o, "runs", r->runs);
    json_put_int(o, "scores", r->values);
    json_put_int(o, "items", r->items);
    json_put_int(o, "bench_rows", r->bench_rows);
    json_put_bool(o, "duplicate", r->duplicate);
    json_end_object(o);
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void say_import(struct strbuf *b, const char *path, const struct import_result *r)
{
    strbuf_add_printable(b, path, 0);
    if (r->duplicate)
        strbuf_addf(b, ": %s, imported before as run %s\n", r->format, r->run_id);
    else
        strbuf_addf(b, ": %s, %d run%s, %d score%s, %d item%s, %d benchmark row%s, run %s\n",
                    r->format, r->runs, plural(r->runs), r->values, plural(r->values), r->items,
                    plural(r->items), r->bench_rows, plural(r->bench_rows), r->run_id);
}

/* Each file is a transaction of its own: those before a bad one are kept, and are reported. */
int cmd_import(struct context *c, struct err *e)
{
    struct store *s = NULL;
    struct strbuf b = STRBUF_INIT;
    struct json_out o = {0};
    struct import_result r;
    struct err why = ERR_NONE;
    int done = 0, rc;

    if (args_n(c->args) == 1 && !file_exists(args_at(c->args, 0))) /* makes no database */
        return err_set(e, ERR_IO, "%s: No such file or directory", args_at(c->args, 0));
    if (open_store(c, STORED_ADD, &s, e) < 0)
        return -1;
    if (c->json) {
        o = context_json_begin(&b, "import");
        json_begin_array(&o, "files");
    }
    for (; done < args_n(c->args) && why.code == ERR_OK; done++) {
        const char *path = args_at(c->args, done);
        if (import_file(s, path, &r, &why) < 0)
            break;
        if (c->json)
            put_import(&o, path, &r);
        else
            say_import(&b, path, &r);
    }
    if (c->json)
        json_end_array(&o);
    rc = done == 0  ? 0
         : c->json ? context_json_end(c, &o, e)
                   : context_print(c, &b, e);
    if (rc == 0 && why.code != ERR_OK) {
        *e = why;
        rc = -1;
    }
    strbuf_release(&b);
    store_close(s);
    return rc;
}

const struct option db_options[] = {
    {"keep", 0, OPTION_WORDS, "RULE,...", NULL, 0, 0,
     "prune: last=N nights of each plan, weekly or weekly=N, likelihoods=N; labelled and "
     "pinned runs stay anyway"},
    {"dry-run", 0, OPTION_FLAG, NULL, NULL, 0, 0, "prune: only say what would be deleted"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- db ----------------------------------------------------------------------------------- */

struct prune_plan {
    struct prune_rule runs;
    int about_runs;  /* a rule was about them; else they all stay */
    int likelihoods; /* so many rows stay; -1: all */
};

struct upkeep {
    const struct context *c;
    struct prune_plan prune; /* of that verb alone */
    struct json_out o;
    struct strbuf b;
};

static void defect(void *user, const char *text)
{
    struct upkeep *r = user;

    if (r->c->json)
        json_put_str(&r->o, NULL, text);
    else
        strbuf_add_printable(&r->b, text, 0);
    strbuf_adds(&r->b, r->c->json ? "" : "\n");
}

/* Exit status 1 when there is a defect. */
static int check(struct upkeep *r, struct store *s, struct err *e)
{
    int n, rc;

    if (r->c->json)
        json_begin_array(&r->o, "defects");
    n = store_check(s, defect, r, e);
    if (n < 0)
        return -1;
    if (r->c->json) {
        json_end_array(&r->o);
        rc = context_json_end(r->c, &r->o, e);
    } else {
        if (n == 0)
            strbuf_addf(&r->b, "%s: no defects\n", store_path(s));
        rc = context_print(r->c, &r->b, e);
    }
    return rc < 0 ? -1 : n > 0;
}

static int backup(struct upkeep *r, struct store *s, struct err *e)
{
    const char *to = args_at(r->c->args, 1);

    if (!to)
        return err_set(e, ERR_USAGE, "db backup: FILE is missing");
    if (store_backup(s, to, e) < 0)
        return -1;
    if (r->c->json) {
        json_put_str(&r->o, "file", to);
        return context_json_end(r->c, &r->o, e);
    }
    return 0;
}

static int vacuum(struct upkeep *r, struct store *s, struct err *e)
{
    int64_t before, after;

    if (store_vacuum(s, &before, &after, e) < 0)
        return -1;
    if (r->c->json) {
        json_put_int(&r->o, "bytes_before", before);
        json_put_int(&r->o, "bytes_after", after);
        return context_json_end(r->c, &r->o, e);
    }
    strbuf_addf(&r->b, "%lld bytes, were %lld\n", (long long)after, (long long)before);
    return context_print(r->c, &r->b, e);
}

static void schema_row(void *user, const struct store_schema_row *row)
{
    struct upkeep *r = user;

    if (r->c->json) {
        json_begin_object(&r->o, NULL);
        json_put_str(&r->o, "table", row->table);
        json_put_str(&r->o, "column", row->column);
        json_put_str(&r->o, "type", row->type);
        json_put_str(&r->o, "help", row->help);
        json_end_object(&r->o);
    } else if (row->column) {
        strbuf_addf(&r->b, "    %-22s %-8s %s\n", row->column, row->type ? row->type : "",
                    row->help ? row->help : "");
    } else {
        strbuf_addf(&r->b, "%s: %s\n", row->table, row->help ? row->help : "");
    }
}

static int schema(struct upkeep *r, struct store *s, struct err *e)
{
    if (r->c->json) {
        json_put_int(&r->o, "version", store_schema_version());
        json_begin_array(&r->o, "columns");
    }
    if (store_schema(s, schema_row, r, e) < 0)
        return -1;
    if (r->c->json) {
        json_end_array(&r->o);
        return context_json_end(r->c, &r->o, e);
    }
    return context_print_folded(r->c, &r->b, e);
}

/* "last=30": a whole number; -1: none was given, -2: nonsense. */
static int rule_number(const char *text)
{
    char *end = NULL;
    long n;

    if (!*text)
        return -1;
    n = *text == '=' ? strtol(text + 1, &end, 10) : -1;
    return n >= 0 && n <= LIKELIHOODS_MAX && end > text + 1 && !*end ? (int)n : -2;
}

static int prune_rule(const struct context *c, struct prune_plan *out, struct err *e)
{
    int given = args_count(c->args, "keep");

    *out = (struct prune_plan){.likelihoods = -1};
    for (int i = 0; i < given; i++) {
        const char *word = args_word(c->args, "keep", i);
        size_t n = strcspn(word, "=");
        int number = rule_number(word + n);
        if (n == 11 && strncmp(word, "likelihoods", n) == 0 && number >= 0) {
            out->likelihoods = number;
            continue;
        }
        out->about_runs = 1;
        if (n == 4 && strncmp(word, "last", n) == 0 && number > 0)
            out->runs.last = number;
        else if (n == 6 && strncmp(word, "weekly", n) == 0 && (number == -1 || number > 0))
            out->runs.weekly = number;
        else if (strcmp(word, "labelled") != 0 && strcmp(word, "pinned") != 0)
            return err_set(e, ERR_USAGE, "db prune: --keep %s: rules are last=N, weekly, weekly=N, "
                                         "likelihoods=N, labelled and pinned", word);
    }
    if (given)
        return 0;
    err_set(e, ERR_USAGE, "db prune: --keep is missing");
    err_hint(e, "for example --keep last=30,weekly=26 --dry-run");
    return -1;
}

static void pruned_run(void *user, const struct pruned *p)
{
    struct upkeep *r = user;

    if (r->c->json) {
        json_begin_object(&r->o, NULL);
        json_put_str(&r->o, "run", p->run);
        json_put_str(&r->o, "plan", p->plan);
        json_put_int(&r->o, "night", p->night);
        json_put_str(&r->o, "date", p->date);
        json_end_object(&r->o);
    } else {
        strbuf_addf(&r->b, "%s  %s  night %d of ", p->run, p->date, p->night);
        strbuf_add_printable(&r->b, p->plan, 0);
        strbuf_addc(&r->b, '\n');
    }
}

static int prune(struct upkeep *r, struct store *s, struct err *e)
{
    int dry = args_flag(r->c->args, "dry-run"), n = 0;
    const struct prune_plan *plan = &r->prune;
    const char *done = dry ? "would be deleted" : "deleted";
    int64_t rows = 0, encodings = 0;

    if (r->c->json) {
        json_put_bool(&r->o, "dry_run", dry);
        json_begin_array(&r->o, "runs");
    }
    if (plan->about_runs && (n = store_prune(s, &plan->runs, dry, pruned_run, r, e)) < 0)
        return -1;
    if (plan->likelihoods >= 0 &&
        ((rows = likelihood_prune(s, plan->likelihoods, dry, e)) < 0 ||
         (encodings = encoding_prune(s, plan->likelihoods, dry, e)) < 0))
        return -1;
    if (r->c->json) {
        json_end_array(&r->o);
        json_put_int(&r->o, "likelihoods", rows);
        json_put_int(&r->o, "encodings", encodings);
        return context_json_end(r->c, &r->o, e);
    }
    if (plan->about_runs)
        strbuf_addf(&r->b, "%d run%s %s\n", n, n == 1 ? "" : "s", done);
    if (plan->likelihoods >= 0)
        strbuf_addf(&r->b, "%lld likelihoods %s, %lld encodings\n", (long long)rows, done,
                    (long long)encodings);
    return context_print(r->c, &r->b, e);
}

int cmd_db(struct context *c, struct err *e)
{
    static const struct {
        const char *name;
        enum stored_use use;
        int (*run)(struct upkeep *r, struct store *s, struct err *e);
    } verbs[] = {{"check", STORED_READ, check},    {"backup", STORED_READ, backup},
                 {"vacuum", STORED_CHANGE, vacuum}, {"schema", STORED_READ, schema},
                 {"prune", STORED_CHANGE, prune}};
    struct upkeep r = {.c = c};
    struct store *s = NULL;
    size_t v = 0;
    int rc;

    while (strcmp(verbs[v].name, args_at(c->args, 0)) != 0)
        v++; /* args_parse let no other word through */
    if (c->json)
        r.o = context_json_begin(&r.b, "db");
    rc = args_n(c->args) > 1 + (verbs[v].run == backup)
             ? err_set(e, ERR_USAGE, "db %s: '%s' is one too many", verbs[v].name,
                       args_at(c->args, args_n(c->args) - 1))
             : 0;
    if (rc == 0 && verbs[v].run == prune)
        rc = prune_rule(c, &r.prune, e);
    if (rc == 0 && (rc = open_store(c, verbs[v].use, &s, e)) == 0) {
        store_stop_on(s, c->stop);
        rc = verbs[v].run(&r, s, e);
    }
    store_close(s);
    strbuf_release(&r.b);
    return rc;
}
