#include "harness/ruler.h"

#include <math.h>
#include <string.h>

#include "harness/ruler_impl.h"
#include "harness/stats_fit.h"

enum { MIN_NODES = 3 };

static double logit(double u)
{
    return log(u / (1 - u));
}

/* --- inverses: ln N^ of a score, NAN where there is none ------------------------------------ */

static double table_inverse(const struct ruler *r, double score, double d)
{
    double s[RULER_NODES], ln_n[RULER_NODES];
    int n = ruler_monotone(r, s, ln_n);

    (void)d;
    if (n < 2)
        return NAN;
    return stats_pchip(s, ln_n, (size_t)n, fmin(fmax(score, s[0]), s[n - 1]));
}

static double logit_inverse(const struct ruler *r, double score, double d)
{
    double u = (score - r->chance) / (1 - r->chance);

    (void)d;
    return u > 0 && u < 1 ? (logit(u) - r->constants[1]) / r->constants[0] : NAN;
}

static double linear_inverse(const struct ruler *r, double score, double d)
{
    (void)d;
    return (score - r->constants[1]) / r->constants[0];
}

/* x of S = c / (1 + exp(-gamma (x - l))) + d; NAN outside of (d, c + d). */
static double sigmoid_inverse(const double *k, double score)
{
    double above = score - k[3];

    return above > 0 && above < k[0] ? k[2] - log(k[0] / above - 1) / k[1] : NAN;
}

static double logistic_inverse(const struct ruler *r, double score, double d)
{
    (void)d;
    return sigmoid_inverse(r->constants, score);
}

double ruler_size_of_loss(const double *k, double nats, double tokens)
{
    double left = nats - k[4] - k[2] * pow(tokens, -k[3]);

    if (isnan(left))
        return NAN;
    return left > 0 ? exp(log(k[0] / left) / k[1]) : INFINITY;
}

static double loss_inverse(const struct ruler *r, double score, double d)
{
    return log(ruler_size_of_loss(r->constants, sigmoid_inverse(r->constants + 5, score), d));
}

/* --- and the curves themselves ---------------------------------------------------------------- */

static double table_score(const struct ruler *r, double ln, double d)
{
    double s[RULER_NODES], ln_n[RULER_NODES];
    int n = ruler_monotone(r, s, ln_n);

    (void)d;
    if (n < 2 || ln < ln_n[0] || ln > ln_n[n - 1])
        return NAN;
    return stats_pchip(ln_n, s, (size_t)n, ln);
}

static double logit_score(const struct ruler *r, double ln, double d)
{
    (void)d;
    return r->chance +
           (1 - r->chance) / (1 + exp(-(r->constants[0] * ln + r->constants[1])));
}

static double linear_score(const struct ruler *r, double ln, double d)
{
    (void)d;
    return r->constants[0] * ln + r->constants[1];
}

static double logistic_score(const struct ruler *r, double ln, double d)
{
    (void)d;
    return sigmoid(r->constants, ln);
}

static double loss_score(const struct ruler *r, double ln, double d)
{
    const double *k = r->constants;

    return sigmoid(k + 5, k[0] * exp(-k[1] * ln) + k[2] * pow(d, -k[3]) + k[4]);
}

/* --- the kinds -------------------------------------------------------------------------------- */

static int table_fit(struct ruler *r, struct err *e)
{
    (void)r;
    (void)e;
    return 0;
}

static int logit_fit(struct ruler *r, struct err *e)
{
    double x[RULER_NODES] = {0}, y[RULER_NODES] = {0};
    struct stats_line l;
    size_t n = 0;

    for (int i = 0; i < r->n_nodes; i++) {
        double u = (r->nodes[i].score - r->chance) / (1 - r->chance);
        if (!(u > 0 && u < 1))
            continue;
        x[n] = log(r->nodes[i].total_params);
        y[n++] = logit(u);
    }
    l = stats_line(x, y, n);
    if (n < MIN_NODES || !(l.slope > 0))
        return err_set(e, ERR_INVALID, "%s: %zu reference models above chance, whose scores do not "
                                       "rise with size", r->name, n);
    r->constants[0] = l.slope;
    r->constants[1] = l.offset;
    r->r2 = l.r2;
    return 0;
}

static int linear_fit(struct ruler *r, struct err *e)
{
    double x[RULER_NODES] = {0}, y[RULER_NODES] = {0};
    struct stats_line l;

    for (int i = 0; i < r->n_nodes; i++) {
        x[i] = log(r->nodes[i].total_params);
        y[i] = r->nodes[i].score;
    }
    l = stats_line(x, y, (size_t)r->n_nodes);
    if (!(l.slope > 0))
        return err_set(e, ERR_INVALID, "%s: scores do not rise with size", r->name);
    r->constants[0] = l.slope;
    r->constants[1] = l.offset;
    r->r2 = l.r2;
    return 0;
}

static int logistic_fit(struct ruler *r, struct err *e)
{
    double x[RULER_NODES], y[RULER_NODES];

    for (int i = 0; i < r->n_nodes; i++) {
        x[i] = log(r->nodes[i].total_params);
        y[i] = r->nodes[i].score;
    }
    return ruler_fit_sigmoid(x, y, (size_t)r->n_nodes, FORM_CEILING, r->chance, 0, r->constants,
                             &r->rms, &r->r2, e);
}

static const struct {
    const char *name;
    int n_constants;
    const char *constants[RULER_CONSTANTS];
    int (*fit)(struct ruler *r, struct err *e); /* NULL: not from nodes (ruler_fit_loss) */
    double (*inverse)(const struct ruler *r, double score, double d_tokens);
    double (*score)(const struct ruler *r, double ln_n, double d_tokens);
} kinds[RULER_KINDS] = {
    {"table", 0, {NULL}, table_fit, table_inverse, table_score},
    {"logit", 2, {"k", "c"}, logit_fit, logit_inverse, logit_score},
    {"linear", 2, {"k", "c"}, linear_fit, linear_inverse, linear_score},
    {"logistic", 4, {"c", "g", "m", "d"}, logistic_fit, logistic_inverse, logistic_score},
    {"loss", 9, {"a", "alpha", "b", "beta", "E", "c", "gamma", "l", "d"}, NULL, loss_inverse,
     loss_score},
};

const char *ruler_kind_name(enum ruler_kind k)
{
    return kinds[k].name;
}

int ruler_kind_find(const char *name)
{
    for (int k = 0; k < RULER_KINDS; k++)
        if (strcmp(kinds[k].name, name) == 0)
            return k;
    return -1;
}

int ruler_n_constants(enum ruler_kind k)
{
    return kinds[k].n_constants;
}

const char *ruler_constant_name(enum ruler_kind k, int i)
{
    return kinds[k].constants[i];
}

/* Pool adjacent violators, weights by how many were pooled. */
int ruler_monotone(const struct ruler *r, double *scores, double *ln_n)
{
    int size[RULER_NODES], n = 0;

    for (int i = 0; i < r->n_nodes; i++) {
        scores[n] = r->nodes[i].score;
        ln_n[n] = log(r->nodes[i].total_params);
        size[n] = 1;
        while (n > 0 && scores[n] <= scores[n - 1]) {
            int a = size[n - 1], b = size[n];
            scores[n - 1] = (a * scores[n - 1] + b * scores[n]) / (a + b);
            ln_n[n - 1] = (a * ln_n[n - 1] + b * ln_n[n]) / (a + b);
            size[n - 1] = a + b;
            n--;
        }
        n++;
    }
    return n;
}

static enum ruler_flag place(const struct ruler *r, double score)
{
    double s[RULER_NODES], ln_n[RULER_NODES];
    int n = ruler_monotone(r, s, ln_n);

    if (n < 1 || score < s[0])
        return RULER_BELOW;
    return score > s[n - 1] ? RULER_ABOVE : RULER_WITHIN;
}

struct effective ruler_effective(const struct ruler *r, double score, double d_tokens)
{
    struct effective x = {NAN, RULER_WITHIN};

    if (isnan(score))
        return x;
    x.n = exp(kinds[r->kind].inverse(r, score, isnan(d_tokens) ? r->d0_tokens : d_tokens));
    x.flag = place(r, score);
    return x;
}

double ruler_score(const struct ruler *r, double n, double d_tokens)
{
    return kinds[r->kind].score(r, log(n), isnan(d_tokens) ? r->d0_tokens : d_tokens);
}

struct effective ruler_without(const struct ruler *r, int node)
{
    struct ruler rest = *r;

    memmove(&rest.nodes[node], &rest.nodes[node + 1],
            sizeof *rest.nodes * (size_t)(rest.n_nodes - node - 1));
    rest.n_nodes--;
    if (!kinds[r->kind].fit || kinds[r->kind].fit(&rest, NULL) < 0)
        return (struct effective){NAN, RULER_WITHIN};
    return ruler_effective(&rest, r->nodes[node].score, NAN);
}

static void leave_one_out(struct ruler *r)
{
    double sum = 0;

    r->loo_ln = NAN;
    r->n_loo = 0;
    for (int i = 1; i + 1 < r->n_nodes && r->n_nodes > MIN_NODES; i++) {
        struct effective x = ruler_without(r, i);
        if (!isfinite(x.n) || x.flag != RULER_WITHIN)
            continue;
        sum += pow(log(x.n / r->nodes[i].total_params), 2);
        r->n_loo++;
    }
    if (r->n_loo > 1)
        r->loo_ln = sqrt(sum / r->n_loo);
}

static void sort_nodes(struct ruler *r)
{
    for (int i = 1; i < r->n_nodes; i++)
        for (int j = i; j > 0 && r->nodes[j].total_params < r->nodes[j - 1].total_params; j--) {
            struct ruler_node t = r->nodes[j];
            r->nodes[j] = r->nodes[j - 1];
            r->nodes[j - 1] = t;
        }
}

static void residual_size(struct ruler *r)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < r->n_nodes; i++) {
        double d = r->nodes[i].score - ruler_score(r, r->nodes[i].total_params, NAN);
        if (isnan(d))
            continue;
        sum += d * d;
        n++;
    }
    r->rms = n ? sqrt(sum / n) : NAN;
}

int ruler_refit(struct ruler *r)
{
    double s[RULER_NODES], ln_n[RULER_NODES];

    if (r->kind == RULER_LOGISTIC || r->kind == RULER_LOSS)
        return 0;
    return ruler_monotone(r, s, ln_n) < 2 ? -1 : kinds[r->kind].fit(r, NULL);
}

double ruler_bounded(const struct ruler *r, double score)
{
    struct effective x = ruler_effective(r, score, NAN);

    return x.flag == RULER_BELOW ? 0 : x.flag == RULER_ABOVE ? INFINITY : x.n;
}

int ruler_fit(struct ruler *r, struct err *e)
{
    double s[RULER_NODES], ln_n[RULER_NODES];

    sort_nodes(r);
    for (int i = 0; i < r->n_nodes; i++)
        if (!(r->nodes[i].total_params >= 1) || !isfinite(r->nodes[i].score))
            return err_set(e, ERR_INVALID, "%s: reference model %s has no size or no score",
                           r->name, r->nodes[i].model ? r->nodes[i].model : "?");
    if (r->n_nodes < MIN_NODES || ruler_monotone(r, s, ln_n) < MIN_NODES)
        return err_set(e, ERR_INVALID, "%s: a ruler needs %d reference models whose scores rise "
                                       "with size; of %d there are fewer", r->name, MIN_NODES,
                       r->n_nodes);
    r->r2 = r->rms = NAN;
    if (kinds[r->kind].fit(r, e) < 0)
        return -1;
    residual_size(r);
    leave_one_out(r);
    return 0;
}
