/* conform_impl.h -- one operation between an embedding that holds the inputs and a head that shows
 * the outputs: the inside of conform*.c.
 *
 * Row r of the batch is token r: the embedding is a table of floats with the inputs beside one
 * another, cut apart by OP_SLICE.  Its results go, with infinity made the largest number, through a
 * head of ones and zeros, whose logits are those results bit by bit (but for the sign of zero). */
#ifndef RUNNERS_CONFORM_IMPL_H
#define RUNNERS_CONFORM_IMPL_H

#include "runners/conform.h"
#include "runners/program.h"
#include "runners/quantize.h"

enum inputs { IN_RANDOM, IN_WIDE, IN_ZERO, IN_DENORMAL, IN_LARGE, IN_INFINITE, IN_NAN, INPUTS };

#define TRIAL_INPUTS 4
#define TRIAL_WEIGHTS 48
enum { TRIAL_ROWS = 57, TRIAL_MAX_ROWS = 64, TRIAL_NAME = 64 };

struct precision;

struct trial {
    const char *op, *format;
    char shape[64];
    struct program p;
    struct weight w[TRIAL_WEIGHTS + 2]; /* the last two: table and head */
    int n_weights;
    int n_inputs, width[TRIAL_INPUTS], at[TRIAL_INPUTS], all; /* where inputs are in the table */
    float *table;  /* [TRIAL_ROWS][all] */
    int first, last; /* ops that are tried */
    int out_width; /* of all results */
    int is_path;   /* rows see the rows before them */
    int parts, part_width; /* of results that are experts' parts; 0: they are not */
    int is_whole;  /* a model: nothing is left to the CPU */
    int is_gathered; /* its results are of the wanted rows */
    int shows_lse; /* it ends in a head of its own */
    int inputs;    /* of enum inputs, the first so many */
    uint64_t seed;
    int failed;    /* out of memory while building */
    /* The tolerance of each result of a row: [out_width]. */
    void (*tolerance)(const struct trial *t, const struct precision *u, int row, double *out);
};

struct precision {
    double in;     /* relative error of a product's operands together */
    double sum;    /* of an addition */
    double floor;  /* what rounding of denormals amounts to */
    int by_block;  /* `in` is relative to the largest of 32 */
    double bits;   /* at least */
    double model;  /* relative error of a whole model's logits */
    const char *say;
};
const struct precision *precision_of(int dsm_precision);

struct off { /* a number and how far it may be off */
    double y, by;
};
/* Sum of w x over k; what the sum is goes to *sum. */
double off_product(const struct precision *u, const float *w, const float *x, int k, double *sum);
struct off off_activated(const struct precision *u, enum activation a, struct off x);
struct off off_times(const struct precision *u, struct off a, struct off b);
/* Tolerances (trial.tolerance) of trials of one operation, as conform_trials.c builds them. */
void off_linear(const struct trial *t, const struct precision *u, int row, double *out);
void off_head(const struct trial *t, const struct precision *u, int row, double *out);
void off_embed(const struct trial *t, const struct precision *u, int row, double *out);
void off_norm(const struct trial *t, const struct precision *u, int row, double *out);
void off_head_norm(const struct trial *t, const struct precision *u, int row, double *out);
void off_rope(const struct trial *t, const struct precision *u, int row, double *out);
void off_rows(const struct trial *t, const struct precision *u, int row, double *out);
void off_attention(const struct trial *t, const struct precision *u, int row, double *out);

/* ---- building ---- */

double trial_normal(struct trial *t); /* seeded */
/* A matrix of random weights in a format (of about 1/sqrt(k)), or a vector (rows 1) as floats,
 * around `mean`.  NULL: remembered, trial_finish tells. */
const struct weight *trial_weight(struct trial *t, const struct quantizer *z, int type, int k,
                                  int rows, double mean);
/* So many matrices of one shape. */
const struct weight *trial_slabs(struct trial *t, const struct quantizer *z, int type, int k,
                                 int rows, int slabs);
/* A vector for each of `rows` channels, as recurrent layers have them. */
const struct weight *trial_lanes(struct trial *t, int k, int rows, double mean);
int trial_input(struct trial *t, int width); /* the value; before any op */
/* Between these two the ops that are tried are added; trial_here: only from here on. */
void trial_begin(struct trial *t);
void trial_here(struct trial *t);
/* The op and its one result end the trial. */
void trial_end(struct trial *t, const struct op *op, int out, struct err *e);
int trial_gather(struct trial *t, int value); /* the wanted rows of it */
/* Results outs[n_outs]; none: the program ends in a head of its own, n_vocab and out_width are set.
 * */
int trial_finish(struct trial *t, const int *outs, int n_outs, struct err *e);
void trial_release(struct trial *t);

extern const struct op TRIAL_OP; /* an empty one */

int trial_first_row(enum inputs i); /* INPUTS: the end of the last */
/* Input i of a row. */
const float *trial_in(const struct trial *t, int row, int i);
/* The first row of the class that this row is in. */
int trial_class_row(int row);
/* The op that is tried, the last of them. */
const struct op *trial_op(const struct trial *t);
/* Row r of the matrix (of slabs: over all of them) as floats; to: [k]. */
void trial_row(const struct weight *w, int r, float *to);

/* ---- trials ---- */

struct trial_row { /* a way of using an operation */
    const char *op;
    int has_format; /* tried in every format; 2: in some */
    void (*build)(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                  struct err *e);
    int k[3], rows[3]; /* shapes; 0: no more */
};
void conform_build_model(struct trial *t, const struct quantizer *z, int type, int k, int family,
                         struct err *e); /* llama, gemma, phi, mixtral, a hybrid */
const struct trial_row *trial_at(int i); /* NULL after the last */
/* Those of a file, ending with a row without a name. */
extern const struct trial_row trials_of_experts[], trials_of_states[];

#endif
