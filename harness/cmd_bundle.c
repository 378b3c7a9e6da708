/* cmd_bundle.c -- results that travel: make, sign, verify. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/bundle.h"
#include "harness/commands.h"
#include "harness/models.h"
#include "harness/stored.h"

const struct option bundle_options[] = {
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0, "the bundle to write (make, sign)"},
    {"key", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "private key to sign with (make, sign)"},
    {"audit", 0, OPTION_TEXTS, "FILE", NULL, 0, 0,
     "what 'device audit --out FILE' found of the runs' device (make)"},
    {"signer", 0, OPTION_TEXT, "HEX", NULL, 0, 0, "public key that must have signed (verify)"},
    {"model", 'm', OPTION_TEXT, "MODEL", NULL, 0, 0,
     "also ask random items of this model's runs again (verify)"},
    {"items", 'n', OPTION_INT, "N", "20", 1, 1e6, "how many of each run"},
    {"seed", 0, OPTION_INT, "N", "1", 0, 9e15, "which of them"},
    {"threads", 't', OPTION_INT, "N", "0", 0, 1024, "worker threads; 0: one per usable core"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int print_line(const struct context *c, struct strbuf *b, struct err *e)
{
    int rc;

    utf8_make_printable(b->s, b->len, 1); /* a bundle's name is its sender's */
    rc = context_print_folded(c, b, e);
    strbuf_release(b);
    return rc;
}

/* The document of --json or the line for people; both are the caller's to fill. */
static int print_signed(const struct context *c, const char *path, const struct bundle *b,
                        int n_runs, struct err *e)
{
    struct strbuf out = STRBUF_INIT;
    struct json_out o;
    char public[BUNDLE_KEY_HEX];
    int has = bundle_signer(b, public, e);

    if (has < 0)
        return -1;
    if (c->json) {
        o = context_json_begin(&out, "bundle.make");
        json_put_str(&o, "bundle", path);
        json_put_int(&o, "runs", n_runs);
        json_put_int(&o, "files", (int64_t)b->n);
        json_put_int(&o, "bytes", (int64_t)b->total);
        json_put_str(&o, "signer", has ? public : NULL);
        has = context_json_end(c, &o, e);
        strbuf_release(&out);
        return has;
    }
    strbuf_addf(&out, "%s: %d run%s, %zu files, %s%s\n", path, n_runs, n_runs == 1 ? "" : "s", b->n,
                has ? "signed by " : "not signed", has ? public : "");
    has = print_line(c, &out, e);
    if (has == 0)
        context_next(c, (const char *const[]){"bundle", "verify", path, NULL});
    return has;
}

static int wants(const struct context *c, const char *option, struct err *e)
{
    if (args_str(c->args, option))
        return 0;
    return err_set(e, ERR_USAGE, "bundle %s: --%s is missing", args_at(c->args, 0), option);
}

static int make(const struct context *c, struct err *e)
{
    const char *path = args_str(c->args, "out"), *key = args_str(c->args, "key");
    struct bundle b = {0};
    struct store *s = NULL;
    int n = args_n(c->args) - 1, rc = -1;

    if (wants(c, "out", e) < 0)
        return -1;
    if (n < 1)
        return err_set(e, ERR_USAGE, "bundle make: which runs?");
    if (open_store(c, STORED_READ, &s, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        struct run_list l = {0};
        int added = query_run(s, args_at(c->args, i + 1), &l, e) < 0
                        ? -1 : bundle_add_run(&b, s, l.v, e);
        run_list_release(&l);
        if (added < 0)
            goto out;
    }
    for (int i = 0; i < args_count(c->args, "audit"); i++)
        if (bundle_add_audit(&b, args_word(c->args, "audit", i), e) < 0)
            goto out;
    if (bundle_seal(&b, e) == 0 && (!key || bundle_sign(&b, key, e) == 0) &&
        bundle_write(&b, path, e) == 0)
        rc = print_signed(c, path, &b, n, e);
out:
    bundle_release(&b);
    store_close(s);
    return rc;
}

static int one_file(const struct context *c, struct err *e)
{
    if (args_n(c->args) == 2)
        return 0;
    return err_set(e, ERR_USAGE, "bundle %s takes one FILE", args_at(c->args, 0));
}

static int new_key(const struct context *c, struct err *e)
{
    struct strbuf out = STRBUF_INIT;
    struct json_out o;
    char public[BUNDLE_KEY_HEX];
    int rc;

    if (one_file(c, e) < 0 || bundle_new_key(args_at(c->args, 1), public, e) < 0)
        return -1;
    if (c->json) {
        o = context_json_begin(&out, "bundle.key");
        json_put_str(&o, "key", args_at(c->args, 1));
        json_put_str(&o, "signer", public);
        rc = context_json_end(c, &o, e);
        strbuf_release(&out);
        return rc;
    }
    strbuf_addf(&out, "%s\n", public);
    return print_line(c, &out, e);
}

static int count_runs(const struct bundle *b)
{
    int n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += strstr(b->files[i].name, "/run.sqlite") != NULL;
    return n;
}

static int sign(const struct context *c, struct err *e)
{
    const char *out = args_str(c->args, "out");
    struct bundle b = {0};
    int rc = -1;

    if (one_file(c, e) < 0 || wants(c, "key", e) < 0 ||
        bundle_read(&b, args_at(c->args, 1), e) < 0)
        return -1;
    out = out ? out : args_at(c->args, 1);
    if (bundle_check_manifest(&b, e) == 0 && bundle_sign(&b, args_str(c->args, "key"), e) == 0 &&
        bundle_write(&b, out, e) == 0)
        rc = print_signed(c, out, &b, count_runs(&b), e);
    bundle_release(&b);
    return rc;
}

/* --- verify ---------------------------------------------------------------------------------- */

struct findings {
    char **v;
    size_t n, cap;
    int failed;
};

struct counted {
    int runs, audits, asked, unknown;
};

static void find(void *user, const char *line)
{
    struct findings *f = user;

    if (mem_grow(&f->v, &f->cap, f->n + 1, sizeof *f->v) < 0 ||
        !(f->v[f->n] = mem_strdup(line)))
        f->failed = 1;
    else
        f->n++;
}

/* What is wrong with the bundle is found; that this machine has no memory or room left says nothing
 * about it, and is an error. */
static int find_unless_ours(struct findings *f, const struct err *why, struct err *e)
{
    if (why->code == ERR_NOMEM || why->code == ERR_IO) {
        *e = *why;
        return -1;
    }
    find(f, why->text);
    return 0;
}

static int signer_is(const struct bundle *b, const char *wanted, struct findings *f,
                     char public[BUNDLE_KEY_HEX], struct err *e)
{
    struct err why = ERR_NONE;
    int has = bundle_signer(b, public, &why);

    if (has < 0)
        return find_unless_ours(f, &why, e);
    if (wanted && !has)
        find(f, "it is not signed");
    else if (wanted && strcmp(wanted, public) != 0)
        find(f, "it is signed by another key than the one asked for");
    return has;
}

/* Everything that follows from the files alone; *has: it is signed by `public`. */
static int check_files(const struct bundle *b, const char *signer, struct findings *f,
                       struct counted *n, char public[BUNDLE_KEY_HEX], int *has, struct err *e)
{
    struct err why = ERR_NONE;

    *has = signer_is(b, signer, f, public, e);
    if (*has < 0 || (bundle_check_manifest(b, &why) < 0 && find_unless_ours(f, &why, e) < 0))
        return -1;
    why = ERR_NONE;
    if (bundle_check_runs(b, find, f, &n->unknown, &why) < 0 ||
        bundle_check_audits(b, find, f, &n->audits, &why) < 0)
        return find_unless_ours(f, &why, e);
    return 0;
}

static int ask_again(const struct context *c, const struct bundle *b, struct findings *f,
                     int *asked, struct err *e)
{
    const char *model = args_str(c->args, "model");
    struct rerun r = {.items = (int)args_int(c->args, "items"),
                      .threads = (int)args_int(c->args, "threads"),
                      .seed = (uint64_t)args_int(c->args, "seed"), .asked = asked};
    char *path;
    int rc = -1;

    if (!model)
        return 0;
    path = model_path(model, e);
    r.model = path;
    if (path && context_data_dirs(c, &r.data_dirs, &r.n_data_dirs, e) == 0)
        rc = bundle_rerun(b, &r, find, f, e) < 0 ? -1 : 0;
    mem_free((void *)r.data_dirs);
    mem_free(path);
    return rc;
}

static int print_verdict(const struct context *c, const char *path, const struct findings *f,
                         const struct counted *n, const char *signer, struct err *e)
{
    struct strbuf out = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (c->json) {
        o = context_json_begin(&out, "bundle.verify");
        json_put_str(&o, "bundle", path);
        json_put_str(&o, "verdict", f->n ? "FAIL" : "PASS");
        json_put_int(&o, "runs", n->runs);
        json_put_int(&o, "audits", n->audits);
        json_put_int(&o, "items_asked_again", n->asked);
        json_put_int(&o, "not_recomputed", n->unknown);
        json_put_str(&o, "signer", signer);
        json_begin_array(&o, "findings");
        for (size_t i = 0; i < f->n; i++)
            json_put_str(&o, NULL, f->v[i]);
        json_end_array(&o);
        rc = context_json_end(c, &o, e);
        strbuf_release(&out);
        return rc;
    }
    for (size_t i = 0; i < f->n; i++)
        strbuf_addf(&out, "%s\n", f->v[i]);
    strbuf_addf(&out, "%s  %s: %d run%s, ", f->n ? "FAIL" : "PASS", path, n->runs,
                n->runs == 1 ? "" : "s");
    if (n->audits)
        strbuf_addf(&out, "%d audit%s, ", n->audits, n->audits == 1 ? "" : "s");
    if (n->asked)
        strbuf_addf(&out, "%d item%s asked again, ", n->asked, n->asked == 1 ? "" : "s");
    if (n->unknown)
        strbuf_addf(&out, "%d number%s of task files not recomputed, ", n->unknown,
                    n->unknown == 1 ? "" : "s");
    strbuf_addf(&out, "%s%s\n", signer ? "signed by " : "not signed", signer ? signer : "");
    return print_line(c, &out, e);
}

static int verify(const struct context *c, struct err *e)
{
    const char *path = args_at(c->args, 1);
    struct bundle b = {0};
    struct findings f = {0};
    struct err why = ERR_NONE;
    char public[BUNDLE_KEY_HEX];
    struct counted n = {0};
    int rc = -1, has = 0;

    if (one_file(c, e) < 0)
        return -1;
    if (bundle_read(&b, path, &why) < 0) {
        if (why.code != ERR_FORMAT) {
            *e = why;
            return -1;
        }
        find(&f, why.text);
    } else if (check_files(&b, args_str(c->args, "signer"), &f, &n, public, &has, e) < 0 ||
               ask_again(c, &b, &f, &n.asked, e) < 0) {
        goto out;
    }
    n.runs = count_runs(&b);
    if (f.failed)
        err_nomem(e);
    else if (print_verdict(c, path, &f, &n, has ? public : NULL, e) == 0)
        rc = f.n ? 1 : 0;
out:
    for (size_t i = 0; i < f.n; i++)
        mem_free(f.v[i]);
    mem_free(f.v);
    bundle_release(&b);
    return rc;
}

int cmd_bundle(struct context *c, struct err *e)
{
    static const struct {
        const char *word;
        int (*run)(const struct context *c, struct err *e);
    } verbs[] = {{"make", make}, {"sign", sign}, {"verify", verify}, {"key", new_key}};

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].word, args_at(c->args, 0)) == 0)
            return verbs[i].run(c, e);
    return err_set(e, ERR_USAGE, "bundle %s: make, sign, verify or key", args_at(c->args, 0));
}
