/* density.h -- knowledge density: effective parameters over what the model costs.  Pure.
 *
 * rho = N^(S) / N (the Densing Law, Xiao et al. 2024): N^ is how large a model of the reference
 * family would be to score as this one does (ruler.h), N its own size.  rho = 2: as good as a
 * reference model of twice its size.  What stands below is a choice that changes the order of
 * models, so each is offered and the one used is printed (enum density_per).
 *
 * A density is refused, with the reason, where the score does not resolve it: within two standard
 * errors of chance, or beyond the ladder.  The formula's value is kept for whoever compares
 * formulas; `refused` says that it is no measurement. */
#ifndef HARNESS_DENSITY_H
#define HARNESS_DENSITY_H

#include "harness/benchmark.h"
#include "harness/published.h"
#include "harness/ruler.h"
#include "harness/stats.h"

enum density_per {
    PER_TOTAL,
    PER_ACTIVE,          /* of a dense model: all */
    PER_MEASURED_ACTIVE, /* weights that a decode step was seen to read */
    PER_NON_EMBEDDING,
    PER_BYTE,            /* of the file, over 2: rho of a 16-bit file is rho per parameter */
    PER_JOULE,           /* energy of one answer */
    PER_SECOND,          /* median latency of one answer */
    DENSITY_PERS,
};
#define DENSITY_PER_WORDS "total|active|measured-active|non-embedding|byte|joule|second"
const char *density_per_name(enum density_per p);
const char *density_per_unit(enum density_per p); /* "" for a ratio, else "parameters/J", ... */

const char *density_per_cost(enum density_per p); /* heading of what stands below */

enum { DENSITY_WHY = 200 };
enum { DENSITY_BATCH = 512 }; /* tokens of a pass, as eval's --batch-tokens is unless given */

struct density { /* one model on one ruler; texts are the giver's */
    const char *model, *variant, *run; /* variant, run: or NULL */
    const char *subject;               /* what the panel is of: a model, or one of its runs */
    const char *prompt_hash;           /* NULL: not known */
    const char *family;                /* of the published row; NULL */
    struct published_date released;
    const struct ruler *ruler;
    double score, score_low, score_high; /* 0..1; the range over sources, or its 95 % interval */
    double stderr_;                      /* of the score, from its items or clusters */
    int n_sources, n_items;              /* n_sources 0: a run; n_items 0: not known */
    int n_clusters;                      /* of items that are not independent; 0: each its own */
    double stderr_alone;                 /* as if each were its own */
    double cost[DENSITY_PERS];           /* what stands below; NAN: not known */
    double read_bytes;                   /* weights that an answer alone reads; NAN */
    double training_tokens;              /* NAN: not known */
    double bits_per_mparam;              /* of the facts bank; NAN */
    int bits_items;                      /* a sum over so many facts: to compare with as many */
    double effective, low, high;         /* N^ with its 95 % interval; NAN: none, low 0 and high
                                            infinity: not bounded by this ladder */
    double effective_own_data;           /* N^ at the model's own training tokens (kind loss) */
    enum ruler_flag flag;
    char refused[DENSITY_WHY]; /* "": it is a measurement */
};

/* Fills effective, low, high, flag and refused from score, stderr_ and ruler.  margin: how far
 * above chance a score must be besides two standard errors.  The interval is the score's own, and
 * the ladder's leave-one-out error, as independent in ln N. */
void density_judge(struct density *d, double margin);

/* The same from replicates of N^ (0: below the ladder, infinity: above), sorted. */
void density_judge_replicates(struct density *d, const double *sorted, size_t n, double margin);

struct density_value {
    double value, low, high;
};
struct density_value density_value(const struct density *d, enum density_per p);

/* Several tasks of one model: geometric means over those that were not refused. */
struct density_panel {
    double value[PANELS]; /* NAN: no task of it */
    int n[PANELS];
    double mean, low, high; /* of all panels that have a value; interval from the rows' own */
    double spread;          /* largest over smallest density; NAN for fewer than two */
    int n_rows;             /* densities behind it */
};
/* rows: those of one model. */
struct density_panel density_panel(const struct density *const *rows, int n, enum density_per p);

#endif
