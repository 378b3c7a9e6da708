#include "harness/trend_runs.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/benchmark.h"
#include "harness/groups.h"
#include "harness/preset.h"

#define LEADERBOARD "open_llm_v1" /* a preset, and the harness whose rows it stands beside */
#define LEADERBOARD_HARNESS "Open LLM Leaderboard v1, asked so by densimeter"
#define OWN "own" /* in the place of primary, mirror, secondary */

enum { ITEMS_MIN = 1000 }; /* fewer leave a density a factor of 2 or more wide (density.md 3.8) */

/* Words of a name are parted by whatever its writer liked. */
static int letter(char c)
{
    return c == ' ' || c == '_' ? '-' : tolower((unsigned char)c);
}

const struct published_row *trend_named_like(const struct published *p, const char *name)
{
    const struct published_row *best = NULL;
    size_t best_length = 0;

    for (size_t i = 0; name && i < published_n(p); i++) {
        const struct published_row *row = published_at(p, i);
        size_t n = strlen(row->model), k = 0;
        while (k < n && letter(row->model[k]) == letter(name[k]))
            k++;
        if (k == n && n > best_length && !isalnum((unsigned char)name[n])) {
            best = row;
            best_length = n;
        }
    }
    return best;
}

/* Names of tuned models say so; one that does not is taken for a base model. */
static const char *variant_of(const char *name)
{
    static const char *const tuned[] = {"instruct", "chat", "-it", " it"};

    for (size_t i = 0; name && i < sizeof tuned / sizeof *tuned; i++)
        for (const char *s = name; *s; s++)
            if (strncasecmp(s, tuned[i], strlen(tuned[i])) == 0)
                return "instruct";
    return "base";
}

struct asking { /* how a run's tasks were asked */
    const struct preset *preset; /* NULL: none that scores were published under */
    int chat, moved, sampled; /* moved: its options, by so many places */
};

static int read_asking(struct asking *a, const struct run_row *r, struct err *e)
{
    cJSON *j = r->settings ? json_parse(r->settings, strlen(r->settings), r->id, e) : NULL;
    const char *preset;

    *a = (struct asking){0};
    if (r->settings && !j)
        return -1;
    preset = json_str(j, "preset");
    if (preset && strcmp(preset, LEADERBOARD) == 0)
        a->preset = preset_find(preset, e);
    a->chat = json_bool(j, "chat", 0);
    a->moved = json_num(j, "rotate", 0) > 0;
    a->sampled = json_num(j, "temperature", 0) > 0;
    json_free(j);
    return 0;
}

/* The share that is right of task i or its group, of so many questions. */
static double share_right(const struct task_list *l, size_t i, const struct asking *a, double *n,
                          struct err *e)
{
    const struct preset_part *part = a->preset ? preset_part_of(a->preset, l->v[i].task) : NULL;
    const char *const metrics[] = {part ? preset_metric(part, l->v[i].task) : "acc", "acc",
                                   "exact_match"};
    const char *group = group_of(l->v[i].task);

    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++) {
        const struct store_value *v = task_row_value(&l->v[i], metrics[k], NULL);
        struct part pooled;
        *n = l->v[i].n;
        if (!v)
            continue;
        if (!group)
            return v->value;
        if (group_pool(l, group, v->metric, v->filter, &pooled, e) < 0)
            return NAN;
        *n = (double)pooled.n;
        return pooled.value;
    }
    return NAN;
}

/* Why a score does not count, in the arena; *out NULL: it does. */
static int weigh_score(struct trend_own *o, const struct benchmark *b, const struct asking *a,
                       double n, const char **out, struct err *e)
{
    char text[120] = "";

    if (a->chat)
        snprintf(text, sizeof text, "asked with a chat template; the series is without");
    else if (a->moved)
        snprintf(text, sizeof text, "asked with its options moved");
    else if (a->sampled)
        snprintf(text, sizeof text, "its answers were sampled");
    else if (n < fmin(ITEMS_MIN, b->items))
        snprintf(text, sizeof text, "%.0f questions; a score counts from %.0f on", n,
                 fmin(ITEMS_MIN, b->items));
    *out = *text ? arena_strdup(&o->arena, text) : NULL;
    return *text && !*out ? err_nomem(e) : 0;
}

static int add_scores(struct trend_own *o, struct published_row *row, const struct task_list *l,
                      const struct asking *a, struct err *e)
{
    struct published_score *scores =
        arena_alloc(&o->arena, (l->n ? l->n : 1) * sizeof *scores);

    if (!scores)
        return err_nomem(e);
    row->scores = scores;
    for (size_t i = 0; i < l->n; i++) {
        const char *group = group_of(l->v[i].task);
        const struct benchmark *b = benchmark_find(group ? group : l->v[i].task);
        const char *note;
        double share, n;
        if (!b || published_score(row, b->name) || (group && !group_begins(l, i)))
            continue;
        share = share_right(l, i, a, &n, e);
        if (isnan(share))
            continue;
        if (weigh_score(o, b, a, n, &note, e) < 0)
            return -1;
        scores[row->n_scores++] = (struct published_score){
            .benchmark = b->name, .value = 100 * share, .shots = l->v[i].shots, .note = note};
    }
    return 0;
}

static double known(int64_t count)
{
    return count > 0 ? (double)count : NAN;
}

/* "NAME@2025-03-14": the label's date; without one, what is published of the model. */
static struct published_date released(const struct run_row *r, const struct published_row *like)
{
    const char *at = r->label ? strrchr(r->label, '@') : NULL;
    struct published_date d;

    if (at && published_read_date(&d, at + 1) == 0)
        return d;
    return like ? like->released : (struct published_date){0, 0, 0};
}

static int add_run(struct trend_own *o, struct store *s, const struct published *p,
                   const struct run_row *r, struct err *e)
{
    const struct published_row *like = trend_named_like(p, r->model.name);
    struct published_row *row = &o->rows[o->n];
    struct task_list tasks = {0};
    struct asking asked;
    int rc = -1;

    *row = (struct published_row){
        .model = r->model.name ? r->model.name : r->id, .family = like ? like->family : NULL,
        .organisation = like ? like->organisation : NULL, .variant = variant_of(r->model.name),
        .released = released(r, like),
        .total_params = known(r->model.parameters),
        .active_params = known(r->model.parameters_active),
        .non_embedding_params = known(r->model.parameters_non_embedding), .training_tokens = NAN,
        .source = r->id, .confidence = OWN};
    if (read_asking(&asked, r, e) == 0 && query_tasks(s, r->id, &tasks, e) == 0) {
        row->harness = asked.preset ? LEADERBOARD_HARNESS : "densimeter";
        rc = add_scores(o, row, &tasks, &asked, e);
    }
    task_list_release(&tasks);
    o->n += rc == 0 && row->n_scores > 0;
    return rc;
}

int trend_is_own(const struct published_row *row)
{
    return strcmp(row->confidence, OWN) == 0;
}

int trend_own_rows(struct trend_own *o, struct store *s, const struct published *p, struct err *e)
{
    const struct run_filter f = {.status = "complete"};

    memset(o, 0, sizeof *o);
    if (query_runs(s, &f, &o->runs, e) < 0)
        return -1;
    o->rows = mem_calloc(o->runs.n ? o->runs.n : 1, sizeof *o->rows);
    if (!o->rows)
        return err_nomem(e);
    for (size_t i = 0; i < o->runs.n; i++)
        if (add_run(o, s, p, &o->runs.v[i], e) < 0)
            return -1;
    return 0;
}

void trend_own_release(struct trend_own *o)
{
    mem_free(o->rows);
    run_list_release(&o->runs);
    arena_release(&o->arena);
    memset(o, 0, sizeof *o);
}

int trend_rows_join(struct trend_rows *out, const struct published *p, const struct trend_own *own,
                    int only_own, struct err *e)
{
    size_t n = published_n(p);
    const struct published_row **v = mem_alloc((n + own->n + 1) * sizeof *v);

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        v[i] = published_at(p, i);
    for (size_t i = 0; i < own->n; i++)
        v[n + i] = &own->rows[i];
    *out = (struct trend_rows){v, n + own->n, only_own ? n : 0};
    return 0;
}
