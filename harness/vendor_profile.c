#include "harness/vendor_profile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/suggest.h"
#include "harness/commands.h"

enum { VERSION = 1 }; /* of the tables below: another one when a word of them changes */

/* --- the tables ------------------------------------------------------------------------------- */

struct step_row {
    const char *name, *command;
    int by_threads;    /* once for 1, 2, 4, ... worker threads, the last with all cores */
    const char *words;
};

#define COMMON "--numerics exact --batch-tokens 512 "
#define ITEMS COMMON "--threads 0 --shots -1 --seed 1234 --max-length 2048 --bos auto "
#define SPEED COMMON "--threads 0 "

static const struct step_row closed[] = {
    {"facts", "eval", 0, ITEMS "--tasks facts --limit 600"},
    {"scenarios", "eval", 0, ITEMS "--tasks scenarios --limit 0"},
    {"text", "eval", 0, ITEMS "--tasks perplexity_text --limit 0"},
    {"peaks", "bench", 0, SPEED "--scenario peaks"},
    {"depths", "bench", 0, SPEED "--scenario depths --repeats 5"},
    {"batch", "bench", 0, SPEED "--prompt 0 --generate 64 --streams 1,2,4,8 --repeats 5"},
    {"threads", "bench", 1, COMMON "--prompt 512 --generate 64 --repeats 5"},
    {"latency", "bench", 0, SPEED "--scenario single,multi,offline --prompt 128,512 "
                                  "--generate 32,128 --streams 4 --requests 128 --seed 42 "
                                  "--percentile 0.9"},
    {"server", "bench", 0, SPEED "--scenario server --prompt 128,512 --generate 32,128 --streams 4 "
                                 "--requests 128 --seed 42 --percentile 0.9 --ttft-limit 2 "
                                 "--tpot-limit 0.1 --queue 64"},
    {"load", "bench", 0, SPEED "--scenario load --repeats 5"},
    {"sustained", "bench", 0, SPEED "--scenario sustained --prompt 128 --generate 128 "
                                    "--duration 600 --seed 42"},
    {NULL, NULL, 0, NULL},
};

static const struct step_row quick[] = {
    {"facts", "eval", 0, ITEMS "--tasks facts --limit 40"},
    {"scenarios", "eval", 0, ITEMS "--tasks scenarios --limit 16"},
    {"text", "eval", 0, ITEMS "--tasks perplexity_text --limit 2"},
    {"peaks", "bench", 0, SPEED "--scenario peaks"},
    {"depths", "bench", 0, SPEED "--prompt 128 --generate 16 --depth 0,256 --repeats 6"},
    {"batch", "bench", 0, SPEED "--prompt 0 --generate 16 --streams 1,4 --repeats 3"},
    {"threads", "bench", 1, COMMON "--prompt 64 --generate 16 --repeats 3"},
    {"latency", "bench", 0, SPEED "--scenario single,multi --prompt 16,64 --generate 4,16 "
                                  "--streams 4 --requests 64 --seed 42 --percentile 0.9"},
    {"load", "bench", 0, SPEED "--scenario load --repeats 2"},
    {"sustained", "bench", 0, SPEED "--scenario sustained --prompt 32 --generate 32 --duration 1 "
                                    "--seed 42"},
    {NULL, NULL, 0, NULL},
};

static const struct {
    const char *name;
    const struct step_row *rows;
} bases[] = {{"closed", closed}, {"quick", quick}};

static const struct step_row *rows_of(const char *base)
{
    for (size_t i = 0; base && i < sizeof bases / sizeof *bases; i++)
        if (strcmp(bases[i].name, base) == 0)
            return bases[i].rows;
    return NULL;
}

/* Words that may stand in `more`: they name meters and files, and tune nothing. */
static const struct {
    const char *word;
    int has_value;
} more_words[] = {
    {"--sysroot", 1},        {"--idle", 1},           {"--meter-csv", 1}, {"--meter-offset", 1},
    {"--declared-watts", 1}, {"--isolate-device", 0}, {"--device-timeout", 1}, {"--data", 1},
};

/* What an open profile cannot change either: it is the bundle's, or no setting. */
static const char *const not_settings[] = {
    "device", "db", "json", "quiet", "help", "no-color", "no-cache", "versus", "versus-lm-eval",
    "lm-eval-seconds", "profile", "roofline", "out", "keep-prompts",
};

/* --- making ----------------------------------------------------------------------------------- */

const char *profile_keep(struct maker *m, const char *s, size_t n)
{
    const char *copy = arena_strndup(&m->p->arena, s, n);

    m->failed |= !copy;
    return copy;
}

const char *profile_keep_all(struct maker *m, const char *s)
{
    return s ? profile_keep(m, s, strlen(s)) : NULL;
}

void *profile_room(struct maker *m, size_t n, size_t size)
{
    void *p = arena_alloc(&m->p->arena, (n + 1) * size);

    m->failed |= !p;
    return p;
}

static void add_word(struct maker *m, struct vendor_step *s, const char *word, size_t n)
{
    if (s->words && s->n_words < WORDS_MAX)
        s->words[s->n_words++] = profile_keep(m, word, n);
}

static struct vendor_step *add_step(struct maker *m, const struct step_row *row, int threads)
{
    struct vendor_step *s = &m->p->steps[m->p->n_steps++];
    char name[64];

    snprintf(name, sizeof name, row->by_threads ? "%s-%d" : "%s", row->name, threads);
    *s = (struct vendor_step){.name = profile_keep_all(m, name), .command = row->command,
                              .words = profile_room(m, WORDS_MAX, sizeof *s->words)};
    for (const char *w = row->words; *w;) {
        size_t n = strcspn(w, " ");
        add_word(m, s, w, n);
        w += n + (w[n] == ' ');
    }
    if (row->by_threads) {
        snprintf(name, sizeof name, "%d", threads);
        add_word(m, s, "--threads", 9);
        add_word(m, s, name, strlen(name));
    }
    return s;
}

static int is_wanted(const struct vendor_wish *w, const char *row)
{
    for (int i = 0; i < w->n_only; i++)
        if (strcmp(w->only[i], row) == 0)
            return 1;
    return w->n_only == 0;
}

static int check_only(const struct vendor_wish *w, const struct step_row *rows, struct err *e)
{
    for (int i = 0; i < w->n_only; i++) {
        struct suggest near = SUGGEST(w->only[i]);
        const struct step_row *r = rows;
        for (; r->name && strcmp(r->name, w->only[i]) != 0; r++)
            suggest_offer(&near, r->name);
        if (r->name)
            continue;
        err_set(e, ERR_USAGE, "option --steps: '%s' is no step of the profile", w->only[i]);
        if (suggest_best(&near))
            err_hint(e, "did you mean '%s'?", suggest_best(&near));
        return -1;
    }
    return 0;
}

static void add_steps(struct maker *m, const struct vendor_wish *w, const struct step_row *rows)
{
    for (const struct step_row *r = rows; r->name; r++) {
        if (!is_wanted(w, r->name))
            continue;
        for (int t = 1; r->by_threads && t < w->cores && m->p->n_steps < STEPS_MAX - 1; t *= 2)
            add_step(m, r, t);
        if (m->p->n_steps < STEPS_MAX)
            add_step(m, r, w->cores);
    }
}

/* --- changes ---------------------------------------------------------------------------------- */

static const struct option *option_of(const char *command, const char *name)
{
    const struct option *o = strcmp(command, "eval") == 0 ? eval_options : bench_options;

    for (size_t i = 0; i < sizeof not_settings / sizeof *not_settings; i++)
        if (strcmp(not_settings[i], name) == 0)
            return NULL;
    for (; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

/* "threads" stands for "threads-1", "threads-2", ... too. */
static int is_of_step(const struct vendor_step *s, const char *name)
{
    size_t n = name ? strlen(name) : 0;

    return !name || (strncmp(s->name, name, n) == 0 && (s->name[n] == 0 || s->name[n] == '-'));
}

static void change_step(struct maker *m, struct vendor_step *s, const struct option *o,
                        const char *value)
{
    char word[80];
    int i = 0;

    snprintf(word, sizeof word, "--%.70s", o->name);
    while (i < s->n_words && strcmp(s->words[i], word) != 0)
        i++;
    if (i == s->n_words)
        add_word(m, s, word, strlen(word));
    if (o->kind == OPTION_FLAG)
        return;
    if (i + 1 < s->n_words)
        s->words[i + 1] = value;
    else
        add_word(m, s, value, strlen(value));
}

static int apply(struct maker *m, const struct vendor_change *c)
{
    int n = 0, steps = 0;

    for (int i = 0; i < m->p->n_steps && !m->failed; i++) {
        struct vendor_step *s = &m->p->steps[i];
        const struct option *o = option_of(s->command, c->option);
        if (!is_of_step(s, c->step))
            continue;
        steps++;
        if (!o)
            continue;
        change_step(m, s, o, c->value);
        n++;
    }
    if (m->failed)
        return err_nomem(m->e);
    if (!steps)
        return err_set(m->e, ERR_USAGE, "option --set: there is no step '%s'", c->step);
    if (!n)
        return err_set(m->e, ERR_USAGE, "option --set: '%s' is no setting of %s%s", c->option,
                       c->step ? "step " : "any step", c->step ? c->step : "");
    return 0;
}

/* "[STEP:]OPTION=VALUE" */
static int read_change(struct maker *m, const char *text)
{
    const char *equals = strchr(text, '='), *colon = strchr(text, ':');
    struct vendor_change *c = &m->p->changes[m->p->n_changes];

    if (!equals || equals == text || !equals[1])
        return err_set(m->e, ERR_USAGE, "option --set: '%s' is not like latency:requests=64", text);
    if (colon && colon > equals)
        colon = NULL;
    *c = (struct vendor_change){
        .step = colon ? profile_keep(m, text, (size_t)(colon - text)) : NULL,
        .option = profile_keep(m, colon ? colon + 1 : text,
                       (size_t)(equals - (colon ? colon + 1 : text))),
        .value = profile_keep_all(m, equals + 1)};
    m->p->n_changes++;
    return m->failed ? err_nomem(m->e) : apply(m, c);
}

static int fill(struct maker *m, const struct vendor_wish *w, const struct step_row *rows)
{
    struct vendor_profile *p = m->p;

    p->name = profile_keep_all(m, w->name);
    p->base = profile_keep_all(m, w->base);
    p->version = VERSION;
    p->model = profile_keep_all(m, w->model);
    p->model_sha256 = profile_keep_all(m, w->model_sha256);
    p->device = profile_keep_all(m, w->device);
    p->steps = profile_room(m, STEPS_MAX, sizeof *p->steps);
    p->changes = profile_room(m, (size_t)w->n_changes, sizeof *p->changes);
    p->more = profile_room(m, (size_t)w->n_more, sizeof *p->more);
    if (m->failed)
        return err_nomem(m->e);
    for (; p->n_more < w->n_more; p->n_more++)
        p->more[p->n_more] = profile_keep_all(m, w->more[p->n_more]);
    add_steps(m, w, rows);
    if (m->failed)
        return err_nomem(m->e);
    for (int i = 0; i < w->n_changes; i++)
        if (read_change(m, w->changes[i]) < 0)
            return -1;
    return 0;
}

int vendor_profile_make(struct vendor_profile *out, const struct vendor_wish *w, struct err *e)
{
    int is_open = strcmp(w->name, "open") == 0;
    const struct step_row *rows = rows_of(w->base);
    struct maker m = {.p = out, .e = e};

    *out = (struct vendor_profile){0};
    if (!is_open && (w->n_changes || w->n_only)) {
        err_set(e, ERR_USAGE, "profile %s has nothing to tune: --%s", w->name,
                w->n_changes ? "set" : "steps");
        err_hint(e, "--profile open records what is changed");
        return -1;
    }
    if (!rows || w->n_changes > CHANGES_MAX)
        return err_set(e, ERR_USAGE, rows ? "more than %d changes" : "no such profile",
                       CHANGES_MAX);
    if (check_only(w, rows, e) == 0 && fill(&m, w, rows) == 0)
        return 0;
    vendor_profile_release(out);
    return -1;
}

void vendor_profile_release(struct vendor_profile *p)
{
    arena_release(&p->arena);
    *p = (struct vendor_profile){0};
}

/* --- commands --------------------------------------------------------------------------------- */

struct command_out {
    struct json_out o;
    struct strbuf *line;
};

static void put_word(struct command_out *c, const char *word)
{
    if (c->o.b)
        json_put_str(&c->o, NULL, word);
    if (c->line)
        strbuf_addf(c->line, "%s%s", c->line->len ? " " : "", word);
}

void vendor_step_command(const struct vendor_profile *p, const struct vendor_step *s,
                         struct strbuf *json, struct strbuf *line)
{
    struct command_out c = {{.b = json}, line};

    if (json)
        json_begin_array(&c.o, NULL);
    put_word(&c, "densimeter");
    put_word(&c, s->command);
    put_word(&c, p->model);
    for (int i = 0; i < p->n_more; i++)
        put_word(&c, p->more[i]);
    put_word(&c, "--device");
    put_word(&c, p->device);
    for (int i = 0; i < s->n_words; i++)
        put_word(&c, s->words[i]);
    if (strcmp(s->command, "eval") == 0)
        put_word(&c, "--no-cache"); /* what is timed is computed */
    put_word(&c, "--quiet");
    if (json)
        json_end_array(&c.o);
}

void vendor_profile_text(const struct vendor_profile *p, struct strbuf *out)
{
    strbuf_addf(out, "%s/%d", p->name, p->version);
    if (strcmp(p->name, "open") != 0)
        return;
    strbuf_addf(out, " on %s (", p->base);
    for (int i = 0; i < p->n_changes; i++)
        strbuf_addf(out, "%s%s%s%s=%s", i ? ", " : "", p->changes[i].step ? p->changes[i].step : "",
                    p->changes[i].step ? ":" : "", p->changes[i].option, p->changes[i].value);
    strbuf_addf(out, "%s%d steps)", p->n_changes ? "; " : "", p->n_steps);
}

/* --- checking --------------------------------------------------------------------------------- */

static int check_more(const struct vendor_profile *p, const char *where, struct err *e)
{
    for (int i = 0; i < p->n_more; i++) {
        size_t k = 0, n = sizeof more_words / sizeof *more_words;
        while (k < n && strcmp(more_words[k].word, p->more[i]) != 0)
            k++;
        if (k == n)
            return err_set(e, ERR_INVALID, "%s: '%.80s' is no word that every profile may have",
                           where, p->more[i]);
        i += more_words[k].has_value;
    }
    return 0;
}

/* The largest K of "threads-K"; 1 without any. */
static int cores_of(const struct vendor_profile *p)
{
    int most = 1;

    for (int i = 0; i < p->n_steps; i++)
        if (strncmp(p->steps[i].name, "threads-", 8) == 0) {
            long k = strtol(p->steps[i].name + 8, NULL, 10);
            most = k > most && k <= 4096 ? (int)k : most;
        }
    return most;
}

static int same_words(const struct vendor_step *a, const struct vendor_step *b)
{
    if (a->n_words != b->n_words || strcmp(a->command, b->command) != 0)
        return 0;
    for (int i = 0; i < a->n_words; i++)
        if (strcmp(a->words[i], b->words[i]) != 0)
            return 0;
    return 1;
}

/* Steps of the table that the profile lacks, or has otherwise. */
static int compare_steps(const struct vendor_profile *p, const struct vendor_profile *table,
                         const char *where, struct err *e)
{
    int is_open = strcmp(p->name, "open") == 0, at = 0;

    for (int i = 0; i < table->n_steps; i++) {
        const struct vendor_step *want = &table->steps[i];
        const struct vendor_step *has = at < p->n_steps ? &p->steps[at] : NULL;
        if (!has || strcmp(has->name, want->name) != 0) {
            if (is_open)
                continue; /* left out, which its name allows */
            return err_set(e, ERR_INVALID, "%s: profile %s/%d has step %s here, and this has %.60s",
                           where, p->name, p->version, want->name, has ? has->name : "none");
        }
        if (!same_words(has, want))
            return err_set(e, ERR_INVALID, "%s: step %s has other words than profile %s/%d%s",
                           where, want->name, p->name, p->version,
                           is_open ? " with its changes" : "");
        at++;
    }
    return at == p->n_steps ? 0
                            : err_set(e, ERR_INVALID, "%s: step %.60s is not of profile %s/%d",
                                      /* at < n_steps:
                                       * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
                                      where, p->steps[at].name, p->name, p->version);
}

int vendor_profile_check(const struct vendor_profile *p, const char *where, struct err *e)
{
    int is_open = strcmp(p->name, "open") == 0, rc;
    struct vendor_wish w = {.name = "open", .base = p->base, .model = p->model,
                            .device = p->device, .cores = cores_of(p)};
    struct vendor_profile table = {0};
    struct maker m = {.p = &table, .e = e};

    if (!rows_of(p->base) || (!is_open && (strcmp(p->base, p->name) != 0 || p->n_changes)))
        return err_set(e, ERR_INVALID, "%s: %.40s is no profile of this program, or not with "
                       "these changes", where, p->name);
    if (p->version != VERSION)
        return err_set(e, ERR_INVALID, "%s: version %d of profile %s; this program knows %d", where,
                       p->version, p->name, VERSION);
    if (check_more(p, where, e) < 0 || vendor_profile_make(&table, &w, e) < 0)
        return -1;
    rc = 0;
    for (int i = 0; i < p->n_changes && rc == 0; i++)
        rc = apply(&m, &p->changes[i]);
    if (rc == 0)
        rc = compare_steps(p, &table, where, e);
    else
        err_prefix(e, "%s", where);
    vendor_profile_release(&table);
    return rc;
}
