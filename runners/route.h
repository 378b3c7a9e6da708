/* route.h -- which experts a token goes to, and with what weights.
 *
 * The logits become probabilities (or scores), the best `used` are selected, possibly with a bias
 * that counts for the selection only, and within groups of experts of which only some are open; the
 * weights are what was selected, possibly divided by their sum, times scale.  Ties go to the lower
 * index.  Sources: Mixtral (arXiv 2401.04088), DeepSeek-V2 section 2.1.2 and V3 section 2.1.2
 * (arXiv 2405.04434, 2412.19437), SparseMixer (arXiv 2310.00811), gpt-oss's model card.
 *
 * A row's answer: `used` experts as floats in order of rank, then their weights. */
#ifndef RUNNERS_ROUTE_H
#define RUNNERS_ROUTE_H

struct kernels;

enum gating {
    GATING_SOFTMAX = 1,
    GATING_SIGMOID = 2,
    GATING_SOFTMAX_SELECTED = 3, /* over the selected logits only */
    GATING_SPARSEMIXER = 4,      /* two experts, each weighed against those near it */
};

enum { ROUTE_EXPERTS_MAX = 1024, ROUTE_USED_MAX = 64 };

struct route {
    int experts, used; /* used <= experts <= ROUTE_EXPERTS_MAX */
    enum gating gating;
    int groups, groups_used; /* 0: none */
    int is_normalised;
    float scale;
};

/* logits[experts] is overwritten; bias, factor: [experts] or NULL; out[2 * used]. */
void route(const struct route *r, const struct kernels *k, float *logits, const float *bias,
           const float *factor, float *out);

#endif
