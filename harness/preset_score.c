#include "harness/preset_score.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/stats.h"

/* A task's published metric, or the mean of two; the standard error then is the larger one. */
static int task_value(const struct task_row *t, const struct preset_part *part, struct part *out)
{
    const struct store_value *a = task_row_value(t, preset_metric(part, t->task), NULL);
    const struct store_value *b = part->also ? task_row_value(t, part->also, NULL) : a;

    if (!a || !b || task_row_items(t) <= 0)
        return 0;
    *out = (struct part){(a->value + b->value) / 2,
                         isnan(b->stderr_) ? a->stderr_ : fmax(a->stderr_, b->stderr_),
                         (size_t)task_row_items(t)};
    return 1;
}

static struct part normalised(struct part p, double chance)
{
    double v = (p.value - chance) / (1 - chance);

    return (struct part){v > 0 ? v : 0, p.stderr_ / (1 - chance), p.n};
}

/* Tasks that count the same; their errors are independent. */
static struct part mean_of(const struct part *v, size_t k)
{
    struct part m = {0, 0, 0};

    for (size_t i = 0; i < k; i++) {
        m.value += v[i].value / (double)k;
        m.stderr_ += v[i].stderr_ * v[i].stderr_;
        m.n += v[i].n;
    }
    m.stderr_ = sqrt(m.stderr_) / (double)k;
    return m;
}

/* word: the part's tasks that are asked in this way. */
static int score_way(struct part_score *out, const struct preset *p,
                     const struct preset_part *part, const char *word, const struct task_list *l,
                     struct err *e)
{
    struct part *raw = mem_calloc(2 * l->n + 1, sizeof *raw), *own, all, score;
    size_t k = 0;

    *out = (struct part_score){part, word, NAN, NAN, NAN, 0};
    if (!raw)
        return err_nomem(e);
    own = raw + l->n;
    for (size_t i = 0; i < l->n; i++)
        if (preset_word_is(word, l->v[i].task) && task_value(&l->v[i], part, &raw[k])) {
            double chance = part->chance == PRESET_OWN ? preset_chance(l->v[i].task) : 0;
            own[k] = normalised(raw[k], p->beyond_chance ? chance : 0);
            k++;
        }
    if (k) {
        all = part->by_task ? mean_of(raw, k) : stats_pool(raw, k, 1);
        score = part->by_task ? mean_of(own, k) : all;
        if (p->beyond_chance && part->chance != PRESET_OWN)
            score = normalised(score, part->chance);
        *out = (struct part_score){part, word, all.value, score.value, score.stderr_, (int)all.n};
    }
    mem_free(raw);
    return 0;
}

/* The better way, once both are known. */
static int score_part(struct part_score *out, const struct preset *p,
                      const struct preset_part *part, const struct task_list *l, struct err *e)
{
    struct part_score other;

    if (score_way(out, p, part, part->word, l, e) < 0)
        return -1;
    if (!part->or_word)
        return 0;
    if (score_way(&other, p, part, part->or_word, l, e) < 0)
        return -1;
    if (!isnan(out->score) && (isnan(other.score) || other.score > out->score))
        *out = other;
    return 0;
}

int preset_score(struct preset_score *out, const struct preset *p, const struct task_list *l,
                 struct err *e)
{
    double sum = 0, squares = 0;

    *out = (struct preset_score){.preset = p, .mean = NAN, .stderr_ = NAN};
    for (const struct preset_part *part = p->parts; part->word && out->n_parts < PRESET_PARTS;
         part++) {
        struct part_score *s = &out->parts[out->n_parts++];
        if (score_part(s, p, part, l, e) < 0)
            return -1;
        out->n_known += !isnan(s->score);
        sum += s->score;
        squares += s->stderr_ * s->stderr_;
    }
    out->mean = sum / out->n_parts;
    out->stderr_ = sqrt(squares) / out->n_parts;
    return 0;
}

const struct preset *preset_of_run(const char *settings)
{
    cJSON *j = settings ? json_parse(settings, strlen(settings), "", NULL) : NULL;
    const char *name = json_str(j, "preset");
    const struct preset *p = name ? preset_find(name, NULL) : NULL;

    json_free(j);
    return p;
}
