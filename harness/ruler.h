/* ruler.h -- from a score to the size of the reference model that would reach it.  Pure.
 *
 * A ruler belongs to one way of asking (task, metric, shots, prompt) and one family of reference
 * models trained on d0 tokens.  Effective parameters N^ of a score S, by kind:
 *   table    monotone interpolation of ln N over S through the ladder; never beyond its ends
 *   logit    logit((S - chance) / (1 - chance)) = k ln N + c
 *   linear   S = k ln N + c
 *   logistic S = c / (1 + exp(-g (ln N - m))) + d
 *   loss     the Densing Law's two steps (Xiao et al. 2024, arXiv 2412.04315):
 *            L = a N^-alpha + b D^-beta + E,  S = c / (1 + exp(-gamma (L - l))) + d
 * The formulas reach beyond the ladder they were fitted to; the flag says so, because such values
 * are not measurements.  Ownership: a ruler is a plain value, its texts are the giver's. */
#ifndef HARNESS_RULER_H
#define HARNESS_RULER_H

#include <stddef.h>

#include "base/err.h"

enum ruler_kind { RULER_TABLE, RULER_LOGIT, RULER_LINEAR, RULER_LOGISTIC, RULER_LOSS, RULER_KINDS };
enum { RULER_NODES = 64, RULER_CONSTANTS = 9 };

struct ruler_node {
    const char *model;                    /* or NULL */
    const char *run;                      /* of our own: the run's id; NULL */
    double total_params, non_embedding_params; /* the latter NAN: not known */
    double tokens;                        /* trained on; NAN */
    double score;                         /* 0..1 */
    double noise;                         /* half range between twins of the same size; NAN */
};

struct ruler {
    const char *name, *origin;
    const char *set;       /* rulers of one ladder share it: "pythia"; NULL: on its own */
    const char *benchmark; /* task or benchmark */
    const char *metric, *prompt_hash; /* NULL: not known */
    enum ruler_kind kind;
    int shots;        /* -1: mixed or not known */
    double chance;    /* level that no knowledge reaches; in the formulas, too */
    double d0_tokens; /* NAN: not known */
    double constants[RULER_CONSTANTS]; /* in the order of ruler_constant_name */
    double r2, rms;   /* of the fit, as its kind has it; NAN for a table */
    double loo_ln;    /* leave-one-out: sd of ln(N^ / N) over the interior nodes; NAN: too few */
    int n_loo;
    struct ruler_node nodes[RULER_NODES]; /* by size, smallest first */
    int n_nodes;
};

const char *ruler_kind_name(enum ruler_kind k);
int ruler_kind_find(const char *name); /* -1 */
int ruler_n_constants(enum ruler_kind k);
const char *ruler_constant_name(enum ruler_kind k, int i);

enum ruler_flag { RULER_WITHIN, RULER_BELOW, RULER_ABOVE }; /* of the ladder's scores */

struct effective {
    double n;             /* parameters; NAN: the formula gives none; infinity: beyond all sizes */
    enum ruler_flag flag;
};
/* d_tokens: data of the reference model for the kind `loss`; NAN: the ruler's d0.  A table beyond
 * its ends gives the end. */
struct effective ruler_effective(const struct ruler *r, double score, double d_tokens);
/* N^ with what lies beyond the ladder as 0 or infinity. */
double ruler_bounded(const struct ruler *r, double score);
/* The score that the ruler expects of n parameters; NAN beyond a table's ends. */
double ruler_score(const struct ruler *r, double n, double d_tokens);

/* Fits the constants of the kind to the nodes (r->kind, chance and nodes are given; nodes at or
 * below chance say nothing to a logit).  ERR_INVALID with the reason when they carry no ruler: too
 * few of them, or a score that does not rise with size. */
int ruler_fit(struct ruler *r, struct err *e);

/* After the scores of the nodes have moved, for resampling; curves that take a search to fit keep
 * their constants.  -1: the scores carry no ruler. */
int ruler_refit(struct ruler *r);

/* N^ of a node's score by the ruler of the others; NAN: they carry none (or the kind is `loss`). */
struct effective ruler_without(const struct ruler *r, int node);

/* Nodes in order of size.  Scores that fall with size cannot be inverted: neighbours that do are
 * pooled to their mean (isotonic regression), in scores[] and ln_n[] of length returned. */
int ruler_monotone(const struct ruler *r, double *scores, double *ln_n);

/* --- the two steps on their own ------------------------------------------------------------- */

struct ruler_loss { /* one measured point of a training run */
    double params, tokens, nats, score;
};
enum ruler_form { FORM_CHANCE = 2, FORM_CEILING = 3, FORM_FREE = 4 }; /* c = 1 - d; d given; none */

/* constants a, alpha, b, beta, E (with_e 0: 0) by least squares on ln L; huber as in stats_fit. */
int ruler_fit_loss(const struct ruler_loss *v, size_t n, int with_e, double huber,
                   double *constants, double *rms, double *r2, struct err *e);
/* N^ of a loss: what L = a N^-alpha + b D^-beta + E says of N; infinity: lower than any size. */
double ruler_size_of_loss(const double *constants, double nats, double tokens);
/* constants c, gamma, l, d of S = c / (1 + exp(-gamma (x - l))) + d; d is the chance level of the
 * forms that do not fit it.  A ceiling c + d above 1 is not allowed. */
int ruler_fit_sigmoid(const double *x, const double *score, size_t n, enum ruler_form form,
                      double d, double huber, double *constants, double *rms, double *r2,
                      struct err *e);

#endif
