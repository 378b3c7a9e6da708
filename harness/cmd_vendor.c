/* cmd_vendor.c -- devices against each other: measure one, lay several side by side. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "harness/commands.h"
#include "harness/device_names.h"
#include "harness/energy.h"
#include "harness/model_hash.h"
#include "harness/models.h"
#include "harness/vendor_run.h"
#include "harness/vendor_write.h"

const struct option vendor_options[] = {
    {"profile", 0, OPTION_CHOICE, VENDOR_PROFILES, "closed", 0, 0,
     "what is measured (run): closed and quick have nothing to tune, open records what is changed"},
    {"base", 0, OPTION_CHOICE, VENDOR_BASES, "closed", 0, 0, "what an open profile changes"},
    {"set", 0, OPTION_TEXTS, "[STEP:]OPTION=VALUE", NULL, 0, 0,
     "a change of an open profile, of one step or of all; may be repeated"},
    {"steps", 0, OPTION_WORDS, "STEP,...", NULL, 0, 0, "only these steps of an open profile"},
    {"device", 0, OPTION_TEXT, "NAME", "cpu", 0, 0,
     "what computes: a name of 'devices', or a plug-in's path"},
    DEVICE_OPTIONS,
    ENERGY_OPTIONS,
    {"again", 0, OPTION_FLAG, NULL, NULL, 0, 0, "measure once more what is measured already"},
    {"key", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "private key to sign the bundle with (run)"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0, "the bundle to write (run), the page (compare)"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- run -------------------------------------------------------------------------------------- */

struct words {
    const char **v;
    int n;
    struct arena arena;
};

static void add_word(struct words *w, const char *option, const char *value)
{
    w->v[w->n++] = option;
    if (value)
        w->v[w->n++] = arena_strdup(&w->arena, value);
}

/* What goes with every step and tunes nothing, as typed. */
static int more_words(const struct context *c, struct words *w, struct err *e)
{
    static const struct {
        const char *option, *word;
        int is_number;
    } rows[] = {{"sysroot", "--sysroot", 0},     {"idle", "--idle", 1},
                {"meter-csv", "--meter-csv", 0}, {"meter-offset", "--meter-offset", 1},
                {"declared-watts", "--declared-watts", 1},
                {"device-timeout", "--device-timeout", 1}};
    int n_data = args_count(c->args, "data");
    char number[64];

    w->v = mem_calloc(2 * (sizeof rows / sizeof *rows + 1 + (size_t)n_data), sizeof *w->v);
    if (!w->v)
        return err_nomem(e);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!args_given(c->args, rows[i].option))
            continue;
        if (rows[i].is_number)
            json_format_num(number, sizeof number, args_num(c->args, rows[i].option));
        add_word(w, rows[i].word, rows[i].is_number ? number : args_str(c->args, rows[i].option));
    }
    if (args_flag(c->args, "isolate-device"))
        add_word(w, "--isolate-device", NULL);
    for (int i = 0; i < n_data; i++)
        add_word(w, "--data", args_word(c->args, "data", i));
    for (int i = 0; i < w->n; i++)
        if (!w->v[i])
            return err_nomem(e);
    return 0;
}

static int words_of(const struct context *c, const char *option, const char ***out, int *n,
                    struct err *e)
{
    *n = args_count(c->args, option);
    *out = mem_calloc((size_t)*n + 1, sizeof **out);
    if (!*out)
        return err_nomem(e);
    for (int i = 0; i < *n; i++)
        (*out)[i] = args_word(c->args, option, i);
    return 0;
}

static int make_profile(const struct context *c, struct vendor_profile *p, struct err *e)
{
    const char *model = args_at(c->args, 1), *name = args_str(c->args, "profile");
    int is_open = strcmp(name, "open") == 0, n_set = 0, n_only = 0, rc = -1;
    const char **set = NULL, **only = NULL;
    char sha256[SHA256_HEX], *path = model_path(model, e);
    struct words more = {0};

    *p = (struct vendor_profile){0};
    if (path && !is_open && args_given(c->args, "base"))
        err_set(e, ERR_USAGE, "option --base goes with --profile open");
    else if (path && model_hash_known(sha256, path, e) == 0 && more_words(c, &more, e) == 0 &&
             words_of(c, "set", &set, &n_set, e) == 0 &&
             words_of(c, "steps", &only, &n_only, e) == 0) {
        const struct vendor_wish w = {
            .name = name, .base = is_open ? args_str(c->args, "base") : name, .model = model,
            .model_sha256 = sha256, .device = args_str(c->args, "device"),
            .cores = cpus_allowed(), .changes = set, .n_changes = n_set, .only = only,
            .n_only = n_only, .more = more.v, .n_more = more.n};
        rc = vendor_profile_make(p, &w, e);
    }
    arena_release(&more.arena);
    mem_free(more.v);
    mem_free(set);
    mem_free(only);
    mem_free(path);
    return rc;
}

static int n_failed(const struct vendor_profile *p)
{
    int n = 0;

    for (int i = 0; i < p->n_steps; i++)
        n += !p->steps[i].run;
    return n;
}

static int print_run_json(const struct context *c, const struct vendor_profile *p,
                          const char *path, const char *signer, struct err *e)
{
    struct strbuf b = STRBUF_INIT, profile = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "vendor");
    int rc;

    vendor_profile_write(p, &profile);
    json_put_str(&o, "bundle", path);
    json_put_int(&o, "failed", n_failed(p));
    json_put_str(&o, "signer", *signer ? signer : NULL);
    json_put_raw(&o, "profile", strbuf_str(&profile));
    rc = strbuf_ok(&profile, e) < 0 ? -1 : context_json_end(c, &o, e);
    strbuf_release(&profile);
    strbuf_release(&b);
    return rc;
}

static int print_run(const struct context *c, const struct vendor_profile *p, const char *path,
                     const char *signer, struct err *e)
{
    static const struct column columns[] = {
        {"step", 0, 0}, {"command", 0, 1}, {"run", 0, 0}, {"outcome", 0, 0}, {"reason", 0, 0}};
    struct strbuf line = STRBUF_INIT, what = STRBUF_INIT;
    struct table t;
    int rc;

    if (c->json)
        return print_run_json(c, p, path, signer, e);
    table_init(&t, columns, 5, c->csv);
    for (int i = 0; i < p->n_steps; i++) {
        const struct vendor_step *s = &p->steps[i];
        table_cell(&t, "%s", s->name);
        table_cell(&t, "%s", s->command);
        table_cell(&t, "%s", s->run ? s->run : "-");
        table_cell(&t, "%s", s->outcome ? s->outcome : "-");
        table_cell(&t, "%s", s->reason ? s->reason : "");
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    vendor_profile_text(p, &what);
    strbuf_addf(&line, "%s: %s, %s on %s, %d of %d steps, %s%s\n", path, strbuf_str(&what),
                path_base(p->model), p->device, p->n_steps - n_failed(p), p->n_steps,
                *signer ? "signed by " : "not signed", signer);
    if (rc == 0 && !c->csv)
        rc = context_print_folded(c, &line, e);
    if (rc == 0)
        context_next(c, (const char *const[]){"vendor", "compare", path, "OTHER.tar", "-o",
                                               "devices.html", NULL});
    strbuf_release(&what);
    strbuf_release(&line);
    return rc;
}

/* 0, or 1 when a step failed: the bundle says so, too. */
static int run(const struct context *c, struct err *e)
{
    const char *path = args_str(c->args, "out");
    char signer[VENDOR_SIGNER] = "";
    struct vendor_profile p = {0};
    struct store *s = NULL;
    int rc = -1;

    if (args_n(c->args) != 2)
        return err_set(e, ERR_USAGE, "vendor run: wanted one MODEL");
    if (!path)
        return err_set(e, ERR_USAGE, "vendor run: --out is missing");
    if (make_profile(c, &p, e) == 0 &&
        vendor_measure(c, &p, args_flag(c->args, "again"), &s, e) == 0 &&
        vendor_pack(&p, s, path, args_str(c->args, "key"), signer, e) == 0)
        rc = print_run(c, &p, path, signer, e);
    if (rc == 0)
        rc = n_failed(&p) > 0;
    vendor_profile_release(&p);
    store_close(s);
    return rc;
}

/* --- compare ---------------------------------------------------------------------------------- */

/* path NULL: for the terminal. */
static int write_page(const struct context *c, const struct vendor *v, const char *path,
                      struct err *e)
{
    struct report page;
    int rc;

    report_init(&page, "Devices compared");
    vendor_report(&page, v, path != NULL);
    rc = context_report(c, &page, path, e);
    report_release(&page);
    return rc;
}

static int print_comparison(const struct context *c, const struct vendor *v, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (!c->json)
        return write_page(c, v, NULL, e);
    o = context_json_begin(&b, "vendor");
    vendor_json(&o, v);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int compare(const struct context *c, struct err *e)
{
    const char *paths[VENDOR_SIDES_MAX], *out = args_str(c->args, "out");
    int n = args_n(c->args) - 1, rc;
    struct vendor v;

    if (n < 1 || n > VENDOR_SIDES_MAX)
        return err_set(e, ERR_USAGE, "vendor compare takes 1 to %d bundles", VENDOR_SIDES_MAX);
    for (int i = 0; i < n; i++)
        paths[i] = args_at(c->args, i + 1);
    if (vendor_make(&v, paths, n, 0.95, e) < 0)
        return -1;
    rc = print_comparison(c, &v, e);
    if (rc == 0 && out)
        rc = write_page(c, &v, out, e);
    vendor_release(&v);
    return rc;
}

int cmd_vendor(struct context *c, struct err *e)
{
    static const struct {
        const char *word;
        int (*run)(const struct context *c, struct err *e);
    } verbs[] = {{"run", run}, {"compare", compare}};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].word, args_at(c->args, 0)) == 0)
            return verbs[i].run(c, e);
    return err_set(e, ERR_USAGE, "vendor %s: run or compare", args_at(c->args, 0));
}
